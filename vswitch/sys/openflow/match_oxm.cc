#include <fmt/format.h>

#include "vswitch/sys/openflow/match.h"
#include "vswitch/sys/openflow/numbers.h"

namespace outrider::openflow {
namespace {

constexpr uint16_t kTagPresent = 0x1000;
constexpr uint16_t kVidAndPresent = 0x1fff;
constexpr uint16_t kOxmMatchType = 1;

bool IsExperimenter(uint32_t header) { return header >> 16 == 0xffff; }

// The header this format has for the field; nullptr name: none.
uint32_t NumberOf(const FieldInfo& info, MatchFormat format) {
  const bool has_nxm = *info.nxm_name != 0;
  const bool has_oxm = *info.oxm_name != 0;
  // Fields without a home in one are written as in the other: Open vSwitch reads both everywhere.
  const bool oxm = format == MatchFormat::kOxm ? has_oxm : !has_nxm;
  return oxm ? info.oxm : info.nxm;
}

// Bytes of the field in that format: NXM's in_port has two.
size_t SizeOf(const FieldInfo& info, uint32_t number) {
  return info.field == Field::kInPort && number == info.nxm ? 2 : info.bytes;
}

void PutHeader(uint32_t number, bool masked, size_t size, WireWriter& out) {
  const size_t payload = size * (masked ? 2 : 1) + (IsExperimenter(number) ? 4 : 0);
  out.U32(number | (masked ? kHeaderHasMask : 0) | payload);
  if (IsExperimenter(number)) out.U32(kOnfVendor);
}

void PutEntry(uint32_t number, size_t size, const FieldValue& entry, bool exact, WireWriter& out) {
  PutHeader(number, !exact, size, out);
  out.Append(ByteSpan(entry.value).first(size));
  if (!exact) out.Append(ByteSpan(entry.mask).first(size));
}

// OXM has the tag's parts as fields of their own.
void PutVlan(const FieldValue& tci, WireWriter& out) {
  const uint64_t value = FieldNumber(Field::kVlanTci, tci.value);
  const uint64_t mask = FieldNumber(Field::kVlanTci, tci.mask);
  const FieldInfo& vid = InfoOf(Field::kVlanVid);
  if ((mask & kVidAndPresent) != 0) {
    const bool exact = (mask & kVidAndPresent) == kVidAndPresent;
    PutHeader(vid.oxm, !exact, 2, out);
    out.U16(value & kVidAndPresent);
    if (!exact) out.U16(mask & kVidAndPresent);
  }
  if ((mask >> 13) != 0) {
    PutHeader(InfoOf(Field::kVlanPcp).oxm, false, 1, out);
    out.U8(value >> 13);
  }
}

void EncodeEntry(const FieldInfo& info, const FieldValue& entry, MatchFormat format,
                 WireWriter& out) {
  if (info.field == Field::kVlanTci && format == MatchFormat::kOxm) {
    PutVlan(entry, out);
    return;
  }
  const uint32_t number = NumberOf(info, format);
  FieldValue wire = entry;
  if (info.field == Field::kInPort && number == info.nxm) {
    std::copy(entry.value.begin() + 2, entry.value.begin() + 4, wire.value.begin());
  }
  if (info.field == Field::kIpTos && number == info.oxm) wire.value[0] >>= 2;
  const auto full = [&] {
    std::array<uint8_t, 16> mask{};
    std::fill_n(mask.begin(), info.bytes, 0xff);
    return mask;
  };
  const bool exact = !info.maskable || entry.mask == ExactMask(info.field) || entry.mask == full();
  PutEntry(number, SizeOf(info, number), wire, exact, out);
}

// What was read of one entry goes into the match.
void Merge(const FieldInfo& info, uint32_t number, FieldValue entry, Match& match) {
  const uint64_t value = FieldNumber(info.field, entry.value);
  const uint64_t mask = FieldNumber(info.field, entry.mask);
  uint64_t tci = 0;
  uint64_t tci_mask = 0;
  if (const FieldValue* had = match.Find(Field::kVlanTci); had != nullptr) {
    tci = FieldNumber(Field::kVlanTci, had->value);
    tci_mask = FieldNumber(Field::kVlanTci, had->mask);
  }
  switch (info.field) {
    case Field::kVlanVid:
      match.Set(Field::kVlanTci, tci | (value & kVidAndPresent),
                tci_mask | (mask & kVidAndPresent));
      return;
    case Field::kVlanPcp:
      match.Set(Field::kVlanTci, tci | (value & 7) << 13 | kTagPresent,
                tci_mask | 0xe000 | kTagPresent);
      return;
    case Field::kInPort:
      match.Set(info.field,
                number == info.nxm ? PortFrom10(static_cast<uint16_t>(value >> 16)) : value);
      return;
    case Field::kIpTos:
      match.Set(info.field, number == info.oxm ? value << 2 : value);
      return;
    default:
      match.Set(info.field, entry.value, entry.mask);
  }
}

absl::Status DecodeEntry(WireReader& in, Match& match) {
  const uint32_t header = in.U32();
  WireReader payload(in.Take(header & 0xff));
  if (!in.ok()) return absl::InvalidArgumentError("match entry is cut short");
  const FieldInfo* info = FindFieldByHeader(header);
  if (info == nullptr || (IsExperimenter(header) && payload.U32() != kOnfVendor)) {
    return absl::UnimplementedError(fmt::format("match field {:#010x} is not known", header));
  }
  const bool masked = (header & kHeaderHasMask) != 0;
  const uint32_t number = HeaderNumber(header);
  const size_t size = SizeOf(*info, number);
  if (payload.remaining() != size * (masked ? 2 : 1)) {
    return absl::InvalidArgumentError(
        fmt::format("match field {} has {} bytes", info->name, payload.remaining()));
  }
  FieldValue entry{.value = {}, .mask = ExactMask(info->field)};
  const ByteSpan value = payload.Take(size);
  std::copy(value.begin(), value.end(), entry.value.begin());
  if (masked) {
    if (!info->maskable) {
      return absl::UnimplementedError(fmt::format("match field {} has no masks", info->name));
    }
    const ByteSpan mask = payload.Take(size);
    std::copy(mask.begin(), mask.end(), entry.mask.begin());
  }
  Merge(*info, number, entry, match);
  return absl::OkStatus();
}

}  // namespace

void EncodeEntries(const Match& match, MatchFormat format, WireWriter& out) {
  for (const auto& [field, entry] : match.fields()) EncodeEntry(InfoOf(field), entry, format, out);
}

absl::StatusOr<Match> DecodeEntries(ByteSpan bytes) {
  WireReader in(bytes);
  Match match;
  while (in.remaining() > 0) RETURN_IF_ERROR(DecodeEntry(in, match));
  return match;
}

void EncodeOxmMatch(const Match& match, WireWriter& out) {
  const size_t start = out.size();
  out.U16(kOxmMatchType);
  out.U16(0);
  EncodeEntries(match, MatchFormat::kOxm, out);
  out.PatchU16(start + 2, out.size() - start);
  out.PadFrom(start, 8);
}

absl::StatusOr<Match> DecodeOxmMatch(WireReader& in) {
  const uint16_t type = in.U16();
  const uint16_t length = in.U16();
  if (!in.ok() || length < 4) return absl::InvalidArgumentError("match is cut short");
  if (type != kOxmMatchType) {
    return absl::UnimplementedError(fmt::format("match of type {} is not OXM", type));
  }
  const ByteSpan entries = in.Take(length - 4);
  in.Skip((8 - length % 8) % 8);
  if (!in.ok()) return absl::InvalidArgumentError("match is cut short");
  return DecodeEntries(entries);
}

void EncodeFieldHeader(Field field, MatchFormat format, bool masked, WireWriter& out) {
  const FieldInfo& info = InfoOf(field);
  const uint32_t number = NumberOf(info, format);
  PutHeader(number, masked, SizeOf(info, number), out);
}

}  // namespace outrider::openflow
