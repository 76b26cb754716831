// The FDB's table: rows that share nearly all of a key, and a table so full that rows find no room
// in their buckets.
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {
namespace {

using Mac = std::array<uint8_t, 6>;

Mac MacOf(uint32_t n) {
  return {0x06,
          0,
          static_cast<uint8_t>(n >> 24),
          static_cast<uint8_t>(n >> 16),
          static_cast<uint8_t>(n >> 8),
          static_cast<uint8_t>(n)};
}

uint32_t NumberOf(const abi::or_fdb_key& key) {
  return static_cast<uint32_t>(key.mac[2]) << 24 | static_cast<uint32_t>(key.mac[3]) << 16 |
         static_cast<uint32_t>(key.mac[4]) << 8 | key.mac[5];
}

abi::or_fdb_key KeyOf(uint32_t vni, const Mac& mac) {
  abi::or_fdb_key key = {.vni = vni, .mac = {}, .pad = 0};
  std::copy(mac.begin(), mac.end(), key.mac);
  return key;
}

class FdbTest : public ::testing::Test {
 protected:
  // What came of it: enum or_fdb_result.
  abi::or_fdb_write Write(const abi::or_fdb_key& key, abi::or_fdb_action action,
                          const abi::or_fdb& row) {
    std::vector<abi::or_fdb_write> writes = {
        {.key = key, .action = static_cast<uint16_t>(action), .result = 0, .row = row}};
    WriteAll(&writes);
    return writes[0];
  }
  abi::or_fdb_write Put(const abi::or_fdb_key& key, uint32_t port, uint64_t epoch = 1) {
    return Write(key, abi::OR_FDB_PUT, {abi::OR_FDB_LOCAL, port, epoch});
  }
  void WriteAll(std::vector<abi::or_fdb_write>* writes) {
    const int program = switch_->object().Program("or_write_fdb").value();
    ASSERT_EQ(switch_->Fdb().Write(program, *writes), absl::OkStatus());
  }
  // The numbers first, first + step, ... below `end` are behind port 2 or 3.
  void WriteRange(abi::or_fdb_action action, uint32_t first, uint32_t end, uint32_t step) {
    std::vector<abi::or_fdb_write> writes;
    for (uint32_t n = first; n < end; n += step) {
      writes.push_back({.key = KeyOf(kVni, MacOf(n)),
                        .action = static_cast<uint16_t>(action),
                        .result = 0,
                        .row = {abi::OR_FDB_LOCAL, PortOf(n), 1}});
    }
    WriteAll(&writes);
    for (const auto& write : writes) ASSERT_EQ(write.result, abi::OR_FDB_DONE);
  }
  static uint32_t PortOf(uint32_t n) { return 2 + n / 2 % 2; }

  abi::or_fdb_head Head() {
    return switch_->Map<uint32_t, abi::or_fdb_head>("or_fdb_head").Lookup(0).value();
  }
  std::set<uint32_t> Spilled() {
    std::set<uint32_t> numbers;
    const std::vector<abi::or_fdb_key> keys =
        switch_->Map<abi::or_fdb_key, abi::or_fdb_more>("or_fdb_more").Keys().value();
    for (const abi::or_fdb_key& key : keys) numbers.insert(NumberOf(key));
    return numbers;
  }
  // The port that gets a frame from port 1 to that MAC; 0: nobody.
  uint32_t Receiver(const Mac& mac) {
    std::copy(mac.begin(), mac.end(), frame_.begin());
    const uint64_t two = switch_->Stats(2).tx_packets;
    if (switch_->Run("or_from_port", frame_).value().verdict != kRedirected) return 0;
    return switch_->Stats(2).tx_packets != two ? 2 : 3;
  }

  std::unique_ptr<BpfSwitch> switch_ = BpfSwitch::Create().value();
  Bytes frame_ = PacketBuilder(kMacB, kMacA)
                     .Ipv4({.src = kIpA, .dst = kIpB})
                     .Udp(4000, 4000)
                     .Payload(20)
                     .Build();
};

TEST_F(FdbTest, EveryBitOfTheVniCounts) {
  const Mac mac = MacOf(1);
  for (const uint32_t vni : {kVni, kVni + (1u << 16), kVni + (1u << 24), kVni + 1}) {
    EXPECT_EQ(Put(KeyOf(vni, mac), 1 + vni % 5).row.kind, 0u);
  }
  for (const uint32_t vni : {kVni, kVni + (1u << 16), kVni + (1u << 24), kVni + 1}) {
    EXPECT_EQ(Put(KeyOf(vni, mac), 9).row.index, 1 + vni % 5);
  }
  Write(KeyOf(kVni, mac), abi::OR_FDB_REMOVE, {});
  EXPECT_EQ(Receiver(mac), 0u);
}

// Whose key is all zero, as that of a slot that was never used.
TEST_F(FdbTest, TheMacOfZeroesIsOne) {
  const abi::or_fdb_key key = KeyOf(1u << 16, Mac{});
  EXPECT_EQ(Put(key, 2, 5).row.kind, 0u);
  const auto rows = switch_->Fdb().Dump().value();
  EXPECT_EQ(std::count_if(rows.begin(), rows.end(),
                          [&](const auto& row) {
                            return std::memcmp(&row.first, &key, sizeof(key)) == 0 &&
                                   row.second.index == 2 && row.second.epoch == 5;
                          }),
            1);
  EXPECT_EQ(Write(key, abi::OR_FDB_REMOVE, {}).row.index, 2u);
  EXPECT_EQ(Write(key, abi::OR_FDB_REMOVE, {}).row.kind, 0u);
}

TEST_F(FdbTest, AnOlderEpochChangesNothing) {
  const abi::or_fdb_key key = KeyOf(kVni, MacOf(1));
  Put(key, 2, 5);
  const abi::or_fdb_write older = Put(key, 3, 4);
  EXPECT_EQ(older.result, abi::OR_FDB_OLDER);
  EXPECT_EQ(older.row.epoch, 5u);
  EXPECT_EQ(Receiver(MacOf(1)), 2u);
  EXPECT_EQ(Put(key, 3, 5).result, abi::OR_FDB_DONE);
  EXPECT_EQ(Receiver(MacOf(1)), 3u);
  EXPECT_EQ(Put(key, 2, 0).result, abi::OR_FDB_DONE);
  EXPECT_EQ(Receiver(MacOf(1)), 2u);
}

TEST_F(FdbTest, EveryChangeIsCounted) {
  const auto changes = [&] {
    return switch_->Map<uint32_t, uint64_t>("or_changes").Lookup(0).value();
  };
  const uint64_t before = changes();
  Put(KeyOf(kVni, MacOf(1)), 2);
  EXPECT_EQ(changes(), before + 1);
}

TEST_F(FdbTest, AFullTableFindsEveryRow) {
  const uint32_t count = OR_MAX_FDB - Head().rows;
  WriteRange(abi::OR_FDB_PUT, 0, count, 1);
  EXPECT_EQ(Head().rows, OR_MAX_FDB);
  EXPECT_EQ(Put(KeyOf(kVni, MacOf(count)), 2).result, abi::OR_FDB_FULL);
  // One that is there takes no room.
  EXPECT_EQ(Put(KeyOf(kVni, MacOf(0)), PortOf(0)).result, abi::OR_FDB_DONE);
  EXPECT_EQ(switch_->Fdb().Dump()->size(), OR_MAX_FDB);
  std::set<uint32_t> asked = Spilled();
  EXPECT_GT(asked.size(), OR_MAX_FDB / 200);
  EXPECT_EQ(Head().more, asked.size());
  for (uint32_t n = 0; n < count; n += 61) asked.insert(n);
  for (const uint32_t n : asked) ASSERT_EQ(Receiver(MacOf(n)), PortOf(n)) << n;

  WriteRange(abi::OR_FDB_REMOVE, 1, count, 2);
  for (const uint32_t n : asked) ASSERT_EQ(Receiver(MacOf(n)), n % 2 == 0 ? PortOf(n) : 0) << n;
  EXPECT_EQ(Head().more, Spilled().size());
  WriteRange(abi::OR_FDB_PUT, 1, count, 2);
  for (const uint32_t n : asked) ASSERT_EQ(Receiver(MacOf(n)), PortOf(n)) << n;
  WriteRange(abi::OR_FDB_REMOVE, 0, count, 1);
  EXPECT_EQ(Head().rows, OR_MAX_FDB - count);
  EXPECT_EQ(Head().more, 0u);
}

}  // namespace
}  // namespace outrider::tests
