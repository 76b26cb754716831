#include "tests/bpf/answer_fixture.h"

namespace outrider::tests {

uint16_t At16(const Bytes& packet, size_t at) {
  return static_cast<uint16_t>(packet[at] << 8 | packet[at + 1]);
}

uint32_t At32(const Bytes& packet, size_t at) {
  return static_cast<uint32_t>(At16(packet, at)) << 16 | At16(packet, at + 2);
}

Bytes Slice(const Bytes& packet, size_t from, size_t to) {
  return Bytes(packet.begin() + static_cast<ptrdiff_t>(from),
               packet.begin() + static_cast<ptrdiff_t>(to));
}

Bytes WithPseudoHeader(const Bytes& packet, bool v4, uint8_t protocol) {
  Bytes covered = v4 ? Slice(packet, 26, 34) : Slice(packet, 22, 54);
  const Bytes rest = Slice(packet, v4 ? 34 : 54, packet.size());
  const auto length = static_cast<uint32_t>(rest.size());
  for (const uint32_t word : {length, uint32_t{protocol}}) {
    for (int shift = 24; shift >= 0; shift -= 8)
      covered.push_back(static_cast<uint8_t>(word >> shift));
  }
  covered.insert(covered.end(), rest.begin(), rest.end());
  return covered;
}

PacketBuilder FromGuestA(const std::string& dst) { return PacketBuilder(dst, kMacA); }

void AnswerTest::SetUp() {
  auto made = BpfSwitch::Create();
  ASSERT_TRUE(made.ok()) << made.status();
  switch_ = std::move(*made);
}

Bytes AnswerTest::AnswerTo(const Bytes& packet, const RunContext& context) {
  const RunResult result = switch_->Run("or_from_port", packet, context).value();
  if (result.verdict == kDropped) return {};
  EXPECT_EQ(result.verdict, kRedirected);
  EXPECT_EQ(result.mark, OR_MARK_MAGIC | 1);
  EXPECT_EQ(Slice(result.packet, 0, 6), Slice(packet, 6, 12));
  EXPECT_EQ(Slice(result.packet, 6, 12), Slice(packet, 0, 6));
  return result.packet;
}

}  // namespace outrider::tests
