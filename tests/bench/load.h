// Load, and what came of it: streams, requests one by one, connections one by one, small datagrams
// as fast as they go. A side is a process of its own, in whatever network namespace it is started;
// results are a line of JSON.
#ifndef OUTRIDER_TESTS_BENCH_LOAD_H_
#define OUTRIDER_TESTS_BENCH_LOAD_H_

#include <cstdint>
#include <string>

namespace outrider::bench {

struct LoadOptions {
  // "tcp-sink", "tcp-source", "rr-server", "rr-client", "crr-client", "udp-sink", "udp-source".
  std::string side;
  // IPv4 or IPv6: where a server listens, or who is talked to.
  std::string address;
  uint16_t port = 0;
  // Of clients and sources.
  double seconds = 5;
  // Of the UDP payload, bytes.
  uint32_t length = 22;
  // Of a TCP source, side by side.
  int streams = 1;
  // -1: wherever the scheduler likes.
  int cpu = -1;
};

// The sides that can be.
bool IsLoadSide(const std::string& side);

// Runs until it is done; servers and sinks until SIGTERM, or their standard input ends. Throws
// std::exception.
//
//   tcp-source             {"sent": bytes, "seconds"}
//   tcp-sink               {"received": bytes, "receive_seconds"}: from the first to the last byte
//   rr-client, crr-client  {"transactions", "seconds", "p50_us", "p99_us"}
//   udp-source             {"sent", "seconds"}
//   udp-sink               {"received", "receive_seconds"}: from the first to the last datagram
void RunLoad(const LoadOptions& options);

}  // namespace outrider::bench

#endif  // OUTRIDER_TESTS_BENCH_LOAD_H_
