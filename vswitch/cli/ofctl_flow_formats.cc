#include <fmt/format.h>
#include <strings.h>

#include <array>
#include <utility>

#include "vswitch/cli/ofctl_parse.h"
#include "vswitch/sys/openflow/message.h"

namespace outrider::cli {
namespace {

struct FormatName {
  const char* name;
  uint32_t formats;
};
constexpr uint32_t k10 = kFormat10 | kFormat10Table;
constexpr uint32_t kNxm = kFormatNxm | kFormatNxmTable;
constexpr uint32_t kOxm = kFormatOxm12 | kFormatOxm13 | kFormatOxm14 | kFormatOxm15;
// In the order in which Open vSwitch tells of several.
constexpr std::array<FormatName, 13> kNames = {{{"any", kFormatAny},
                                                {"OpenFlow10", k10},
                                                {"NXM", kNxm},
                                                {"OXM", kOxm},
                                                {"OpenFlow10-table_id", kFormat10},
                                                {"OpenFlow10+table_id", kFormat10Table},
                                                {"NXM-table_id", kFormatNxm},
                                                {"NXM+table_id", kFormatNxmTable},
                                                {"OpenFlow11", kFormat11},
                                                {"OXM-OpenFlow12", kFormatOxm12},
                                                {"OXM-OpenFlow13", kFormatOxm13},
                                                {"OXM-OpenFlow14", kFormatOxm14},
                                                {"OXM-OpenFlow15", kFormatOxm15}}};

}  // namespace

absl::StatusOr<uint32_t> ParseFlowFormats(const std::string& text) {
  constexpr char kSeparators[] = ", ";
  uint32_t formats = 0;
  for (size_t begin = text.find_first_not_of(kSeparators); begin != std::string::npos;) {
    const size_t end = text.find_first_of(kSeparators, begin);
    const std::string word = text.substr(begin, end - begin);
    uint32_t found = 0;
    for (const FormatName& one : kNames) {
      if (strcasecmp(word.c_str(), one.name) == 0) found = one.formats;
    }
    if (found == 0) return absl::InvalidArgumentError(word + ": unknown flow protocol");
    formats |= found;
    begin = text.find_first_not_of(kSeparators, end);
  }
  if (formats == 0) return absl::InvalidArgumentError(text + ": no flow protocol specified");
  return formats;
}

std::string FlowFormatsText(uint32_t formats) {
  std::string text;
  for (const FormatName& one : kNames) {
    if ((formats & one.formats) != one.formats) continue;
    formats &= ~one.formats;
    text += (text.empty() ? "" : ",") + std::string(one.name);
  }
  return text;
}

absl::Status MatchVersions(uint32_t* versions, uint32_t* formats) {
  constexpr std::pair<uint32_t, uint32_t> kVersions[] = {{openflow::kVersion10, k10 | kNxm},
                                                         {openflow::kVersion13, kFormatOxm13}};
  uint32_t both_versions = 0;
  uint32_t both_formats = 0;
  std::string names;
  for (const auto& [version, carried] : kVersions) {
    if ((*versions & 1u << version) == 0) continue;
    names += fmt::format("{}OpenFlow1{}", names.empty() ? "" : ", ", version - 1);
    if ((*formats & carried) == 0) continue;
    both_versions |= 1u << version;
    both_formats |= *formats & carried;
  }
  if (both_versions == 0) {
    return absl::InvalidArgumentError(fmt::format(
        "None of the enabled OpenFlow versions ({}) supports any of the enabled flow formats ({}). "
        " (Use -O to enable additional OpenFlow versions or -F to enable additional flow formats.)",
        names, FlowFormatsText(*formats)));
  }
  *versions = both_versions;
  *formats = both_formats;
  return absl::OkStatus();
}

}  // namespace outrider::cli
