// Two hosts on one link, whose kernels know each other, and a guest on each.
#ifndef OUTRIDER_TESTS_DATAPATH_EBPF_UNDERLAY_FIXTURE_H_
#define OUTRIDER_TESTS_DATAPATH_EBPF_UNDERLAY_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/datapath/ebpf/traffic_fixture.h"
#include "tests/support/run_ip.h"
#include "vswitch/datapath/underlay_path.h"

namespace outrider::datapath::ebpf {

// Port 1 with guest 1 on host a, port 2 with guest 2 on host b.
class UnderlayHosts {
 public:
  // `v6`: of the underlay.
  UnderlayHosts(bool v6, GuestKind kind)
      : v6_(v6),
        a_(VtepOf(1)),
        b_(VtepOf(2)),
        one_(MakeGuest(kind, &a_, "port1")),
        two_(MakeGuest(kind, &b_, "port2")) {
    tests::CreateVeth({.netns = &a_.netns(), .name = "underlay"},
                      {.netns = &b_.netns(), .name = "underlay"});
    for (EbpfHost* host : {&a_, &b_}) {
      host->options().underlay_mtu = 1520;
      tests::AllowIpv6(host->netns(), "underlay");
      tests::RunIp(host->netns(), "link set underlay mtu 1520");
      tests::AddAddress(host->netns(), "underlay",
                        VtepOf(host == &a_ ? 1 : 2) + (v6 ? "/64" : "/24"));
    }
    a_.Start();
    b_.Start();
    a_.Become(StateOf(1));
    b_.Become(StateOf(2));
    a_.FindWays();
    b_.FindWays();
  }

 protected:
  // As it is in the beginning, on the host of guest `n`.
  state::HostState StateOf(int n) const {
    const int other = 3 - n;
    state::HostState state = EmptySegment({tests::Ip(VtepOf(other))});
    AddPort(n, "port" + std::to_string(n), &state);
    AddRemote(other, VtepOf(other), &state);
    return state;
  }
  std::string VtepOf(int n) const { return (v6_ ? "fd99::" : "10.99.0.") + std::to_string(n); }
  static UnderlayCounters CountersOf(EbpfHost* host) {
    return host->datapath().ReadUnderlay().value();
  }

  const bool v6_;
  EbpfHost a_;
  EbpfHost b_;
  std::unique_ptr<Guest> one_;
  std::unique_ptr<Guest> two_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_TESTS_DATAPATH_EBPF_UNDERLAY_FIXTURE_H_
