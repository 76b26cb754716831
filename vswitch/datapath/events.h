// What the datapath tells of frames as they come: first frames, returned guests, logged decisions,
// memberships, connections taken up in their middle. Values and who is told; knows no datapath.
//
// Thread rule: the sink is called from a thread of the datapath's; it must not block and must not
// call back.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EVENTS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EVENTS_H_

#include <cstdint>
#include <vector>

#include "vswitch/state/host_state.h"

namespace outrider::datapath {

// The guest's first frame on a port with report_first_frame, or on an ARMED port.
struct FirstFrameEvent {
  PortId port;
  // Host byte order.
  uint16_t ether_type = 0;
  // Wall clock, microseconds since the Unix epoch, of the frame (not of the report).
  int64_t time_us = 0;
  // The port was ARMED and has been opened by this frame, in the datapath: ReadState shows it
  // ACTIVE from here on. The frame itself went its way.
  bool armed = false;
};

// The switch's directions: ingress is what the guest sends.
enum class Direction : uint8_t { kIngress, kEgress };

// A frame that a rule with a log rate decided on.
struct AclLogEvent {
  PortId port;
  Direction direction = Direction::kIngress;
  // Of the rule in the profile's list.
  uint32_t number = 0;
  state::AclAction action = state::AclAction::kDrop;
  MacAddress src_mac;
  MacAddress dst_mac;
  // Host byte order.
  uint16_t ether_type = 0;
  // Of IP only: addresses, protocol, ports (0: none).
  bool is_ip = false;
  IpAddress src;
  IpAddress dst;
  uint8_t protocol = 0;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  // Bytes on the wire.
  uint32_t length = 0;
};

// A guest's membership report, leave or query (IGMP, MLD), in a segment that snoops.
struct MulticastEvent {
  PortId port;
  Vni vni;
  // From the IP header on; cut off after 1504 bytes.
  std::vector<uint8_t> packet;
};

// A redirected port's guest has sent a frame here: it runs on, the move has failed. The port
// forwards as before, and the frame has gone its way.
struct ReturnedEvent {
  PortId port;
  // Wall clock, microseconds since the Unix epoch, of the frame.
  int64_t time_us = 0;
};

// A TCP segment of a connection that was lost when its port came to this host: the connection is
// known again, as if it had begun now.
struct AdoptionEvent {
  PortId port;
  Vni vni;
  // Who began it, as the rules allow it.
  IpAddress src;
  IpAddress dst;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  // The guest began it.
  bool from_guest = false;
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void OnFirstFrame(const FirstFrameEvent& event) = 0;
  virtual void OnReturned(const ReturnedEvent& event) { (void)event; }
  virtual void OnAclLog(const AclLogEvent& event) { (void)event; }
  virtual void OnMulticast(const MulticastEvent& event) { (void)event; }
  virtual void OnAdoption(const AdoptionEvent& event) { (void)event; }
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_VSWITCH_DATAPATH_EVENTS_H_
