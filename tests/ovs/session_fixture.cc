#include "tests/ovs/session_fixture.h"

#include <algorithm>
#include <regex>

namespace outrider::ovs {

using ovsdb::Json;

Json SessionClient::Ask(const std::string& method, const std::string& params, Json id) {
  Say(ovsdb::ToText(
      {{"method", method}, {"params", ovsdb::ParseJson(params).value()}, {"id", id}}));
  const auto found = std::ranges::find_if(
      told_, [&](const Json& json) { return json["id"] == id && !json.contains("method"); });
  if (found == told_.end()) return "nothing";
  Json answer = *found;
  told_.erase(found);
  answer.erase("id");
  if (answer.contains("error") && answer["error"].is_null()) return answer["result"];
  return {{"error", answer["error"]}};
}

std::string SessionClient::Told() {
  static const std::regex uuid("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
  std::string text;
  for (const Json& json : told_) text += ovsdb::ToText(json) + "\n";
  told_.clear();
  std::string masked;
  std::smatch match;
  while (std::regex_search(text, match, uuid)) {
    const std::string one = match.str();
    masked += match.prefix().str();
    if (one.starts_with("00000000-")) {
      masked += "ZERO";
    } else {
      auto at = std::ranges::find(uuids_, one);
      if (at == uuids_.end()) at = uuids_.insert(uuids_.end(), one);
      masked += "U" + std::to_string(at - uuids_.begin());
    }
    text = match.suffix().str();
  }
  return masked + text;
}

std::string SessionTest::Transact(const std::string& operations) {
  SessionClient client(service_.get());
  Json params = ovsdb::ParseJson(operations).value();
  params.insert(params.begin(), "Open_vSwitch");
  return ovsdb::ToText(client.Ask("transact", ovsdb::ToText(params)));
}

}  // namespace outrider::ovs
