#include "vswitch/agent/local_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/agent/sample_states.h"
#include "tests/agent/temp_dir.h"

namespace outrider::agent {
namespace {

using ::testing::HasSubstr;

// Makes a file of today one of schema 2.
constexpr char kToSchema2[] =
    "DROP TABLE claims; DROP TABLE ovsdb_rows; DROP TABLE ovsdb_bridges;"
    "ALTER TABLE attachments DROP COLUMN owner;"
    "ALTER TABLE attachments DROP COLUMN qmp; PRAGMA user_version=2";

class LocalStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<LocalStore> Open() {
    auto store = LocalStore::Open(path_);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  std::string Bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  TempDir directory_;
  const std::string path_ = directory_ / "agent.db";
};

TEST_F(LocalStoreTest, KeepsTheInstanceId) {
  const std::string instance = Open()->instance_id();
  EXPECT_TRUE(PortId::Parse(instance).ok()) << instance;
  EXPECT_EQ(Open()->instance_id(), instance);
}

TEST_F(LocalStoreTest, KeepsChangesAndDropsAttachments) {
  state::Attachment full = SampleAttachment(1);
  full.ips = {*IpAddress::Parse("10.1.0.1"), *IpAddress::Parse("fd00::1")};
  full.vm_id = "a 'quoted' vm";
  {
    const auto store = Open();
    ASSERT_TRUE(store->PutAttachment(MakePortId(1), SampleAttachment(1)).ok());
    ASSERT_TRUE(store->PutAttachment(MakePortId(1), full).ok());
    ASSERT_TRUE(store->PutAttachment(MakePortId(2), SampleAttachment(2)).ok());
    ASSERT_TRUE(store->DeleteAttachment(MakePortId(2)).ok());
  }
  const auto loaded = Open()->LoadAttachments();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(*loaded, (state::Attachments{{MakePortId(1), full}}));
}

TEST_F(LocalStoreTest, KeepsASnapshotAndTheDeltasSince) {
  {
    const auto store = Open();
    ASSERT_TRUE(store->SaveSnapshot("s", Generation{1}, "old").ok());
    ASSERT_TRUE(store->AppendDelta(Generation{2}, "gone with the snapshot").ok());
    ASSERT_TRUE(store->SaveSnapshot("s", Generation{5}, std::string("a\0b", 3)).ok());
    ASSERT_TRUE(store->AppendDelta(Generation{6}, "d6").ok());
    ASSERT_TRUE(store->AppendDelta(Generation{9}, "d9").ok());
    ASSERT_TRUE(store->AppendDelta(Generation{9}, "and one more").ok());
  }
  const auto stored = Open()->LoadControllerState();
  ASSERT_TRUE(stored.ok() && *stored);
  EXPECT_EQ(**stored, (StoredControllerState{.store_id = "s",
                                             .generation = Generation{9},
                                             .state = std::string("a\0b", 3),
                                             .deltas = {"d6", "d9", "and one more"}}));
}

TEST_F(LocalStoreTest, ReadsWhatAnOlderAgentWrote) {
  {
    const auto store = Open();
    ASSERT_TRUE(store->SaveSnapshot("s", Generation{5}, "state").ok());
  }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
  const char kSchema1[] =
      "DROP TABLE claims;"
      "DROP TABLE controller_delta;"
      "CREATE TABLE controller_delta(generation INTEGER PRIMARY KEY, delta BLOB NOT NULL);"
      "INSERT INTO controller_delta VALUES(9, 'd9'), (6, 'd6');"
      "DROP TABLE ovsdb_rows; DROP TABLE ovsdb_bridges; ALTER TABLE attachments DROP COLUMN owner;"
      "ALTER TABLE attachments DROP COLUMN qmp; PRAGMA user_version=1";
  ASSERT_EQ(sqlite3_exec(db, kSchema1, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  for (int start = 0; start < 2; ++start) {
    const auto stored = Open()->LoadControllerState();
    ASSERT_TRUE(stored.ok() && *stored);
    EXPECT_EQ((*stored)->generation, Generation{9});
    EXPECT_EQ((*stored)->deltas, (std::vector<std::string>{"d6", "d9"}));
  }
}

TEST_F(LocalStoreTest, ReadsAttachmentsOfSchema2AsTheLocalApis) {
  { ASSERT_TRUE(Open()->PutAttachment(MakePortId(1), SampleAttachment(1)).ok()); }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, kToSchema2, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  const auto store = Open();
  EXPECT_EQ(*store->LoadAttachments(), (state::Attachments{{MakePortId(1), SampleAttachment(1)}}));
  EXPECT_TRUE(store->LoadOvsdbRows()->empty());
}

TEST_F(LocalStoreTest, ReadsAttachmentsOfSchema3WithoutAQmpSocket) {
  { ASSERT_TRUE(Open()->PutAttachment(MakePortId(1), SampleAttachment(1)).ok()); }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "ALTER TABLE attachments DROP COLUMN qmp; PRAGMA user_version=3",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  const auto store = Open();
  EXPECT_EQ(*store->LoadAttachments(), (state::Attachments{{MakePortId(1), SampleAttachment(1)}}));
}

TEST_F(LocalStoreTest, KeepsTheQmpSocket) {
  state::Attachment attachment = SampleAttachment(1);
  attachment.qmp = "/run/vm/web-1.qmp";
  { ASSERT_TRUE(Open()->PutAttachment(MakePortId(1), attachment).ok()); }
  EXPECT_EQ(Open()->LoadAttachments()->at(MakePortId(1)), attachment);
  attachment.qmp = "";
  { ASSERT_TRUE(Open()->PutAttachment(MakePortId(1), attachment).ok()); }
  EXPECT_EQ(Open()->LoadAttachments()->at(MakePortId(1)), attachment);
}

TEST_F(LocalStoreTest, KeepsWhoseAnAttachmentIs) {
  state::Attachment attachment = SampleAttachment(1);
  attachment.owner = state::AttachmentOwner::kOvsdb;
  { ASSERT_TRUE(Open()->PutAttachment(MakePortId(1), attachment).ok()); }
  EXPECT_EQ(Open()->LoadAttachments()->at(MakePortId(1)), attachment);
}

TEST_F(LocalStoreTest, KeepsTheRowsOfTheOvsDatabase) {
  const ovsdb::Uuid a{.high = 1, .low = 2};
  const ovsdb::Uuid b{.high = 3, .low = 4};
  {
    const auto store = Open();
    ASSERT_TRUE(
        store->WriteOvsdbRows({{"Port", a, "one"}, {"Bridge", a, "two"}}, ovs::Durability::kSynced)
            .ok());
    ASSERT_TRUE(
        store
            ->WriteOvsdbRows({{"Port", a, std::nullopt}, {"Port", b, "x"}, {"Bridge", a, "y"}},
                             ovs::Durability::kOrdered)
            .ok());
  }
  std::map<std::string, std::string> rows;
  const auto stored = Open()->LoadOvsdbRows();
  ASSERT_TRUE(stored.ok()) << stored.status();
  for (const ovs::StoredRow& row : *stored) {
    rows[row.table + " " + row.uuid.ToString()] = *row.text;
  }
  EXPECT_EQ(rows, (std::map<std::string, std::string>{{"Bridge " + a.ToString(), "y"},
                                                      {"Port " + b.ToString(), "x"}}));
}

TEST_F(LocalStoreTest, ABridgeKeepsItsNumber) {
  const auto store = Open();
  EXPECT_EQ(*store->NumberBridges({"b", "c"}, 3),
            (std::map<std::string, uint32_t>{{"b", 0}, {"c", 1}}));
  // One that comes later takes what is free, though it sorts before.
  EXPECT_EQ(*store->NumberBridges({"a", "c"}, 3),
            (std::map<std::string, uint32_t>{{"a", 0}, {"c", 1}}));
  EXPECT_TRUE(absl::IsResourceExhausted(store->NumberBridges({"a", "b", "c", "d"}, 3).status()));
  EXPECT_EQ(*Open()->NumberBridges({"c"}, 3), (std::map<std::string, uint32_t>{{"c", 1}}));
}

// It is asked for with every look at the devices.
TEST_F(LocalStoreTest, ABridgeThatKeepsItsNumberIsNotWritten) {
  const auto store = Open();
  ASSERT_TRUE(store->NumberBridges({"b", "c"}, 3).ok());
  const auto size = [this] { return std::filesystem::file_size(path_ + "-wal"); };
  const auto before = size();
  ASSERT_GT(before, 0u);
  ASSERT_TRUE(store->NumberBridges({"b", "c"}, 3).ok());
  EXPECT_EQ(size(), before);
  ASSERT_TRUE(store->NumberBridges({"b"}, 3).ok());
  EXPECT_GT(size(), before);
}

TEST_F(LocalStoreTest, KeepsClaimsUntilTheyAreSettled) {
  const PortId one = MakePortId(1);
  const PortId two = MakePortId(2);
  {
    const auto store = Open();
    ASSERT_TRUE(store->PutAttachment(one, SampleAttachment(1)).ok());
    ASSERT_TRUE(store->PutAttachment(two, SampleAttachment(2)).ok());
    ASSERT_TRUE(store->SettleClaim(one).ok());
    ASSERT_TRUE(store->SettleClaim(one).ok());
  }
  EXPECT_EQ(*Open()->LoadClaims(), std::set<PortId>{two});
  ASSERT_TRUE(Open()->PutAttachment(one, SampleAttachment(1)).ok());
  ASSERT_TRUE(Open()->DeleteAttachment(two).ok());
  EXPECT_EQ(*Open()->LoadClaims(), std::set<PortId>{one});
  EXPECT_EQ(Open()->LoadAttachments()->size(), 1u);
}

// No port moves because an agent was upgraded.
TEST_F(LocalStoreTest, WhatAnOlderAgentAttachedClaimsNothing) {
  ASSERT_TRUE(Open()->PutAttachment(MakePortId(1), SampleAttachment(1)).ok());
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, kToSchema2, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  EXPECT_TRUE(Open()->LoadClaims()->empty());
  EXPECT_EQ(Open()->LoadAttachments()->size(), 1u);
}

TEST_F(LocalStoreTest, AsksForASnapshotOnceDeltasOutweighIt) {
  const auto store = Open();
  ASSERT_TRUE(store->SaveSnapshot("s", Generation{1}, std::string(400'000, 'x')).ok());
  ASSERT_TRUE(store->AppendDelta(Generation{2}, std::string(300'000, 'x')).ok());
  EXPECT_FALSE(store->SnapshotDue());
  ASSERT_TRUE(store->AppendDelta(Generation{3}, std::string(300'000, 'x')).ok());
  EXPECT_TRUE(store->SnapshotDue());
  ASSERT_TRUE(store->SaveSnapshot("s", Generation{4}, "small").ok());
  EXPECT_FALSE(store->SnapshotDue());
}

TEST_F(LocalStoreTest, ForgetsAnotherHostsState) {
  const auto store = Open();
  ASSERT_TRUE(store->SaveEnrollment({.host_id = "h1", .endpoint = "c:1"}).ok());
  ASSERT_TRUE(store->SaveSnapshot("s", Generation{1}, "x").ok());
  ASSERT_TRUE(store->SaveEnrollment({.host_id = "h1", .endpoint = "c:2"}).ok());
  EXPECT_TRUE((*store->LoadControllerState()).has_value());
  ASSERT_TRUE(store->SaveEnrollment({.host_id = "h2", .endpoint = "c:2"}).ok());
  EXPECT_FALSE((*store->LoadControllerState()).has_value());
  EXPECT_EQ(**store->LoadEnrollment(), (Enrollment{.host_id = "h2", .endpoint = "c:2"}));
}

// The process dies without closing anything: what was acknowledged is there.
TEST_F(LocalStoreTest, WhatWasAcknowledgedSurvivesTheProcess) {
  const pid_t child = fork();
  if (child == 0) {
    auto store = LocalStore::Open(path_);
    const bool ok = store.ok() &&
                    (*store)->PutAttachment(MakePortId(1), SampleAttachment(1)).ok() &&
                    (*store)->SaveSnapshot("s", Generation{3}, "state").ok() &&
                    (*store)->AppendDelta(Generation{4}, "delta").ok();
    kill(getpid(), SIGKILL);
    _exit(ok ? 0 : 1);
  }
  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const auto store = Open();
  EXPECT_EQ(store->LoadAttachments()->size(), 1u);
  EXPECT_EQ((*store->LoadControllerState())->generation, Generation{4});
}

TEST_F(LocalStoreTest, LeavesADamagedFileAlone) {
  { ASSERT_TRUE(Open()->PutAttachment(MakePortId(1), SampleAttachment(1)).ok()); }
  std::string bytes = Bytes();
  ASSERT_GT(bytes.size(), 8192u);
  // The second page on: the schema still reads, the tables do not.
  for (size_t i = 4096; i < bytes.size(); ++i) bytes[i] = static_cast<char>(0xa5);
  std::ofstream(path_, std::ios::binary) << bytes;
  const auto store = LocalStore::Open(path_);
  EXPECT_EQ(store.status().code(), absl::StatusCode::kDataLoss) << store.status();
  EXPECT_THAT(Message(store.status()), HasSubstr(path_));
  EXPECT_THAT(Message(store.status()), HasSubstr("join token"));
  EXPECT_EQ(Bytes(), bytes);
}

TEST_F(LocalStoreTest, LeavesAFileThatIsNoDatabaseAlone) {
  const std::string text(5000, 'x');
  std::ofstream(path_, std::ios::binary) << text;
  EXPECT_EQ(LocalStore::Open(path_).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Bytes(), text);
}

TEST_F(LocalStoreTest, RefusesANewerSchema) {
  Open();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  const auto store = LocalStore::Open(path_);
  EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(store.status()), HasSubstr("upgrade the agent"));
}

}  // namespace
}  // namespace outrider::agent
