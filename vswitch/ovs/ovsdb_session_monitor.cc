#include <fmt/format.h>

#include <utility>

#include "vswitch/ovs/ovsdb_session.h"

namespace outrider::ovs {
namespace {

using ovsdb::Json;
using ovsdb::OvsdbError;
using ovsdb::ToText;

// We keep no history by transaction, as a standalone ovsdb-server: every client starts anew.
constexpr const char* kNoTransaction = "00000000-0000-0000-0000-000000000000";

absl::Status SyntaxError(const std::string& details, const Json& json) {
  return OvsdbError("syntax error", details, ToText(json));
}

MonitorVersion VersionOf(const std::string& method) {
  if (method == "monitor") return MonitorVersion::kV1;
  return method == "monitor_cond" ? MonitorVersion::kV2 : MonitorVersion::kV3;
}

}  // namespace

OvsdbSession::Answer OvsdbSession::StartMonitor(const Message& request) {
  ASSIGN_OR_RETURN(OvsdbService::Served* const served, DatabaseOf(request));
  const Json& params = request.params;
  const MonitorVersion version = VersionOf(request.method);
  const bool since = version == MonitorVersion::kV3;
  if (params.size() != (since ? 4 : 3)) return SyntaxError("invalid parameters", params);
  if (since && (!params[3].is_string() || !ovsdb::Uuid::Parse(params[3].get<std::string>()))) {
    return SyntaxError("last-txn-id must be UUID format.", params[3]);
  }
  Monitor monitor{.id = ToText(params[1]), .served = served, .spec = {}};
  if (monitors_.contains(monitor.id)) return SyntaxError("duplicate monitor ID", params[1]);
  if (monitors_.size() >= kMaxMonitors) {
    return OvsdbError("resources exhausted",
                      fmt::format("a session may have {} monitors; cancel others", kMaxMonitors));
  }
  ASSIGN_OR_RETURN(monitor.spec,
                   MonitorSpecFromJson(served->database->schema(), version, params[2]));
  Json initial = InitialUpdate(monitor.spec, served->database->tables());
  Subscribe(&monitors_.emplace(monitor.id, std::move(monitor)).first->second);
  if (!since) return initial;
  return Json::array({false, kNoTransaction, std::move(initial)});
}

void OvsdbSession::Subscribe(Monitor* monitor) {
  // The map keeps it in its place.
  monitor->token = monitor->served->monitors.Add(
      monitor->spec,
      [this, monitor](const std::string& updates) { peer_->Send(UpdateText(*monitor, updates)); });
}

std::string OvsdbSession::UpdateText(const Monitor& monitor, const std::string& updates) const {
  if (monitor.spec.version == MonitorVersion::kV3) {
    return fmt::format("{{\"id\":null,\"method\":\"update3\",\"params\":[{},\"{}\",{}]}}",
                       monitor.id, kNoTransaction, updates);
  }
  return fmt::format("{{\"id\":null,\"method\":\"{}\",\"params\":[{},{}]}}",
                     monitor.spec.version == MonitorVersion::kV1 ? "update" : "update2", monitor.id,
                     updates);
}

void OvsdbSession::CancelMonitor(const Message& request) {
  const auto refuse = [&](const char* error) {
    peer_->Send(ToText(ToJson(ovsdb::ErrorReply(error, request.id))));
  };
  if (request.params.size() != 1) return refuse("invalid parameters");
  const auto monitor = monitors_.find(ToText(request.params[0]));
  if (monitor == monitors_.end()) return refuse("unknown monitor");
  monitor->second.served->monitors.Remove(monitor->second.token);
  monitors_.erase(monitor);
  peer_->Send(ToText(ToJson(ovsdb::Reply(Json::object(), request.id))));
}

OvsdbSession::Answer OvsdbSession::ChangeConditions(const Message& request) {
  const Json& params = request.params;
  if (params.size() != 3) return SyntaxError("invalid parameters", params);
  const auto found = monitors_.find(ToText(params[0]));
  if (found == monitors_.end() || found->second.spec.version == MonitorVersion::kV1) {
    return SyntaxError("unknown monitor session", params[0]);
  }
  const std::string new_id = ToText(params[1]);
  if (new_id != found->first && monitors_.contains(new_id)) {
    return SyntaxError("duplicate monitor ID", params[1]);
  }
  OvsdbService::Served* const served = found->second.served;
  ASSIGN_OR_RETURN(MonitorSpec spec,
                   WithConditions(served->database->schema(), found->second.spec, params[2]));
  const Json updates = ConditionsUpdate(found->second.spec, spec, served->database->tables());
  served->monitors.Remove(found->second.token);
  auto node = monitors_.extract(found);
  node.key() = new_id;
  node.mapped().id = new_id;
  node.mapped().spec = std::move(spec);
  Monitor& monitor = monitors_.insert(std::move(node)).position->second;
  Subscribe(&monitor);
  // Before the reply: the client then knows what the new condition shows.
  if (!updates.empty()) peer_->Send(UpdateText(monitor, ToText(updates)));
  return Json::object();
}

}  // namespace outrider::ovs
