#include "vswitch/sys/openflow/port.h"

namespace outrider::openflow {
namespace {

constexpr size_t kPortNameBytes = 16;
constexpr size_t kTableNameBytes = 32;

uint32_t TakePort(uint8_t version, WireReader& in) {
  return version == kVersion10 ? PortFrom10(in.U16()) : in.U32();
}

}  // namespace

void Encode(const PortDesc& port, uint8_t version, WireWriter& out) {
  if (version == kVersion10) {
    out.U16(Port10(port.port));
    out.Append(port.mac.bytes());
  } else {
    out.U32(port.port);
    out.Zeros(4);
    out.Append(port.mac.bytes());
    out.Zeros(2);
  }
  out.Text(port.name, kPortNameBytes);
  for (const uint32_t word :
       {port.config, port.state, port.current, port.advertised, port.supported, port.peer}) {
    out.U32(word);
  }
  if (version == kVersion10) return;
  out.U32(port.current_kbps);
  out.U32(port.max_kbps);
}

PortDesc DecodePortDesc(uint8_t version, WireReader& in) {
  PortDesc port;
  port.port = TakePort(version, in);
  if (version != kVersion10) in.Skip(4);
  port.mac = MacAddress(in.Array<6>());
  if (version != kVersion10) in.Skip(2);
  port.name = in.Text(kPortNameBytes);
  for (uint32_t* word :
       {&port.config, &port.state, &port.current, &port.advertised, &port.supported, &port.peer}) {
    *word = in.U32();
  }
  if (version == kVersion10) return port;
  port.current_kbps = in.U32();
  port.max_kbps = in.U32();
  return port;
}

void Encode(const PortStats& stats, uint8_t version, WireWriter& out) {
  if (version == kVersion10) {
    out.U16(Port10(stats.port));
    out.Zeros(6);
  } else {
    out.U32(stats.port);
    out.Zeros(4);
  }
  for (const uint64_t count :
       {stats.rx_packets, stats.tx_packets, stats.rx_bytes, stats.tx_bytes, stats.rx_dropped,
        stats.tx_dropped, stats.rx_errors, stats.tx_errors, stats.rx_frame_errors,
        stats.rx_overruns, stats.rx_crc_errors, stats.collisions}) {
    out.U64(count);
  }
  if (version == kVersion10) return;
  out.U32(stats.duration_s);
  out.U32(stats.duration_ns);
}

PortStats DecodePortStats(uint8_t version, WireReader& in) {
  PortStats stats;
  stats.port = TakePort(version, in);
  in.Skip(version == kVersion10 ? 6 : 4);
  for (uint64_t* count :
       {&stats.rx_packets, &stats.tx_packets, &stats.rx_bytes, &stats.tx_bytes, &stats.rx_dropped,
        &stats.tx_dropped, &stats.rx_errors, &stats.tx_errors, &stats.rx_frame_errors,
        &stats.rx_overruns, &stats.rx_crc_errors, &stats.collisions}) {
    *count = in.U64();
  }
  if (version == kVersion10) return stats;
  stats.duration_s = in.U32();
  stats.duration_ns = in.U32();
  return stats;
}

void Encode(const QueueStats& stats, uint8_t version, WireWriter& out) {
  if (version == kVersion10) {
    out.U16(Port10(stats.port));
    out.Zeros(2);
  } else {
    out.U32(stats.port);
  }
  out.U32(stats.queue);
  out.U64(stats.tx_bytes);
  out.U64(stats.tx_packets);
  out.U64(stats.tx_errors);
  if (version == kVersion10) return;
  out.U32(stats.duration_s);
  out.U32(stats.duration_ns);
}

QueueStats DecodeQueueStats(uint8_t version, WireReader& in) {
  QueueStats stats;
  stats.port = TakePort(version, in);
  if (version == kVersion10) in.Skip(2);
  stats.queue = in.U32();
  stats.tx_bytes = in.U64();
  stats.tx_packets = in.U64();
  stats.tx_errors = in.U64();
  if (version == kVersion10) return stats;
  stats.duration_s = in.U32();
  stats.duration_ns = in.U32();
  return stats;
}

void Encode(const TableStats& stats, uint8_t version, WireWriter& out) {
  out.U8(stats.table);
  out.Zeros(3);
  if (version == kVersion10) {
    out.Text(stats.name, kTableNameBytes);
    out.U32(stats.wildcards);
    out.U32(stats.max_entries);
  }
  out.U32(stats.active);
  out.U64(stats.lookups);
  out.U64(stats.matches);
}

TableStats DecodeTableStats(uint8_t version, WireReader& in) {
  TableStats stats;
  stats.table = in.U8();
  in.Skip(3);
  if (version == kVersion10) {
    stats.name = in.Text(kTableNameBytes);
    stats.wildcards = in.U32();
    stats.max_entries = in.U32();
  }
  stats.active = in.U32();
  stats.lookups = in.U64();
  stats.matches = in.U64();
  return stats;
}

void Encode(const TableFeatures& features, WireWriter& out) {
  const size_t start = out.size();
  out.U16(0);
  out.U8(features.table);
  out.Zeros(5);
  out.Text(features.name, kTableNameBytes);
  out.U64(features.metadata_match);
  out.U64(features.metadata_write);
  out.U32(features.config);
  out.U32(features.max_entries);
  for (const TableProperty& property : features.properties) {
    const size_t property_start = out.size();
    out.U16(property.type);
    out.U16(property.value.size() + 4);
    out.Append(property.value);
    out.PadFrom(property_start, 8);
  }
  out.PatchU16(start, out.size() - start);
}

TableFeatures DecodeTableFeatures(WireReader& in) {
  const uint16_t length = in.U16();
  WireReader body(in.Take(length < 2 ? 0 : length - 2));
  TableFeatures features;
  features.table = body.U8();
  body.Skip(5);
  features.name = body.Text(kTableNameBytes);
  features.metadata_match = body.U64();
  features.metadata_write = body.U64();
  features.config = body.U32();
  features.max_entries = body.U32();
  while (body.remaining() > 0) {
    TableProperty property{.type = body.U16()};
    const uint16_t size = body.U16();
    // A property without room for its own header would never end.
    const ByteSpan value = body.Take(size < 4 ? body.remaining() + 1 : size - 4u);
    property.value.assign(value.begin(), value.end());
    body.Skip((8 - size % 8) % 8);
    features.properties.push_back(std::move(property));
  }
  if (!body.ok()) in.Skip(in.remaining() + 1);
  return features;
}

}  // namespace outrider::openflow
