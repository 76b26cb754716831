#include "vswitch/sys/openflow/message.h"

#include <fmt/format.h>

#include "vswitch/sys/openflow/stats_codec.h"

namespace outrider::openflow {
namespace {

constexpr size_t kMostBytes = 65535;
constexpr uint16_t kMoreFlag = 1;
constexpr uint16_t kVersionBitmap = 1;

Hello DecodeHello(WireReader& in) {
  Hello hello;
  // Elements we do not know, and what is no element, are skipped (1.3.5, 7.5.1).
  while (in.remaining() >= 4) {
    const uint16_t type = in.U16();
    const uint16_t length = in.U16();
    if (length < 4 || length - 4u > in.remaining()) break;
    WireReader element(in.Take(length - 4u));
    if (type == kVersionBitmap && element.remaining() >= 4) hello.versions |= element.U32();
    in.Skip(std::min<size_t>((8 - length % 8) % 8, in.remaining()));
  }
  in.Rest();
  return hello;
}

FeaturesReply DecodeFeatures(uint8_t version, WireReader& in) {
  FeaturesReply features{.datapath_id = in.U64()};
  features.buffers = in.U32();
  features.tables = in.U8();
  features.auxiliary = in.U8();
  in.Skip(2);
  features.capabilities = in.U32();
  const uint32_t last = in.U32();
  if (version != kVersion10) return features;
  features.auxiliary = 0;
  features.actions = last;
  while (in.remaining() > 0) features.ports.push_back(DecodePortDesc(version, in));
  return features;
}

PortMod DecodePortMod(uint8_t version, WireReader& in) {
  PortMod mod;
  const bool v10 = version == kVersion10;
  mod.port = v10 ? PortFrom10(in.U16()) : in.U32();
  if (!v10) in.Skip(4);
  mod.mac = MacAddress(in.Array<6>());
  if (!v10) in.Skip(2);
  mod.config = in.U32();
  mod.mask = in.U32();
  mod.advertise = in.U32();
  in.Skip(4);
  return mod;
}

Body Refused(uint8_t type, uint16_t code) {
  return Opaque{.type = type, .body = {}, .why = ErrorCode{kBadRequest, code}};
}

Opaque Kept(uint8_t type, WireReader& in) {
  const ByteSpan rest = in.Rest();
  return Opaque{.type = type, .body = {rest.begin(), rest.end()}, .why = std::nullopt};
}

// Nicira's role numbers are one less.
Role DecodeNiciraRole(bool reply, WireReader& in) {
  return Role{.reply = reply, .role = in.U32() + 1, .generation = 0};
}

absl::StatusOr<Body> DecodeVendor(WireReader& in) {
  if (in.remaining() < 8) return absl::InvalidArgumentError("vendor message is cut short");
  if (in.U32() != kNiciraVendor) return Refused(kVendor, kBadVendor);
  switch (in.U32()) {
    case kNxtSetFlowFormat:
      return SetFlowFormat{in.U32()};
    case kNxtFlowModTableId: {
      const bool on = in.U8() != 0;
      in.Skip(7);
      return FlowModTableId{on};
    }
    case kNxtFlowMod:
      return DecodeFlowMod(FlowForm::kNicira, in);
    case kNxtRoleRequest:
      return DecodeNiciraRole(false, in);
    case kNxtRoleReply:
      return DecodeNiciraRole(true, in);
    default:
      return Refused(kVendor, kBadSubtype);
  }
}

absl::StatusOr<Body> DecodeStatsMessage(uint8_t version, bool reply, WireReader& in, bool& more) {
  StatsKind kind{.type = static_cast<StatsType>(in.U16()), .reply = reply, .nicira = std::nullopt};
  more = (in.U16() & kMoreFlag) != 0;
  if (version != kVersion10) in.Skip(4);
  if (kind.type == kStatsVendor) {
    const uint32_t vendor = in.U32();
    if (version != kVersion10 || vendor != kNiciraVendor) {
      return Refused(version == kVersion10 ? k10StatsRequest : k13MultipartRequest, kBadVendor);
    }
    kind.nicira = in.U32();
    in.Skip(4);
  }
  if (!in.ok()) return absl::InvalidArgumentError("statistics message is cut short");
  return DecodeStats(version, kind, in);
}

// Types that have one number and one form in both versions.
absl::StatusOr<Body> DecodeShared(uint8_t version, uint8_t type, WireReader& in) {
  switch (type) {
    case kHello:
      return DecodeHello(in);
    case kError: {
      Error error{.code = {in.U16(), 0}, .data = {}};
      error.code.code = in.U16();
      const ByteSpan rest = in.Rest();
      error.data.assign(rest.begin(), rest.end());
      return error;
    }
    case kEchoRequest:
    case kEchoReply: {
      const ByteSpan rest = in.Rest();
      return Echo{.reply = type == kEchoReply, .data = {rest.begin(), rest.end()}};
    }
    case kVendor:
      if (version == kVersion10) return DecodeVendor(in);
      return Kept(type, in);
    case kFeaturesRequest:
      return Plain::kFeaturesRequest;
    case kFeaturesReply:
      return DecodeFeatures(version, in);
    case kGetConfigRequest:
      return Plain::kGetConfigRequest;
    case kGetConfigReply:
    case kSetConfig: {
      SwitchConfig config{.set = type == kSetConfig, .flags = in.U16()};
      config.miss_send_len = in.U16();
      return config;
    }
    case kFlowMod:
      return DecodeFlowMod(version == kVersion10 ? FlowForm::kOpenFlow10 : FlowForm::kOpenFlow13,
                           in);
    default:
      return Kept(type, in);
  }
}

absl::StatusOr<Body> DecodeBody(uint8_t version, uint8_t type, WireReader& in, bool& more) {
  if (type <= kFlowMod) return DecodeShared(version, type, in);
  const bool v10 = version == kVersion10;
  if (type == (v10 ? k10PortMod : k13PortMod)) return DecodePortMod(version, in);
  if (type == (v10 ? k10StatsRequest : k13MultipartRequest)) {
    return DecodeStatsMessage(version, false, in, more);
  }
  if (type == (v10 ? k10StatsReply : k13MultipartReply)) {
    return DecodeStatsMessage(version, true, in, more);
  }
  if (type == (v10 ? k10BarrierRequest : k13BarrierRequest)) return Plain::kBarrierRequest;
  if (type == (v10 ? k10BarrierReply : k13BarrierReply)) return Plain::kBarrierReply;
  if (!v10 && (type == k13RoleRequest || type == k13RoleReply)) {
    Role role{.reply = type == k13RoleReply, .role = in.U32()};
    in.Skip(4);
    role.generation = in.U64();
    return role;
  }
  if (type > (v10 ? 21 : k13MeterMod)) return Refused(type, kBadType);
  return Kept(type, in);
}

struct BodyEncoder {
  uint8_t version;
  WireWriter& out;
  bool v10() const { return version == kVersion10; }

  // Each writes the body and returns the type; the header is already there.
  uint8_t operator()(const Hello& hello) const {
    if (hello.versions != 0) {
      out.U16(kVersionBitmap);
      out.U16(8);
      out.U32(hello.versions);
    }
    return kHello;
  }
  uint8_t operator()(const Error& error) const {
    out.U16(error.code.type);
    out.U16(error.code.code);
    out.Append(error.data);
    return kError;
  }
  uint8_t operator()(const Echo& echo) const {
    out.Append(echo.data);
    return echo.reply ? kEchoReply : kEchoRequest;
  }
  uint8_t operator()(const Plain& plain) const {
    switch (plain) {
      case Plain::kFeaturesRequest:
        return kFeaturesRequest;
      case Plain::kGetConfigRequest:
        return kGetConfigRequest;
      case Plain::kBarrierRequest:
        return v10() ? k10BarrierRequest : k13BarrierRequest;
      case Plain::kBarrierReply:
        break;
    }
    return v10() ? k10BarrierReply : k13BarrierReply;
  }
  uint8_t operator()(const FeaturesReply& features) const {
    out.U64(features.datapath_id);
    out.U32(features.buffers);
    out.U8(features.tables);
    out.U8(v10() ? 0 : features.auxiliary);
    out.Zeros(2);
    out.U32(features.capabilities);
    out.U32(v10() ? features.actions : 0);
    if (!v10()) return kFeaturesReply;
    for (const PortDesc& port : features.ports) Encode(port, version, out);
    return kFeaturesReply;
  }
  uint8_t operator()(const SwitchConfig& config) const {
    out.U16(config.flags);
    out.U16(config.miss_send_len);
    return config.set ? kSetConfig : kGetConfigReply;
  }
  uint8_t operator()(const Role& role) const {
    if (v10()) return Nicira(role.reply ? kNxtRoleReply : kNxtRoleRequest, role.role - 1);
    out.U32(role.role);
    out.Zeros(4);
    out.U64(role.generation);
    return role.reply ? k13RoleReply : k13RoleRequest;
  }
  uint8_t operator()(const SetFlowFormat& format) const {
    return Nicira(kNxtSetFlowFormat, format.format);
  }
  uint8_t operator()(const FlowModTableId& table_id) const {
    Nicira(kNxtFlowModTableId, table_id.on ? 1u << 24 : 0);
    out.Zeros(4);
    return kVendor;
  }
  uint8_t operator()(const FlowMod& mod) const {
    const bool nicira = mod.form == FlowForm::kNicira;
    if (nicira) {
      out.U32(kNiciraVendor);
      out.U32(kNxtFlowMod);
    }
    Encode(mod, out);
    return nicira ? kVendor : kFlowMod;
  }
  uint8_t operator()(const PortMod& mod) const {
    v10() ? out.U16(Port10(mod.port)) : out.U32(mod.port);
    if (!v10()) out.Zeros(4);
    out.Append(mod.mac.bytes());
    if (!v10()) out.Zeros(2);
    out.U32(mod.config);
    out.U32(mod.mask);
    out.U32(mod.advertise);
    out.Zeros(4);
    return v10() ? k10PortMod : k13PortMod;
  }
  uint8_t operator()(const Opaque& opaque) const {
    out.Append(opaque.body);
    return opaque.type;
  }
  template <typename Stats>
  uint8_t operator()(const Stats&) const {
    return kHello;  // written by EncodeStats
  }

  uint8_t Nicira(uint32_t subtype, uint32_t word) const {
    out.U32(kNiciraVendor);
    out.U32(subtype);
    out.U32(word);
    return kVendor;
  }
};

// The first or second half of a list, as a reply of its own.
template <typename List>
List Half(const List& list, bool second) {
  const auto middle = list.begin() + static_cast<std::ptrdiff_t>(list.size() / 2);
  return second ? List(middle, list.end()) : List(list.begin(), middle);
}

struct Halver {
  bool second;
  std::optional<Body> operator()(const FlowStatsReply& reply) const {
    if (reply.flows.size() < 2) return std::nullopt;
    return FlowStatsReply{.form = reply.form, .flows = Half(reply.flows, second)};
  }
  template <typename Entry>
  std::optional<Body> operator()(const std::vector<Entry>& list) const {
    if (list.size() < 2) return std::nullopt;
    return Half(list, second);
  }
  template <typename Other>
  std::optional<Body> operator()(const Other&) const {
    return std::nullopt;
  }
};

}  // namespace

absl::StatusOr<Message> Decode(ByteSpan frame) {
  WireReader in(frame);
  Message message{.version = in.U8()};
  const uint8_t type = in.U8();
  in.Skip(2);
  message.xid = in.U32();
  if (!in.ok()) return absl::InvalidArgumentError("OpenFlow message is shorter than its header");
  // A hello may be of any version.
  if (type != kHello && message.version != kVersion10 && message.version != kVersion13) {
    message.body = Refused(type, kBadVersion);
    return message;
  }
  ASSIGN_OR_RETURN(message.body, DecodeBody(message.version, type, in, message.more));
  if (auto* opaque = std::get_if<Opaque>(&message.body)) opaque->type = type;
  if (!in.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("OpenFlow message of type {} is cut short at {} bytes", type, frame.size()));
  }
  return message;
}

absl::StatusOr<Bytes> Encode(const Message& message) {
  WireWriter out;
  out.U8(message.version);
  out.U8(0);
  out.U16(0);
  out.U32(message.xid);
  uint8_t type = 0;
  const bool v10 = message.version == kVersion10;
  if (const auto kind = KindOf(message.body, message.version); kind.has_value()) {
    type = v10 ? (kind->reply ? k10StatsReply : k10StatsRequest)
               : (kind->reply ? k13MultipartReply : k13MultipartRequest);
    out.U16(kind->type);
    out.U16(message.more ? kMoreFlag : 0);
    if (!v10) out.Zeros(4);
    if (kind->nicira.has_value()) {
      out.U32(kNiciraVendor);
      out.U32(*kind->nicira);
      out.Zeros(4);
    }
    EncodeStats(message.version, message.body, out);
  } else {
    type = std::visit(BodyEncoder{message.version, out}, message.body);
  }
  if (out.size() > kMostBytes) {
    return absl::ResourceExhaustedError(
        fmt::format("OpenFlow message of {} bytes; most are {}", out.size(), kMostBytes));
  }
  out.PatchU16(2, out.size());
  Bytes bytes = out.Finish();
  bytes[1] = type;
  return bytes;
}

absl::StatusOr<std::vector<Bytes>> EncodeParts(const Message& message) {
  std::vector<Bytes> parts;
  absl::StatusOr<Bytes> whole = Encode(message);
  if (whole.ok()) {
    parts.push_back(*std::move(whole));
    return parts;
  }
  for (const bool second : {false, true}) {
    std::optional<Body> half = std::visit(Halver{second}, message.body);
    if (!half.has_value()) return whole.status();
    Message part{message.version, message.xid, message.more || !second, *std::move(half)};
    ASSIGN_OR_RETURN(std::vector<Bytes> encoded, EncodeParts(part));
    parts.insert(parts.end(), encoded.begin(), encoded.end());
  }
  return parts;
}

}  // namespace outrider::openflow
