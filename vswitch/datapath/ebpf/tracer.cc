#include "vswitch/datapath/ebpf/tracer.h"

#include <algorithm>
#include <utility>

#include "vswitch/datapath/ebpf/c_arrays.h"
#include "vswitch/sys/bpf/frame_run.h"
#include "vswitch/sys/bpf/typed_map.h"

namespace outrider::datapath::ebpf {
namespace {

using Heads = sys::TypedMap<uint32_t, abi::or_trace>;
using Steps = sys::TypedMap<uint32_t, abi::or_trace_step>;

constexpr char kHeadMap[] = "or_trace_scratch";
constexpr char kStepMap[] = "or_trace_step_scratch";
constexpr uint32_t kHead = 0;

}  // namespace

absl::StatusOr<std::unique_ptr<Tracer>> Tracer::Create(const ProgramConstants& constants,
                                                       const std::string& maps_dir) {
  ASSIGN_OR_RETURN(auto object, LoadTracingPrograms(constants, maps_dir));
  std::unique_ptr<Tracer> tracer(new Tracer(std::move(object)));
  ASSIGN_OR_RETURN(tracer->maps_, tracer->object_->Maps());
  return tracer;
}

absl::StatusOr<RawTrace> Tracer::Run(Program program, const TraceEntry& entry,
                                     sys::ByteSpan frame) {
  ASSIGN_OR_RETURN(const int fd, object_->Program(ProgramName(program)));
  abi::or_trace head = {};
  head.from_vni = entry.from.vni;
  CopyBytes(ToArray(entry.from.address), head.from_vtep);
  RETURN_IF_ERROR(Heads(maps_.get(), kHeadMap).Update(kHead, head));
  ASSIGN_OR_RETURN(const uint32_t verdict, sys::RunOnFrame(fd, entry.ifindex, frame));
  return Read(verdict);
}

absl::StatusOr<RawTrace> Tracer::Read(uint32_t verdict) const {
  RawTrace trace = {.verdict = verdict, .head = {}, .steps = {}};
  ASSIGN_OR_RETURN(trace.head, Heads(maps_.get(), kHeadMap).Lookup(kHead));
  const Steps steps(maps_.get(), kStepMap);
  const uint32_t kept = std::min<uint32_t>(trace.head.steps, OR_MAX_TRACE_STEPS);
  for (uint32_t i = 0; i < kept; ++i) {
    ASSIGN_OR_RETURN(const abi::or_trace_step step, steps.Lookup(i));
    trace.steps.push_back(step);
  }
  return trace;
}

}  // namespace outrider::datapath::ebpf
