// The programs that explain themselves, over the maps of a BpfSwitch, and everything those maps
// hold: what a trace must leave as it is. Thread rule: one thread.
#ifndef OUTRIDER_TESTS_BPF_TRACED_SWITCH_H_
#define OUTRIDER_TESTS_BPF_TRACED_SWITCH_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/bpf/bpf_switch.h"
#include "tests/support/temp_bpffs.h"
#include "vswitch/datapath/ebpf/tracer.h"

namespace outrider::tests {

// Elements by map in the kernel's order, a value for each CPU where it has several; of the ring of
// events how much was ever written.
using MapsContent = std::map<std::string, std::vector<std::pair<Bytes, std::vector<Bytes>>>>;

// {port, reason} of each drop that a trace speaks of, in order.
using TracedDrops = std::vector<std::pair<uint32_t, uint32_t>>;

class TracedSwitch {
 public:
  // `of` must outlive this. Before the process has other threads.
  static absl::StatusOr<std::unique_ptr<TracedSwitch>> Create(BpfSwitch* of);

  // What a guest sends, by default that of port A, or what comes by VXLAN.
  absl::StatusOr<datapath::ebpf::RawTrace> FromPort(const Bytes& frame, uint32_t port = 1);
  absl::StatusOr<datapath::ebpf::RawTrace> FromOverlay(const Bytes& frame, uint32_t vni,
                                                       const std::string& vtep);
  // Of all maps but the programs' working memory.
  MapsContent Content();

 private:
  explicit TracedSwitch(BpfSwitch* of) : switch_(of) {}

  BpfSwitch* const switch_;
  TempBpffs bpffs_;
  std::unique_ptr<datapath::ebpf::Tracer> tracer_;
};

TracedDrops DropsOf(const datapath::ebpf::RawTrace& trace);
// Numbers of the stages, in order.
std::vector<uint32_t> StagesOf(const datapath::ebpf::RawTrace& trace);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_TRACED_SWITCH_H_
