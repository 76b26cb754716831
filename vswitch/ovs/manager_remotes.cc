#include "vswitch/ovs/manager_remotes.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "vswitch/ovs/manager_remote.h"

namespace outrider::ovs {
namespace {

using ovsdb::Json;

// Shortest intervals that are taken: others would be a mistake in the unit.
constexpr int64_t kMinBackoffMs = 100;

std::string TextOf(const Row& row, const std::string& column) {
  const auto found = row.columns.find(column);
  if (found == row.columns.end() || found->second.empty()) return "";
  const auto* const text = std::get_if<std::string>(&found->second.keys[0]);
  return text == nullptr ? "" : *text;
}

std::optional<int64_t> NumberOf(const Row& row, const std::string& column) {
  const auto found = row.columns.find(column);
  if (found == row.columns.end() || found->second.empty()) return std::nullopt;
  const auto* const number = std::get_if<int64_t>(&found->second.keys[0]);
  return number == nullptr ? std::nullopt : std::optional(*number);
}

ManagerConfig ConfigOf(const Row& row) {
  ManagerConfig config{.target = TextOf(row, "target")};
  constexpr int64_t kDay = 24 * 3600 * 1000;
  if (const auto probe = NumberOf(row, "inactivity_probe")) {
    config.probe_interval = std::chrono::milliseconds(std::clamp<int64_t>(*probe, 0, kDay));
  }
  if (const auto backoff = NumberOf(row, "max_backoff")) {
    config.max_backoff = std::chrono::milliseconds(std::clamp(*backoff, kMinBackoffMs, kDay));
  }
  return config;
}

const Table& RowsOf(const Tables& tables, const std::string& name) {
  static const Table none;
  const auto found = tables.find(name);
  return found == tables.end() ? none : found->second;
}

// Differs when a file came, went or was changed.
std::string StampsOf(const stream::TlsFiles& files) {
  std::string stamps;
  for (const std::string* file : {&files.private_key, &files.certificate, &files.ca_cert}) {
    struct stat info {};
    if (stat(file->c_str(), &info) == 0) {
      stamps += fmt::format("{} {} {}.{:09} {:o}", info.st_ino, info.st_size, info.st_mtim.tv_sec,
                            info.st_mtim.tv_nsec, info.st_mode);
    }
    stamps += '\n';
  }
  return stamps;
}

// An update of a Manager's status columns; null: they are so already.
Json StatusUpdate(const ovsdb::Uuid& uuid, const Row& row, const ManagerRemote& remote) {
  ovsdb::Datum status;
  for (const auto& [key, value] : remote.Status()) status.Put(key, value);
  const ovsdb::Datum connected = ovsdb::Datum::Of(remote.IsConnected());
  const auto same = [&row](const char* column, const ovsdb::Datum& datum) {
    const auto found = row.columns.find(column);
    return found != row.columns.end() && found->second == datum;
  };
  if (same("status", status) && same("is_connected", connected)) return nullptr;
  Json pairs = Json::array();
  for (size_t i = 0; i < status.size(); ++i) {
    pairs.push_back(Json::array({ovsdb::ToJson(status.keys[i]), ovsdb::ToJson(status.values[i])}));
  }
  return {
      {"op", "update"},
      {"table", "Manager"},
      {"where",
       Json::array({Json::array({"_uuid", "==", Json::array({"uuid", uuid.ToString()})})})},
      {"row", {{"is_connected", remote.IsConnected()}, {"status", Json::array({"map", pairs})}}}};
}

}  // namespace

ManagerRemotes::ManagerRemotes(OvsdbService* service, Database* database,
                               std::chrono::milliseconds status_interval)
    : service_(service), database_(database), status_interval_(status_interval) {
  observer_ = database->AddObserver([this](const Changes& changes) { OnCommit(changes); });
  Reconfigure();
  status_timer_ = service_->loop()->PostAfter(status_interval_, [this] { WriteStatus(); });
}

ManagerRemotes::~ManagerRemotes() {
  *alive_ = false;
  service_->loop()->Cancel(status_timer_);
  database_->RemoveObserver(observer_);
}

void ManagerRemotes::OnCommit(const Changes& changes) {
  const bool ours = std::ranges::any_of(changes, [](const RowChange& change) {
    return change.table == "Manager" || change.table == "SSL" || change.table == "Open_vSwitch";
  });
  if (!ours || std::exchange(reconfigure_posted_, true)) return;
  // Not from within a commit: what connects may be told of it.
  service_->loop()->Post([this, alive = alive_] {
    if (*alive) Reconfigure();
  });
}

stream::TlsFiles ManagerRemotes::TlsFilesInForce() const {
  for (const auto& [uuid, root] : RowsOf(database_->tables(), "Open_vSwitch")) {
    const auto ssl = root->columns.find("ssl");
    if (ssl == root->columns.end() || ssl->second.empty()) continue;
    const auto* const row_id = std::get_if<ovsdb::Uuid>(&ssl->second.keys[0]);
    const RowPtr row = row_id == nullptr ? nullptr : database_->Find("SSL", *row_id);
    if (row == nullptr) continue;
    return {.private_key = TextOf(*row, "private_key"),
            .certificate = TextOf(*row, "certificate"),
            .ca_cert = TextOf(*row, "ca_cert")};
  }
  return {};
}

bool ManagerRemotes::LoadTls() {
  const stream::TlsFiles files = TlsFilesInForce();
  // Before they are read: what changes meanwhile is seen the next time.
  std::string stamps = StampsOf(files);
  const bool others = files != tls_files_;
  if (!others && stamps == tls_stamps_) return false;
  tls_files_ = files;
  tls_stamps_ = std::move(stamps);
  absl::StatusOr<std::shared_ptr<const stream::TlsContext>> tls = nullptr;
  if (!files.private_key.empty()) tls = stream::TlsContext::Load(files);
  if (tls.ok()) {
    tls_ = *tls;
    return true;
  }
  spdlog::warn("SSL table: {}", Message(tls.status()));
  // Files are written one after the other: until they fit, what was read before stays in force.
  if (others) tls_ = nullptr;
  return others;
}

void ManagerRemotes::Reconfigure() {
  reconfigure_posted_ = false;
  const bool tls_changed = LoadTls();
  const Table& rows = RowsOf(database_->tables(), "Manager");
  // First those that go: a port may be another row's now.
  for (auto remote = remotes_.begin(); remote != remotes_.end();) {
    const auto row = rows.find(remote->first);
    const bool stays = row != rows.end() &&
                       TextOf(*row->second, "target") == remote->second->config().target &&
                       !(tls_changed && remote->second->UsesTls());
    remote = stays ? std::next(remote) : remotes_.erase(remote);
  }
  for (const auto& [uuid, row] : rows) {
    const ManagerConfig config = ConfigOf(*row);
    auto& remote = remotes_[uuid];
    // Who is connected stays so when only times change.
    if (remote != nullptr) {
      remote->SetTimes(config);
    } else {
      remote = std::make_unique<ManagerRemote>(service_, config, tls_);
    }
  }
}

void ManagerRemotes::WriteStatus() {
  status_timer_ = service_->loop()->PostAfter(status_interval_, [this] { WriteStatus(); });
  // Nobody tells us of files.
  if (StampsOf(tls_files_) != tls_stamps_) Reconfigure();
  Json operations = Json::array();
  for (const auto& [uuid, remote] : remotes_) {
    const RowPtr row = database_->Find("Manager", uuid);
    if (row == nullptr) continue;
    Json update = StatusUpdate(uuid, *row, *remote);
    if (!update.is_null()) operations.push_back(std::move(update));
  }
  if (operations.empty()) return;
  const Outcome outcome = database_->Transact(operations, {.give_up = true, .trusted = true});
  if (!outcome.committed) {
    spdlog::warn("Manager status: {}", ovsdb::ToText(outcome.results));
  }
}

}  // namespace outrider::ovs
