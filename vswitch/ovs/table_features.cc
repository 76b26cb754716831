#include "vswitch/ovs/table_features.h"

#include <initializer_list>

#include "vswitch/ovs/openflow_tables.h"

namespace outrider::ovs {
namespace {

using openflow::Field;

// ofp_table_feature_prop_type (1.3.5, 7.3.5.5.2).
enum Property : uint16_t {
  kInstructions = 0,
  kNextTables = 2,
  kWriteActions = 4,
  kApplyActions = 6,
  kMatch = 8,
  kWildcards = 10,
  kWriteSetField = 12,
  kApplySetField = 14,
};
constexpr uint16_t kInstructionGoto = 1;
constexpr uint16_t kInstructionApply = 4;
constexpr uint16_t kInstructionMeter = 6;
constexpr uint16_t kActionOutput = 0;
constexpr uint16_t kActionPushVlan = 17;
constexpr uint16_t kActionPopVlan = 18;
constexpr uint16_t kActionSetField = 25;

constexpr Field kMatched[] = {
    Field::kInPort,     Field::kEthSrc,  Field::kEthDst,     Field::kEthType,  Field::kIpv4Src,
    Field::kIpv4Dst,    Field::kIpv6Src, Field::kIpv6Dst,    Field::kIpFrag,   Field::kIpProto,
    Field::kTcpSrc,     Field::kTcpDst,  Field::kTcpFlags,   Field::kUdpSrc,   Field::kUdpDst,
    Field::kSctpSrc,    Field::kSctpDst, Field::kIcmpType,   Field::kIcmpCode, Field::kIcmpv6Type,
    Field::kIcmpv6Code, Field::kArpOp,   Field::kArpSpa,     Field::kArpTpa,   Field::kArpSha,
    Field::kTunId,      Field::kTunSrc,  Field::kTunIpv6Src, Field::kReg0,     Field::kCtState,
    Field::kVlanVid};
constexpr Field kWritten[] = {Field::kEthSrc, Field::kEthDst,    Field::kVlanVid, Field::kArpOp,
                              Field::kArpSpa, Field::kArpSha,    Field::kTunId,   Field::kTunDst,
                              Field::kReg0,   Field::kTunIpv6Dst};

openflow::TableProperty Headers(Property type, std::span<const Field> fields) {
  openflow::WireWriter out;
  for (const Field field : fields) {
    EncodeFieldHeader(field, openflow::MatchFormat::kOxm, false, out);
  }
  return {.type = type, .value = out.Finish()};
}

// Ids with their own length, without a body.
openflow::TableProperty Ids(Property type, std::initializer_list<uint16_t> ids) {
  openflow::WireWriter out;
  for (const uint16_t id : ids) {
    out.U16(id);
    out.U16(4);
  }
  return {.type = type, .value = out.Finish()};
}

openflow::TableProperty Next(uint8_t table) {
  openflow::WireWriter out;
  for (uint8_t next = table + 1; next < kFlowTables; ++next) out.U8(next);
  return {.type = kNextTables, .value = out.Finish()};
}

}  // namespace

openflow::TableFeaturesList FeaturesOfTables() {
  openflow::TableFeaturesList tables;
  for (uint8_t table = 0; table < kFlowTables; ++table) {
    tables.push_back(
        {.table = table,
         .name = kFlowTableNames[table],
         .max_entries = kMostFlows,
         .properties = {
             Ids(kInstructions, {kInstructionGoto, kInstructionApply, kInstructionMeter}),
             // Required, though nothing is kept for the end of the pipeline.
             Next(table), Ids(kWriteActions, {}),
             Ids(kApplyActions, {kActionOutput, kActionPushVlan, kActionPopVlan, kActionSetField}),
             Headers(kMatch, kMatched), Headers(kWildcards, kMatched), Headers(kWriteSetField, {}),
             Headers(kApplySetField, kWritten)}});
  }
  return tables;
}

}  // namespace outrider::ovs
