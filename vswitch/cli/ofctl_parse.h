// Flows as people write them for ovs-ofctl ("in_port=1,ip,actions=drop"), with its errors. Pure;
// any thread.
#ifndef OUTRIDER_VSWITCH_CLI_OFCTL_PARSE_H_
#define OUTRIDER_VSWITCH_CLI_OFCTL_PARSE_H_

#include <map>
#include <string>
#include <vector>

#include "vswitch/sys/openflow/flow.h"
#include "vswitch/sys/openflow/numbers.h"

namespace outrider::cli {

// Numbers by name.
struct OfNumbers {
  std::map<std::string, uint32_t> ports = {};
  std::map<std::string, uint8_t> tables = {};
};

// A port by its number, which is decimal, a word like LOCAL, or a name. InvalidArgument: `text`.
absl::StatusOr<uint32_t> ParsePort(const std::string& text, const OfNumbers& numbers);

struct ParsedFlow {
  openflow::FlowMod mod = {};
  // What was written and what was taken out of it because nothing could match it: ovs-ofctl tells.
  bool normalized = false;
  openflow::Match written = {};
  // Only 1.3 can say it.
  bool needs_13 = false;
};
// What may be written depends on the command: an addition has actions and priority, a request for
// statistics neither.
enum class FlowOrder { kAdd, kModify, kDelete, kDeleteStrict, kStats };
absl::StatusOr<ParsedFlow> ParseFlow(const std::string& text, FlowOrder kind,
                                     const OfNumbers& numbers);

// "output:1,resubmit(,2)". Values that depend on the packet's protocol take it from `match`.
absl::StatusOr<openflow::ActionList> ParseActions(const std::string& text,
                                                  const openflow::Match& match,
                                                  const OfNumbers& numbers);

// One field's value and mask as text, into a match: a port, MAC, prefix or number.
absl::Status ParseField(const openflow::FieldInfo& info, const std::string& text,
                        const OfNumbers& numbers, openflow::FieldValue* value);

// "a=1,b(2,3),c" into keys and values; commas within parentheses do not separate.
std::vector<std::pair<std::string, std::string>> KeyValues(const std::string& text);

// A number in decimal, octal or hexadecimal. False: none, or over `most`.
bool ParseNumber(const std::string& text, uint64_t most, uint64_t* number);

// As ovs-ofctl reads ports' numbers: decimal only. False: none, or over 32 bits.
bool ParseDecimal(const std::string& text, uint32_t* number);

// Forms that flows may be sent in (-F), a bit each; "table" ones name a flow's table in orders, and
// nothing is listed in them.
inline constexpr uint32_t kFormat10 = 1u << 0;
inline constexpr uint32_t kFormat10Table = 1u << 1;
inline constexpr uint32_t kFormatNxm = 1u << 2;
inline constexpr uint32_t kFormatNxmTable = 1u << 3;
inline constexpr uint32_t kFormat11 = 1u << 4;
inline constexpr uint32_t kFormatOxm12 = 1u << 5;
inline constexpr uint32_t kFormatOxm13 = 1u << 6;
inline constexpr uint32_t kFormatOxm14 = 1u << 7;
inline constexpr uint32_t kFormatOxm15 = 1u << 8;
inline constexpr uint32_t kFormatAny = (1u << 9) - 1;
// "NXM,OXM-OpenFlow13". InvalidArgument: ovs-ofctl's text.
absl::StatusOr<uint32_t> ParseFlowFormats(const std::string& text);
std::string FlowFormatsText(uint32_t formats);
// Leaves of the versions (bit n: version n) and the formats those that go with each other.
// InvalidArgument: none do.
absl::Status MatchVersions(uint32_t* versions, uint32_t* formats);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_OFCTL_PARSE_H_
