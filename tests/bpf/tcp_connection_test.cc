// What of TCP passes a port that lets its guest open connections, and nothing else: scripts of
// segments. A begins at sequence number 1000, B at 5000.
#include <gtest/gtest.h>

#include "tests/bpf/connection_fixture.h"

namespace outrider::tests {
namespace {

constexpr bool kA = true;
constexpr bool kB = false;
constexpr bool kPasses = true;
constexpr bool kRefused = false;

// State afterwards; 0: there is no connection.
struct Step {
  const char* what;
  Segment segment;
  bool passes;
  uint32_t state;
};
using Script = std::vector<Step>;

constexpr uint32_t kSynSent = abi::OR_CONNECTION_SYN_SENT;
constexpr uint32_t kSynReceived = abi::OR_CONNECTION_SYN_RECEIVED;
constexpr uint32_t kEstablished = abi::OR_CONNECTION_ESTABLISHED;
constexpr uint32_t kFinWait = abi::OR_CONNECTION_FIN_WAIT;
constexpr uint32_t kCloseWait = abi::OR_CONNECTION_CLOSE_WAIT;
constexpr uint32_t kLastAck = abi::OR_CONNECTION_LAST_ACK;
constexpr uint32_t kTimeWait = abi::OR_CONNECTION_TIME_WAIT;
constexpr uint32_t kClosed = abi::OR_CONNECTION_CLOSED;

class TcpConnectionTest : public ConnectionTest {
 protected:
  void SetUp() override {
    ConnectionTest::SetUp();
    SetProfile(OutboundOnly());
  }

  void Play(const Script& script, bool v6 = false) {
    for (const Step& step : script) {
      SCOPED_TRACE(step.what);
      const uint64_t invalid = Dropped(OR_DROP_CONNECTION_INVALID);
      const Bytes frame = TcpFrame(step.segment, 40'000, v6);
      EXPECT_EQ(step.segment.from_a ? FromA(frame) : ToA(frame), step.passes);
      EXPECT_EQ(State(), step.state);
      EXPECT_EQ(Count(), step.state == 0 ? 0u : 1u);
      const bool known = step.state != 0;
      if (!step.passes && known) {
        EXPECT_EQ(Dropped(OR_DROP_CONNECTION_INVALID), invalid + 1);
      }
    }
  }
};

Script Handshake() {
  return {{"SYN", {kA, kSyn, 1000, 0}, kPasses, kSynSent},
          {"SYN, ACK", {kB, kSyn | kAck, 5000, 1001}, kPasses, kSynReceived},
          {"ACK", {kA, kAck, 1001, 5001}, kPasses, kEstablished}};
}

Script operator+(Script a, const Script& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// A's FIN, then B's.
Script Closing() {
  return {{"FIN", {kA, kFin | kAck, 1001, 5001}, kPasses, kFinWait},
          {"its ACK", {kB, kAck, 5001, 1002}, kPasses, kCloseWait},
          {"data of the half that is open", {kB, kAck, 5001, 1002, 100}, kPasses, kCloseWait},
          {"its ACK", {kA, kAck, 1002, 5101}, kPasses, kCloseWait},
          {"the other FIN", {kB, kFin | kAck, 5101, 1002}, kPasses, kLastAck},
          {"its ACK", {kA, kAck, 1002, 5102}, kPasses, kTimeWait}};
}

TEST_F(TcpConnectionTest, DataPassesBothWays) {
  const Script data = {
      {"request", {kA, kPsh | kAck, 1001, 5001, 200}, kPasses, kEstablished},
      {"answer", {kB, kPsh | kAck, 5001, 1201, 1000}, kPasses, kEstablished},
      {"more", {kB, kAck, 6001, 1201, 1000}, kPasses, kEstablished},
      {"ACK", {kA, kAck, 1201, 7001}, kPasses, kEstablished},
      {"sent again", {kB, kAck, 6001, 1201, 1000}, kPasses, kEstablished},
      {"keep-alive", {kA, kAck, 1200, 7001}, kPasses, kEstablished},
  };
  Play(Handshake() + data);
  EXPECT_EQ(Entries()[0].first.protocol, 6);
  EXPECT_EQ(Entries()[0].first.guest_port, 40'000);
  EXPECT_EQ(Entries()[0].first.remote_port, 80);
  EXPECT_EQ(Entries()[0].second.flags, OR_CONNECTION_FROM_GUEST);
}

TEST_F(TcpConnectionTest, OverIpv6Too) { Play(Handshake() + Closing(), /*v6=*/true); }

TEST_F(TcpConnectionTest, EndsByFinsOfBothSides) {
  Play(Handshake() + Closing());
  EXPECT_EQ(SecondsLeft(), 120u);
}

TEST_F(TcpConnectionTest, FinsMayCross) {
  Play(Handshake() +
       Script{{"FIN", {kA, kFin | kAck, 1001, 5001}, kPasses, kFinWait},
              {"FIN that does not know of it", {kB, kFin | kAck, 5001, 1001}, kPasses, kLastAck},
              {"ACK", {kA, kAck, 1002, 5002}, kPasses, kLastAck},
              {"ACK", {kB, kAck, 5002, 1002}, kPasses, kTimeWait}});
}

TEST_F(TcpConnectionTest, NobodyButTheGuestOpens) {
  Play({{"SYN from outside", {kB, kSyn, 5000, 0}, kRefused, 0}});
  EXPECT_EQ(Dropped(OR_DROP_ACL_EGRESS), 1u);
}

TEST_F(TcpConnectionTest, NothingBeginsInTheMiddle) {
  Play({{"ACK", {kA, kAck, 1001, 5001}, kRefused, 0},
        {"data", {kA, kAck, 1001, 5001, 100}, kRefused, 0},
        {"SYN, ACK", {kA, kSyn | kAck, 1001, 5001}, kRefused, 0},
        {"FIN", {kA, kFin | kAck, 1001, 5001}, kRefused, 0},
        {"RST", {kA, kRst, 1001, 0}, kRefused, 0},
        {"SYN, FIN", {kA, kSyn | kFin, 1001, 0}, kRefused, 0},
        {"nothing", {kA, 0, 1001, 0}, kRefused, 0}});
  EXPECT_EQ(Dropped(OR_DROP_CONNECTION_INVALID), 7u);
}

TEST_F(TcpConnectionTest, DataOutOfTheWindowIsRefused) {
  Play(Handshake() +
       Script{
           {"beyond what B allows", {kA, kAck, 1001 + 10'001, 5001, 100}, kRefused, kEstablished},
           {"the last it allows", {kA, kAck, 1001 + 10'000, 5001, 1}, kPasses, kEstablished},
           {"beyond what A allows", {kB, kAck, 5001 + 10'001, 1001, 100}, kRefused, kEstablished},
           {"older than a window", {kB, kAck, 5001u - 10'200, 1001, 100}, kRefused, kEstablished},
           {"ACK of what was not sent", {kB, kAck, 5001, 30'000}, kRefused, kEstablished},
           {"ACK of long ago", {kB, kAck, 5001, 1001u - 80'000}, kRefused, kEstablished},
           {"no flags", {kA, 0, 1001, 5001}, kRefused, kEstablished},
           {"all flags", {kA, 0x3f, 1001, 5001}, kRefused, kEstablished},
           {"FIN without ACK", {kA, kFin, 1001, 0}, kRefused, kEstablished},
       });
}

TEST_F(TcpConnectionTest, AResetMustBeRight) {
  Play(Handshake() +
       Script{
           {"beyond the window", {kB, kRst, 5001 + 20'000, 0}, kRefused, kEstablished},
           {"before it", {kB, kRst, 4000, 0}, kRefused, kEstablished},
           {"ACK of what was not sent", {kB, kRst | kAck, 5001, 9000}, kRefused, kEstablished},
           {"inside: A will ask back", {kB, kRst, 5100, 0}, kPasses, kEstablished},
           {"right", {kB, kRst, 5001, 0}, kPasses, kClosed},
       });
  EXPECT_EQ(SecondsLeft(), 10u);
}

TEST_F(TcpConnectionTest, ARefusedSynEnds) {
  Play({{"SYN", {kA, kSyn, 1000, 0}, kPasses, kSynSent},
        {"RST without ACK", {kB, kRst, 0, 0}, kRefused, kSynSent},
        {"RST without ACK, with its number", {kB, kRst, 0, 1001}, kRefused, kSynSent},
        {"RST for another SYN", {kB, kRst | kAck, 0, 999'999}, kRefused, kSynSent},
        {"RST", {kB, kRst | kAck, 0, 1001}, kPasses, kClosed},
        {"SYN again", {kA, kSyn, 2000, 0}, kPasses, kSynSent}});
}

TEST_F(TcpConnectionTest, ASynIsRepeated) {
  Play({{"SYN", {kA, kSyn, 1000, 0}, kPasses, kSynSent},
        {"the same", {kA, kSyn, 1000, 0}, kPasses, kSynSent},
        {"from another number", {kA, kSyn, 1500, 0}, kPasses, kSynSent},
        {"SYN, ACK of the first", {kB, kSyn | kAck, 5000, 10}, kRefused, kSynSent},
        {"data without a handshake", {kB, kAck, 5000, 1501, 10}, kRefused, kSynSent},
        {"data without a handshake", {kA, kAck, 1501, 0, 10}, kRefused, kSynSent},
        {"SYN, ACK", {kB, kSyn | kAck, 5000, 1501}, kPasses, kSynReceived},
        {"SYN, ACK again", {kB, kSyn | kAck, 5000, 1501}, kPasses, kSynReceived},
        {"ACK", {kA, kAck, 1501, 5001}, kPasses, kEstablished},
        {"SYN, ACK once more", {kB, kSyn | kAck, 5000, 1501}, kPasses, kEstablished},
        {"SYN of B", {kB, kSyn, 5000, 0}, kRefused, kEstablished}});
}

// RFC 9293, 3.5, figure 7; Linux answers SYN with SYN, ACK.
TEST_F(TcpConnectionTest, BothMayOpenAtOnce) {
  Play({{"SYN", {kA, kSyn, 1000, 0}, kPasses, kSynSent},
        {"SYN", {kB, kSyn, 5000, 0}, kPasses, kSynSent},
        {"SYN again", {kB, kSyn, 5000, 0}, kPasses, kSynSent},
        {"SYN, ACK", {kA, kSyn | kAck, 1000, 5001}, kPasses, kSynReceived},
        {"SYN, ACK", {kB, kSyn | kAck, 5000, 1001}, kPasses, kEstablished},
        {"data", {kB, kAck, 5001, 1001, 50}, kPasses, kEstablished},
        {"data", {kA, kAck, 1001, 5051, 50}, kPasses, kEstablished}});
}

TEST_F(TcpConnectionTest, TimeWaitIsUsedAgain) {
  Play(Handshake() + Closing() + Script{{"SYN", {kA, kSyn, 900'000, 0}, kPasses, kSynSent}});
  EXPECT_EQ(Entries()[0].second.sides[OR_GUEST].end, 900'001u);
}

// The rules have the word on the one that comes after.
TEST_F(TcpConnectionTest, TimeWaitIsNoLeaveToOpenFromOutside) {
  Play(Handshake() + Closing() + Script{{"SYN", {kB, kSyn, 900'000, 0}, kRefused, 0}});
  EXPECT_EQ(Dropped(OR_DROP_ACL_EGRESS), 1u);
}

// The guest crashed and comes back with the same ports: B tells it, it resets, and begins anew.
TEST_F(TcpConnectionTest, AGuestThatForgotBeginsAnew) {
  Play(Handshake() + Script{{"SYN", {kA, kSyn, 700'000, 0}, kPasses, kEstablished},
                            {"challenge", {kB, kAck, 5001, 1001}, kPasses, kEstablished},
                            {"RST", {kA, kRst, 1001, 0}, kPasses, kClosed},
                            {"SYN", {kA, kSyn, 700'000, 0}, kPasses, kSynSent}});
}

// B has forgotten, too, and takes the SYN for what it is.
TEST_F(TcpConnectionTest, WhenBothForgotTheyBeginAnew) {
  Play(Handshake() +
       Script{{"SYN", {kA, kSyn, 700'000, 0}, kPasses, kEstablished},
              {"SYN, ACK", {kB, kSyn | kAck, 9'000'000, 700'001}, kRefused, kClosed}});
  EXPECT_EQ(SecondsLeft(), 10u);
  Play({{"SYN again", {kA, kSyn, 700'000, 0}, kPasses, kSynSent},
        {"SYN, ACK again", {kB, kSyn | kAck, 9'000'000, 700'001}, kPasses, kSynReceived},
        {"ACK", {kA, kAck, 700'001, 9'000'001}, kPasses, kEstablished}});
}

TEST_F(TcpConnectionTest, APeerThatForgotMayRefuse) {
  Play(Handshake() +
       Script{{"RST for no SYN", {kB, kRst | kAck, 0, 0}, kRefused, kEstablished},
              {"SYN", {kA, kSyn, 700'000, 0}, kPasses, kEstablished},
              {"RST for another SYN", {kB, kRst | kAck, 0, 700'002}, kRefused, kEstablished},
              {"SYN, ACK of another", {kB, kSyn | kAck, 9'000'000, 1}, kRefused, kEstablished},
              {"RST", {kB, kRst | kAck, 0, 700'001}, kPasses, kClosed}});
  EXPECT_EQ(SecondsLeft(), 10u);
  Play({{"SYN", {kA, kSyn, 800'000, 0}, kPasses, kSynSent}});
}

// The same with a table that has forgotten: B's answer does not fit, and must get through.
TEST_F(TcpConnectionTest, APeerThatRemembersMaySaySo) {
  Play({{"SYN", {kA, kSyn, 1000, 0}, kPasses, kSynSent},
        {"challenge", {kB, kAck, 77'000, 88'000}, kPasses, kSynSent},
        {"RST", {kA, kRst, 88'000, 0}, kPasses, kSynSent},
        {"SYN", {kA, kSyn, 1000, 0}, kPasses, kSynSent},
        {"SYN, ACK", {kB, kSyn | kAck, 5000, 1001}, kPasses, kSynReceived}});
}

TEST_F(TcpConnectionTest, WindowsAreScaledWhenBothSaySo) {
  const Bytes scale7 = {1, 3, 3, 7};
  const Bytes mss_scale7 = {2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 0, 0};
  Segment syn{kA, kSyn, 1000, 0, 0, 1000, mss_scale7};
  Segment answer{kB, kSyn | kAck, 5000, 1001, 0, 1000, scale7};
  const Script rest = {
      {"ACK", {kA, kAck, 1001, 5001, 0, 1000}, kPasses, kEstablished},
      {"128,000 bytes are allowed", {kB, kAck, 5001 + 127'000, 1001, 1000}, kPasses, kEstablished},
      {"not more", {kB, kAck, 5001 + 128'001, 1001, 1000}, kRefused, kEstablished}};
  Play(Script{{"SYN", syn, kPasses, kSynSent}, {"SYN, ACK", answer, kPasses, kSynReceived}} + rest);

  // As Linux has them, which is not walked.
  SetUp();
  answer.options = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7};
  Play(Script{{"SYN", syn, kPasses, kSynSent}, {"SYN, ACK", answer, kPasses, kSynReceived}} + rest);

  SetUp();
  answer.options = {};
  Play({{"SYN", syn, kPasses, kSynSent},
        {"SYN, ACK without", answer, kPasses, kSynReceived},
        {"ACK", {kA, kAck, 1001, 5001, 0, 1000}, kPasses, kEstablished},
        {"1000 bytes are allowed", {kB, kAck, 5001 + 1001, 1001, 1}, kRefused, kEstablished}});
}

TEST_F(TcpConnectionTest, ASuperPacketCountsWhole) {
  Play(Handshake());
  const Segment big{kA, kAck, 1001, 5001, 3000};
  EXPECT_TRUE(FromA(TcpFrame(big), /*gso_size=*/1000));
  EXPECT_EQ(Entries()[0].second.sides[OR_GUEST].end, 1001u + 3000);
  EXPECT_TRUE(ToA(TcpFrame({kB, kAck, 5001, 1001 + 3000})));
  EXPECT_FALSE(ToA(TcpFrame({kB, kAck, 5001, 1001 + 3001})));
}

// Padding of short frames is not data.
TEST_F(TcpConnectionTest, PaddingIsNotCounted) {
  Play(Handshake());
  Bytes padded = TcpFrame({kA, kAck, 1001, 5001});
  padded.resize(60);
  EXPECT_TRUE(FromA(padded));
  EXPECT_EQ(Entries()[0].second.sides[OR_GUEST].end, 1001u);
}

TEST_F(TcpConnectionTest, TimeIsByState) {
  Play({{"SYN", {kA, kSyn, 1000, 0}, kPasses, kSynSent}});
  EXPECT_EQ(SecondsLeft(), 120u);
  Play({{"SYN, ACK", {kB, kSyn | kAck, 5000, 1001}, kPasses, kSynReceived}});
  EXPECT_EQ(SecondsLeft(), 60u);
  Play({{"ACK", {kA, kAck, 1001, 5001}, kPasses, kEstablished}});
  EXPECT_EQ(SecondsLeft(), 5u * 24 * 3600);
  Play({{"data nobody has acknowledged", {kA, kAck, 1001, 5001, 9}, kPasses, kEstablished}});
  EXPECT_EQ(SecondsLeft(), 300u);
  Play({{"ACK", {kB, kAck, 5001, 1010}, kPasses, kEstablished}});
  EXPECT_EQ(SecondsLeft(), 5u * 24 * 3600);
}

// The other half: while both sides close.
TEST_F(TcpConnectionTest, TimeIsByStateWhileItEnds) {
  const Script closing = Closing();
  const uint64_t seconds[] = {120, 60, 60, 60, 30, 120};
  ASSERT_EQ(closing.size(), std::size(seconds));
  Play(Handshake());
  for (size_t i = 0; i < closing.size(); ++i) {
    SCOPED_TRACE(closing[i].what);
    // Nothing but the state may have set it.
    ExpireIn(1000);
    Play({closing[i]});
    // What nobody has acknowledged counts in an established connection only.
    EXPECT_EQ(SecondsLeft(), seconds[i]);
  }
}

// Who is told off may not keep a connection alive by it.
TEST_F(TcpConnectionTest, WhatMovesNothingOnRenewsNothing) {
  Play({{"SYN", {kA, kSyn, 1000, 0}, kPasses, kSynSent}});
  ExpireIn(5);
  Play({{"challenge", {kB, kAck, 77'000, 88'000}, kPasses, kSynSent}});
  EXPECT_LE(SecondsLeft(), 5u);
  Play({{"SYN, ACK", {kB, kSyn | kAck, 5000, 1001}, kPasses, kSynReceived},
        {"ACK", {kA, kAck, 1001, 5001}, kPasses, kEstablished}});
  ExpireIn(5);
  Play({{"RST in the window", {kB, kRst, 5100, 0}, kPasses, kEstablished},
        {"data beyond it", {kB, kAck, 5001 + 10'001, 1001, 1}, kRefused, kEstablished}});
  EXPECT_LE(SecondsLeft(), 5u);
  Play({{"RST", {kB, kRst, 5001, 0}, kPasses, kClosed}});
  ExpireIn(5);
  Play({{"ACK of what is closed", {kA, kAck, 1001, 5001}, kPasses, kClosed}});
  EXPECT_LE(SecondsLeft(), 5u);
}

TEST_F(TcpConnectionTest, AnAcknowledgementMayBeOvertaken) {
  Play(Handshake() +
       Script{{"by more than a window", {kB, kAck, 5001, 1001u - 60'000}, kPasses, kEstablished}});
}

// A may send 1000 bytes before it hears more.
Script SmallWindow() {
  return {{"SYN", {kA, kSyn, 1000, 0}, kPasses, kSynSent},
          {"SYN, ACK", {kB, kSyn | kAck, 5000, 1001, 0, 1000}, kPasses, kSynReceived},
          {"ACK", {kA, kAck, 1001, 5001}, kPasses, kEstablished}};
}

// Bound I is the end of the receiver's window; of a closed one a byte behind, for probes.
TEST_F(TcpConnectionTest, AClosedWindowIsProbed) {
  Play(SmallWindow() +
       Script{{"all B allows", {kA, kAck, 1001, 5001, 1000}, kPasses, kEstablished},
              {"no more", {kB, kAck, 5001, 2001, 0, 0}, kPasses, kEstablished},
              {"behind a probe", {kA, kAck, 2003, 5001, 1}, kRefused, kEstablished},
              {"a probe", {kA, kAck, 2001, 5001, 1}, kPasses, kEstablished},
              {"right behind it", {kA, kAck, 2002, 5001, 1}, kPasses, kEstablished}});
}

// Bound II is a window back from what was sent, however much that was.
TEST_F(TcpConnectionTest, WhatReachesBeyondTheWindowMayBeSentAgain) {
  Play(SmallWindow() +
       Script{{"ends beyond", {kA, kAck, 2001, 5001, 500}, kPasses, kEstablished},
              {"the first byte, lost", {kA, kAck, 1001, 5001, 1}, kPasses, kEstablished},
              {"before it", {kA, kAck, 900, 5001, 1}, kRefused, kEstablished}});
}

// RFC 7323, 2.2: the window of a SYN is as it stands there.
TEST_F(TcpConnectionTest, TheWindowOfASynIsNotScaled) {
  const Bytes scale7 = {1, 3, 3, 7};
  Play({{"SYN", {kA, kSyn, 1000, 0, 0, 1000, scale7}, kPasses, kSynSent},
        {"SYN, ACK", {kB, kSyn | kAck, 5000, 1001, 0, 1000, scale7}, kPasses, kSynReceived},
        {"more than B allows", {kA, kAck, 1001 + 1001, 5001, 1}, kRefused, kSynReceived},
        {"the last it allows", {kA, kAck, 1001 + 1000, 5001, 1}, kPasses, kEstablished}});
}

// How much A may be sent after it has offered a window of 1000 with these options in its SYN.
TEST_F(TcpConnectionTest, ScalesThatAreNoneOrTooLarge) {
  struct {
    const char* what;
    Bytes options;
    uint32_t allowed;
  } const cases[] = {
      {"7", {1, 3, 3, 7}, 1000u << 7},
      {"15 is 14", {1, 3, 3, 15}, 1000u << 14},
      {"behind the end of options", {0, 2, 3, 3, 7, 0, 0, 0}, 1000},
      {"of a wrong length", {3, 4, 7, 0}, 1000},
      {"cut short", {1, 1, 3, 3}, 1000},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.what);
    SetUp();
    Play({{"SYN", {kA, kSyn, 1000, 0, 0, 1000, test.options}, kPasses, kSynSent},
          {"SYN, ACK", {kB, kSyn | kAck, 5000, 1001, 0, 1000, {1, 3, 3, 7}}, kPasses, kSynReceived},
          {"ACK", {kA, kAck, 1001, 5001, 0, 1000}, kPasses, kEstablished},
          {"more", {kB, kAck, 5001 + test.allowed + 1, 1001, 1}, kRefused, kEstablished},
          {"the last", {kB, kAck, 5001 + test.allowed, 1001, 1}, kPasses, kEstablished}});
  }
}

}  // namespace
}  // namespace outrider::tests
