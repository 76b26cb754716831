// What a flow does: actions and instructions as values for both versions, with Nicira's extensions.
// An instruction of 1.3 (meter, goto-table...) is an action here, as flows are written by people.
// Knows no messages and no text. Values; any thread.
#ifndef OUTRIDER_VSWITCH_SYS_OPENFLOW_ACTIONS_H_
#define OUTRIDER_VSWITCH_SYS_OPENFLOW_ACTIONS_H_

#include <cstdint>
#include <variant>
#include <vector>

#include "vswitch/sys/openflow/match.h"

namespace outrider::openflow {

struct Output {
  uint32_t port = 0;
  // Bytes for the controller.
  uint16_t max_len = 0;
  bool operator==(const Output&) const = default;
};
struct Enqueue {
  uint32_t port = 0;
  uint32_t queue = 0;
  bool operator==(const Enqueue&) const = default;
};
struct SetVlanVid {
  uint16_t vid = 0;
  bool operator==(const SetVlanVid&) const = default;
};
struct SetVlanPcp {
  uint8_t pcp = 0;
  bool operator==(const SetVlanPcp&) const = default;
};
// "strip_vlan" of 1.0 as well.
struct PopVlan {
  bool operator==(const PopVlan&) const = default;
};
struct PushVlan {
  uint16_t ethertype = 0x8100;
  bool operator==(const PushVlan&) const = default;
};
// Writes one field. 1.0's set-... actions of Ethernet, IPv4 and layer-4 fields are these with
// `old`.
struct SetField {
  Field field = Field::kEthSrc;
  FieldValue value = {};
  // In 1.0's own form. Layer-4 ports are then kTcpSrc and kTcpDst, whatever the protocol.
  bool old = false;
  bool operator==(const SetField&) const = default;
};
// NXAST_REG_LOAD: `bits` bits of the field from `offset` up.
struct Load {
  Field field = Field::kReg0;
  uint16_t offset = 0;
  uint16_t bits = 0;
  uint64_t value = 0;
  bool operator==(const Load&) const = default;
};
// NXAST_REG_MOVE.
struct Move {
  Field source = Field::kReg0;
  Field target = Field::kReg0;
  uint16_t source_offset = 0;
  uint16_t target_offset = 0;
  uint16_t bits = 0;
  bool operator==(const Move&) const = default;
};
// NXAST_OUTPUT_REG: to the port whose number is there.
struct OutputField {
  Field field = Field::kReg0;
  uint16_t offset = 0;
  uint16_t bits = 0;
  uint16_t max_len = 0xffff;
  bool operator==(const OutputField&) const = default;
};
// NXAST_RESUBMIT and NXAST_RESUBMIT_TABLE. kTableAll: the current table.
struct Resubmit {
  uint32_t port = 0;
  uint8_t table = 0xff;
  bool operator==(const Resubmit&) const = default;
};
struct Note {
  Bytes text = {};
  bool operator==(const Note&) const = default;
};
// NXAST_SET_TUNNEL, NXAST_SET_TUNNEL64.
struct SetTunnel {
  uint64_t id = 0;
  bool wide = false;
  bool operator==(const SetTunnel&) const = default;
};
struct GroupAction {
  uint32_t group = 0;
  bool operator==(const GroupAction&) const = default;
};
struct SetQueue {
  uint32_t queue = 0;
  bool operator==(const SetQueue&) const = default;
};
struct PopQueue {
  bool operator==(const PopQueue&) const = default;
};
struct DecTtl {
  bool operator==(const DecTtl&) const = default;
};
// NXAST_CT. `zone` is a number, unless its source is a field (not ours: held in RawAction).
struct ConnTrack {
  bool commit = false;
  bool force = false;
  uint16_t zone = 0;
  // 0xff: none.
  uint8_t table = 0xff;
  bool operator==(const ConnTrack&) const = default;
};
// Instructions.
struct Meter {
  uint32_t meter = 0;
  bool operator==(const Meter&) const = default;
};
struct GotoTable {
  uint8_t table = 0;
  bool operator==(const GotoTable&) const = default;
};
struct WriteMetadata {
  uint64_t value = 0;
  uint64_t mask = ~uint64_t{0};
  bool operator==(const WriteMetadata&) const = default;
};
struct ClearActions {
  bool operator==(const ClearActions&) const = default;
};
// An action or instruction that we do not know: kept whole, to be shown or sent on.
struct RawAction {
  bool instruction = false;
  Bytes bytes = {};
  bool operator==(const RawAction&) const = default;
};

using Action =
    std::variant<Output, Enqueue, SetVlanVid, SetVlanPcp, PopVlan, PushVlan, SetField, Load, Move,
                 OutputField, Resubmit, Note, SetTunnel, GroupAction, SetQueue, PopQueue, DecTtl,
                 ConnTrack, Meter, GotoTable, WriteMetadata, ClearActions, RawAction>;
struct ActionList {
  // In the order of execution. None: drop.
  std::vector<Action> apply = {};
  // 1.3's write-actions.
  std::vector<Action> write = {};
  bool operator==(const ActionList&) const = default;
};

// A list of 1.0. What 1.0 has no word for is said by Nicira's: a field is loaded, a goto-table
// resubmits; meters are left out, as Open vSwitch does.
void EncodeActions10(const ActionList& actions, WireWriter& out);
absl::StatusOr<ActionList> DecodeActions10(ByteSpan bytes);

// Actions alone (buckets, packet-out) and whole instructions of 1.3. Instructions are written in
// the order the specification executes them (1.3.5, 5.9).
void EncodeActions13(const std::vector<Action>& actions, WireWriter& out);
absl::StatusOr<std::vector<Action>> DecodeActions13(ByteSpan bytes);
void EncodeInstructions(const ActionList& actions, WireWriter& out);
absl::StatusOr<ActionList> DecodeInstructions(ByteSpan bytes);

// Nicira's experimenter actions, which are the same in both: `bytes` is one whole action with a
// right length. Used by the two above.
bool EncodeNicira(const Action& action, WireWriter& out);
absl::StatusOr<Action> DecodeNicira(ByteSpan bytes);
// Loads of at most 64 bits each that write a field as `set` does, from its low end.
void EncodeAsLoads(const SetField& set, WireWriter& out);

}  // namespace outrider::openflow

#endif  // OUTRIDER_VSWITCH_SYS_OPENFLOW_ACTIONS_H_
