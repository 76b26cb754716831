// A damaged file is refused with what was found and what to do, and left as it was.
#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "controller/store/sqlite/database.h"
#include "controller/store/sqlite/sqlite_store.h"
#include "tests/controller/store/store_contract.h"
#include "tests/controller/store/temp_dir.h"

namespace outrider::controller {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

struct FileState {
  std::string content;
  int64_t mtime_ns = 0;
  bool operator==(const FileState&) const = default;
};

class SqliteDamageTest : public testing::Test {
 protected:
  // A store of a few pages, closed (so that all is in the file) unless it is to keep its log.
  void SetUp() override {
    auto store = SqliteStore::Open({path_}).value();
    for (int commit = 0; commit < 4; ++commit) {
      Txn txn;
      for (int i = 25 * commit; i < 25 * (commit + 1); ++i) {
        txn.ops.push_back(PutOp("/k" + std::to_string(i), Value(i)));
      }
      ASSERT_TRUE(store->Commit(txn).ok());
    }
  }
  static std::string Value(int i) { return std::string(300, static_cast<char>('A' + i % 26)); }

  // Copies the files of an open store, as a crash would leave them.
  void LeaveLogBehind() {
    auto store = SqliteStore::Open({path_}).value();
    ASSERT_TRUE(store->Commit({{}, {PutOp("/in-log", Value(1))}}).ok());
    const std::string file = ReadFile(path_);
    const std::string log = ReadFile(path_ + "-wal");
    ASSERT_FALSE(log.empty());
    store.reset();
    WriteFile(path_, file);
    WriteFile(path_ + "-wal", log);
  }

  // All files but the lock.
  std::map<std::string, FileState> Files() const {
    std::map<std::string, FileState> files;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
      if (entry.path().extension() == ".lock") continue;
      struct stat info {};
      EXPECT_EQ(stat(entry.path().c_str(), &info), 0);
      files[entry.path().filename()] = {
          ReadFile(entry.path()), info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec};
    }
    return files;
  }

  // Opening fails with DataLoss, says `found` and the remedy, and changes no file.
  void ExpectRefused(const std::string& found) {
    const auto before = Files();
    const absl::Status status = SqliteStore::Open({path_}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    const std::string message(status.message());
    EXPECT_NE(message.find(path_), std::string::npos) << message;
    EXPECT_NE(message.find(found), std::string::npos) << message;
    EXPECT_NE(message.find("estore"), std::string::npos) << message;
    EXPECT_TRUE(Files() == before) << "the files were touched";
  }

  void Edit(const std::function<void(std::string*)>& edit) {
    std::string content = ReadFile(path_);
    edit(&content);
    WriteFile(path_, content);
  }

  TempDir dir_;
  const std::string path_ = dir_.File("store.db");
};

TEST_F(SqliteDamageTest, EmptyFile) {
  Edit([](std::string* content) { content->clear(); });
  ExpectRefused("is 0 bytes long, shorter than a database's header");
}

TEST_F(SqliteDamageTest, TextFile) {
  WriteFile(path_, std::string(4096, 'x'));
  ExpectRefused("does not begin with a SQLite header");
}

TEST_F(SqliteDamageTest, OtherProgramsDatabase) {
  Edit([](std::string* content) { content->replace(68, 4, "GPKG"); });
  ExpectRefused(
      "is a SQLite database of another program (application id 0x47504b47, not 0x4f524353)");
}

TEST_F(SqliteDamageTest, TruncatedFile) {
  Edit([](std::string* content) { content->resize(content->size() / 2); });
  ExpectRefused("sqlite3 <moved file> .recover");
}

TEST_F(SqliteDamageTest, GarbageInAPage) {
  Edit([](std::string* content) {
    for (size_t i = 5 * 4096; i < 6 * 4096; ++i) (*content)[i] = static_cast<char>(i * 31);
  });
  ExpectRefused("integrity check");
}

TEST_F(SqliteDamageTest, ZeroedPages) {
  Edit([](std::string* content) { content->replace(4096, 4096 * 6, 4096 * 6, '\0'); });
  ExpectRefused("The file was left as it is");
}

TEST_F(SqliteDamageTest, OneFlippedByteInAValue) {
  Edit([](std::string* content) {
    const size_t at = content->find(Value(42));
    ASSERT_NE(at, std::string::npos);
    (*content)[at + 100] ^= 1;
  });
  ExpectRefused("does not fit its checksum");
}

TEST_F(SqliteDamageTest, DamageUnderAWriteAheadLog) {
  LeaveLogBehind();
  // The log supersedes the few pages its one commit changed, not these.
  Edit([](std::string* content) {
    for (size_t i = 4 * 4096; i < content->size(); ++i) (*content)[i] = static_cast<char>(i * 31);
  });
  ExpectRefused("The file was left as it is");
}

TEST_F(SqliteDamageTest, LogWithoutItsDatabase) {
  LeaveLogBehind();
  std::filesystem::remove(path_);
  ExpectRefused("is missing, but its write-ahead log");
}

TEST_F(SqliteDamageTest, SoundFileWithALogIsOpenedWithWhatIsInTheLog) {
  LeaveLogBehind();
  auto store = SqliteStore::Open({path_});
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_TRUE(FindKey(store->get(), "/in-log").has_value());
  EXPECT_EQ((*store)->revision(), 5u);
}

// A sound file in which SQL says something else.
class SqliteContentTest : public SqliteDamageTest {
 protected:
  void Run(const std::string& sql) {
    auto database = Database::Open(path_, SQLITE_OPEN_READWRITE, nullptr).value();
    ASSERT_TRUE(database.Execute(sql).ok()) << sql;
  }
  void ExpectRefusedAfter(const std::string& sql, const std::string& found) {
    SCOPED_TRACE(sql);
    Run(sql);
    ExpectRefused(found);
  }
};

TEST_F(SqliteContentTest, ASchemaVersionThatIsNone) {
  for (const char* version : {"-1", "abc", "", "1x", " 1", "+1", "01", "99999999999"}) {
    ExpectRefusedAfter(fmt::format("UPDATE meta SET value = '{}'", version),
                       fmt::format("schema_version \"{}\" is no version number", version));
  }
  ExpectRefusedAfter("UPDATE meta SET value = '0'", "schema_version is 0");
  ExpectRefusedAfter("DELETE FROM meta", "schema_version");
}

TEST_F(SqliteContentTest, ARevisionBehindWhatWasCommitted) {
  ExpectRefusedAfter("UPDATE state SET revision = 3", "is behind revision 4");
  // The log alone knows of a delete.
  Run("UPDATE state SET revision = 4");
  ASSERT_TRUE(SqliteStore::Open({path_}).value()->Commit({{}, {DeleteOp("/k1")}}).ok());
  ExpectRefusedAfter("UPDATE state SET revision = 4", "is behind revision 5");
  // The objects alone, when the log is compacted.
  ExpectRefusedAfter("DELETE FROM log; UPDATE state SET revision = 2", "is behind revision 4");
}

TEST_F(SqliteContentTest, AStateThatIsNone) {
  ExpectRefusedAfter("UPDATE state SET compacted = 5", "make no sense");
  ExpectRefusedAfter("UPDATE state SET compacted = -1", "make no sense");
  ExpectRefusedAfter("UPDATE state SET compacted = 0, revision = 'x'", "make no sense");
  ExpectRefusedAfter("UPDATE state SET revision = 4, store_id = ''", "make no sense");
  ExpectRefusedAfter("DELETE FROM state", "has 0 rows, not one");
}

// Wherever a page is overwritten, either it was free or the damage is found.
TEST_F(SqliteDamageTest, EveryUsedPageCounts) {
  const std::string sound = ReadFile(path_);
  int refused = 0;
  const size_t pages = sound.size() / 4096;
  for (size_t page = 0; page < pages; ++page) {
    std::string damaged = sound;
    damaged.replace(page * 4096, 4096, std::string(4096, '\xa5'));
    WriteFile(path_, damaged);
    const auto before = Files();
    const absl::Status status = SqliteStore::Open({path_}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << "page " << page << ": " << status;
    if (status.ok()) continue;
    ++refused;
    EXPECT_TRUE(Files() == before) << "page " << page;
  }
  EXPECT_EQ(refused, static_cast<int>(pages));
}

}  // namespace
}  // namespace outrider::controller
