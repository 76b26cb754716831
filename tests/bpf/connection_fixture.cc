#include "tests/bpf/connection_fixture.h"

#include <ctime>

#include "vswitch/sys/bpf/program_run.h"

namespace outrider::tests {
namespace {

constexpr uint64_t kNsPerS = 1'000'000'000;

uint64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * kNsPerS + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

std::unique_ptr<BpfSwitch> ConnectionTest::switch_;

state::AclRule RuleFor(state::AclAction action, uint8_t protocol, uint16_t dst_port) {
  state::AclRule rule;
  rule.action = action;
  rule.protocol = protocol;
  if (dst_port != 0) rule.dst_port = {dst_port, dst_port};
  return rule;
}

void ConnectionTest::SetUpTestSuite() {
  auto made = BpfSwitch::Create();
  ASSERT_TRUE(made.ok()) << made.status();
  switch_ = *std::move(made);
}

void ConnectionTest::TearDownTestSuite() { switch_.reset(); }

void ConnectionTest::SetUp() { ASSERT_EQ(switch_->Reset(), absl::OkStatus()); }

Profile ConnectionTest::OutboundOnly() {
  return {.ingress = {RuleFor(state::AclAction::kAllowRelated)}, .egress = {}};
}

void ConnectionTest::SetProfile(const Profile& profile, uint32_t index) {
  abi::or_port port = switch_->StandardPort(index);
  port.ingress_rule_set = ++last_rule_set_;
  port.egress_rule_set = ++last_rule_set_;
  port.ingress_content = port.ingress_rule_set;
  port.egress_content = port.egress_rule_set;
  port.max_connections = profile.max_connections;
  if (profile.max_connections != 0) port.flags |= OR_PORT_STATEFUL;
  if (profile.keep) port.flags |= OR_PORT_KEEP_ESTABLISHED;
  ASSERT_EQ(switch_->SetRuleSet(port.ingress_rule_set, {.rules = profile.ingress,
                                                        .default_action = profile.default_action}),
            absl::OkStatus());
  ASSERT_EQ(switch_->SetRuleSet(port.egress_rule_set, {.rules = profile.egress,
                                                       .default_action = profile.default_action}),
            absl::OkStatus());
  if (profile.max_connections != 0) {
    (void)switch_->Map<uint32_t, uint32_t>("or_connection_counts")
        .Update(index, 0, sys::UpdateMode::kNoExist);
    (void)switch_->Map<uint32_t, abi::or_fragments>("or_fragments")
        .Update(index, abi::or_fragments{}, sys::UpdateMode::kNoExist);
  }
  ASSERT_EQ(switch_->SetPort(index, port), absl::OkStatus());
}

bool ConnectionTest::Passes(uint32_t index, const Bytes& frame, uint32_t delivered_to,
                            uint32_t gso_size) {
  const auto result = switch_->Run(
      "or_from_port", frame, {.ifindex = switch_->tap(index).ifindex(), .gso_size = gso_size});
  EXPECT_TRUE(result.ok()) << result.status();
  if (!result.ok() || result->verdict != kRedirected) return false;
  EXPECT_EQ(result->mark, OR_MARK_MAGIC | delivered_to);
  EXPECT_EQ(result->packet, frame);
  return true;
}

bool ConnectionTest::FromA(const Bytes& frame, uint32_t gso_size) {
  return Passes(1, frame, 2, gso_size);
}

bool ConnectionTest::ToA(const Bytes& frame, uint32_t gso_size) {
  return Passes(2, frame, 1, gso_size);
}

uint64_t ConnectionTest::Dropped(uint32_t reason, uint32_t port) {
  const auto drops = switch_->Drops();
  const auto found = drops.find({port, reason});
  return found == drops.end() ? 0 : found->second;
}

std::vector<ConnectionTest::Entry> ConnectionTest::Entries() {
  return switch_->Map<abi::or_connection_key, abi::or_connection>("or_connections").Dump().value();
}

uint32_t ConnectionTest::State() {
  const auto entries = Entries();
  EXPECT_LE(entries.size(), 1u);
  return entries.empty() ? 0 : entries[0].second.state;
}

uint64_t ConnectionTest::SecondsLeft() {
  const auto entries = Entries();
  EXPECT_EQ(entries.size(), 1u);
  if (entries.empty()) return 0;
  return (entries[0].second.expires_ns - Now() + kNsPerS - 1) / kNsPerS;
}

uint32_t ConnectionTest::Count(uint32_t port) {
  return switch_->Map<uint32_t, uint32_t>("or_connection_counts").Lookup(port).value();
}

void ConnectionTest::SetExpiry(uint64_t expires_ns) {
  auto map = switch_->Map<abi::or_connection_key, abi::or_connection>("or_connections");
  for (auto& [key, entry] : Entries()) {
    entry.expires_ns = expires_ns;
    ASSERT_EQ(map.Update(key, entry), absl::OkStatus());
  }
}

void ConnectionTest::ExpireIn(uint64_t seconds) { SetExpiry(Now() + seconds * kNsPerS); }

uint32_t ConnectionTest::Sweep(abi::or_sweep_what what, uint32_t port) {
  const int program = switch_->object().Program("or_sweep_connections").value();
  return sys::RunProgram(program, {.mark = port, .cb0 = static_cast<uint32_t>(what)}).value();
}

Bytes UdpFromA(uint16_t a_port, uint16_t b_port, size_t payload) {
  return PacketBuilder(kMacB, kMacA)
      .Ipv4({.src = kIpA, .dst = kIpB})
      .Udp(a_port, b_port)
      .Payload(payload)
      .Build();
}

Bytes UdpToA(uint16_t b_port, uint16_t a_port, size_t payload) {
  return PacketBuilder(kMacA, kMacB)
      .Ipv4({.src = kIpB, .dst = kIpA})
      .Udp(b_port, a_port)
      .Payload(payload)
      .Build();
}

Bytes TcpFrame(const Segment& segment, uint16_t a_port, bool v6) {
  const bool out = segment.from_a;
  PacketBuilder frame(out ? kMacB : kMacA, out ? kMacA : kMacB);
  if (v6) {
    frame.Ipv6({.src = out ? kIp6A : kIp6B, .dst = out ? kIp6B : kIp6A});
  } else {
    frame.Ipv4({.src = out ? kIpA : kIpB, .dst = out ? kIpB : kIpA});
  }
  return frame
      .Tcp({.src_port = out ? a_port : uint16_t{80},
            .dst_port = out ? uint16_t{80} : a_port,
            .flags = segment.flags,
            .seq = segment.seq,
            .ack = segment.ack,
            .window = segment.window,
            .options = segment.options})
      .Payload(segment.payload)
      .Build();
}

}  // namespace outrider::tests
