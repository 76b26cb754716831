#include "vswitch/datapath/ebpf/source_macs.h"

#include <map>
#include <vector>

namespace outrider::datapath::ebpf {

absl::Status ForgetOldMacs(const DatapathMaps& maps) {
  ASSIGN_OR_RETURN(const auto rows, maps.mac_windows.Dump());
  std::map<uint32_t, uint64_t> starts;
  for (const auto& [port, window] : rows) starts[port] = window.start_ns;
  ASSIGN_OR_RETURN(const auto seen, maps.source_macs.Dump());
  std::vector<abi::or_source_mac> old;
  for (const auto& [key, start] : seen) {
    const auto window = starts.find(key.port);
    // A later start than the one read above: a window began meanwhile.
    if (window == starts.end() || start < window->second) old.push_back(key);
  }
  return maps.source_macs.DeleteBatch(old);
}

}  // namespace outrider::datapath::ebpf
