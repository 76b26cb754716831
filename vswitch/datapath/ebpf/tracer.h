// The programs once more, loaded to explain what they do (vswitch/bpf/trace.h) over the maps that
// the others use. Owns that instance, which is attached nowhere and goes with this object. Knows
// nothing of what steps mean (trace_text.h).
//
// Thread rule: any thread, one at a time, in the network namespace of the devices.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_TRACER_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_TRACER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vswitch/abi/or_abi.h"
#include "vswitch/abi/or_trace.h"
#include "vswitch/datapath/ebpf/program_set.h"
#include "vswitch/sys/bpf/bpf_object.h"

namespace outrider::datapath::ebpf {

// What the programs said of one frame.
struct RawTrace {
  // As in linux/pkt_cls.h.
  uint32_t verdict = 0;
  abi::or_trace head = {};
  std::vector<abi::or_trace_step> steps;
};

// Where a frame comes in: the device of a port, or the tunnel.
struct TraceEntry {
  uint32_t ifindex = 0;
  // Of the tunnel: VNI 0 where there is no tunnel metadata.
  abi::or_member_key from = {};
};

class Tracer {
 public:
  // Loads the programs with the constants and the pinned maps of `maps_dir`, which takes the
  // verifier a moment.
  static absl::StatusOr<std::unique_ptr<Tracer>> Create(const ProgramConstants& constants,
                                                        const std::string& maps_dir);

  // Runs or_from_port or or_from_overlay. Errors: as sys::RunOnFrame.
  absl::StatusOr<RawTrace> Run(Program program, const TraceEntry& entry, sys::ByteSpan frame);

 private:
  explicit Tracer(std::unique_ptr<sys::BpfObject> object) : object_(std::move(object)) {}
  absl::StatusOr<RawTrace> Read(uint32_t verdict) const;

  const std::unique_ptr<sys::BpfObject> object_;
  std::unique_ptr<sys::KernelBpfMaps> maps_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_TRACER_H_
