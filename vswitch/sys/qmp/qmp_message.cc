#include "vswitch/sys/qmp/qmp_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace outrider::qmp {
namespace {

using Json = nlohmann::json;

std::string TextOf(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// Whatever is no object has no members.
Json ObjectOf(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_object() ? *found : Json::object();
}

// Below what a time in microseconds can be; of another one nothing is known.
int64_t NumberOf(const Json& object, const char* member) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max() / 2'000'000;
  const auto found = object.find(member);
  if (found == object.end() || !found->is_number_integer()) return 0;
  const auto number = found->get<int64_t>();
  return number >= 0 && number <= kMax ? number : 0;
}

uint64_t IdOf(const Json& object) {
  const auto found = object.find("id");
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

Message EventOf(const Json& object) {
  const Json time = ObjectOf(object, "timestamp");
  const int64_t seconds = NumberOf(time, "seconds");
  Message message;
  message.kind = Message::Kind::kEvent;
  message.event = TextOf(object, "event");
  message.time_us = seconds == 0 ? 0 : seconds * 1'000'000 + NumberOf(time, "microseconds");
  message.status = TextOf(ObjectOf(object, "data"), "status");
  return message;
}

std::optional<uint16_t> UsedIndexOf(const Json& object) {
  const auto found = object.find("used-idx");
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  const auto number = found->get<uint64_t>();
  if (number > std::numeric_limits<uint16_t>::max()) return std::nullopt;
  return static_cast<uint16_t>(number);
}

bool IsTrue(const Json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

ReceiveFilter FilterOf(const Json& object) {
  ReceiveFilter filter;
  filter.mac = TextOf(object, "main-mac");
  filter.promiscuous = IsTrue(object, "promiscuous");
  filter.all_groups = TextOf(object, "multicast") == "all" || IsTrue(object, "multicast-overflow");
  const auto groups = object.find("multicast-table");
  if (groups == object.end() || !groups->is_array()) return filter;
  for (const Json& group : *groups) {
    if (group.is_string()) filter.groups.push_back(group.get<std::string>());
  }
  return filter;
}

Message ReturnOf(const Json& returned) {
  Message message;
  message.kind = Message::Kind::kReturn;
  if (returned.is_string()) message.text = returned.get<std::string>();
  if (returned.is_object()) {
    message.status = TextOf(returned, "status");
    message.used_index = UsedIndexOf(returned);
  }
  if (returned.is_array()) {
    for (const Json& device : returned) {
      if (!device.is_object()) continue;
      if (device.contains("main-mac")) message.filters.push_back(FilterOf(device));
      if (!device.contains("path")) continue;
      message.devices.push_back({.name = TextOf(device, "name"), .path = TextOf(device, "path")});
    }
  }
  return message;
}

}  // namespace

absl::StatusOr<Message> ParseMessage(const std::string& text) {
  const Json object = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return absl::InvalidArgumentError("QMP: no JSON object");
  Message message;
  if (object.contains("QMP")) return message;
  if (object.contains("event")) return EventOf(object);
  if (const auto returned = object.find("return"); returned != object.end()) {
    message = ReturnOf(*returned);
    message.id = IdOf(object);
    return message;
  }
  message.id = IdOf(object);
  if (object.contains("error")) {
    message.kind = Message::Kind::kError;
    message.description = TextOf(ObjectOf(object, "error"), "desc");
    return message;
  }
  return absl::InvalidArgumentError("QMP: neither greeting, event, return nor error");
}

std::string CommandText(const Command& command, uint64_t id) {
  Json object = {{"execute", command.name}, {"id", id}};
  for (const auto& [name, text] : command.texts) object["arguments"][name] = text;
  for (const auto& [name, number] : command.numbers) object["arguments"][name] = number;
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\r\n";
}

absl::StatusOr<std::optional<std::string>> MessageSplitter::Next() {
  if (depth_ == 0) buffer_.erase(0, std::min(buffer_.find_first_not_of(" \t\r\n"), buffer_.size()));
  for (; scanned_ < buffer_.size(); ++scanned_) {
    const char c = buffer_[scanned_];
    if (in_string_) {
      in_string_ = escaped_ || c != '"';
      escaped_ = !escaped_ && c == '\\';
      continue;
    }
    if (depth_ == 0 && c != '{') {
      return absl::InvalidArgumentError("QMP: what came is no JSON object");
    }
    in_string_ = c == '"';
    if (c == '{') ++depth_;
    if (c == '}') --depth_;
    if (depth_ == 0) {
      std::string object = buffer_.substr(0, scanned_ + 1);
      buffer_.erase(0, scanned_ + 1);
      scanned_ = 0;
      return std::optional<std::string>(std::move(object));
    }
  }
  if (buffer_.size() > kMaxMessage) {
    return absl::ResourceExhaustedError(
        fmt::format("QMP: one message has more than {} bytes", kMaxMessage));
  }
  return std::optional<std::string>();
}

}  // namespace outrider::qmp
