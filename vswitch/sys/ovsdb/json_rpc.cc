#include "vswitch/sys/ovsdb/json_rpc.h"

#include <array>
#include <utility>

namespace outrider::ovsdb {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

constexpr size_t kKeptCapacity = 64 << 10;

constexpr std::array<const char*, 5> kMembers = {"method", "params", "result", "error", "id"};

bool IsMember(const std::string& name) {
  for (const char* member : kMembers) {
    if (name == member) return true;
  }
  return false;
}

// Takes the member's value and leaves null; null when it is absent. Parameters may be megabytes: no
// second copy of them is made.
Json Take(Json* object, const char* name) {
  const auto at = object->find(name);
  return at == object->end() ? Json() : std::exchange(*at, nullptr);
}

absl::Status Bad(const std::string& what) {
  return absl::InvalidArgumentError("JSON-RPC message " + what);
}

absl::StatusOr<JsonRpcMessage> CallFromJson(Json json, const Json& method, JsonRpcMessage message) {
  const bool notification = message.id.is_null();
  message.kind =
      notification ? JsonRpcMessage::Kind::kNotification : JsonRpcMessage::Kind::kRequest;
  const std::string kind = notification ? "notification" : "request";
  if (!method.is_string()) return Bad("has a \"method\" that is not a string");
  message.method = method.get<std::string>();
  if (!json.contains("params")) return Bad(kind + " must have \"params\"");
  if (!json["params"].is_array()) return Bad(kind + " has \"params\" that are not an array");
  message.params = Take(&json, "params");
  if (!message.result.is_null()) return Bad(kind + " must not have \"result\"");
  if (!message.error.is_null()) return Bad(kind + " must not have \"error\"");
  return message;
}

absl::StatusOr<JsonRpcMessage> AnswerFromJson(const Json& json, JsonRpcMessage message) {
  const bool failed = !message.error.is_null();
  message.kind = failed ? JsonRpcMessage::Kind::kError : JsonRpcMessage::Kind::kReply;
  const std::string kind = failed ? "error" : "reply";
  if (!failed && !json.contains("result")) return Bad("must have \"method\"");
  if (failed && !message.result.is_null()) return Bad("has both \"result\" and \"error\"");
  if (json.contains("params") && !json["params"].is_null()) {
    return Bad(kind + " must not have \"params\"");
  }
  if (message.id.is_null()) {
    return Bad(kind + " must have \"id\"");
  }
  return message;
}

}  // namespace

void JsonStream::Feed(const char* data, size_t size) {
  if (!failure_.ok()) return;
  DropRead();
  buffer_.append(data, size);
}

void JsonStream::DropRead() {
  if (begin_ == buffer_.size()) {
    // The room of a large value is given back with it.
    if (buffer_.capacity() > kKeptCapacity) std::string().swap(buffer_);
    buffer_.clear();
    begin_ = scanned_ = 0;
  } else if (begin_ > buffer_.size() / 2) {
    // Only when it is half of the buffer, so that bytes move once on average. Into another one: the
    // old keeps its room.
    std::string(buffer_, begin_).swap(buffer_);
    scanned_ -= begin_;
    begin_ = 0;
  }
}

absl::Status JsonStream::TooLarge() const {
  if (members_ > max_members_) {
    return absl::ResourceExhaustedError("JSON value of more than " + std::to_string(max_members_) +
                                        " members");
  }
  return absl::ResourceExhaustedError("JSON value larger than " + std::to_string(max_bytes_) +
                                      " bytes");
}

// Counts brackets outside of strings. Whether they fit each other is the parser's matter: where
// they do not, the value is wrong wherever it ends.
std::optional<size_t> JsonStream::FindEnd() {
  for (; scanned_ < buffer_.size(); ++scanned_) {
    const char c = buffer_[scanned_];
    if (in_string_) {
      if (!escaped_ && c == '"') in_string_ = false;
      escaped_ = !escaped_ && c == '\\';
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == ',') {
      ++members_;
    } else if (c == '{' || c == '[') {
      ++members_;
      if (++depth_ > kMaxJsonDepth) {
        failure_ = absl::InvalidArgumentError("JSON nested deeper than " +
                                              std::to_string(kMaxJsonDepth) + " levels");
        return std::nullopt;
      }
    } else if ((c == '}' || c == ']') && --depth_ == 0) {
      return ++scanned_;
    }
    if (members_ > max_members_ || scanned_ + 1 - begin_ >= max_bytes_) {
      failure_ = TooLarge();
      return std::nullopt;
    }
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<Json>> JsonStream::Next() {
  if (!failure_.ok()) return failure_;
  if (scanned_ == begin_) {
    while (begin_ < buffer_.size() && IsSpace(buffer_[begin_])) ++begin_;
    scanned_ = begin_;
    members_ = 0;
    if (begin_ == buffer_.size()) return std::nullopt;
    // A bare number has no end on a stream; only what has brackets can follow one another.
    if (buffer_[begin_] != '{' && buffer_[begin_] != '[') {
      failure_ = absl::InvalidArgumentError("JSON: neither an object nor an array begins here");
    }
  }
  std::optional<size_t> end;
  if (failure_.ok()) end = FindEnd();
  absl::StatusOr<Json> value = Json();
  if (failure_.ok() && end) {
    last_bytes_ = *end - begin_;
    value = ParseJson(std::string_view(buffer_).substr(begin_, last_bytes_));
    begin_ = *end;
    DropRead();
    if (!value.ok()) failure_ = value.status();
  }
  if (!failure_.ok()) {
    // Nobody will read it, so a peer that goes on sending takes no memory.
    std::string().swap(buffer_);
    begin_ = scanned_ = 0;
    return failure_;
  }
  if (!end) return std::nullopt;
  return std::make_optional(*std::move(value));
}

absl::StatusOr<JsonRpcMessage> FromJson(Json json) {
  if (!json.is_object()) return Bad("is not an object");
  for (const auto& [name, value] : json.items()) {
    if (!IsMember(name)) return Bad("has unexpected member \"" + name + "\"");
  }
  JsonRpcMessage message;
  message.id = Take(&json, "id");
  message.result = Take(&json, "result");
  message.error = Take(&json, "error");
  const Json method = Take(&json, "method");
  if (!method.is_null()) return CallFromJson(std::move(json), method, std::move(message));
  return AnswerFromJson(json, std::move(message));
}

Json ToJson(const JsonRpcMessage& message) {
  Json json = {{"id", message.id}};
  switch (message.kind) {
    case JsonRpcMessage::Kind::kRequest:
    case JsonRpcMessage::Kind::kNotification:
      json["method"] = message.method;
      json["params"] = message.params;
      break;
    case JsonRpcMessage::Kind::kReply:
    case JsonRpcMessage::Kind::kError:
      json["result"] = message.result;
      json["error"] = message.error;
      break;
  }
  return json;
}

JsonRpcMessage Request(const std::string& method, Json params, Json id) {
  return {
      JsonRpcMessage::Kind::kRequest, method, std::move(params), nullptr, nullptr, std::move(id)};
}

JsonRpcMessage Notification(const std::string& method, Json params) {
  return {
      JsonRpcMessage::Kind::kNotification, method, std::move(params), nullptr, nullptr, nullptr};
}

JsonRpcMessage Reply(Json result, Json id) {
  return {
      JsonRpcMessage::Kind::kReply, {}, Json::array(), std::move(result), nullptr, std::move(id)};
}

JsonRpcMessage ErrorReply(Json error, Json id) {
  return {
      JsonRpcMessage::Kind::kError, {}, Json::array(), nullptr, std::move(error), std::move(id)};
}

}  // namespace outrider::ovsdb
