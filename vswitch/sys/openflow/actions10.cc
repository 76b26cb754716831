// Actions of OpenFlow 1.0 (1.0.0, 5.2.4).
#include <fmt/format.h>

#include "vswitch/sys/openflow/actions.h"
#include "vswitch/sys/openflow/numbers.h"

namespace outrider::openflow {
namespace {

enum Type : uint16_t {
  kOutput = 0,
  kSetVlanVid = 1,
  kSetVlanPcp = 2,
  kStripVlan = 3,
  kSetEthSrc = 4,
  kSetEthDst = 5,
  kSetNwSrc = 6,
  kSetNwDst = 7,
  kSetNwTos = 8,
  kSetTpSrc = 9,
  kSetTpDst = 10,
  kEnqueue = 11,
  kVendorAction = 0xffff,
};

// The set-... actions: one field each, right behind the header.
struct OldSet {
  Type type;
  Field field;
  uint16_t length;
};
constexpr OldSet kOldSets[] = {
    {kSetEthSrc, Field::kEthSrc, 16}, {kSetEthDst, Field::kEthDst, 16},
    {kSetNwSrc, Field::kIpv4Src, 8},  {kSetNwDst, Field::kIpv4Dst, 8},
    {kSetNwTos, Field::kIpTos, 8},    {kSetTpSrc, Field::kTcpSrc, 8},
    {kSetTpDst, Field::kTcpDst, 8},
};

void Put(Type type, uint16_t length, WireWriter& out) {
  out.U16(type);
  out.U16(length);
}

void PutSet(const SetField& set, WireWriter& out) {
  for (const OldSet& old : kOldSets) {
    if (!set.old || old.field != set.field) continue;
    const size_t start = out.size();
    Put(old.type, old.length, out);
    out.Append(ByteSpan(set.value.value).first(InfoOf(set.field).bytes));
    out.Zeros(old.length - (out.size() - start));
    return;
  }
  EncodeAsLoads(set, out);
}

struct Encoder {
  WireWriter& out;

  void operator()(const Output& output) const {
    Put(kOutput, 8, out);
    out.U16(Port10(output.port));
    out.U16(output.max_len);
  }
  void operator()(const Enqueue& enqueue) const {
    Put(kEnqueue, 16, out);
    out.U16(Port10(enqueue.port));
    out.Zeros(6);
    out.U32(enqueue.queue);
  }
  void operator()(const SetVlanVid& set) const {
    Put(kSetVlanVid, 8, out);
    out.U16(set.vid);
    out.Zeros(2);
  }
  void operator()(const SetVlanPcp& set) const {
    Put(kSetVlanPcp, 8, out);
    out.U8(set.pcp);
    out.Zeros(3);
  }
  void operator()(const PopVlan&) const {
    Put(kStripVlan, 8, out);
    out.Zeros(4);
  }
  void operator()(const SetField& set) const { PutSet(set, out); }
  void operator()(const GotoTable& table) const {
    EncodeNicira(Resubmit{.port = kPortInPort, .table = table.table}, out);
  }
  void operator()(const RawAction& raw) const {
    if (!raw.instruction) out.Append(raw.bytes);
  }
  // Nicira's; what 1.0 cannot say at all (meters, groups, metadata) is left out.
  template <typename Other>
  void operator()(const Other& other) const {
    EncodeNicira(other, out);
  }
};

absl::Status CutShort(uint16_t type, size_t length) {
  return absl::InvalidArgumentError(fmt::format("action {} has {} bytes", type, length));
}

absl::StatusOr<Action> DecodeOne(uint16_t type, ByteSpan bytes) {
  WireReader in(bytes);
  in.Skip(4);
  for (const OldSet& old : kOldSets) {
    if (old.type != type) continue;
    if (bytes.size() != old.length) return CutShort(type, bytes.size());
    SetField set{.field = old.field, .value = {}, .old = true};
    const ByteSpan value = in.Take(InfoOf(old.field).bytes);
    std::copy(value.begin(), value.end(), set.value.value.begin());
    set.value.mask = ExactMask(old.field);
    return set;
  }
  if (bytes.size() != (type == kEnqueue ? 16 : 8)) return CutShort(type, bytes.size());
  switch (type) {
    case kOutput: {
      Output output{.port = PortFrom10(in.U16())};
      output.max_len = in.U16();
      return output;
    }
    case kSetVlanVid:
      return SetVlanVid{in.U16()};
    case kSetVlanPcp:
      return SetVlanPcp{in.U8()};
    case kStripVlan:
      return PopVlan{};
    case kEnqueue: {
      Enqueue enqueue{.port = PortFrom10(in.U16())};
      in.Skip(6);
      enqueue.queue = in.U32();
      return enqueue;
    }
    default:
      return absl::UnimplementedError(fmt::format("action {} is not known", type));
  }
}

}  // namespace

void EncodeActions10(const ActionList& actions, WireWriter& out) {
  for (const Action& action : actions.apply) std::visit(Encoder{out}, action);
}

absl::StatusOr<ActionList> DecodeActions10(ByteSpan bytes) {
  WireReader in(bytes);
  ActionList actions;
  while (in.remaining() > 0) {
    WireReader header = in;
    const uint16_t type = header.U16();
    const uint16_t length = header.U16();
    const ByteSpan whole = in.Take(length);
    if (!in.ok() || length < 8 || length % 8 != 0) return CutShort(type, length);
    const uint32_t vendor = header.U32();
    if (type != kVendorAction) {
      ASSIGN_OR_RETURN(Action action, DecodeOne(type, whole));
      actions.apply.push_back(std::move(action));
    } else if (vendor == kNiciraVendor) {
      ASSIGN_OR_RETURN(Action action, DecodeNicira(whole));
      actions.apply.push_back(std::move(action));
    } else {
      actions.apply.emplace_back(
          RawAction{.instruction = false, .bytes = {whole.begin(), whole.end()}});
    }
  }
  return actions;
}

}  // namespace outrider::openflow
