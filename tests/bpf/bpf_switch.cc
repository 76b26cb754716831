#include "tests/bpf/bpf_switch.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <ctime>
#include <set>
#include <utility>

#include "tests/bpf/loaded_programs.h"
#include "vswitch/datapath/ebpf/acl/compiler.h"
#include "vswitch/sys/bpf/tc_filters.h"
#include "vswitch/sys/netlink/netlink_socket.h"

namespace outrider::tests {
namespace {

constexpr char kTunnelDevice[] = "orvx";

template <typename Array>
void CopyBytes(const Array& from, uint8_t* to) {
  std::copy(from.begin(), from.end(), to);
}

}  // namespace

std::string ReasonName(uint32_t reason) {
  switch (reason) {
#define OR_DROP_CASE(code, number, name, text) \
  case number:                                 \
    return name;
    OR_DROP_REASONS(OR_DROP_CASE)
#undef OR_DROP_CASE
  }
  return "reason " + std::to_string(reason);
}

absl::StatusOr<std::unique_ptr<BpfSwitch>> BpfSwitch::Create() {
  RETURN_IF_ERROR(EnterNewNetns());
  std::unique_ptr<BpfSwitch> made(new BpfSwitch());
  RETURN_IF_ERROR(made->MakeDevices());
  ASSIGN_OR_RETURN(made->object_, LoadPrograms(made->tunnel_ifindex_));
  ASSIGN_OR_RETURN(made->maps_, made->object_->Maps());
  RETURN_IF_ERROR(made->maps_->CountChangesIn("or_changes"));
  RETURN_IF_ERROR(made->Reset());
  return made;
}

absl::Status BpfSwitch::MakeDevices() {
  ASSIGN_OR_RETURN(taps_[0], Tap::Create("ora"));
  ASSIGN_OR_RETURN(taps_[1], Tap::Create("orb"));
  ASSIGN_OR_RETURN(taps_[2], Tap::Create("orc"));
  ASSIGN_OR_RETURN(auto netlink, sys::NetlinkSocket::Create());
  ASSIGN_OR_RETURN(sys::Link tunnel,
                   netlink->EnsureVxlan({.name = kTunnelDevice, .port = 4789, .mtu = kMtu}));
  tunnel_ifindex_ = tunnel.ifindex;
  return SetLinkUp(kTunnelDevice, true);
}

absl::Status BpfSwitch::ClearFdb() {
  ASSIGN_OR_RETURN(const int program, object_->Program("or_write_fdb"));
  ASSIGN_OR_RETURN(const auto rows, Fdb().Dump());
  std::vector<abi::or_fdb_key> keys;
  for (const auto& [key, row] : rows) keys.push_back(key);
  return Fdb().Delete(program, keys);
}

absl::Status BpfSwitch::ClearMaps() {
  RETURN_IF_ERROR(ClearFdb());
  for (const std::string& name : object_->MapNames()) {
    if (name == "or_events" || name.ends_with("_scratch")) continue;
    // Arrays have nothing to delete.
    const std::set<std::string> arrays = {
        "or_capture",     "or_capture_missed", "or_capture_ring", "or_group_revision",
        "or_ports",       "or_departures",     "or_moves",        "or_move_counts",
        "or_underlay",    "or_detours",        "or_changes",      "or_flow_cache",
        "or_flow_counts", "or_flow_tags",      "or_udp_bursts",   "or_policers",
        "or_fdb",         "or_fdb_epochs",     "or_fdb_head",     "or_fdb_batch"};
    if (arrays.contains(name)) continue;
    ASSIGN_OR_RETURN(std::vector<sys::Bytes> keys, maps_->Keys(name));
    RETURN_IF_ERROR(maps_->DeleteBatch(name, keys));
  }
  for (uint32_t index = 1; index <= 3; ++index) {
    RETURN_IF_ERROR((Map<uint32_t, abi::or_move>("or_moves").Update(index, {})));
    RETURN_IF_ERROR((Map<uint32_t, abi::or_departure>("or_departures").Update(index, {})));
  }
  ASSIGN_OR_RETURN(const auto rows, Ports().Dump());
  for (const auto& [index, row] : rows) RETURN_IF_ERROR(Ports().Delete(index));
  return absl::OkStatus();
}

absl::Status BpfSwitch::Reset() {
  RETURN_IF_ERROR(ClearMaps());
  const char* macs[] = {kMacA, kMacB, kMacC};
  for (uint32_t index = 1; index <= 3; ++index) {
    RETURN_IF_ERROR(SetPort(index, StandardPort(index)));
    RETURN_IF_ERROR((Map<uint32_t, uint32_t>("or_devices")
                         .Update(static_cast<uint32_t>(tap(index).ifindex()), index)));
    RETURN_IF_ERROR((Map<uint32_t, abi::or_port_stats>("or_port_stats").Update(index, {})));
    RETURN_IF_ERROR(SetFdb(kVni, macs[index - 1], abi::OR_FDB_LOCAL, index));
    const abi::or_replication_key slot = {kReplicationList, index - 1};
    RETURN_IF_ERROR((Map<abi::or_replication_key, uint32_t>("or_replication").Update(slot, index)));
  }
  RETURN_IF_ERROR(SetFdb(kVni, kMacRemote, abi::OR_FDB_REMOTE, 1));
  abi::or_vtep vtep = {};
  CopyBytes(Ip(kRemoteVtep).bytes(), vtep.address);
  RETURN_IF_ERROR((Map<uint32_t, abi::or_vtep>("or_vteps").Update(1, vtep)));
  abi::or_member_key member = {.vni = kVni, .address = {}};
  CopyBytes(Ip(kRemoteVtep).bytes(), member.address);
  RETURN_IF_ERROR((Map<abi::or_member_key, uint32_t>("or_members").Update(member, 1)));
  const abi::or_replication_key remote_slot = {kReplicationList, 3};
  RETURN_IF_ERROR(
      (Map<abi::or_replication_key, uint32_t>("or_replication").Update(remote_slot, 1)));
  return SetSegment(kVni, OR_SEGMENT_SUPPRESS_ARP);
}

abi::or_port BpfSwitch::StandardPort(uint32_t index) const {
  abi::or_port port = {};
  port.ifindex = static_cast<uint32_t>(taps_[index - 1]->ifindex());
  port.vni = kVni;
  const char* macs[] = {kMacA, kMacB, kMacC};
  CopyBytes(Mac(macs[index - 1]).bytes(), port.mac);
  port.phase = abi::OR_PORT_ACTIVE;
  port.flags = OR_PORT_ANTI_SPOOF;
  port.mtu = kMtu;
  port.epoch = 1;
  return port;
}

absl::Status BpfSwitch::Attach(int ifindex, const std::string& in, const std::string& out) {
  ASSIGN_OR_RETURN(auto filters, sys::KernelTcFilters::Create());
  const auto attach = [&](sys::TcDirection direction, const std::string& name) -> absl::Status {
    if (name.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const int program, object_->Program(name));
    return filters->Attach(ifindex, direction, program);
  };
  RETURN_IF_ERROR(attach(sys::TcDirection::kIngress, in));
  return attach(sys::TcDirection::kEgress, out);
}

absl::Status BpfSwitch::AttachAll() {
  for (const auto& port : taps_) {
    RETURN_IF_ERROR(Attach(port->ifindex(), "or_from_port", "or_port_guard"));
  }
  return Attach(tunnel_ifindex_, "or_from_overlay", "or_tunnel_guard");
}

absl::StatusOr<RunResult> BpfSwitch::Run(const std::string& program, const Bytes& packet,
                                         const RunContext& context) {
  ASSIGN_OR_RETURN(int fd, object_->Program(program));
  __sk_buff in = {};
  in.ifindex =
      static_cast<uint32_t>(context.ifindex != 0 ? context.ifindex : tap(context.of_tap).ifindex());
  in.mark = context.mark;
  in.gso_size = context.gso_size;
  __sk_buff out = {};
  RunResult result;
  result.packet.resize(packet.size() + 256);
  bpf_test_run_opts options = {};
  options.sz = sizeof(options);
  options.data_in = packet.data();
  options.data_size_in = static_cast<uint32_t>(packet.size());
  options.data_out = result.packet.data();
  options.data_size_out = static_cast<uint32_t>(result.packet.size());
  options.ctx_in = &in;
  options.ctx_size_in = sizeof(in);
  options.ctx_out = &out;
  options.ctx_size_out = sizeof(out);
  options.repeat = static_cast<int>(context.repeat);
  if (int error = -bpf_prog_test_run_opts(fd, &options); error != 0) {
    return ErrnoStatus(error, "test run of " + program);
  }
  result.verdict = options.retval;
  result.mark = out.mark;
  result.priority = out.priority;
  result.packet.resize(options.data_size_out);
  result.duration_ns = options.duration;
  return result;
}

std::map<std::pair<uint32_t, uint32_t>, uint64_t> BpfSwitch::Drops() {
  auto map = Map<abi::or_drop_key, abi::or_drop_count>("or_drops");
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> drops;
  const std::vector<abi::or_drop_key> keys = map.Keys().value();
  for (const abi::or_drop_key& key : keys) {
    drops[{key.port, key.reason}] = map.LookupSum(key).value().packets;
  }
  return drops;
}

uint64_t BpfSwitch::DroppedPackets(uint32_t port) {
  uint64_t sum = 0;
  for (const auto& [key, packets] : Drops()) {
    if (key.first == port) sum += packets;
  }
  return sum;
}

abi::or_port_stats BpfSwitch::Stats(uint32_t port) {
  return Map<uint32_t, abi::or_port_stats>("or_port_stats").LookupSum(port).value();
}

absl::Status BpfSwitch::SetPort(uint32_t index, const abi::or_port& port) {
  return Ports().Update(index, port);
}

absl::Status BpfSwitch::SetRuleSet(uint32_t id, const state::RuleSet& set) {
  const sys::TypedMapOfArrays<uint32_t, abi::or_acl_line> sets(maps_.get(), "or_rule_sets");
  const absl::Status removed = sets.Delete(id);
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  ASSIGN_OR_RETURN(const auto image, datapath::ebpf::CompileRuleSet(Digest(), set));
  return sets.Insert(id, image);
}

absl::Status BpfSwitch::SetRuleSet(uint32_t id, const std::vector<state::AclRule>& rules,
                                   abi::or_acl_action default_action) {
  const bool allows = default_action == abi::OR_ACL_ALLOW;
  return SetRuleSet(
      id, {.rules = rules,
           .default_action = allows ? state::AclAction::kAllow : state::AclAction::kDrop});
}

absl::Status BpfSwitch::SetFdb(uint32_t vni, const std::string& mac, abi::or_fdb_kind kind,
                               uint32_t index) {
  abi::or_fdb_key key = {.vni = vni, .mac = {}, .pad = 0};
  CopyBytes(Mac(mac).bytes(), key.mac);
  abi::or_fdb_write write = {};
  write.key = key;
  write.action = abi::OR_FDB_PUT;
  write.row = {kind, index, 1};
  ASSIGN_OR_RETURN(const int program, object_->Program("or_write_fdb"));
  return Fdb().Write(program, {&write, 1});
}

absl::Status BpfSwitch::SetSegment(uint32_t vni, uint32_t flags) {
  return Map<uint32_t, abi::or_segment>("or_segments")
      .Update(vni, {flags, kMtu, kReplicationList, 3, 1, 0});
}

absl::Status BpfSwitch::SetProvider(uint32_t vlan, uint32_t flags, uint32_t mtu) {
  const auto ifindex = static_cast<uint32_t>(tap(3).ifindex());
  RETURN_IF_ERROR((Map<uint32_t, uint32_t>("or_devices").Delete(ifindex)));
  RETURN_IF_ERROR(Ports().Delete(3));
  ASSIGN_OR_RETURN(const int program, object_->Program("or_write_fdb"));
  for (const char* mac : {kMacC, kMacRemote}) {
    abi::or_fdb_key key = {.vni = kVni, .mac = {}, .pad = 0};
    CopyBytes(Mac(mac).bytes(), key.mac);
    RETURN_IF_ERROR(Fdb().Delete(program, {key}));
  }
  abi::or_provider row = {};
  row.ifindex = ifindex;
  row.vlan = vlan;
  row.mtu = mtu;
  RETURN_IF_ERROR((Map<uint32_t, abi::or_provider>("or_providers").Update(kVni, row)));
  RETURN_IF_ERROR((Map<abi::or_uplink_vlan, uint32_t>("or_uplink_vlans")
                       .Update({.ifindex = ifindex, .vlan = vlan}, kVni)));
  return Map<uint32_t, abi::or_segment>("or_segments")
      .Update(kVni, {flags | OR_SEGMENT_PROVIDER, kMtu, kReplicationList, 2, 0, 0});
}

absl::Status BpfSwitch::HearStation(const std::string& mac, uint64_t ns_ago) {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  // May be before the machine's start, and wrap.
  const uint64_t ns = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
                      static_cast<uint64_t>(now.tv_nsec) - ns_ago;
  abi::or_fdb_key key = {.vni = kVni, .mac = {}, .pad = 0};
  CopyBytes(Mac(mac).bytes(), key.mac);
  return Map<abi::or_fdb_key, abi::or_station>("or_stations")
      .Update(key, {.heard_ns = ns, .port = 0, .pad = 0});
}

absl::Status BpfSwitch::SetNeighbor(uint32_t vni, const std::string& ip, const std::string& mac) {
  abi::or_neighbor_key key = {.vni = vni, .address = {}};
  CopyBytes(Ip(ip).bytes(), key.address);
  abi::or_neighbor neighbor = {};
  CopyBytes(Mac(mac).bytes(), neighbor.mac);
  return Map<abi::or_neighbor_key, abi::or_neighbor>("or_neighbors").Update(key, neighbor);
}

absl::Status BpfSwitch::SetLimit(uint32_t index, abi::or_limit_kind kind,
                                 const abi::or_limit& limit) {
  const auto ports = Ports();
  auto rows = Map<uint32_t, abi::or_limits>("or_limits");
  ASSIGN_OR_RETURN(abi::or_port port, ports.Lookup(index));
  const auto before = rows.Lookup(index);
  abi::or_limits limits = before.ok() ? *before : abi::or_limits{};
  limits.of[kind] = limit;
  RETURN_IF_ERROR(rows.Update(index, limits));
  RETURN_IF_ERROR(
      (Map<uint32_t, abi::or_policer>("or_policers").Update(OR_POLICER(index, kind), {})));
  port.limits = index;
  port.limited |= 1u << kind;
  return ports.Update(index, port);
}

absl::Status BpfSwitch::Allow(uint32_t index, const std::string& mac,
                              const std::vector<std::string>& prefixes) {
  const auto ports = Ports();
  ASSIGN_OR_RETURN(abi::or_port port, ports.Lookup(index));
  abi::or_allowed_mac allowed = {.list = index, .mac = {}, .pad = 0};
  CopyBytes(Mac(mac).bytes(), allowed.mac);
  RETURN_IF_ERROR((Map<abi::or_allowed_mac, uint32_t>("or_allowed_macs").Update(allowed, 1)));
  for (const std::string& text : prefixes) {
    ASSIGN_OR_RETURN(const IpPrefix prefix, IpPrefix::Parse(text));
    abi::or_allowed_key key = {};
    key.prefix_length = OR_ALLOWED_FIXED_BITS + static_cast<uint32_t>(prefix.mapped_length());
    key.list = index;
    CopyBytes(Mac(mac).bytes(), key.mac);
    key.family = prefix.IsV4() ? 4 : 6;
    CopyBytes(prefix.address().bytes(), key.address);
    RETURN_IF_ERROR((Map<abi::or_allowed_key, uint32_t>("or_allowed").Update(key, 1)));
  }
  port.allowed = index;
  return ports.Update(index, port);
}

}  // namespace outrider::tests
