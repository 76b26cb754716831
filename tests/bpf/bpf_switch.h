// The eBPF programs of this build, loaded into the kernel in a network namespace of the test's own:
// two segments, three taps as ports, a real `vxlan external` device on loopback. Tests add map
// rows, run one program on one packet (BPF_PROG_TEST_RUN) or send real frames, and look at
// counters.
//
// Thread rule: one thread.
#ifndef OUTRIDER_TESTS_BPF_BPF_SWITCH_H_
#define OUTRIDER_TESTS_BPF_BPF_SWITCH_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/packet_builder.h"
#include "tests/support/test_netns.h"
#include "vswitch/abi/or_abi.h"
#include "vswitch/abi/or_drop.h"
#include "vswitch/datapath/ebpf/fdb_rows.h"
#include "vswitch/datapath/ebpf/port_rows.h"
#include "vswitch/state/host_state.h"
#include "vswitch/sys/bpf/bpf_object.h"
#include "vswitch/sys/bpf/typed_map.h"

namespace outrider::tests {

// The standing topology. Port 1, 2 and 3 are taps of segment kVni; their guests have these
// addresses.
inline constexpr uint32_t kVni = 7;
inline constexpr uint32_t kOtherVni = 8;
inline constexpr char kMacA[] = "52:54:00:00:00:01";
inline constexpr char kMacB[] = "52:54:00:00:00:02";
inline constexpr char kMacC[] = "52:54:00:00:00:03";
// Behind VTEP 1.
inline constexpr char kMacRemote[] = "52:54:00:00:00:99";
inline constexpr char kMacUnknown[] = "52:54:00:00:00:ee";
inline constexpr char kIpA[] = "10.0.0.1";
inline constexpr char kIpB[] = "10.0.0.2";
inline constexpr char kLocalVtep[] = "127.0.0.1";
inline constexpr char kLocalVtep6[] = "fd99::1";
inline constexpr char kRemoteVtep[] = "127.0.0.2";
inline constexpr uint32_t kMtu = 1450;
inline constexpr uint32_t kReplicationList = 1;

// Verdicts, as in linux/pkt_cls.h.
inline constexpr uint32_t kPass = 0;
// The next program, or the host, decides.
inline constexpr uint32_t kGoOn = 0xffffffff;
inline constexpr uint32_t kDropped = 2;
inline constexpr uint32_t kStolen = 4;
inline constexpr uint32_t kRedirected = 7;

struct RunContext {
  int ifindex = 0;  // 0: that of `of_tap`
  uint32_t of_tap = 1;
  uint32_t mark = 0;
  uint32_t gso_size = 0;
  uint32_t repeat = 1;
};

struct RunResult {
  uint32_t verdict = 0;
  uint32_t mark = 0;
  uint32_t priority = 0;
  Bytes packet;
  // Mean of one repetition.
  uint32_t duration_ns = 0;
};

class BpfSwitch {
 public:
  // Enters a new network namespace; the whole topology is in place, filters are not attached. The
  // programs are those of the process's last switch, if that is gone (loaded_programs.h).
  static absl::StatusOr<std::unique_ptr<BpfSwitch>> Create();

  // Runs a program once (or repeat times) on `packet`.
  absl::StatusOr<RunResult> Run(const std::string& program, const Bytes& packet,
                                const RunContext& context = {});
  // Attaches the four programs where they belong.
  absl::Status AttachAll();
  // Those of a device: at its ingress and its egress; empty: none.
  absl::Status Attach(int ifindex, const std::string& in, const std::string& out);
  // Every row back to the standing topology, every counter and event to zero.
  absl::Status Reset();

  abi::or_port StandardPort(uint32_t index) const;
  // Drops by {port, reason}, packets, all that are not zero.
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> Drops();
  uint64_t DroppedPackets(uint32_t port);
  abi::or_port_stats Stats(uint32_t port);

  // Port A, B, C; index 1, 2, 3.
  Tap& tap(uint32_t index) { return *taps_[index - 1]; }
  int tunnel_ifindex() const { return tunnel_ifindex_; }
  sys::BpfObject& object() { return *object_; }
  sys::KernelBpfMaps& raw() { return *maps_; }

  template <typename Key, typename Value>
  sys::TypedMap<Key, Value> Map(const std::string& name) {
    return sys::TypedMap<Key, Value>(maps_.get(), name);
  }
  datapath::ebpf::FdbRows Fdb() { return datapath::ebpf::FdbRows(maps_.get()); }
  datapath::ebpf::PortRows Ports() { return datapath::ebpf::PortRows(maps_.get()); }
  absl::Status SetPort(uint32_t index, const abi::or_port& port);
  // Takes the place of what is under the id.
  absl::Status SetRuleSet(uint32_t id, const state::RuleSet& set);
  absl::Status SetRuleSet(uint32_t id, const std::vector<state::AclRule>& rules,
                          abi::or_acl_action default_action);
  absl::Status SetFdb(uint32_t vni, const std::string& mac, abi::or_fdb_kind kind, uint32_t index);
  absl::Status SetSegment(uint32_t vni, uint32_t flags);
  // Makes segment kVni one that VLAN `vlan` of tap C carries, which is a port no more; FDB and list
  // say so, too.
  absl::Status SetProvider(uint32_t vlan, uint32_t flags, uint32_t mtu = kMtu);
  // A station that was heard from the uplink so long ago.
  absl::Status HearStation(const std::string& mac, uint64_t ns_ago = 0);
  absl::Status SetNeighbor(uint32_t vni, const std::string& ip, const std::string& mac);
  // One more limit of a port that has none or only such; its bucket is full.
  absl::Status SetLimit(uint32_t index, abi::or_limit_kind kind, const abi::or_limit& limit);
  // What port `index` may use beside its MAC: list `index`, named by its row.
  absl::Status Allow(uint32_t index, const std::string& mac,
                     const std::vector<std::string>& prefixes);

 private:
  BpfSwitch() = default;
  absl::Status MakeDevices();
  absl::Status ClearFdb();
  absl::Status ClearMaps();

  std::array<std::unique_ptr<Tap>, 3> taps_;
  int tunnel_ifindex_ = 0;
  std::shared_ptr<sys::BpfObject> object_;
  std::unique_ptr<sys::KernelBpfMaps> maps_;
};

// The name of a drop reason, for messages.
std::string ReasonName(uint32_t reason);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_BPF_SWITCH_H_
