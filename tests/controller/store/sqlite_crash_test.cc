// Power and space run out: what was acknowledged stays, what was refused never was.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "controller/store/sqlite/sqlite_store.h"
#include "tests/controller/store/store_contract.h"
#include "tests/controller/store/temp_dir.h"

namespace outrider::controller {
namespace {

class SqliteCrashTest : public testing::Test {
 protected:
  TempDir dir_;
  const std::string path_ = dir_.File("store.db");
};

// The child: writes numbered keys and tells the pipe of each acknowledged one, until killed.
[[noreturn]] void WriteForever(const std::string& path, int pipe_fd) {
  auto store = SqliteStore::Open({path});
  if (!store.ok()) _exit(1);
  for (uint32_t i = 0;; ++i) {
    const std::string name = std::to_string(i);
    const auto revision = (*store)->Commit(
        {{}, {PutOp("/one/" + name, std::string(500, 'x')), PutOp("/two/" + name, "")}});
    if (!revision.ok() || write(pipe_fd, &i, sizeof(i)) != sizeof(i)) _exit(2);
  }
}

TEST_F(SqliteCrashTest, KillDuringWritesLosesNothingAcknowledged) {
  uint32_t known = 0;
  for (int round = 0; round < 5; ++round) {
    int pipe_fds[2];
    ASSERT_EQ(pipe(pipe_fds), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(pipe_fds[0]);
      WriteForever(path_, pipe_fds[1]);
    }
    close(pipe_fds[1]);
    uint32_t last = 0;
    uint32_t count = 0;
    bool killed = false;
    // Killed somewhere in the middle of a write; then what is still in the pipe counts as well.
    while (read(pipe_fds[0], &last, sizeof(last)) == sizeof(last)) {
      if (++count >= 40u + 7 * round && !killed) {
        kill(child, SIGKILL);
        killed = true;
      }
    }
    close(pipe_fds[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exited with " << WEXITSTATUS(status);
    known = std::max(known, last);
    auto store = SqliteStore::Open({path_});
    ASSERT_TRUE(store.ok()) << store.status();
    const RangeResult all = (*store)->Range("/").value();
    std::set<std::string> keys;
    for (const KeyValue& item : all.items) keys.insert(item.key);
    for (uint32_t i = 0; i <= known; ++i) {
      const std::string name = std::to_string(i);
      ASSERT_TRUE(keys.contains("/one/" + name)) << name;
      ASSERT_TRUE(keys.contains("/two/" + name)) << name;
    }
    // What was not acknowledged may be there, but not by halves.
    EXPECT_EQ((*store)->Range("/one/").value().items.size(),
              (*store)->Range("/two/").value().items.size());
  }
}

uint64_t SizeOf(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_size : 0;
}

// The child: the log may not grow any more. Returns what went wrong; 0: nothing.
int WriteWithoutSpace(const std::string& path) {
  signal(SIGXFSZ, SIG_IGN);
  auto store = SqliteStore::Open({path});
  if (!store.ok() || !(*store)->Commit({{}, {PutOp("/a", "before")}}).ok()) return 1;
  const rlimit small{SizeOf(path + "-wal") + 20000, RLIM_INFINITY};
  if (setrlimit(RLIMIT_FSIZE, &small) != 0) return 2;
  const Txn txn{{}, {PutOp("/a", "after"), PutOp("/big", std::string(200000, 'x'))}};
  const auto refused = (*store)->Commit(txn);
  if (refused.ok()) return 3;
  if ((*store)->revision() != 1 || FindKey(store->get(), "/a")->value != "before") return 4;
  if (FindKey(store->get(), "/big").has_value()) return 5;
  const rlimit ample{RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_FSIZE, &ample) != 0) return 6;
  const auto accepted = (*store)->Commit(txn);
  return accepted.ok() && *accepted == 2 ? 0 : 7;
}

TEST_F(SqliteCrashTest, WriteWithoutSpaceIsRefusedWhole) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(WriteWithoutSpace(path_));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  auto store = SqliteStore::Open({path_});
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->revision(), 2u);
  EXPECT_EQ(FindKey(store->get(), "/a")->value, "after");
}

TEST_F(SqliteCrashTest, FullDatabaseIsResourceExhausted) {
  { ASSERT_TRUE(SqliteStore::Open({path_}).ok()); }
  auto database = Database::Open(path_, SQLITE_OPEN_READWRITE, nullptr).value();
  ASSERT_TRUE(database.QueryText("PRAGMA max_page_count = 20").ok());
  ASSERT_TRUE(database.Execute("CREATE TABLE filler (value BLOB)").ok());
  const absl::Status status = database.Transact(
      [&] { return database.Execute("INSERT INTO filler VALUES (zeroblob(1000000))"); });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(database.QueryText("SELECT count(*) FROM filler").value(), "0");
}

TEST_F(SqliteCrashTest, InterruptedCreationStartsAnew) {
  // What a crash before the rename leaves.
  { ASSERT_TRUE(SqliteStore::Open({dir_.File("store.db.new")}).ok()); }
  auto store = SqliteStore::Open({path_});
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->revision(), 0u);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

}  // namespace
}  // namespace outrider::controller
