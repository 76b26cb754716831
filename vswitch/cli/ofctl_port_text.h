// Ports, queues and tables in the words of ovs-ofctl; the inner part of ofctl_text.h. Pure; any
// thread.
#ifndef OUTRIDER_VSWITCH_CLI_OFCTL_PORT_TEXT_H_
#define OUTRIDER_VSWITCH_CLI_OFCTL_PORT_TEXT_H_

#include <span>
#include <string>

#include "vswitch/cli/ofctl_text.h"

namespace outrider::cli {

// "1.5s", "0.019s": at least three decimals.
std::string DurationText(uint32_t seconds, uint32_t nanoseconds);

struct BitName {
  uint32_t bit;
  const char* name;
};
// "PORT_DOWN NO_FLOOD", what has no name in hexadecimal; "0".
std::string BitsText(uint32_t bits, std::span<const BitName> names);

// Each ends with a line end.
std::string PortDescText(const openflow::PortDesc& port, uint8_t version);
std::string PortStatsText(const openflow::PortStats& stats, uint8_t version, const OfNames& names);
std::string QueueText(const openflow::QueueStats& queue, const OfNames& names);
// Tables that say the same as the one before are told together.
std::string TablesText(const openflow::TableList& tables, uint8_t version, const OfNames& names);

std::string CapabilitiesText(uint32_t capabilities, uint8_t version);
// Bits by action type of 1.0.
std::string Actions10Text(uint32_t actions);
std::string ConfigText(uint32_t config);
std::string FeaturesText(uint32_t features, uint8_t version);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_OFCTL_PORT_TEXT_H_
