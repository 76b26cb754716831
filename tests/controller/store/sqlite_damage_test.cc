// A damaged file is refused with what was found and what to do, and left as it was.
#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <map>
#include <sstream>

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
  EXPECT_TRUE((*store)->Get("/in-log").value().has_value());
  EXPECT_EQ((*store)->revision(), 5u);
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
