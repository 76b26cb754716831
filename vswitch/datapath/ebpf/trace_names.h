// What the indices and ids in a trace stand for, looked up in the datapath's maps: what is gone by
// then is called by its number. Thread rule: as sys::BpfMaps.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_TRACE_NAMES_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_TRACE_NAMES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "vswitch/datapath/ebpf/acl/rule_codec.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"

namespace outrider::datapath::ebpf {

class TraceNames {
 public:
  // `maps` must outlive this.
  explicit TraceNames(const DatapathMaps* maps) : maps_(maps) {}

  // The port's id, with its device: "6f1c7a52-... (tap0)".
  std::string Port(uint32_t index) const;
  std::string PortUuid(uint32_t index) const;
  std::string Device(uint32_t index) const;
  // "web r3"; empty: none.
  std::string Profile(uint32_t index) const;
  // "10.0.0.2".
  std::string Vtep(uint32_t index) const;
  // Read once.
  const std::optional<LoadedRuleSet>& RuleSet(uint32_t id) const;

 private:
  std::optional<abi::or_port_info> Info(uint32_t index) const;

  const DatapathMaps* const maps_;
  mutable std::map<uint32_t, std::optional<LoadedRuleSet>> rule_sets_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_TRACE_NAMES_H_
