#include "vswitch/sys/openflow/meter.h"

namespace outrider::openflow {
namespace {

// A structure that says its own length: the reader of what is behind its first `before` bytes. One
// that is shorter than its own head spoils `in`, so that no loop over such structures stands still.
WireReader TakeSized(WireReader& in, uint16_t length, size_t before) {
  if (length >= before) return WireReader(in.Take(length - before));
  return WireReader(in.Take(in.remaining() + 1));
}

void Spoil(WireReader& in) { in.Skip(in.remaining() + 1); }

}  // namespace

void Encode(const MeterConfig& meter, WireWriter& out) {
  const size_t start = out.size();
  out.U16(0);
  out.U16(meter.flags);
  out.U32(meter.meter);
  for (const MeterBand& band : meter.bands) {
    out.U16(band.type);
    out.U16(16);
    out.U32(band.rate);
    out.U32(band.burst);
    out.U8(band.precedence);
    out.Zeros(3);
  }
  out.PatchU16(start, out.size() - start);
}

MeterConfig DecodeMeterConfig(WireReader& in) {
  const uint16_t length = in.U16();
  WireReader body = TakeSized(in, length, 2);
  MeterConfig meter{.meter = 0, .flags = body.U16()};
  meter.meter = body.U32();
  while (body.remaining() > 0) {
    MeterBand band{.type = body.U16()};
    const uint16_t band_length = body.U16();
    WireReader rest = TakeSized(body, band_length, 4);
    band.rate = rest.U32();
    band.burst = rest.U32();
    band.precedence = rest.U8();
    if (!rest.ok()) Spoil(body);
    meter.bands.push_back(band);
  }
  if (!body.ok()) Spoil(in);
  return meter;
}

void Encode(const MeterStats& stats, WireWriter& out) {
  const size_t start = out.size();
  out.U32(stats.meter);
  out.U16(0);
  out.Zeros(6);
  out.U32(stats.flows);
  out.U64(stats.packets);
  out.U64(stats.bytes);
  out.U32(stats.duration_s);
  out.U32(stats.duration_ns);
  for (const BandStats& band : stats.bands) {
    out.U64(band.packets);
    out.U64(band.bytes);
  }
  out.PatchU16(start + 4, out.size() - start);
}

MeterStats DecodeMeterStats(WireReader& in) {
  MeterStats stats{.meter = in.U32()};
  const uint16_t length = in.U16();
  WireReader body = TakeSized(in, length, 6);
  body.Skip(6);
  stats.flows = body.U32();
  stats.packets = body.U64();
  stats.bytes = body.U64();
  stats.duration_s = body.U32();
  stats.duration_ns = body.U32();
  while (body.remaining() > 0) {
    BandStats band{.packets = body.U64()};
    band.bytes = body.U64();
    stats.bands.push_back(band);
  }
  if (!body.ok()) Spoil(in);
  return stats;
}

void Encode(const GroupDesc& group, WireWriter& out) {
  const size_t start = out.size();
  out.U16(0);
  out.U8(static_cast<uint8_t>(group.type));
  out.Zeros(1);
  out.U32(group.group);
  for (const Bucket& bucket : group.buckets) {
    const size_t bucket_start = out.size();
    out.U16(0);
    out.U16(bucket.weight);
    out.U32(bucket.watch_port);
    out.U32(bucket.watch_group);
    out.Zeros(4);
    EncodeActions13(bucket.actions, out);
    out.PatchU16(bucket_start, out.size() - bucket_start);
  }
  out.PatchU16(start, out.size() - start);
}

absl::StatusOr<GroupDesc> DecodeGroupDesc(WireReader& in) {
  const uint16_t length = in.U16();
  WireReader body = TakeSized(in, length, 2);
  GroupDesc group;
  const uint8_t type = body.U8();
  if (type > static_cast<uint8_t>(GroupType::kFastFailover)) {
    return absl::InvalidArgumentError("group has no known type");
  }
  group.type = static_cast<GroupType>(type);
  body.Skip(1);
  group.group = body.U32();
  while (body.remaining() > 0) {
    const uint16_t bucket_length = body.U16();
    WireReader rest = TakeSized(body, bucket_length, 2);
    Bucket bucket{.weight = rest.U16()};
    bucket.watch_port = rest.U32();
    bucket.watch_group = rest.U32();
    rest.Skip(4);
    if (!rest.ok()) return absl::InvalidArgumentError("group bucket is cut short");
    ASSIGN_OR_RETURN(bucket.actions, DecodeActions13(rest.Rest()));
    group.buckets.push_back(std::move(bucket));
  }
  if (!body.ok()) return absl::InvalidArgumentError("group is cut short");
  return group;
}

void Encode(const GroupStats& stats, WireWriter& out) {
  const size_t start = out.size();
  out.U16(0);
  out.Zeros(2);
  out.U32(stats.group);
  out.U32(stats.references);
  out.Zeros(4);
  out.U64(stats.packets);
  out.U64(stats.bytes);
  out.U32(stats.duration_s);
  out.U32(stats.duration_ns);
  for (const BandStats& bucket : stats.buckets) {
    out.U64(bucket.packets);
    out.U64(bucket.bytes);
  }
  out.PatchU16(start, out.size() - start);
}

GroupStats DecodeGroupStats(WireReader& in) {
  const uint16_t length = in.U16();
  WireReader body = TakeSized(in, length, 2);
  body.Skip(2);
  GroupStats stats{.group = body.U32()};
  stats.references = body.U32();
  body.Skip(4);
  stats.packets = body.U64();
  stats.bytes = body.U64();
  stats.duration_s = body.U32();
  stats.duration_ns = body.U32();
  while (body.remaining() > 0) {
    BandStats bucket{.packets = body.U64()};
    bucket.bytes = body.U64();
    stats.buckets.push_back(bucket);
  }
  if (!body.ok()) Spoil(in);
  return stats;
}

}  // namespace outrider::openflow
