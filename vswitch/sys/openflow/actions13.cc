// Actions and instructions of OpenFlow 1.3 (1.3.5, 7.2.4 and 7.2.5).
#include <fmt/format.h>

#include <algorithm>

#include "vswitch/sys/openflow/actions.h"
#include "vswitch/sys/openflow/numbers.h"

namespace outrider::openflow {
namespace {

enum Type : uint16_t {
  kOutput = 0,
  kPushVlan = 17,
  kPopVlan = 18,
  kSetQueue = 21,
  kGroup = 22,
  kDecTtl = 24,
  kSetField = 25,
  kExperimenter = 0xffff,
};
enum InstructionType : uint16_t {
  kGotoTable = 1,
  kWriteMetadata = 2,
  kWriteActions = 3,
  kApplyActions = 4,
  kClearActions = 5,
  kMeter = 6,
};

// Nicira's form for what 1.3 has no word of its own for.
bool IsInstruction(const Action& action) {
  if (const auto* raw = std::get_if<RawAction>(&action)) return raw->instruction;
  return std::holds_alternative<Meter>(action) || std::holds_alternative<GotoTable>(action) ||
         std::holds_alternative<WriteMetadata>(action) ||
         std::holds_alternative<ClearActions>(action);
}

void PutSetField(const SetField& set, WireWriter& out) {
  const size_t start = out.size();
  out.U16(kSetField);
  out.U16(0);
  Match match;
  const bool masked = set.value.mask != ExactMask(set.field);
  // Entries of a match have no bits outside the mask; the value here may be zero.
  EncodeFieldHeader(set.field, MatchFormat::kOxm, masked, out);
  FieldValue value = set.value;
  if (set.field == Field::kIpTos) value.value[0] >>= 2;
  const size_t size = InfoOf(set.field).bytes;
  out.Append(ByteSpan(value.value).first(size));
  if (masked) out.Append(ByteSpan(value.mask).first(size));
  out.PadFrom(start, 8);
  out.PatchU16(start + 2, out.size() - start);
}

struct Encoder {
  WireWriter& out;

  void Put(Type type, uint16_t length) const {
    out.U16(type);
    out.U16(length);
  }
  void operator()(const Output& output) const {
    Put(kOutput, 16);
    out.U32(output.port);
    out.U16(output.max_len);
    out.Zeros(6);
  }
  void operator()(const PushVlan& push) const {
    Put(kPushVlan, 8);
    out.U16(push.ethertype);
    out.Zeros(2);
  }
  void operator()(const PopVlan&) const {
    Put(kPopVlan, 8);
    out.Zeros(4);
  }
  void operator()(const SetQueue& queue) const {
    Put(kSetQueue, 8);
    out.U32(queue.queue);
  }
  void operator()(const GroupAction& group) const {
    Put(kGroup, 8);
    out.U32(group.group);
  }
  void operator()(const DecTtl&) const {
    Put(kDecTtl, 8);
    out.Zeros(4);
  }
  void operator()(const SetVlanVid& set) const {
    SetField field{.field = Field::kVlanVid, .value = {}};
    field.value.value = FieldBytes(Field::kVlanVid, set.vid | 0x1000u);
    field.value.mask = ExactMask(Field::kVlanVid);
    PutSetField(field, out);
  }
  void operator()(const SetVlanPcp& set) const {
    SetField field{.field = Field::kVlanPcp, .value = {}};
    field.value.value = FieldBytes(Field::kVlanPcp, set.pcp);
    field.value.mask = ExactMask(Field::kVlanPcp);
    PutSetField(field, out);
  }
  void operator()(const Enqueue& enqueue) const {
    (*this)(SetQueue{enqueue.queue});
    (*this)(Output{.port = enqueue.port});
    EncodeNicira(PopQueue{}, out);
  }
  void operator()(const SetField& set) const { PutSetField(set, out); }
  void operator()(const RawAction& raw) const { out.Append(raw.bytes); }
  template <typename Other>
  void operator()(const Other& other) const {
    EncodeNicira(other, out);
  }
};

absl::Status CutShort(const char* what, uint16_t type, size_t length) {
  return absl::InvalidArgumentError(fmt::format("{} {} has {} bytes", what, type, length));
}

absl::StatusOr<Action> DecodeSetField(ByteSpan bytes) {
  WireReader in(bytes);
  in.Skip(4);
  const uint32_t header = in.U32();
  WireReader payload(in.Take(header & 0xff));
  if (!in.ok()) return CutShort("action", kSetField, bytes.size());
  const FieldInfo* info = FindFieldByHeader(header);
  if (info == nullptr)
    return RawAction{.instruction = false, .bytes = {bytes.begin(), bytes.end()}};
  if (header >> 16 == 0xffff) payload.Skip(4);
  const bool masked = (header & kHeaderHasMask) != 0;
  const size_t size =
      info->field == Field::kInPort && HeaderNumber(header) == info->nxm ? 2 : info->bytes;
  if (size != info->bytes || payload.remaining() != size * (masked ? 2 : 1)) {
    return CutShort("action", kSetField, bytes.size());
  }
  SetField set{.field = info->field, .value = {}};
  const ByteSpan value = payload.Take(size);
  std::copy(value.begin(), value.end(), set.value.value.begin());
  set.value.mask = ExactMask(info->field);
  if (info->field == Field::kIpTos && HeaderNumber(header) == info->oxm) set.value.value[0] <<= 2;
  if (masked) {
    const ByteSpan mask = payload.Take(size);
    std::copy(mask.begin(), mask.end(), set.value.mask.begin());
  }
  return set;
}

absl::StatusOr<Action> DecodeOne(uint16_t type, ByteSpan bytes) {
  WireReader in(bytes);
  in.Skip(4);
  if (type == kSetField) return DecodeSetField(bytes);
  if (type == kExperimenter) {
    if (in.U32() == kNiciraVendor) return DecodeNicira(bytes);
    return RawAction{.instruction = false, .bytes = {bytes.begin(), bytes.end()}};
  }
  if (bytes.size() != (type == kOutput ? 16 : 8)) return CutShort("action", type, bytes.size());
  switch (type) {
    case kOutput: {
      Output output{.port = in.U32()};
      output.max_len = in.U16();
      return output;
    }
    case kPushVlan:
      return PushVlan{in.U16()};
    case kPopVlan:
      return PopVlan{};
    case kSetQueue:
      return SetQueue{in.U32()};
    case kGroup:
      return GroupAction{in.U32()};
    case kDecTtl:
      return DecTtl{};
    default:
      return RawAction{.instruction = false, .bytes = {bytes.begin(), bytes.end()}};
  }
}

void PutActions(InstructionType type, const std::vector<Action>& actions, WireWriter& out) {
  const size_t start = out.size();
  out.U16(type);
  out.U16(0);
  out.Zeros(4);
  EncodeActions13(actions, out);
  out.PatchU16(start + 2, out.size() - start);
}

void PutInstruction(InstructionType type, uint16_t length, WireWriter& out) {
  out.U16(type);
  out.U16(length);
}

absl::Status DecodeInstruction(uint16_t type, ByteSpan bytes, ActionList& actions) {
  WireReader in(bytes);
  in.Skip(4);
  switch (type) {
    case kGotoTable:
      actions.apply.emplace_back(GotoTable{in.U8()});
      break;
    case kWriteMetadata: {
      in.Skip(4);
      WriteMetadata write{.value = in.U64()};
      write.mask = in.U64();
      actions.apply.emplace_back(write);
      break;
    }
    case kMeter:
      actions.apply.emplace_back(Meter{in.U32()});
      break;
    case kClearActions:
      actions.apply.emplace_back(ClearActions{});
      break;
    case kApplyActions:
    case kWriteActions: {
      in.Skip(4);
      ASSIGN_OR_RETURN(std::vector<Action> list, DecodeActions13(in.Rest()));
      auto& target = type == kApplyActions ? actions.apply : actions.write;
      target.insert(target.end(), list.begin(), list.end());
      break;
    }
    default:
      actions.apply.emplace_back(
          RawAction{.instruction = true, .bytes = {bytes.begin(), bytes.end()}});
  }
  if (!in.ok()) return CutShort("instruction", type, bytes.size());
  return absl::OkStatus();
}

// Those of one kind, each at most once.
template <typename Kind>
const Kind* Last(const ActionList& actions) {
  const Kind* last = nullptr;
  for (const Action& action : actions.apply) {
    if (const auto* one = std::get_if<Kind>(&action)) last = one;
  }
  return last;
}

}  // namespace

void EncodeActions13(const std::vector<Action>& actions, WireWriter& out) {
  for (const Action& action : actions) {
    if (!IsInstruction(action)) std::visit(Encoder{out}, action);
  }
}

absl::StatusOr<std::vector<Action>> DecodeActions13(ByteSpan bytes) {
  WireReader in(bytes);
  std::vector<Action> actions;
  while (in.remaining() > 0) {
    WireReader header = in;
    const uint16_t type = header.U16();
    const uint16_t length = header.U16();
    const ByteSpan whole = in.Take(length);
    if (!in.ok() || length < 8 || length % 8 != 0) return CutShort("action", type, length);
    ASSIGN_OR_RETURN(Action action, DecodeOne(type, whole));
    actions.push_back(std::move(action));
  }
  return actions;
}

void EncodeInstructions(const ActionList& actions, WireWriter& out) {
  if (const auto* meter = Last<Meter>(actions)) {
    PutInstruction(kMeter, 8, out);
    out.U32(meter->meter);
  }
  const bool applies = !std::all_of(actions.apply.begin(), actions.apply.end(), IsInstruction);
  if (applies) PutActions(kApplyActions, actions.apply, out);
  if (Last<ClearActions>(actions) != nullptr) {
    PutInstruction(kClearActions, 8, out);
    out.Zeros(4);
  }
  if (!actions.write.empty()) PutActions(kWriteActions, actions.write, out);
  if (const auto* write = Last<WriteMetadata>(actions)) {
    PutInstruction(kWriteMetadata, 24, out);
    out.Zeros(4);
    out.U64(write->value);
    out.U64(write->mask);
  }
  for (const Action& action : actions.apply) {
    const auto* raw = std::get_if<RawAction>(&action);
    if (raw != nullptr && raw->instruction) out.Append(raw->bytes);
  }
  if (const auto* table = Last<GotoTable>(actions)) {
    PutInstruction(kGotoTable, 8, out);
    out.U8(table->table);
    out.Zeros(3);
  }
}

absl::StatusOr<ActionList> DecodeInstructions(ByteSpan bytes) {
  WireReader in(bytes);
  ActionList actions;
  while (in.remaining() > 0) {
    WireReader header = in;
    const uint16_t type = header.U16();
    const uint16_t length = header.U16();
    const ByteSpan whole = in.Take(length);
    if (!in.ok() || length < 8 || length % 8 != 0) return CutShort("instruction", type, length);
    RETURN_IF_ERROR(DecodeInstruction(type, whole, actions));
  }
  return actions;
}

}  // namespace outrider::openflow
