// Random sequences of frames, edits, flushes and expiries: the programs do what the model says, and
// the table has as many entries as the model. Fixed seeds.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/bpf/connection_fixture.h"
#include "tests/bpf/connection_model.h"

namespace outrider::tests {
namespace {

constexpr uint32_t kShare = 20;
constexpr uint16_t kPorts = 6;  // of A, per protocol
constexpr int kSteps = 4000;
constexpr uint16_t kWindow = 60'000;

class ConnectionProperty : public ConnectionTest, public ::testing::WithParamInterface<int> {
 protected:
  void SetUp() override {
    ConnectionTest::SetUp();
    random_.seed(static_cast<uint64_t>(GetParam()));
    Edit();
  }

  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }

  void Edit() {
    ModelRules rules{.actions = {}, .keep = Below(3) == 0};
    // Mostly stateful: otherwise little happens.
    for (auto& direction : rules.actions) {
      for (Action& action : direction) action = static_cast<Action>(std::min(Below(6), 2u));
    }
    model_.Edit(rules);
    Profile profile{.ingress = Rules(rules.actions[1]), .egress = Rules(rules.actions[0])};
    profile.max_connections = kShare;
    profile.keep = rules.keep;
    SetProfile(profile);
  }

  static std::vector<state::AclRule> Rules(const std::array<Action, 3>& actions) {
    constexpr std::array<uint8_t, 3> kProtocols = {17, 1, 6};
    constexpr std::array<state::AclAction, 3> kActions = {
        state::AclAction::kDrop, state::AclAction::kAllow, state::AclAction::kAllowRelated};
    std::vector<state::AclRule> rules;
    for (size_t i = 0; i < actions.size(); ++i) {
      rules.push_back(RuleFor(kActions[static_cast<size_t>(actions[i])], kProtocols[i]));
    }
    return rules;
  }

  ModelFrame AnyFrame() {
    ModelFrame frame{.proto = static_cast<Proto>(std::min(Below(4), 2u)),
                     .from_a = Below(2) == 0,
                     .a_port = static_cast<uint16_t>(1 + Below(kPorts)),
                     .reply = Below(2) == 0,
                     .say = static_cast<Say>(Below(8)),
                     .length = 1 + Below(1000)};
    // What the honest ends of this connection would not say is not said by them.
    if (frame.proto != Proto::kTcp) return frame;
    const ModelConnection* connection = model_.Find(frame);
    while (connection != nullptr && !MaySay(*connection, frame)) {
      frame.say = static_cast<Say>(Below(8));
      frame.from_a = Below(2) == 0;
    }
    return frame;
  }

  Bytes Build(const ModelFrame& frame, uint32_t isn) {
    PacketBuilder packet(frame.from_a ? kMacB : kMacA, frame.from_a ? kMacA : kMacB);
    if (frame.proto == Proto::kTcp) return TcpOf(frame, isn);
    packet.Ipv4({.src = frame.from_a ? kIpA : kIpB, .dst = frame.from_a ? kIpB : kIpA});
    if (frame.proto == Proto::kEcho) {
      return packet.Icmp(frame.reply ? 0 : 8, 0, frame.a_port).Payload(8).Build();
    }
    packet.Udp(frame.from_a ? frame.a_port : 53, frame.from_a ? 53 : frame.a_port);
    return packet.Payload(8).Build();
  }

  Bytes TcpOf(const ModelFrame& frame, uint32_t isn) {
    const ModelConnection* connection = model_.Find(frame);
    const ModelTcp none;
    const ModelTcp& tcp = connection == nullptr ? none : connection->tcp;
    const size_t self = frame.from_a ? 1 : 0;
    Segment segment{frame.from_a, kAck, tcp.next[self], tcp.next[1 - self], 0, kWindow};
    switch (frame.say) {
      case Say::kSyn:
        segment.flags = kSyn;
        segment.seq = isn;
        segment.ack = 0;
        break;
      case Say::kSynAck:
        segment.flags = kSyn | kAck;
        segment.seq = tcp.phase == ModelTcp::Phase::kSyn ? isn : tcp.next[self] - 1;
        break;
      case Say::kData:
        segment.payload = frame.length;
        break;
      case Say::kFin:
        segment.flags = kFin | kAck;
        break;
      case Say::kReset:
        segment.flags = kRst;
        break;
      case Say::kRefuse:
        segment.flags = kRst | kAck;
        segment.seq = 0;
        break;
      case Say::kForged:
        Forge(&segment);
        break;
      case Say::kAck:
        break;
    }
    return TcpFrame(segment, frame.a_port);
  }

  // Somebody who does not see the connection guesses.
  void Forge(Segment* segment) {
    const uint32_t far = (1u << 24) + Below(1u << 30);
    switch (Below(4)) {
      case 0:  // data ahead
        segment->seq += far;
        segment->payload = 10;
        return;
      case 1:  // data of long ago
        segment->seq -= far;
        segment->payload = 10;
        return;
      case 2:  // FIN without ACK, which nobody sends
        segment->flags = kFin;
        return;
      default:  // acknowledges what was never sent
        segment->ack += far;
        segment->payload = 1;
        return;
    }
  }

  void Step(int step) {
    const uint32_t isn = static_cast<uint32_t>(random_());
    const ModelFrame frame = AnyFrame();
    const Bytes bytes = Build(frame, isn);
    const Verdict verdict = model_.Judge(frame, isn);
    ++expected_[verdict];
    ASSERT_EQ(frame.from_a ? FromA(bytes) : ToA(bytes), verdict == Verdict::kPass)
        << "step " << step << ": protocol " << static_cast<int>(frame.proto) << " from A "
        << frame.from_a << " port " << frame.a_port << " reply " << frame.reply << " says "
        << static_cast<int>(frame.say) << " verdict " << static_cast<int>(verdict);
    ASSERT_EQ(Count(), model_.size()) << "step " << step;
  }

  std::mt19937_64 random_;
  ConnectionModel model_{kShare};
  std::map<Verdict, uint64_t> expected_;
};

TEST_P(ConnectionProperty, TheProgramsDoWhatTheModelSays) {
  for (int step = 0; step < kSteps && !HasFatalFailure(); ++step) {
    // However slow the machine, time passes only when the test says so.
    if (step % 100 == 0) HoldAll();
    Step(step);
    switch (Below(300)) {
      case 0:
      case 1:
      case 2:
        Edit();
        break;
      case 3:
        ExpireAll();
        EXPECT_EQ(Sweep(), model_.size());
        model_.Forget();
        break;
      case 4:
        EXPECT_EQ(Sweep(abi::OR_SWEEP_PORT, 1), model_.size());
        model_.Forget();
        break;
      default:
        break;
    }
  }
  EXPECT_EQ(Entries().size(), model_.size());
  EXPECT_EQ(Dropped(OR_DROP_CONNECTION_INVALID), expected_[Verdict::kInvalid]);
  EXPECT_EQ(Dropped(OR_DROP_CONNECTIONS_FULL), expected_[Verdict::kFull]);
  EXPECT_EQ(Dropped(OR_DROP_ACL_INGRESS) + Dropped(OR_DROP_ACL_EGRESS), expected_[Verdict::kAcl]);
  // Every answer was given often enough to mean something.
  EXPECT_GT(expected_[Verdict::kPass], 1000u);
  EXPECT_GT(expected_[Verdict::kInvalid], 100u);
  EXPECT_GT(expected_[Verdict::kAcl], 100u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ConnectionProperty, ::testing::Range(1, 9));

}  // namespace
}  // namespace outrider::tests
