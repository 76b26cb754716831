// What a flow matches: fields with values and masks, as one value for all encodings: the fixed
// structure of OpenFlow 1.0, Nicira's NXM and OpenFlow 1.2's OXM. Knows no messages and no text.
// Values; any thread.
#ifndef OUTRIDER_VSWITCH_SYS_OPENFLOW_MATCH_H_
#define OUTRIDER_VSWITCH_SYS_OPENFLOW_MATCH_H_

#include <array>
#include <map>
#include <optional>

#include "vswitch/sys/openflow/fields.h"
#include "vswitch/sys/openflow/wire.h"
#include "vswitch/types/ids.h"
#include "vswitch/types/ip_address.h"
#include "vswitch/types/status.h"

namespace outrider::openflow {

// The first InfoOf(field).bytes are used, in wire order.
struct FieldValue {
  std::array<uint8_t, 16> value{};
  std::array<uint8_t, 16> mask{};
  bool operator==(const FieldValue&) const = default;
};

// A number of the field's size, right-aligned; fields over 8 bytes have their last 8 bytes set.
std::array<uint8_t, 16> FieldBytes(Field field, uint64_t number);
uint64_t FieldNumber(Field field, const std::array<uint8_t, 16>& bytes);
// All bits of the field.
std::array<uint8_t, 16> ExactMask(Field field);

class Match {
 public:
  // In the order of Field, no field with an empty mask, no value bits outside the mask.
  const std::map<Field, FieldValue>& fields() const { return fields_; }
  bool empty() const { return fields_.empty(); }
  bool Has(Field field) const { return fields_.contains(field); }
  // nullptr: anything.
  const FieldValue* Find(Field field) const;
  // The value, when the field is matched exactly and has at most 8 bytes.
  std::optional<uint64_t> Exact(Field field) const;

  void Set(Field field, const std::array<uint8_t, 16>& value, const std::array<uint8_t, 16>& mask);
  void Set(Field field, uint64_t value, uint64_t mask);
  void Set(Field field, uint64_t value);
  void Set(Field field, const MacAddress& mac);
  // `field`: of 4 bytes for IPv4, of 16 for IPv6.
  void Set(Field field, const IpPrefix& prefix);
  void Remove(Field field) { fields_.erase(field); }

  // Whether each frame that `narrower` matches is matched by this one too.
  bool Covers(const Match& narrower) const;

  bool operator==(const Match&) const = default;

 private:
  std::map<Field, FieldValue> fields_;
};

// The entries of NXM (for 1.0) or OXM, without padding or header. What `version` has no header for
// is not written.
enum class MatchFormat : uint8_t { kNxm, kOxm };
void EncodeEntries(const Match& match, MatchFormat format, WireWriter& out);
// Both kinds of headers. InvalidArgument: cut short or a length that is not the field's;
// Unimplemented: a field we do not know.
absl::StatusOr<Match> DecodeEntries(ByteSpan bytes);

// ofp_match of 1.3: type, length, entries, padded to 8 bytes.
void EncodeOxmMatch(const Match& match, WireWriter& out);
absl::StatusOr<Match> DecodeOxmMatch(WireReader& in);

// ofp_match of 1.0, 40 bytes (OpenFlow 1.0.0, 5.2.3).
inline constexpr size_t kMatch10Bytes = 40;
// Whether it can say all of `match`.
bool FitsMatch10(const Match& match);
void EncodeMatch10(const Match& match, WireWriter& out);
Match DecodeMatch10(WireReader& in);

// One entry's header for an action (experimenter fields included), with a mask bit as given.
void EncodeFieldHeader(Field field, MatchFormat format, bool masked, WireWriter& out);

}  // namespace outrider::openflow

#endif  // OUTRIDER_VSWITCH_SYS_OPENFLOW_MATCH_H_
