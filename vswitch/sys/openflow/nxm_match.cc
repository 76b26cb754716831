#include "vswitch/sys/openflow/nxm_match.h"

namespace outrider::openflow {
namespace {

// NXM_NX_COOKIE.
constexpr uint32_t kCookie = 1u << 16 | 30u << 9;

}  // namespace

void EncodeNxm(const NxmMatch& nxm, size_t length_at, WireWriter& out) {
  const size_t start = out.size();
  EncodeEntries(nxm.match, MatchFormat::kNxm, out);
  if (nxm.cookie_mask != 0) {
    const bool exact = nxm.cookie_mask == ~uint64_t{0};
    out.U32(kCookie | (exact ? 8 : kHeaderHasMask | 16));
    out.U64(nxm.cookie & nxm.cookie_mask);
    if (!exact) out.U64(nxm.cookie_mask);
  }
  out.PatchU16(length_at, out.size() - start);
  out.PadFrom(start, 8);
}

absl::StatusOr<NxmMatch> DecodeNxm(WireReader& in, uint16_t length) {
  WireReader entries(in.Take(length));
  in.Skip((8 - length % 8) % 8);
  if (!in.ok()) return absl::InvalidArgumentError("match is cut short");
  NxmMatch nxm;
  Bytes others;
  while (entries.remaining() > 0) {
    WireReader entry = entries;
    const uint32_t header = entry.U32();
    const ByteSpan whole = entries.Take(4 + (header & 0xff));
    if (!entries.ok()) return absl::InvalidArgumentError("match entry is cut short");
    if (HeaderNumber(header) != kCookie) {
      others.insert(others.end(), whole.begin(), whole.end());
      continue;
    }
    const bool masked = (header & kHeaderHasMask) != 0;
    if ((header & 0xff) != (masked ? 16u : 8u)) {
      return absl::InvalidArgumentError("match entry of the cookie has a wrong length");
    }
    nxm.cookie = entry.U64();
    nxm.cookie_mask = masked ? entry.U64() : ~uint64_t{0};
  }
  ASSIGN_OR_RETURN(nxm.match, DecodeEntries(others));
  return nxm;
}

}  // namespace outrider::openflow
