#include "vswitch/agent/local_store.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/random.h>

#include <cerrno>
#include <filesystem>

#include "vswitch/agent/sqlite_statement.h"

namespace outrider::agent {
namespace {

constexpr uint64_t kSchemaVersion = 4;
// Below this much, deltas are not worth a snapshot.
constexpr size_t kMinDeltaBytes = 256 * 1024;

constexpr char kSchema[] = R"(
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE attachments(
  port_id TEXT PRIMARY KEY, device TEXT NOT NULL UNIQUE, mac TEXT NOT NULL, ips TEXT NOT NULL,
  profile TEXT NOT NULL, vm_id TEXT NOT NULL, owner TEXT NOT NULL DEFAULT '',
  qmp TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE ovsdb_rows(
  tbl TEXT NOT NULL, uuid TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY(tbl, uuid)) WITHOUT ROWID;
CREATE TABLE ovsdb_bridges(uuid TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE controller_state(
  id INTEGER PRIMARY KEY CHECK(id = 1), store_id TEXT NOT NULL, generation INTEGER NOT NULL,
  state BLOB NOT NULL);
CREATE TABLE controller_delta(
  sequence INTEGER PRIMARY KEY, generation INTEGER NOT NULL, delta BLOB NOT NULL);
CREATE TABLE claims(port_id TEXT PRIMARY KEY) WITHOUT ROWID;
)";

// In schema 1 a delta that led to the generation it came from had no place.
constexpr char kFrom1[] = R"(
ALTER TABLE controller_delta RENAME TO controller_delta_1;
CREATE TABLE controller_delta(
  sequence INTEGER PRIMARY KEY, generation INTEGER NOT NULL, delta BLOB NOT NULL);
INSERT INTO controller_delta(generation, delta)
  SELECT generation, delta FROM controller_delta_1 ORDER BY generation;
DROP TABLE controller_delta_1;
)";

// Schema 2 knew no Open vSwitch database and no claims. Attachments of before have been answered,
// or will be refused: no port moves by an upgrade.
constexpr char kFrom2[] = R"(
ALTER TABLE attachments ADD COLUMN owner TEXT NOT NULL DEFAULT '';
CREATE TABLE ovsdb_rows(
  tbl TEXT NOT NULL, uuid TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY(tbl, uuid)) WITHOUT ROWID;
CREATE TABLE ovsdb_bridges(uuid TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE claims(port_id TEXT PRIMARY KEY) WITHOUT ROWID;
)";

// Schema 3 knew no QMP sockets.
constexpr char kFrom3[] = "ALTER TABLE attachments ADD COLUMN qmp TEXT NOT NULL DEFAULT ''";

// In the caller's transaction.
absl::Status Upgrade(sqlite3* db, uint64_t version) {
  if (version == 0) return SqliteExec(db, kSchema);
  if (version == 1) RETURN_IF_ERROR(SqliteExec(db, kFrom1));
  if (version <= 2) RETURN_IF_ERROR(SqliteExec(db, kFrom2));
  return SqliteExec(db, kFrom3);
}

// In the column `owner`; the empty text is the local API's.
constexpr char kOwnerOvsdb[] = "ovsdb";

struct Close {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
using Connection = std::unique_ptr<sqlite3, Close>;

absl::StatusOr<Connection> Connect(const std::string& path, int flags) {
  sqlite3* db = nullptr;
  const int error = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  Connection connection(db);
  if (error != SQLITE_OK) return SqliteStatus(db, "open " + path);
  sqlite3_busy_timeout(db, 5000);
  return connection;
}

absl::Status Damaged(const std::string& path, const std::string& found) {
  return absl::DataLossError(fmt::format(
      "{}: the agent's store is damaged ({}); it was left as it is. Move it away and start the "
      "agent with a new join token (outrider host enroll), then attach the ports again",
      path, found));
}

// Reads only: what is damaged or foreign must stay as it was found.
absl::Status CheckExisting(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error) || std::filesystem::file_size(path, error) == 0) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Connection db, Connect(path, SQLITE_OPEN_READONLY));
  auto check = SqliteStatement::Prepare(db.get(), "PRAGMA quick_check(1)");
  if (!check.ok()) return Damaged(path, Message(check.status()));
  const auto row = check->Step();
  if (!row.ok()) return Damaged(path, Message(row.status()));
  if (!*row || check->Text(0) != "ok") return Damaged(path, check->Text(0));
  auto version = SqliteStatement::Prepare(db.get(), "PRAGMA user_version");
  if (!version.ok()) return Damaged(path, Message(version.status()));
  RETURN_IF_ERROR(version->Step().status());
  if (version->Integer(0) > kSchemaVersion) {
    return absl::FailedPreconditionError(fmt::format(
        "{}: written by a newer agent (schema {}, this one knows {}); upgrade the agent", path,
        version->Integer(0), kSchemaVersion));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> RandomUuid() {
  std::array<uint8_t, 16> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return ErrnoStatus(errno, "getrandom");
  }
  bytes[6] = (bytes[6] & 0x0f) | 0x40;  // version 4, RFC 4122 4.4
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return PortId(bytes).ToString();
}

std::string JoinIps(const std::set<IpAddress>& ips) {
  std::string text;
  for (const IpAddress& ip : ips) text += (text.empty() ? "" : " ") + ip.ToString();
  return text;
}

absl::StatusOr<std::set<IpAddress>> SplitIps(const std::string& text) {
  std::set<IpAddress> ips;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    ASSIGN_OR_RETURN(const IpAddress ip, IpAddress::Parse(text.substr(begin, end - begin)));
    ips.insert(ip);
    begin = end + 1;
  }
  return ips;
}

}  // namespace

LocalStore::LocalStore(sqlite3* db) : db_(db) {}

LocalStore::~LocalStore() { sqlite3_close_v2(db_); }

absl::StatusOr<std::unique_ptr<LocalStore>> LocalStore::Open(const std::string& path) {
  RETURN_IF_ERROR(CheckExisting(path));
  ASSIGN_OR_RETURN(Connection db, Connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  std::unique_ptr<LocalStore> store(new LocalStore(db.release()));
  if (const absl::Status status = store->Initialize(); !status.ok()) return Annotate(status, path);
  return store;
}

absl::Status LocalStore::Initialize() {
  RETURN_IF_ERROR(SqliteExec(db_, "PRAGMA journal_mode=WAL"));
  ASSIGN_OR_RETURN(SqliteStatement version, SqliteStatement::Prepare(db_, "PRAGMA user_version"));
  RETURN_IF_ERROR(version.Step().status());
  const uint64_t present = version.Integer(0);
  // An open read would keep the transaction below from changing the schema.
  RETURN_IF_ERROR(version.Step().status());
  if (present != kSchemaVersion) {
    ASSIGN_OR_RETURN(const std::string instance, RandomUuid());
    RETURN_IF_ERROR(Transact(true, [&]() -> absl::Status {
      RETURN_IF_ERROR(Upgrade(db_, present));
      RETURN_IF_ERROR(SqliteExec(db_, fmt::format("PRAGMA user_version={}", kSchemaVersion)));
      return present == 0 ? PutMeta("instance_id", instance) : absl::OkStatus();
    }));
  }
  return LoadInstanceId();
}

absl::Status LocalStore::LoadInstanceId() {
  ASSIGN_OR_RETURN(const std::optional<std::string> instance, GetMeta("instance_id"));
  if (!instance) return absl::DataLossError("meta: instance_id is missing");
  instance_id_ = *instance;
  return absl::OkStatus();
}

absl::Status LocalStore::Transact(bool sync, const std::function<absl::Status()>& writes) {
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(SqliteExec(db_, sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"));
  RETURN_IF_ERROR(SqliteExec(db_, "BEGIN IMMEDIATE"));
  absl::Status status = writes();
  if (status.ok()) status = SqliteExec(db_, "COMMIT");
  // A failed COMMIT may or may not have ended the transaction; SQLite knows.
  if (!status.ok() && sqlite3_get_autocommit(db_) == 0) {
    (void)SqliteExec(db_, "ROLLBACK");
  }
  return status;
}

absl::Status LocalStore::PutMeta(const std::string& key, const std::string& value) {
  ASSIGN_OR_RETURN(
      SqliteStatement put,
      SqliteStatement::Prepare(db_, "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)"));
  return put.Bind(1, key).Bind(2, value).Run();
}

absl::StatusOr<std::optional<std::string>> LocalStore::GetMeta(const std::string& key) {
  ASSIGN_OR_RETURN(SqliteStatement get,
                   SqliteStatement::Prepare(db_, "SELECT value FROM meta WHERE key = ?"));
  ASSIGN_OR_RETURN(const bool found, get.Bind(1, key).Step());
  return found ? std::optional<std::string>(get.Text(0)) : std::nullopt;
}

absl::StatusOr<state::Attachments> LocalStore::LoadAttachments() {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(
      SqliteStatement rows,
      SqliteStatement::Prepare(
          db_, "SELECT port_id, device, mac, ips, profile, vm_id, owner, qmp FROM attachments"));
  state::Attachments attachments;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, rows.Step());
    if (!found) return attachments;
    ASSIGN_OR_RETURN(const PortId id, PortId::Parse(rows.Text(0)));
    state::Attachment& attachment = attachments[id];
    attachment.device = rows.Text(1);
    ASSIGN_OR_RETURN(attachment.mac, MacAddress::Parse(rows.Text(2)));
    ASSIGN_OR_RETURN(attachment.ips, SplitIps(rows.Text(3)));
    attachment.profile = rows.Text(4);
    attachment.vm_id = rows.Text(5);
    if (rows.Text(6) == kOwnerOvsdb) attachment.owner = state::AttachmentOwner::kOvsdb;
    attachment.qmp = rows.Text(7);
  }
}

absl::Status LocalStore::PutAttachment(const PortId& id, const state::Attachment& attachment) {
  return PutAttachments({{id, attachment}});
}

absl::Status LocalStore::PutAttachments(const state::Attachments& attachments) {
  return Transact(true, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(
        SqliteStatement put,
        SqliteStatement::Prepare(
            db_,
            "INSERT INTO attachments(port_id, device, mac, ips, profile, vm_id, owner, qmp) "
            "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT(port_id) DO UPDATE SET "
            "device = ?2, mac = ?3, ips = ?4, profile = ?5, vm_id = ?6, owner = ?7, "
            "qmp = ?8"));
    ASSIGN_OR_RETURN(
        SqliteStatement claim,
        SqliteStatement::Prepare(db_, "INSERT OR IGNORE INTO claims(port_id) VALUES(?)"));
    for (const auto& [id, attachment] : attachments) {
      RETURN_IF_ERROR(
          put.Bind(1, id.ToString())
              .Bind(2, attachment.device)
              .Bind(3, attachment.mac.ToString())
              .Bind(4, JoinIps(attachment.ips))
              .Bind(5, attachment.profile)
              .Bind(6, attachment.vm_id)
              .Bind(7, attachment.owner == state::AttachmentOwner::kOvsdb ? kOwnerOvsdb : "")
              .Bind(8, attachment.qmp)
              .Run());
      RETURN_IF_ERROR(claim.Bind(1, id.ToString()).Run());
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<std::set<PortId>> LocalStore::LoadClaims() {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(SqliteStatement rows,
                   SqliteStatement::Prepare(db_, "SELECT port_id FROM claims"));
  std::set<PortId> claims;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, rows.Step());
    if (!found) return claims;
    ASSIGN_OR_RETURN(const PortId id, PortId::Parse(rows.Text(0)));
    claims.insert(id);
  }
}

absl::Status LocalStore::SettleClaim(const PortId& id) {
  return Transact(false, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(SqliteStatement erase,
                     SqliteStatement::Prepare(db_, "DELETE FROM claims WHERE port_id = ?"));
    return erase.Bind(1, id.ToString()).Run();
  });
}

absl::Status LocalStore::DeleteAttachment(const PortId& id) {
  return Transact(true, [&]() -> absl::Status {
    for (const char* sql :
         {"DELETE FROM attachments WHERE port_id = ?", "DELETE FROM claims WHERE port_id = ?"}) {
      ASSIGN_OR_RETURN(SqliteStatement erase, SqliteStatement::Prepare(db_, sql));
      RETURN_IF_ERROR(erase.Bind(1, id.ToString()).Run());
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<std::optional<Enrollment>> LocalStore::LoadEnrollment() {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(const std::optional<std::string> host, GetMeta("host_id"));
  ASSIGN_OR_RETURN(const std::optional<std::string> endpoint, GetMeta("endpoint"));
  if (!host || !endpoint) return std::optional<Enrollment>();
  return std::optional<Enrollment>({.host_id = *host, .endpoint = *endpoint});
}

absl::Status LocalStore::SaveEnrollment(const Enrollment& enrollment) {
  return Transact(true, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const std::optional<std::string> host, GetMeta("host_id"));
    if (host && *host != enrollment.host_id) {
      RETURN_IF_ERROR(SqliteExec(db_, "DELETE FROM controller_state"));
      RETURN_IF_ERROR(SqliteExec(db_, "DELETE FROM controller_delta"));
    }
    RETURN_IF_ERROR(PutMeta("host_id", enrollment.host_id));
    return PutMeta("endpoint", enrollment.endpoint);
  });
}

absl::StatusOr<std::optional<StoredControllerState>> LocalStore::LoadControllerState() {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(
      SqliteStatement base,
      SqliteStatement::Prepare(db_, "SELECT store_id, generation, state FROM controller_state"));
  ASSIGN_OR_RETURN(const bool found, base.Step());
  if (!found) return std::optional<StoredControllerState>();
  StoredControllerState stored{.store_id = base.Text(0),
                               .generation = Generation{base.Integer(1)},
                               .state = base.Blob(2),
                               .deltas = {}};
  snapshot_bytes_ = stored.state.size();
  delta_bytes_ = 0;
  ASSIGN_OR_RETURN(SqliteStatement rows,
                   SqliteStatement::Prepare(
                       db_, "SELECT generation, delta FROM controller_delta ORDER BY sequence"));
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return std::optional<StoredControllerState>(std::move(stored));
    stored.generation = Generation{rows.Integer(0)};
    stored.deltas.push_back(rows.Blob(1));
    delta_bytes_ += stored.deltas.back().size();
  }
}

absl::Status LocalStore::SaveSnapshot(const std::string& store_id, Generation generation,
                                      const std::string& state) {
  return Transact(false, [&]() -> absl::Status {
    RETURN_IF_ERROR(SqliteExec(db_, "DELETE FROM controller_delta"));
    ASSIGN_OR_RETURN(SqliteStatement put,
                     SqliteStatement::Prepare(
                         db_,
                         "INSERT OR REPLACE INTO controller_state(id, store_id, generation, state) "
                         "VALUES(1, ?, ?, ?)"));
    put.Bind(1, store_id).Bind(2, static_cast<uint64_t>(generation)).BindBlob(3, state);
    RETURN_IF_ERROR(put.Run());
    snapshot_bytes_ = state.size();
    delta_bytes_ = 0;
    return absl::OkStatus();
  });
}

absl::Status LocalStore::AppendDelta(Generation generation, const std::string& delta) {
  return Transact(false, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(SqliteStatement put,
                     SqliteStatement::Prepare(
                         db_, "INSERT INTO controller_delta(generation, delta) VALUES(?, ?)"));
    RETURN_IF_ERROR(put.Bind(1, static_cast<uint64_t>(generation)).BindBlob(2, delta).Run());
    delta_bytes_ += delta.size();
    return absl::OkStatus();
  });
}

bool LocalStore::SnapshotDue() const {
  const std::lock_guard lock(mutex_);
  return delta_bytes_ > std::max(snapshot_bytes_, kMinDeltaBytes);
}

}  // namespace outrider::agent
