#include "vswitch/sys/openflow/stats_codec.h"

#include <fmt/format.h>

#include <type_traits>

namespace outrider::openflow {
namespace {

constexpr size_t kDescBytes = 256;
constexpr size_t kSerialBytes = 32;

template <typename List, typename DecodeOne>
absl::StatusOr<Body> DecodeList(WireReader& in, const DecodeOne& decode_one) {
  List list;
  while (in.remaining() > 0) list.push_back(decode_one());
  return list;
}

template <typename Entry, typename DecodeOne>
absl::StatusOr<std::vector<Entry>> DecodeFallible(WireReader& in, const DecodeOne& decode_one) {
  std::vector<Entry> list;
  while (in.remaining() > 0) {
    ASSIGN_OR_RETURN(Entry entry, decode_one());
    list.push_back(std::move(entry));
  }
  return list;
}

Body DecodeDesc(WireReader& in) {
  Desc desc;
  desc.manufacturer = in.Text(kDescBytes);
  desc.hardware = in.Text(kDescBytes);
  desc.software = in.Text(kDescBytes);
  desc.serial = in.Text(kSerialBytes);
  desc.datapath = in.Text(kDescBytes);
  return desc;
}

Body DecodeAggregate(FlowForm form, WireReader& in) {
  AggregateReply reply{.form = form, .stats = {}};
  reply.stats.packets = in.U64();
  reply.stats.bytes = in.U64();
  reply.stats.flows = in.U32();
  in.Skip(4);
  return reply;
}

Body DecodeMeterFeatures(WireReader& in) {
  MeterFeatures features{.max_meter = in.U32()};
  features.band_types = in.U32();
  features.capabilities = in.U32();
  features.max_bands = in.U8();
  features.max_color = in.U8();
  in.Skip(2);
  return features;
}

Body DecodeGroupFeatures(bool nicira, WireReader& in) {
  GroupFeaturesReply reply{.nicira = nicira, .features = {}};
  reply.features.types = in.U32();
  reply.features.capabilities = in.U32();
  for (uint32_t& most : reply.features.max_groups) most = in.U32();
  for (uint32_t& actions : reply.features.actions) actions = in.U32();
  return reply;
}

absl::StatusOr<Body> DecodeRequest(uint8_t version, StatsType type, bool nicira, WireReader& in) {
  StatsRequest request{.type = type, .nicira = nicira};
  const bool v10 = version == kVersion10;
  switch (type) {
    case kStatsPort:
      request.port = v10 ? PortFrom10(in.U16()) : in.U32();
      in.Skip(v10 ? 6 : 4);
      break;
    case kStatsQueue:
      request.port = v10 ? PortFrom10(in.U16()) : in.U32();
      // 1.0 says "all ports" by OFPP_ALL (1.0.0, 5.3.5).
      if (v10 && request.port == kPortAll) request.port = kPortAny;
      if (v10) in.Skip(2);
      request.queue = in.U32();
      break;
    case kStatsGroup:
    case kStatsMeter:
    case kStatsMeterConfig:
      request.id = in.U32();
      in.Skip(4);
      break;
    case kStatsTableFeatures:
      while (in.remaining() > 0) request.tables.push_back(DecodeTableFeatures(in));
      break;
    case kStatsGroupDesc:
      if (!nicira) break;
      request.id = in.U32();
      in.Skip(4);
      break;
    default:
      // Some versions name a port or group here; the whole list is the answer to all.
      in.Rest();
  }
  return request;
}

absl::StatusOr<Body> DecodeGroups(StatsType type, bool nicira, WireReader& in) {
  if (type == kStatsGroupFeatures) return DecodeGroupFeatures(nicira, in);
  if (type == kStatsGroupDesc) {
    GroupDescList list{.nicira = nicira, .groups = {}};
    // Their buckets have the form of 1.5.
    if (nicira && in.remaining() > 0) return absl::UnimplementedError("groups in OpenFlow 1.0");
    ASSIGN_OR_RETURN(list.groups,
                     DecodeFallible<GroupDesc>(in, [&] { return DecodeGroupDesc(in); }));
    return list;
  }
  GroupList list{.nicira = nicira, .groups = {}};
  while (in.remaining() > 0) list.groups.push_back(DecodeGroupStats(in));
  return list;
}

absl::StatusOr<Body> DecodeFlows(FlowForm form, WireReader& in) {
  FlowStatsReply reply{.form = form, .flows = {}};
  ASSIGN_OR_RETURN(reply.flows,
                   DecodeFallible<FlowStats>(in, [&] { return DecodeFlowStats(form, in); }));
  return reply;
}

absl::StatusOr<Body> DecodeReply(uint8_t version, StatsType type, WireReader& in) {
  switch (type) {
    case kStatsDesc:
      return DecodeDesc(in);
    case kStatsTable:
      return DecodeList<TableList>(in, [&] { return DecodeTableStats(version, in); });
    case kStatsPort:
      return DecodeList<PortList>(in, [&] { return DecodePortStats(version, in); });
    case kStatsQueue:
      return DecodeList<QueueList>(in, [&] { return DecodeQueueStats(version, in); });
    case kStatsPortDesc:
      return DecodeList<PortDescList>(in, [&] { return DecodePortDesc(version, in); });
    case kStatsTableFeatures:
      return DecodeList<TableFeaturesList>(in, [&] { return DecodeTableFeatures(in); });
    case kStatsMeter:
      return DecodeList<MeterStatsList>(in, [&] { return DecodeMeterStats(in); });
    case kStatsMeterConfig:
      return DecodeList<MeterConfigList>(in, [&] { return DecodeMeterConfig(in); });
    case kStatsMeterFeatures:
      return DecodeMeterFeatures(in);
    default:
      return DecodeGroups(type, false, in);
  }
}

Body Unknown(uint16_t code) {
  return Opaque{.type = 0, .body = {}, .why = ErrorCode{kBadRequest, code}};
}

absl::StatusOr<Body> DecodeNicira(uint8_t version, const StatsKind& kind, WireReader& in) {
  const uint32_t subtype = *kind.nicira;
  if (subtype == kNxstFlow || subtype == kNxstAggregate) {
    const bool aggregate = subtype == kNxstAggregate;
    if (!kind.reply) return DecodeFlowStatsRequest(FlowForm::kNicira, aggregate, in);
    return aggregate ? DecodeAggregate(FlowForm::kNicira, in) : DecodeFlows(FlowForm::kNicira, in);
  }
  if (subtype < kNxstGroup || subtype > kNxstGroupFeatures) return Unknown(kBadSubtype);
  const auto type = static_cast<StatsType>(kStatsGroup + (subtype - kNxstGroup));
  return kind.reply ? DecodeGroups(type, true, in) : DecodeRequest(version, type, true, in);
}

bool Exists(uint8_t version, StatsType type) {
  if (version == kVersion10) return type <= kStatsQueue || type == kStatsPortDesc;
  return type <= kStatsPortDesc;
}

}  // namespace

absl::StatusOr<Body> DecodeStats(uint8_t version, const StatsKind& kind, WireReader& in) {
  absl::StatusOr<Body> body = Unknown(kBadStat);
  if (kind.nicira.has_value()) {
    body = DecodeNicira(version, kind, in);
  } else if (kind.type == kStatsVendor) {
    return Unknown(kBadVendor);
  } else if (!Exists(version, kind.type)) {
    return Unknown(kBadStat);
  } else if (kind.type == kStatsFlow || kind.type == kStatsAggregate) {
    const FlowForm form = version == kVersion10 ? FlowForm::kOpenFlow10 : FlowForm::kOpenFlow13;
    const bool aggregate = kind.type == kStatsAggregate;
    if (!kind.reply) {
      body = DecodeFlowStatsRequest(form, aggregate, in);
    } else {
      body = aggregate ? DecodeAggregate(form, in) : DecodeFlows(form, in);
    }
  } else {
    body = kind.reply ? DecodeReply(version, kind.type, in)
                      : DecodeRequest(version, kind.type, false, in);
  }
  if (!body.ok()) return body;
  if (!in.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("statistics of type {} are cut short", static_cast<unsigned>(kind.type)));
  }
  return body;
}

namespace {

struct Encoder {
  uint8_t version;
  WireWriter& out;

  void operator()(const FlowStatsRequest& request) const { Encode(request, out); }
  void operator()(const StatsRequest& request) const {
    const bool v10 = version == kVersion10;
    if (request.type == kStatsPort) {
      v10 ? out.U16(Port10(request.port)) : out.U32(request.port);
      out.Zeros(v10 ? 6 : 4);
    } else if (request.type == kStatsQueue) {
      const uint32_t port = v10 && request.port == kPortAny ? uint32_t{kPortAll} : request.port;
      v10 ? out.U16(Port10(port)) : out.U32(port);
      if (v10) out.Zeros(2);
      out.U32(request.queue);
    } else if (request.type == kStatsGroup || request.type == kStatsMeter ||
               request.type == kStatsMeterConfig ||
               (request.nicira && request.type == kStatsGroupDesc)) {
      out.U32(request.id);
      out.Zeros(4);
    }
    for (const TableFeatures& table : request.tables) Encode(table, out);
  }
  void operator()(const Desc& desc) const {
    out.Text(desc.manufacturer, kDescBytes);
    out.Text(desc.hardware, kDescBytes);
    out.Text(desc.software, kDescBytes);
    out.Text(desc.serial, kSerialBytes);
    out.Text(desc.datapath, kDescBytes);
  }
  void operator()(const FlowStatsReply& reply) const {
    for (const FlowStats& flow : reply.flows) Encode(flow, reply.form, out);
  }
  void operator()(const AggregateReply& reply) const {
    out.U64(reply.stats.packets);
    out.U64(reply.stats.bytes);
    out.U32(reply.stats.flows);
    out.Zeros(4);
  }
  void operator()(const MeterFeatures& features) const {
    out.U32(features.max_meter);
    out.U32(features.band_types);
    out.U32(features.capabilities);
    out.U8(features.max_bands);
    out.U8(features.max_color);
    out.Zeros(2);
  }
  void operator()(const GroupFeaturesReply& reply) const {
    out.U32(reply.features.types);
    out.U32(reply.features.capabilities);
    for (const uint32_t most : reply.features.max_groups) out.U32(most);
    for (const uint32_t actions : reply.features.actions) out.U32(actions);
  }
  void operator()(const GroupList& list) const {
    for (const GroupStats& group : list.groups) Encode(group, out);
  }
  void operator()(const GroupDescList& list) const {
    for (const GroupDesc& group : list.groups) Encode(group, out);
  }
  void operator()(const TableFeaturesList& list) const {
    for (const TableFeatures& table : list) Encode(table, out);
  }
  void operator()(const MeterStatsList& list) const {
    for (const MeterStats& meter : list) Encode(meter, out);
  }
  void operator()(const MeterConfigList& list) const {
    for (const MeterConfig& meter : list) Encode(meter, out);
  }
  template <typename Entry>
  void operator()(const std::vector<Entry>& list) const {
    for (const Entry& entry : list) Encode(entry, version, out);
  }
  template <typename Other>
  void operator()(const Other&) const {}
};

// Of 1.0's groups: Nicira's numbers follow those of 1.1.
StatsKind GroupKind(StatsType type, bool reply, bool nicira) {
  if (!nicira) return {type, reply, std::nullopt};
  return {kStatsVendor, reply, kNxstGroup + (type - kStatsGroup)};
}

StatsKind FlowKind(FlowForm form, bool aggregate, bool reply) {
  if (form == FlowForm::kNicira) {
    return {kStatsVendor, reply, aggregate ? kNxstAggregate : kNxstFlow};
  }
  return {aggregate ? kStatsAggregate : kStatsFlow, reply, std::nullopt};
}

struct KindFinder {
  using Kind = std::optional<StatsKind>;

  Kind operator()(const FlowStatsRequest& request) const {
    return FlowKind(request.form, request.aggregate, false);
  }
  Kind operator()(const StatsRequest& request) const {
    return GroupKind(request.type, false, request.nicira);
  }
  Kind operator()(const FlowStatsReply& reply) const { return FlowKind(reply.form, false, true); }
  Kind operator()(const AggregateReply& reply) const { return FlowKind(reply.form, true, true); }
  Kind operator()(const Desc&) const { return Reply(kStatsDesc); }
  Kind operator()(const TableList&) const { return Reply(kStatsTable); }
  Kind operator()(const PortList&) const { return Reply(kStatsPort); }
  Kind operator()(const QueueList&) const { return Reply(kStatsQueue); }
  Kind operator()(const PortDescList&) const { return Reply(kStatsPortDesc); }
  Kind operator()(const TableFeaturesList&) const { return Reply(kStatsTableFeatures); }
  Kind operator()(const MeterStatsList&) const { return Reply(kStatsMeter); }
  Kind operator()(const MeterConfigList&) const { return Reply(kStatsMeterConfig); }
  Kind operator()(const MeterFeatures&) const { return Reply(kStatsMeterFeatures); }
  Kind operator()(const GroupList& list) const { return GroupKind(kStatsGroup, true, list.nicira); }
  Kind operator()(const GroupDescList& list) const {
    return GroupKind(kStatsGroupDesc, true, list.nicira);
  }
  Kind operator()(const GroupFeaturesReply& reply) const {
    return GroupKind(kStatsGroupFeatures, true, reply.nicira);
  }
  template <typename Other>
  Kind operator()(const Other&) const {
    return std::nullopt;
  }
  static Kind Reply(StatsType type) { return StatsKind{type, true, std::nullopt}; }
};

}  // namespace

std::optional<StatsKind> KindOf(const Body& body, uint8_t version) {
  std::optional<StatsKind> kind = std::visit(KindFinder{}, body);
  if (!kind.has_value() || kind->nicira.has_value()) return kind;
  return Exists(version, kind->type) ? kind : std::nullopt;
}

void EncodeStats(uint8_t version, const Body& body, WireWriter& out) {
  std::visit(Encoder{version, out}, body);
}

}  // namespace outrider::openflow
