// An OpenFlow message as a value, of version 1.0 or 1.3, with the Nicira messages that Open
// vSwitch's tools use in 1.0; encoded and decoded for either side. What a controller or a switch
// does with it is not known here. Any thread.
//
// A message that is decoded and encoded again has the same meaning, and the same bytes but where a
// version leaves a choice (order of match entries, padding that is not zero).
#ifndef OUTRIDER_VSWITCH_SYS_OPENFLOW_MESSAGE_H_
#define OUTRIDER_VSWITCH_SYS_OPENFLOW_MESSAGE_H_

#include <variant>

#include "vswitch/sys/openflow/flow.h"
#include "vswitch/sys/openflow/meter.h"
#include "vswitch/sys/openflow/port.h"

namespace outrider::openflow {

struct Hello {
  // Bit n: version n; 0: none was listed, the header's is the highest.
  uint32_t versions = 0;
  bool operator==(const Hello&) const = default;
};
struct Error {
  ErrorCode code = {};
  // The request, at least its first 64 bytes, or a text for hello-failed.
  Bytes data = {};
  bool operator==(const Error&) const = default;
};
struct Echo {
  bool reply = false;
  Bytes data = {};
  bool operator==(const Echo&) const = default;
};
// Requests without a body: features, get-config, barrier; and the barrier's reply.
enum class Plain : uint8_t { kFeaturesRequest, kGetConfigRequest, kBarrierRequest, kBarrierReply };
struct FeaturesReply {
  uint64_t datapath_id = 0;
  uint32_t buffers = 0;
  uint8_t tables = 0;
  uint8_t auxiliary = 0;
  // Capability.
  uint32_t capabilities = 0;
  // Only in 1.0: bits by action type, and the ports.
  uint32_t actions = 0;
  std::vector<PortDesc> ports = {};
  bool operator==(const FeaturesReply&) const = default;
};
struct SwitchConfig {
  // Set-config, or the reply to get-config.
  bool set = false;
  // 0 normal, 1 drop, 2 reassemble, 3 Nicira's match.
  uint16_t flags = 0;
  uint16_t miss_send_len = 0;
  bool operator==(const SwitchConfig&) const = default;
};
struct Role {
  bool reply = false;
  // As in 1.3: 0 no change, 1 equal, 2 master, 3 slave.
  uint32_t role = 0;
  uint64_t generation = 0;
  bool operator==(const Role&) const = default;
};
struct SetFlowFormat {
  uint32_t format = kFlowFormatNxm;
  bool operator==(const SetFlowFormat&) const = default;
};
struct FlowModTableId {
  bool on = false;
  bool operator==(const FlowModTableId&) const = default;
};
struct PortMod {
  uint32_t port = 0;
  MacAddress mac = {};
  uint32_t config = 0, mask = 0, advertise = 0;
  bool operator==(const PortMod&) const = default;
};
// A known type whose body we do not read (packet-out, group-mod, meter-mod, packet-in...), or one
// that nobody can: `why` then says with which error it is answered.
struct Opaque {
  uint8_t type = 0;
  Bytes body = {};
  std::optional<ErrorCode> why = {};
  bool operator==(const Opaque&) const = default;
};

// Requests of statistics ("multipart" in 1.3) other than of flows.
struct StatsRequest {
  StatsType type = kStatsDesc;
  // Port and queue statistics.
  uint32_t port = kPortAny, queue = kQueueAll;
  // Meter or group.
  uint32_t id = kMeterAll;
  // Groups in 1.0, by Nicira's messages.
  bool nicira = false;
  // Table features: what they are to become. Empty: a question only.
  std::vector<TableFeatures> tables = {};
  bool operator==(const StatsRequest&) const = default;
};
struct Desc {
  std::string manufacturer = {}, hardware = {}, software = {}, serial = {}, datapath = {};
  bool operator==(const Desc&) const = default;
};
struct FlowStatsReply {
  FlowForm form = FlowForm::kOpenFlow13;
  std::vector<FlowStats> flows = {};
  bool operator==(const FlowStatsReply&) const = default;
};
struct AggregateReply {
  FlowForm form = FlowForm::kOpenFlow13;
  AggregateStats stats = {};
  bool operator==(const AggregateReply&) const = default;
};
using TableList = std::vector<TableStats>;
using PortList = std::vector<PortStats>;
using QueueList = std::vector<QueueStats>;
using PortDescList = std::vector<PortDesc>;
using TableFeaturesList = std::vector<TableFeatures>;
using MeterStatsList = std::vector<MeterStats>;
using MeterConfigList = std::vector<MeterConfig>;
struct GroupList {
  bool nicira = false;
  std::vector<GroupStats> groups = {};
  bool operator==(const GroupList&) const = default;
};
struct GroupDescList {
  bool nicira = false;
  std::vector<GroupDesc> groups = {};
  bool operator==(const GroupDescList&) const = default;
};
struct GroupFeaturesReply {
  bool nicira = false;
  GroupFeatures features = {};
  bool operator==(const GroupFeaturesReply&) const = default;
};

using Body =
    std::variant<Hello, Error, Echo, Plain, FeaturesReply, SwitchConfig, Role, SetFlowFormat,
                 FlowModTableId, FlowMod, PortMod, Opaque, FlowStatsRequest, StatsRequest, Desc,
                 FlowStatsReply, AggregateReply, TableList, PortList, QueueList, PortDescList,
                 TableFeaturesList, MeterStatsList, MeterConfigList, MeterFeatures, GroupList,
                 GroupDescList, GroupFeaturesReply>;

struct Message {
  uint8_t version = kVersion13;
  uint32_t xid = 0;
  // Statistics: more parts of the same reply follow.
  bool more = false;
  Body body = {};
  bool operator==(const Message&) const = default;
};

// One whole message. InvalidArgument: lengths do not fit (to be answered with kBadLength);
// Unimplemented: a match or action nobody knows. Types we do not know are Opaque. `frame` has at
// least a header, and its length is the header's.
absl::StatusOr<Message> Decode(ByteSpan frame);
// ResourceExhausted: over 65,535 bytes. InvalidArgument: the version has no such message.
absl::StatusOr<Bytes> Encode(const Message& message);
// One message or, of a reply of statistics that does not fit into one, as many as it takes, with
// `more` set on all but the last.
absl::StatusOr<std::vector<Bytes>> EncodeParts(const Message& message);

}  // namespace outrider::openflow

#endif  // OUTRIDER_VSWITCH_SYS_OPENFLOW_MESSAGE_H_
