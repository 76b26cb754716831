// The actions of nicira-ext.h, which both versions carry as a vendor's.
#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

#include "vswitch/sys/openflow/actions.h"
#include "vswitch/sys/openflow/numbers.h"

namespace outrider::openflow {
namespace {

constexpr uint16_t kVendorAction = 0xffff;
enum Subtype : uint16_t {
  kNxastResubmit = 1,
  kNxastSetTunnel = 2,
  kNxastSetQueue = 4,
  kNxastPopQueue = 5,
  kNxastRegMove = 6,
  kNxastRegLoad = 7,
  kNxastNote = 8,
  kNxastSetTunnel64 = 9,
  kNxastResubmitTable = 14,
  kNxastOutputReg = 15,
  kNxastDecTtl = 18,
  kNxastCt = 35,
  kNxastGroup = 40,
};
constexpr size_t kNiciraHeader = 10;
constexpr uint16_t kCtCommit = 1;
constexpr uint16_t kCtForce = 2;

// Writes the header, runs `body`, pads to 8 bytes and puts the length in.
template <typename Body>
void Put(Subtype subtype, WireWriter& out, const Body& body) {
  const size_t start = out.size();
  out.U16(kVendorAction);
  out.U16(0);
  out.U32(kNiciraVendor);
  out.U16(subtype);
  body();
  out.PadFrom(start, 8);
  out.PatchU16(start + 2, out.size() - start);
}

void PutLoad(const Load& load, WireWriter& out) {
  Put(kNxastRegLoad, out, [&] {
    out.U16(load.offset << 6 | (load.bits - 1));
    EncodeFieldHeader(load.field, MatchFormat::kNxm, false, out);
    out.U64(load.value);
  });
}

void PutMove(const Move& move, WireWriter& out) {
  Put(kNxastRegMove, out, [&] {
    out.U16(move.bits);
    out.U16(move.source_offset);
    out.U16(move.target_offset);
    EncodeFieldHeader(move.source, MatchFormat::kNxm, false, out);
    EncodeFieldHeader(move.target, MatchFormat::kNxm, false, out);
  });
}

void PutOutput(const OutputField& output, WireWriter& out) {
  Put(kNxastOutputReg, out, [&] {
    out.U16(output.offset << 6 | (output.bits - 1));
    EncodeFieldHeader(output.field, MatchFormat::kNxm, false, out);
    out.U16(output.max_len);
    out.Zeros(6);
  });
}

void PutResubmit(const Resubmit& resubmit, WireWriter& out) {
  // The newer form also says "the current table", by kTableAll.
  Put(kNxastResubmitTable, out, [&] {
    out.U16(Port10(resubmit.port));
    out.U8(resubmit.table);
    out.Zeros(3);
  });
}

void PutTunnel(const SetTunnel& tunnel, WireWriter& out) {
  Put(tunnel.wide ? kNxastSetTunnel64 : kNxastSetTunnel, out, [&] {
    out.Zeros(tunnel.wide ? 6 : 2);
    if (tunnel.wide) {
      out.U64(tunnel.id);
    } else {
      out.U32(tunnel.id);
    }
  });
}

void PutCt(const ConnTrack& ct, WireWriter& out) {
  Put(kNxastCt, out, [&] {
    out.U16((ct.commit ? kCtCommit : 0) | (ct.force ? kCtForce : 0));
    out.U32(0);
    out.U16(ct.zone);
    out.U8(ct.table);
    out.Zeros(3);
    out.U16(0);
  });
}

const FieldInfo* TakeField(WireReader& in) {
  const uint32_t header = in.U32();
  // A masked or experimenter header does not fit these actions.
  if ((header & kHeaderHasMask) != 0 || header >> 16 == 0xffff) return nullptr;
  return FindFieldByHeader(header);
}

bool FitsField(const FieldInfo* info, size_t offset, size_t bits) {
  return info != nullptr && bits > 0 && offset + bits <= size_t{info->bytes} * 8;
}

absl::Status BadField(const char* action) {
  return absl::InvalidArgumentError(fmt::format("{}: bits outside of its field", action));
}

absl::StatusOr<Action> DecodeLoad(WireReader& in, const RawAction& raw) {
  const uint16_t range = in.U16();
  const FieldInfo* info = TakeField(in);
  Load load{.offset = static_cast<uint16_t>(range >> 6),
            .bits = static_cast<uint16_t>((range & 0x3f) + 1),
            .value = in.U64()};
  if (info == nullptr) return raw;
  if (!FitsField(info, load.offset, load.bits)) return BadField("load");
  load.field = info->field;
  return load;
}

absl::StatusOr<Action> DecodeMove(WireReader& in, const RawAction& raw) {
  Move move;
  move.bits = in.U16();
  move.source_offset = in.U16();
  move.target_offset = in.U16();
  const FieldInfo* source = TakeField(in);
  const FieldInfo* target = TakeField(in);
  if (source == nullptr || target == nullptr) return raw;
  if (!FitsField(source, move.source_offset, move.bits)) return BadField("move");
  if (!FitsField(target, move.target_offset, move.bits)) return BadField("move");
  move.source = source->field;
  move.target = target->field;
  return move;
}

absl::StatusOr<Action> DecodeOutput(WireReader& in, const RawAction& raw) {
  const uint16_t range = in.U16();
  const FieldInfo* info = TakeField(in);
  OutputField output{.offset = static_cast<uint16_t>(range >> 6),
                     .bits = static_cast<uint16_t>((range & 0x3f) + 1),
                     .max_len = in.U16()};
  if (info == nullptr) return raw;
  if (!FitsField(info, output.offset, output.bits)) return BadField("output");
  output.field = info->field;
  return output;
}

absl::StatusOr<Action> DecodeCt(WireReader& in, const RawAction& raw) {
  const uint16_t flags = in.U16();
  const uint32_t zone_source = in.U32();
  ConnTrack ct{.commit = (flags & kCtCommit) != 0, .force = (flags & kCtForce) != 0};
  ct.zone = in.U16();
  ct.table = in.U8();
  in.Skip(3);
  const uint16_t algorithm = in.U16();
  // Nested actions, a zone from a field, helpers: shown as they came.
  const bool plain = (flags & ~(kCtCommit | kCtForce)) == 0;
  if (!plain || zone_source != 0 || algorithm != 0 || in.remaining() > 0) return raw;
  return ct;
}

absl::StatusOr<Action> DecodeBySubtype(uint16_t subtype, WireReader& in, const RawAction& raw) {
  switch (subtype) {
    case kNxastResubmit:
      return Resubmit{.port = PortFrom10(in.U16()), .table = kTableAll};
    case kNxastResubmitTable: {
      Resubmit resubmit{.port = PortFrom10(in.U16())};
      resubmit.table = in.U8();
      return resubmit;
    }
    case kNxastSetTunnel:
      in.Skip(2);
      return SetTunnel{.id = in.U32(), .wide = false};
    case kNxastSetTunnel64:
      in.Skip(6);
      return SetTunnel{.id = in.U64(), .wide = true};
    case kNxastSetQueue:
      in.Skip(2);
      return SetQueue{in.U32()};
    case kNxastPopQueue:
      return PopQueue{};
    case kNxastRegMove:
      return DecodeMove(in, raw);
    case kNxastOutputReg:
      return DecodeOutput(in, raw);
    case kNxastGroup:
      in.Skip(2);
      return GroupAction{in.U32()};
    case kNxastRegLoad:
      return DecodeLoad(in, raw);
    case kNxastNote: {
      const ByteSpan text = in.Rest();
      return Note{{text.begin(), text.end()}};
    }
    case kNxastDecTtl:
      return DecTtl{};
    case kNxastCt:
      return DecodeCt(in, raw);
    default:
      return raw;
  }
}

}  // namespace

bool EncodeNicira(const Action& action, WireWriter& out) {
  if (const auto* load = std::get_if<Load>(&action)) {
    PutLoad(*load, out);
  } else if (const auto* move = std::get_if<Move>(&action)) {
    PutMove(*move, out);
  } else if (const auto* output = std::get_if<OutputField>(&action)) {
    PutOutput(*output, out);
  } else if (const auto* group = std::get_if<GroupAction>(&action)) {
    Put(kNxastGroup, out, [&] {
      out.Zeros(2);
      out.U32(group->group);
    });
  } else if (const auto* resubmit = std::get_if<Resubmit>(&action)) {
    PutResubmit(*resubmit, out);
  } else if (const auto* note = std::get_if<Note>(&action)) {
    Put(kNxastNote, out, [&] { out.Append(note->text); });
  } else if (const auto* tunnel = std::get_if<SetTunnel>(&action)) {
    PutTunnel(*tunnel, out);
  } else if (const auto* queue = std::get_if<SetQueue>(&action)) {
    Put(kNxastSetQueue, out, [&] {
      out.Zeros(2);
      out.U32(queue->queue);
    });
  } else if (std::holds_alternative<PopQueue>(action)) {
    Put(kNxastPopQueue, out, [&] { out.Zeros(6); });
  } else if (std::holds_alternative<DecTtl>(action)) {
    Put(kNxastDecTtl, out, [&] { out.Zeros(6); });
  } else if (const auto* ct = std::get_if<ConnTrack>(&action)) {
    PutCt(*ct, out);
  } else {
    return false;
  }
  return true;
}

absl::StatusOr<Action> DecodeNicira(ByteSpan bytes) {
  const RawAction raw{.instruction = false, .bytes = {bytes.begin(), bytes.end()}};
  WireReader in(bytes);
  in.Skip(kNiciraHeader - 2);
  const uint16_t subtype = in.U16();
  ASSIGN_OR_RETURN(Action action, DecodeBySubtype(subtype, in, raw));
  if (!in.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("Nicira action {} is cut short at {} bytes", subtype, bytes.size()));
  }
  return action;
}

void EncodeAsLoads(const SetField& set, WireWriter& out) {
  const FieldInfo& info = InfoOf(set.field);
  const size_t bytes = info.bytes;
  for (size_t done = 0; done < bytes; done += 8) {
    const size_t chunk = std::min<size_t>(8, bytes - done);
    uint64_t value = 0;
    for (size_t i = 0; i < chunk; ++i) {
      value = value << 8 | set.value.value[bytes - done - chunk + i];
    }
    const size_t bits = std::min<size_t>(chunk * 8, info.bits - done * 8);
    PutLoad(Load{.field = set.field,
                 .offset = static_cast<uint16_t>(done * 8),
                 .bits = static_cast<uint16_t>(bits),
                 .value = value},
            out);
  }
}

}  // namespace outrider::openflow
