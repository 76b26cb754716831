// A host for tests of the eBPF datapath: a network namespace, a bpffs and a datapath over them.
#ifndef OUTRIDER_TESTS_DATAPATH_EBPF_EBPF_HOST_H_
#define OUTRIDER_TESTS_DATAPATH_EBPF_EBPF_HOST_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "tests/support/netns_fixture.h"
#include "tests/support/packet_builder.h"
#include "tests/support/temp_bpffs.h"
#include "vswitch/datapath/ebpf/ebpf_datapath.h"
#include "vswitch/datapath/ebpf/program_set.h"

namespace outrider::datapath::ebpf {

// The host's uplink, and its device, whose other end is in guests().
inline constexpr char kUplink[] = "physnet1";
inline constexpr char kUplinkDevice[] = "uplink1";

// Thread rule: one thread. The datapath works in the calling thread's namespace, so everything that
// touches it goes through In() or one of the calls below.
class EbpfHost {
 public:
  explicit EbpfHost(const std::string& vtep = "10.99.0.1");
  ~EbpfHost();

  Options& options() { return options_; }
  tests::NetworkNamespace& netns() { return netns_; }
  EbpfDatapath& datapath() { return *datapath_; }

  // Creates the datapath over whatever is there; the old object is destroyed first.
  absl::Status TryStart();
  // The same; throws on failure.
  void Start();
  // The process ends; what it left forwards on.
  void Stop();

  // Runs in the host's network namespace.
  template <typename Function>
  auto In(Function function) {
    const tests::NetnsScope scope(netns_);
    return function();
  }

  // ---- The datapath's calls, in the host's namespace ----
  state::HostState Read();
  ApplyResult Apply(const state::StateDelta& delta);
  // Until the way to every VTEP is known, as an agent does; fails the test after 5 s. Become() does
  // the same, for a moment.
  void FindWays();
  // Frames go by the tunnel device from now on; before the first Become().
  void UseTunnelDevice() { by_tunnel_device_ = true; }
  // What the agent has to say of it.
  void WriteUnderlay(const abi::or_underlay& row);
  // From what is in force to `to`; every failure fails the test.
  void Become(const state::HostState& to);

  // A port device: one end of a veth pair, whose other end, named alike, is in `guests()`.
  void AddDevice(const std::string& name, int ifindex = 0);
  void RemoveDevice(const std::string& name);
  tests::NetworkNamespace& guests() { return guests_; }

  sys::Link FindLink(const std::string& name);
  sys::NetlinkSocket* netlink() { return netlink_.get(); }
  // Packets dropped at a port for a reason, or nowhere in particular; 0 when none.
  uint64_t PortDrops(const PortId& port, const std::string& reason);
  uint64_t HostDrops(const std::string& reason);
  // PortDrops once it is `count` or more, or after 5 s. The kernel may deal with a frame a moment
  // after send(), and tells nobody of a drop but by the counter.
  uint64_t AwaitPortDrops(const PortId& port, const std::string& reason, uint64_t count);

 private:
  std::unique_ptr<sys::KernelBpfMaps> Maps() const;
  // Whether all are known.
  bool LookForWays(std::chrono::milliseconds time);

  tests::NetworkNamespace netns_;
  tests::NetworkNamespace guests_;
  tests::TempBpffs bpffs_;
  Options options_;
  std::unique_ptr<sys::NetlinkSocket> netlink_;
  std::unique_ptr<EbpfDatapath> datapath_;
  bool by_tunnel_device_ = false;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_TESTS_DATAPATH_EBPF_EBPF_HOST_H_
