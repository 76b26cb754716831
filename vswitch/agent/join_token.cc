#include "vswitch/agent/join_token.h"

#include <nlohmann/json.hpp>

#include "vswitch/types/ids.h"

namespace outrider::agent {
namespace {

constexpr char kPrefix[] = "or1.";
constexpr char kWhiteSpace[] = " \t\r\n";

absl::Status Bad(const std::string& what) {
  return absl::InvalidArgumentError("join token: " + what +
                                    "; copy the whole line that `outrider host enroll` printed");
}

int DigitOf(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  if (c == '_') return 63;
  return -1;
}

absl::StatusOr<std::string> DecodeBase64Url(const std::string& text) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int digit = DigitOf(c);
    if (digit < 0) return Bad("a character is not of base64url");
    bits = (bits << 6) | static_cast<uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>((bits >> count) & 0xff));
    }
  }
  return bytes;
}

std::string Trim(const std::string& text) {
  const size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

absl::StatusOr<std::string> Field(const nlohmann::json& object, const char* name) {
  const auto field = object.find(name);
  if (field == object.end() || !field->is_string() || field->get<std::string>().empty()) {
    return Bad(std::string("field ") + name + " is missing");
  }
  return field->get<std::string>();
}

}  // namespace

absl::StatusOr<JoinToken> ParseJoinToken(const std::string& text) {
  const std::string line = Trim(text);
  if (line.rfind(kPrefix, 0) != 0) return Bad("it does not begin with \"or1.\"");
  ASSIGN_OR_RETURN(const std::string bytes, DecodeBase64Url(line.substr(sizeof(kPrefix) - 1)));
  const auto object = nlohmann::json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return Bad("it is cut short or damaged");
  const auto version = object.find("v");
  if (version == object.end() || !version->is_number_integer() || *version != 1) {
    return absl::InvalidArgumentError(
        "join token: of a version this agent does not know; upgrade it");
  }
  JoinToken token;
  ASSIGN_OR_RETURN(token.endpoint, Field(object, "endpoint"));
  ASSIGN_OR_RETURN(token.host_id, Field(object, "host"));
  ASSIGN_OR_RETURN(token.secret, Field(object, "secret"));
  ASSIGN_OR_RETURN(token.ca_pem, Field(object, "ca"));
  if (const absl::Status status = ValidateHostId(token.host_id); !status.ok()) {
    return Bad(Message(status));
  }
  return token;
}

}  // namespace outrider::agent
