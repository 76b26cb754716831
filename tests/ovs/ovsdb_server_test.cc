// Clients that behave, and clients that do not, on real sockets. That others are unaffected is
// counted in rounds of the loop, not in time.
#include "vswitch/ovs/ovsdb_server.h"

#include <sys/stat.h>

#include <vector>

#include "tests/ovs/server_fixture.h"

namespace outrider::ovs {
namespace {

using ovsdb::Json;
using ovsdb::ToText;

// Rounds in which a request is answered however others behave: one accepts, one answers, and a few
// may pass with others' events.
constexpr int kPromptly = 10;

class OvsdbServerTest : public ServerTest {
 protected:
  void ExpectServed() {
    SocketClient other = Connect();
    EXPECT_EQ(ToText(Ask(&other, "list_dbs", "[]")), R"(["Open_vSwitch","_Server"])");
    EXPECT_LE(rounds_, kPromptly);
  }
};

TEST_F(OvsdbServerTest, ServesOnAPathOfItsMode) {
  Start();
  struct stat info {};
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ExpectServed();
  EXPECT_TRUE(DriveUntil([&] { return server_->connections() == 0; }));
}

TEST_F(OvsdbServerTest, TheUpdateComesBeforeTheReply) {
  Start();
  SocketClient client = Connect();
  Ask(&client, "monitor", R"(["Open_vSwitch","m",{"Queue":{"columns":["dscp"]}}])");
  client.Say(
      R"({"method":"transact","params":["Open_vSwitch",{"op":"insert","table":"Queue","row":{"dscp":7}}],"id":"t"})");
  std::vector<Json> heard;
  ASSERT_TRUE(DriveUntil([&] {
    while (auto json = client.Hear()) heard.push_back(*json);
    return heard.size() == 2;
  }));
  EXPECT_EQ(heard[0]["method"], "update");
  EXPECT_EQ(heard[1]["id"], "t");
}

TEST_F(OvsdbServerTest, MalformedWordsEndThatConnectionOnly) {
  Start();
  SocketClient other = Connect();
  Ask(&other, "echo", "[1]");
  SocketClient bad = Connect();
  bad.Say("{\"method\": nonsense}");
  EXPECT_TRUE(DriveUntil([&] {
    bad.Hear();
    return bad.closed();
  }));
  EXPECT_EQ(ToText(Ask(&other, "echo", "[2]")), "[2]");
}

TEST_F(OvsdbServerTest, TenThousandConnectionsShutNobodyOut) {
  Start(500);
  SocketClient working = Connect();
  Ask(&working, "echo", "[1]");
  std::vector<SocketClient> idle;
  const uint64_t allowed = stream::RaiseDescriptorLimit(16384);
  ASSERT_GE(allowed, 12000u) << "this test opens 10,000 descriptors: raise the hard limit";
  for (int i = 0; i < 10'000; ++i) {
    idle.push_back(Connect());
    // They come faster than one a round.
    if (i % 50 == 0) loop_->RunOnce(std::chrono::milliseconds(0));
    if (i % 2500 == 0) {
      EXPECT_EQ(ToText(Ask(&working, "echo", "[2]")), "[2]");
      EXPECT_LE(rounds_, kPromptly);
    }
  }
  ASSERT_TRUE(DriveUntil([&] {
    idle.back().Hear();
    idle[8000].Hear();
    return idle[8000].closed();
  }));
  for (int i = 0; i < 50; ++i) loop_->RunOnce(std::chrono::milliseconds(0));
  EXPECT_LE(server_->connections(), 500u);
  EXPECT_FALSE(working.closed());
  ExpectServed();
}

TEST_F(OvsdbServerTest, AHundredMegabyteObjectIsNotTaken) {
  Start();
  SocketClient other = Connect();
  Ask(&other, "echo", "[1]");
  SocketClient bad = Connect();
  bad.Say(R"({"method":"echo","params":[")");
  const std::string piece(1 << 20, 'x');
  size_t said = 0;
  int slow = 0;
  ASSERT_TRUE(DriveUntil([&] {
    said += bad.Say(piece);
    Ask(&other, "echo", "[2]");
    slow += rounds_ > kPromptly ? 1 : 0;
    return bad.closed() || said > (100u << 20);
  }));
  EXPECT_TRUE(bad.closed());
  EXPECT_LE(said, OvsdbSession::kMaxMessage + (4u << 20));
  EXPECT_EQ(slow, 0);
}

TEST_F(OvsdbServerTest, AClientThatNeverReadsIsNotReadFrom) {
  Start();
  SocketClient other = Connect();
  Ask(&other, "echo", "[1]");
  SocketClient mute = Connect();
  std::string requests;
  for (int i = 0; i < 1000; ++i) {
    requests += R"({"method":"get_schema","params":["_Server"],"id":1})";
  }
  // Each is answered with ten times as much.
  size_t said = 0;
  int slow = 0;
  for (int i = 0; i < 300; ++i) {
    said += mute.Say(requests);
    Ask(&other, "echo", "[2]");
    slow += rounds_ > kPromptly ? 1 : 0;
  }
  EXPECT_FALSE(mute.closed());
  EXPECT_LT(said, 2u << 20) << "requests pile up in the client's socket, not here";
  EXPECT_EQ(slow, 0);
  // When it reads, it gets all the answers to what it has said.
  size_t answers = 0;
  const size_t whole = said / (requests.size() / 1000);
  EXPECT_TRUE(DriveUntil([&] {
    while (mute.Hear()) ++answers;
    return answers == whole;
  })) << answers;
}

TEST_F(OvsdbServerTest, AMonitorThatIsNeverReadIsClosed) {
  Start();
  SocketClient other = Connect();
  Ask(&other, "echo", "[1]");
  SocketClient mute = Connect();
  ASSERT_GT(mute.Say(R"({"method":"monitor","params":["Open_vSwitch",1,{"Queue":{}}],"id":1})"),
            0u);
  ASSERT_TRUE(DriveUntil([&] { return server_->connections() == 2; }));
  ASSERT_TRUE(DriveUntil(
      [&] { return server_->service()->Find("Open_vSwitch")->monitors.distinct() == 1; }));
  Transact(R"([{"op":"insert","table":"Queue","row":{}}])");
  const std::string text(200'000, 'x');
  int commits = 0;
  int slow = 0;
  while (server_->connections() == 2 && commits < 500) {
    ++commits;
    Transact(R"([{"op":"update","table":"Queue","where":[],"row":{"external_ids":["map",[["n",")" +
             std::to_string(commits) + text + R"("]]]}}])");
    Ask(&other, "echo", "[2]");
    slow += rounds_ > kPromptly ? 1 : 0;
  }
  // About 16 MiB: an update has the old value and the new one.
  EXPECT_EQ(server_->connections(), 1u);
  EXPECT_LT(commits, 100);
  EXPECT_EQ(slow, 0);
  EXPECT_EQ(server_->service()->Find("Open_vSwitch")->monitors.distinct(), 0u);
}

}  // namespace
}  // namespace outrider::ovs
