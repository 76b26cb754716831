// What one frame would do: every stage of the datapath, in words, without doing it. Apart from
// Datapath, as the counters are. Thread rule: any thread; one trace at a time, others wait.
#ifndef OUTRIDER_VSWITCH_DATAPATH_PACKET_TRACER_H_
#define OUTRIDER_VSWITCH_DATAPATH_PACKET_TRACER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/types/ids.h"
#include "vswitch/types/ip_address.h"

namespace outrider::datapath {

struct TraceRequest {
  // The guest's port that sends; with `from_vtep` the one whose segment the frame arrives in.
  PortId port;
  // Ethernet, without FCS.
  std::vector<uint8_t> frame;
  // By VXLAN from there, with `vni`.
  std::optional<IpAddress> from_vtep;
  // 0: the segment of the port's untagged frames.
  uint32_t vni = 0;
};

struct TraceStep {
  // "parse", "acl-ingress", "fdb", ...
  std::string stage;
  // One line for people.
  std::string text;
  // The same for programs.
  std::map<std::string, std::string> fields;
};

struct Trace {
  std::vector<TraceStep> steps;
  // "delivered", "encapsulated", "answered", "replicated", "dropped".
  std::string verdict;
  // When dropped.
  std::string drop_reason;
};

class PacketTracer {
 public:
  virtual ~PacketTracer() = default;
  // Nothing is sent, counted, remembered or taken from a limit. NotFound: no such port.
  // FailedPrecondition: it has no device here, or no segment for the frame. InvalidArgument: a
  // frame the kernel does not take.
  virtual absl::StatusOr<Trace> TraceFrame(const TraceRequest& request) = 0;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_VSWITCH_DATAPATH_PACKET_TRACER_H_
