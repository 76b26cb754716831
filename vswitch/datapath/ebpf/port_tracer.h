// Traces of frames at ports: which program runs on what, and what its steps mean. Loads the tracing
// programs at the first request and keeps them.
//
// Thread rule: any thread; one trace at a time.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_TRACER_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_TRACER_H_

#include <memory>
#include <mutex>
#include <string>

#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/datapath/ebpf/tracer.h"
#include "vswitch/datapath/packet_tracer.h"

namespace outrider::datapath::ebpf {

class PortTracer final : public PacketTracer {
 public:
  // `maps`, which are those pinned in `maps_dir`, must outlive this.
  PortTracer(const DatapathMaps* maps, const ProgramConstants& constants, std::string maps_dir)
      : maps_(maps), constants_(constants), maps_dir_(std::move(maps_dir)) {}

  absl::StatusOr<Trace> TraceFrame(const TraceRequest& request) override;

 private:
  // Where the request's frame comes in.
  absl::StatusOr<TraceEntry> EntryOf(const TraceRequest& request) const;

  const DatapathMaps* const maps_;
  const ProgramConstants constants_;
  const std::string maps_dir_;
  std::mutex mutex_;
  std::unique_ptr<Tracer> tracer_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_TRACER_H_
