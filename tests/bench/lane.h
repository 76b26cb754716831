// A host with one receiver, and guests that send to it as fast as their tap takes frames.
#ifndef OUTRIDER_TESTS_BENCH_LANE_H_
#define OUTRIDER_TESTS_BENCH_LANE_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/datapath/ebpf/ebpf_host.h"
#include "tests/support/packet_builder.h"
#include "tests/support/test_netns.h"

namespace outrider::bench {

using tests::Bytes;

inline constexpr int kReceiver = 1;

// Guest n has MAC 52:54:00:00:00:<n> and IP 10.0.0.<n>. The receiver's device is a veth, so that
// nobody need read what comes; a sender's is a tap, which takes a frame when the one before has
// gone all the way.
class Lane {
 public:
  // Receiver and `senders` guests, numbered from 2, in segment 7; everything is allowed.
  explicit Lane(int senders);

  datapath::ebpf::EbpfHost& host() { return host_; }
  state::HostState& state() { return state_; }
  state::Port& PortOf(int n);
  // Puts state() in force.
  void Enforce();

  tests::Tap& tap(int n) { return *taps_.at(static_cast<size_t>(n - kReceiver - 1)); }
  // Frames as tap(n).Write() takes them.
  static std::vector<Bytes> Ready(const std::vector<Bytes>& frames);
  // Sends the frames, from the first again after the last. Seconds it took.
  double Send(int n, const std::vector<Bytes>& ready, size_t count);

  datapath::PortCounters CountersOf(int n);
  // What the receiver got.
  uint64_t Delivered() { return CountersOf(kReceiver).tx_packets; }

 private:
  datapath::ebpf::EbpfHost host_;
  std::vector<std::unique_ptr<tests::Tap>> taps_;
  state::HostState state_;
  state::HostState in_force_;
};

std::string MacOf(int n);
std::string IpOf(int n);
// What is sent to measure a limit: one frame, over and over.
struct Load {
  const char* name;
  std::vector<Bytes> ready;
  // Of the frame on a wire, with the headers that segments repeat.
  double wire_bytes;
};
// 64 bytes of UDP.
Load SmallFrames(int from, int to);
// About 64 KB of TCP that the sender leaves to the kernel to cut up.
Load SuperPackets(int from, int to);

// A UDP frame of so many bytes, 60 at least, from guest n to the receiver.
Bytes UdpFrom(int n, uint16_t src_port, uint16_t dst_port, size_t length = 60,
              const std::string& dst_ip = IpOf(kReceiver));

double Median(std::vector<double> values);

}  // namespace outrider::bench

#endif  // OUTRIDER_TESTS_BENCH_LANE_H_
