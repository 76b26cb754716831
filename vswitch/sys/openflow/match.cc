#include "vswitch/sys/openflow/match.h"

#include <algorithm>

namespace outrider::openflow {

std::array<uint8_t, 16> FieldBytes(Field field, uint64_t number) {
  std::array<uint8_t, 16> bytes{};
  for (size_t i = InfoOf(field).bytes; i > 0 && number != 0; --i, number >>= 8) {
    bytes[i - 1] = static_cast<uint8_t>(number);
  }
  return bytes;
}

uint64_t FieldNumber(Field field, const std::array<uint8_t, 16>& bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < InfoOf(field).bytes; ++i) number = number << 8 | bytes[i];
  return number;
}

std::array<uint8_t, 16> ExactMask(Field field) {
  const FieldInfo& info = InfoOf(field);
  // DSCP is what people match of the type of service; ECN is a field of its own.
  if (field == Field::kIpTos) return FieldBytes(field, 0xfc);
  std::array<uint8_t, 16> mask{};
  std::fill_n(mask.begin(), info.bytes, 0xff);
  if (info.bits < 8 * info.bytes) return FieldBytes(field, (uint64_t{1} << info.bits) - 1);
  return mask;
}

const FieldValue* Match::Find(Field field) const {
  const auto found = fields_.find(field);
  return found == fields_.end() ? nullptr : &found->second;
}

std::optional<uint64_t> Match::Exact(Field field) const {
  const FieldValue* found = Find(field);
  if (found == nullptr || InfoOf(field).bytes > 8) return std::nullopt;
  if (found->mask != ExactMask(field)) return std::nullopt;
  return FieldNumber(field, found->value);
}

void Match::Set(Field field, const std::array<uint8_t, 16>& value,
                const std::array<uint8_t, 16>& mask) {
  FieldValue entry{.value = value, .mask = mask};
  // Bits that the field does not have are not matched, whatever a mask says.
  const std::array<uint8_t, 16> has = ExactMask(field);
  for (size_t i = 0; i < entry.value.size(); ++i) {
    entry.mask[i] &= has[i];
    entry.value[i] &= entry.mask[i];
  }
  if (entry.mask == std::array<uint8_t, 16>{}) {
    fields_.erase(field);
  } else {
    fields_[field] = entry;
  }
}

void Match::Set(Field field, uint64_t value, uint64_t mask) {
  Set(field, FieldBytes(field, value), FieldBytes(field, mask));
}

void Match::Set(Field field, uint64_t value) {
  Set(field, FieldBytes(field, value), ExactMask(field));
}

void Match::Set(Field field, const MacAddress& mac) {
  std::array<uint8_t, 16> value{};
  std::copy(mac.bytes().begin(), mac.bytes().end(), value.begin());
  Set(field, value, ExactMask(field));
}

void Match::Set(Field field, const IpPrefix& prefix) {
  std::array<uint8_t, 16> value{};
  std::array<uint8_t, 16> mask{};
  if (prefix.IsV4()) {
    const auto bytes = prefix.address().v4_bytes();
    std::copy(bytes.begin(), bytes.end(), value.begin());
  } else {
    value = prefix.address().bytes();
  }
  for (int bit = 0; bit < prefix.length(); ++bit) mask[bit / 8] |= 0x80 >> bit % 8;
  Set(field, value, mask);
}

bool Match::Covers(const Match& narrower) const {
  return std::all_of(fields_.begin(), fields_.end(), [&](const auto& entry) {
    const FieldValue* other = narrower.Find(entry.first);
    if (other == nullptr) return false;
    for (size_t i = 0; i < 16; ++i) {
      const uint8_t mask = entry.second.mask[i];
      if ((other->mask[i] & mask) != mask) return false;
      if ((other->value[i] & mask) != entry.second.value[i]) return false;
    }
    return true;
  });
}

}  // namespace outrider::openflow
