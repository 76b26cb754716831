#include "controller/cli/json_output.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <memory>
#include <nlohmann/json.hpp>

namespace outrider::controller::cli {
namespace {

using google::protobuf::Message;
using nlohmann::ordered_json;

constexpr char kTypeUrl[] = "type.googleapis.com";

// Serialised deterministically first: protobuf prints maps in hash order otherwise.
std::string SortedBytes(const Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

// Through nlohmann for one layout of everything; its ordered type keeps the .proto's field order.
ordered_json ToJson(const Message& message) {
  static auto* const resolver = google::protobuf::util::NewTypeResolverForDescriptorPool(
      kTypeUrl, google::protobuf::DescriptorPool::generated_pool());
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::BinaryToJsonString(
      resolver, std::string(kTypeUrl) + "/" + message.GetDescriptor()->full_name(),
      SortedBytes(message), &text, options);
  // Compiled-in types always convert; anything else would be this program's fault.
  GOOGLE_CHECK(status.ok()) << status.message();
  return ordered_json::parse(text);
}

// Bytes that are not UTF-8 become U+FFFD instead of an exception.
std::string Dump(const ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string Json(const Message& message) { return Dump(ToJson(message), 2); }

std::string JsonLine(const Message& message) { return Dump(ToJson(message), -1); }

std::string JsonItems(const std::vector<const Message*>& items) {
  ordered_json list = ordered_json::array();
  for (const Message* item : items) list.push_back(ToJson(*item));
  return Dump(ordered_json{{"items", std::move(list)}}, 2);
}

std::string JsonRows(const std::vector<JsonRow>& rows) {
  ordered_json list = ordered_json::array();
  for (const JsonRow& row : rows) {
    ordered_json object = ordered_json::object();
    for (const auto& [key, value] : row) object[key] = value;
    list.push_back(std::move(object));
  }
  return Dump(ordered_json{{"items", std::move(list)}}, 2);
}

std::string JsonObject(const std::vector<std::pair<std::string, const Message*>>& members) {
  ordered_json object = ordered_json::object();
  for (const auto& [key, message] : members) {
    object[key] = message == nullptr ? ordered_json(nullptr) : ToJson(*message);
  }
  return Dump(object, 2);
}

}  // namespace outrider::controller::cli
