#include "vswitch/datapath/ebpf/port_tracer.h"

#include "vswitch/datapath/ebpf/c_arrays.h"
#include "vswitch/datapath/ebpf/connections.h"
#include "vswitch/datapath/ebpf/trace_text.h"

namespace outrider::datapath::ebpf {

absl::StatusOr<TraceEntry> PortTracer::EntryOf(const TraceRequest& request) const {
  ASSIGN_OR_RETURN(const uint32_t index, FindPortIndex(*maps_, request.port));
  ASSIGN_OR_RETURN(const abi::or_port port, maps_->ports.Lookup(index));
  TraceEntry entry;
  if (!request.from_vtep) {
    entry.ifindex = port.ifindex;
    if (entry.ifindex != 0) return entry;
    return absl::FailedPreconditionError("port \"" + request.port.ToString() +
                                         "\" has no device here: it cannot send");
  }
  entry.ifindex = static_cast<uint32_t>(constants_.tunnel_ifindex);
  entry.from.vni = request.vni != 0 ? request.vni : port.vni;
  CopyBytes(request.from_vtep->bytes(), entry.from.address);
  if (entry.from.vni != 0) return entry;
  return absl::FailedPreconditionError("port \"" + request.port.ToString() +
                                       "\" has no segment of untagged frames: name the VNI");
}

absl::StatusOr<Trace> PortTracer::TraceFrame(const TraceRequest& request) {
  ASSIGN_OR_RETURN(const TraceEntry entry, EntryOf(request));
  const Program program = request.from_vtep ? Program::kFromOverlay : Program::kFromPort;
  const std::lock_guard lock(mutex_);
  if (tracer_ == nullptr) {
    ASSIGN_OR_RETURN(tracer_, Tracer::Create(constants_, maps_dir_));
  }
  ASSIGN_OR_RETURN(const RawTrace raw, tracer_->Run(program, entry, request.frame));
  return DescribeTrace(raw, TraceNames(maps_));
}

}  // namespace outrider::datapath::ebpf
