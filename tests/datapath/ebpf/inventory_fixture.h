// An inventory of a whole segment with a port and a remote VTEP, to break in one place.
#ifndef OUTRIDER_TESTS_DATAPATH_EBPF_INVENTORY_FIXTURE_H_
#define OUTRIDER_TESTS_DATAPATH_EBPF_INVENTORY_FIXTURE_H_

#include "tests/support/packet_builder.h"
#include "tests/support/state_generator.h"
#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/port_codec.h"

namespace outrider::datapath::ebpf {

inline constexpr uint32_t kVni = 7;
inline constexpr uint32_t kPort = 3;  // port index
inline constexpr uint32_t kIfindex = 11;
inline constexpr uint32_t kVtep = 5;  // VTEP index
inline constexpr uint32_t kList = 20;

inline state::Port FixturePort() {
  state::Port port;
  port.mac = tests::MakeMac(1);
  port.vni = tests::MakeVni(kVni);
  port.phase = state::PortPhase::kActive;
  port.epoch = Epoch{1};
  port.device = "tap0";
  return port;
}

inline IpAddress FixtureVtep() { return tests::Ip("10.99.0.2"); }

inline abi::or_fdb_key FixtureFdbKey(uint8_t n) {
  abi::or_fdb_key key{};
  key.vni = kVni;
  CopyBytes(tests::MakeMac(n).bytes(), key.mac);
  return key;
}

inline Inventory WholeInventory() {
  Inventory rows;
  rows.devices[kIfindex] = kPort;
  rows.ports[kPort] = EncodePort(FixturePort(), {.ifindex = kIfindex, .mtu = 1400});
  rows.port_info[kPort] = EncodePortInfo(tests::MakePortId(1), FixturePort());
  abi::or_segment segment{};
  segment.flags = OR_SEGMENT_SUPPRESS_ARP | OR_SEGMENT_SUPPRESS_ND;
  segment.mtu = 1400;
  segment.replication = kList;
  segment.local_copies = 1;
  segment.remote_copies = 1;
  rows.segments[kVni] = segment;
  rows.replication[kList] = {{0, kPort}, {1, kVtep}};
  rows.vteps[kVtep] = FixtureVtep();
  rows.members[kVni][FixtureVtep()] = kVtep;
  rows.fdb.push_back({FixtureFdbKey(1), {abi::OR_FDB_LOCAL, kPort, 1}});
  rows.fdb.push_back({FixtureFdbKey(2), {abi::OR_FDB_REMOTE, kVtep, 1}});
  return rows;
}

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_TESTS_DATAPATH_EBPF_INVENTORY_FIXTURE_H_
