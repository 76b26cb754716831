// Two hosts on one underlay link and guests on them, as the traffic tests see them.
#ifndef OUTRIDER_TESTS_DATAPATH_EBPF_TRAFFIC_FIXTURE_H_
#define OUTRIDER_TESTS_DATAPATH_EBPF_TRAFFIC_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/datapath/ebpf/ebpf_host.h"
#include "tests/support/netns_fixture.h"
#include "tests/support/packet_builder.h"
#include "tests/support/state_generator.h"

namespace outrider::datapath::ebpf {

// A guest's network card: frames it sends and gets.
class Guest {
 public:
  virtual ~Guest() = default;
  virtual void Send(const tests::Bytes& frame) = 0;
  // The next frame, nullopt when none comes within 5 s.
  virtual std::optional<tests::Bytes> Receive() = 0;
  // What has come in until now.
  virtual std::vector<tests::Bytes> Drain() = 0;
};

enum class GuestKind { kVeth, kTap };

// Creates the port device `name` on the host with a guest behind it.
std::unique_ptr<Guest> MakeGuest(GuestKind kind, EbpfHost* host, const std::string& name);

inline const Vni kSegment = tests::MakeVni(7);

// Guest n has MAC 52:54:00:00:00:<n>, IP 10.0.0.<n>, port id <n>.
inline std::string MacOf(int n) { return tests::MakeMac(static_cast<uint8_t>(n)).ToString(); }
inline std::string IpOf(int n) { return "10.0.0." + std::to_string(n); }

tests::Bytes UdpFrame(int from, int to, uint16_t port = 4000, size_t payload = 64);
tests::Bytes BroadcastFrame(int from);

// An active port in segment 7 with everything allowed.
state::Port ActivePort(int n, const std::string& device);
// Segment 7 with these remote VTEPs and nothing in it.
state::HostState EmptySegment(const std::set<IpAddress>& vteps = {});
void AddPort(int n, const std::string& device, state::HostState* state);
void AddRemote(int n, const std::string& vtep, state::HostState* state);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_TESTS_DATAPATH_EBPF_TRAFFIC_FIXTURE_H_
