// What ovs-vsctl does after its transaction, or until it can make one: waits for the server's word.
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "vswitch/cli/vsctl.h"
#include "vswitch/sys/ovsdb/datum_json.h"

namespace outrider::cli {

using ovsdb::Json;
using ovsdb::JsonRpcMessage;
using ovsdb::Uuid;

namespace {

constexpr char kDatabase[] = "Open_vSwitch";
constexpr unsigned kRetrySeconds = 1;
// Of Interface: what tells whether it could be set up.
const std::vector<std::string> kInterfaceColumns = {"name", "ofport", "error"};

// The largest cur_cfg in a <table-updates>; -1: none is there.
int64_t CurrentCfg(const Json& updates) {
  int64_t cfg = -1;
  if (!updates.is_object() || !updates.contains(kDatabase)) return cfg;
  for (const Json& row : updates[kDatabase]) {
    if (!row.is_object() || !row.contains("new") || !row["new"].is_object()) continue;
    const Json& now = row["new"];
    if (now.contains("cur_cfg") && now["cur_cfg"].is_number_integer()) {
      cfg = std::max(cfg, now["cur_cfg"].get<int64_t>());
    }
  }
  return cfg;
}

// The uuid in {"uuid": ["uuid", ..]}.
std::optional<Uuid> InsertedUuid(const Json& result) {
  if (!result.is_object() || !result.contains("uuid")) return std::nullopt;
  const Json& uuid = result["uuid"];
  if (!uuid.is_array() || uuid.size() != 2 || !uuid[1].is_string()) return std::nullopt;
  return Uuid::Parse(uuid[1].get<std::string>());
}

// A column of a row that is one string; otherwise "".
std::string Text(const Json& row, const char* column) {
  const auto it = row.find(column);
  return it != row.end() && it->is_string() ? it->get<std::string>() : "";
}

// Whether the switch could not set an interface up, by its row.
bool HasFailed(const Json& row) {
  if (!row.is_object() || !row.contains("ofport")) return false;
  const Json& port = row["ofport"];
  return port.is_array() || port == -1;
}

}  // namespace

void Vsctl::KeepRealUuids(const View::Transaction& transaction, const Json& results) {
  const auto real = [&](const Uuid& uuid) {
    const auto it = transaction.inserts.find(uuid);
    if (it == transaction.inserts.end() || it->second >= results.size()) return uuid;
    return InsertedUuid(results[it->second]).value_or(uuid);
  };
  for (Step& step : steps_) {
    if (step.created) step.output = real(*step.created).ToString() + '\n';
  }
  for (Uuid& uuid : attempt_.new_interfaces) uuid = real(uuid);
}

absl::Status Vsctl::AwaitChange() {
  if (monitoring_) return session_->WaitUpdate().status();
  const Json name = "change-" + std::to_string(++monitors_);
  const int64_t id =
      session_->Queue("monitor", Json::array({kDatabase, name, plan_->MonitorRequests()}));
  ASSIGN_OR_RETURN(const JsonRpcMessage reply, session_->WaitReply(id));
  if (reply.kind == JsonRpcMessage::Kind::kError) {
    return absl::InternalError("the server refused to monitor: " + ovsdb::ToText(reply.error));
  }
  // It may have changed before the monitor was in force: look once more.
  monitoring_ = true;
  return absl::OkStatus();
}

int64_t Vsctl::QueueCfgMonitor() {
  const Json name = "cfg-" + std::to_string(++monitors_);
  Json requests = {{kDatabase, {{"columns", Json::array({"cur_cfg"})}}}};
  if (!attempt_.new_interfaces.empty()) {
    // The switch writes both in one transaction: the word that it is done says how, too.
    requests["Interface"] = {{"columns", kInterfaceColumns}, {"select", {{"initial", false}}}};
  }
  return session_->Queue("monitor", Json::array({kDatabase, name, std::move(requests)}));
}

void Vsctl::KeepInterfaces(const Json& updates) {
  if (!updates.is_object() || !updates.contains("Interface")) return;
  for (const auto& [uuid, row] : updates["Interface"].items()) {
    if (row.is_object() && row.contains("new")) interfaces_[uuid] = row["new"];
  }
}

absl::Status Vsctl::AwaitSwitch(int64_t monitor, int64_t next_cfg) {
  while (true) {
    absl::StatusOr<JsonRpcMessage> reply = session_->WaitReply(monitor);
    int64_t cfg = reply.ok() ? CurrentCfg(reply->result) : -1;
    while (reply.ok() && cfg < next_cfg) {
      const absl::StatusOr<Json> update = session_->WaitUpdate();
      if (!update.ok()) break;
      if (!update->is_array() || update->size() != 2) continue;
      KeepInterfaces((*update)[1]);
      cfg = CurrentCfg((*update)[1]);
    }
    if (cfg >= next_cfg) return absl::OkStatus();
    // The transaction is in force; a server that restarts meanwhile is waited for.
    while (true) {
      sleep(kRetrySeconds);
      absl::StatusOr<std::unique_ptr<Channel>> channel = Connect(options_.db, options_.tls);
      if (!channel.ok()) continue;
      session_ = std::make_unique<RpcSession>(*std::move(channel));
      monitor = QueueCfgMonitor();
      break;
    }
  }
}

absl::Status Vsctl::FetchInterfaces() {
  Json params = Json::array({kDatabase});
  std::vector<std::string> missing;
  for (const Uuid& uuid : attempt_.new_interfaces) {
    // Bad news may be old: asked for again.
    const auto told = interfaces_.find(uuid.ToString());
    if (told != interfaces_.end() && !HasFailed(told->second)) continue;
    missing.push_back(uuid.ToString());
    params.push_back({{"op", "select"},
                      {"table", "Interface"},
                      {"where", {Json::array({"_uuid", "==", {"uuid", missing.back()}})}},
                      {"columns", kInterfaceColumns}});
  }
  if (missing.empty()) return absl::OkStatus();
  const int64_t id = session_->Queue("transact", std::move(params));
  ASSIGN_OR_RETURN(const JsonRpcMessage reply, session_->WaitReply(id));
  for (size_t i = 0; i < std::min(missing.size(), reply.result.size()); ++i) {
    const Json& result = reply.result[i];
    if (!result.is_object() || !result.contains("rows")) continue;
    const Json& rows = result["rows"];
    if (rows.is_array() && !rows.empty()) interfaces_[missing[i]] = rows[0];
  }
  return absl::OkStatus();
}

absl::Status Vsctl::ReportInterfaces() {
  RETURN_IF_ERROR(FetchInterfaces());
  bool failed = false;
  for (const Uuid& uuid : attempt_.new_interfaces) {
    const Json& row = interfaces_[uuid.ToString()];
    if (!HasFailed(row)) continue;
    failed = true;
    const std::string error = Text(row, "error");
    console_->Error("Error detected while setting up '" + Text(row, "name") + "'" +
                    (error.empty() ? "" : ": " + error) + ".  See ovs-vswitchd log for details.");
  }
  if (failed) console_->Error("The default log directory is \"" + LogDirectory() + "\".");
  return absl::OkStatus();
}

}  // namespace outrider::cli
