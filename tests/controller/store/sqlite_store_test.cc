#include "controller/store/sqlite/sqlite_store.h"

#include "controller/store/sqlite/schema.h"
#include "tests/controller/store/store_contract.h"
#include "tests/controller/store/temp_dir.h"

namespace outrider::controller {
namespace {

struct SqliteTraits {
  std::unique_ptr<Store> Make(uint64_t kept) {
    auto store = SqliteStore::Open({dir.File("store.db"), kept});
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? std::move(*store) : nullptr;
  }
  TempDir dir;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, StoreContract, SqliteTraits);

class SqliteStoreTest : public testing::Test {
 protected:
  std::unique_ptr<SqliteStore> Open() {
    auto store = SqliteStore::Open({path_});
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? std::move(*store) : nullptr;
  }
  absl::Status OpenError() { return SqliteStore::Open({path_}).status(); }

  // Runs SQL on the file behind the store's back.
  void Sql(const std::string& sql) {
    auto database =
        Database::Open(path_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr).value();
    ASSERT_TRUE(database.Execute(sql).ok()) << sql;
  }

  TempDir dir_;
  const std::string path_ = dir_.File("store.db");
};

TEST_F(SqliteStoreTest, EverythingIsThereAfterReopening) {
  auto store = Open();
  const std::string id = store->store_id();
  ASSERT_TRUE(store->Commit({{}, {PutOp("/a", "1"), PutOp("/b", "1")}}).ok());
  ASSERT_TRUE(store->Commit({{}, {PutOp("/a", "2"), DeleteOp("/b")}}).ok());
  store.reset();
  store = Open();
  EXPECT_EQ(store->store_id(), id);
  EXPECT_EQ(store->revision(), 2u);
  EXPECT_EQ(store->Range("").value().items, (std::vector<KeyValue>{{"/a", "2", 1, 2}}));
  EXPECT_EQ(store->ChangesSince(0).value().size(), 4u);
}

// Characters that mean something in a URI, which is how the file is looked over.
TEST_F(SqliteStoreTest, AnyPathCanBeReopened) {
  const std::string odd = dir_.File("a#b?mode=memory&c%20d +\xc3\xa9.db");
  auto store = SqliteStore::Open({odd}).value();
  ASSERT_TRUE(store->Commit({{}, {PutOp("/a", "1")}}).ok());
  // As a crash leaves it: with a log.
  const std::string crashed = dir_.File("x%2fy?.db");
  std::filesystem::copy_file(odd, crashed);
  std::filesystem::copy_file(odd + "-wal", crashed + "-wal");
  store.reset();
  for (const std::string& path : {odd, crashed}) {
    const auto again = SqliteStore::Open({path});
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ((*again)->revision(), 1u) << path;
  }
}

TEST_F(SqliteStoreTest, StoresDiffer) {
  auto store = Open();
  auto other = SqliteStore::Open({dir_.File("other.db")});
  ASSERT_TRUE(other.ok());
  EXPECT_NE(store->store_id(), (*other)->store_id());
}

TEST_F(SqliteStoreTest, SecondControllerIsRefused) {
  auto store = Open();
  const absl::Status status = OpenError();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  const std::string message(status.message());
  EXPECT_NE(message.find("held by another controller (process " + std::to_string(getpid())),
            std::string::npos)
      << message;
  store.reset();
  EXPECT_TRUE(OpenError().ok()) << "the lock goes with its holder";
}

TEST_F(SqliteStoreTest, OldSchemaIsUpgraded) {
  Sql("PRAGMA application_id = " + std::to_string(kApplicationId) +
      "; CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);"
      "INSERT INTO meta VALUES ('schema_version', '0')");
  auto store = Open();
  ASSERT_NE(store, nullptr);
  EXPECT_TRUE(store->Commit({{}, {PutOp("/a", "1")}}).ok());
  store.reset();
  EXPECT_TRUE(OpenError().ok());
}

TEST_F(SqliteStoreTest, NewerSchemaIsRefused) {
  Open().reset();
  Sql("UPDATE meta SET value = '99' WHERE key = 'schema_version'");
  const absl::Status status = OpenError();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_EQ(
      std::string(status.message()),
      "database " + path_ +
          ": schema version 99 is newer than 1, the newest this release knows; run the release "
          "that wrote it, or restore a backup made before the upgrade");
}

TEST_F(SqliteStoreTest, CommitsAreSynchronous) {
  auto store = Open();
  auto database = Database::Open(path_, SQLITE_OPEN_READONLY, nullptr).value();
  EXPECT_EQ(database.QueryText("PRAGMA journal_mode").value(), "wal");
}

TEST_F(SqliteStoreTest, MissingDirectoryIsAnError) {
  EXPECT_EQ(SqliteStore::Open({dir_.File("no/store.db")}).status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace outrider::controller
