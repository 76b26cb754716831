// PortMemory over the maps: what a port's rows hold of its guest's traffic, out and in. Only
// programs write or_connections, so connections go in by one (import.bpf.c).
//
// Thread rule: any thread; calls for one port one after the other.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_MEMORY_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_MEMORY_H_

#include <cstdint>
#include <vector>

#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/datapath/ebpf/program_set.h"
#include "vswitch/datapath/port_memory.h"

namespace outrider::datapath::ebpf {

// As the calls of PortMemory. Export reads the whole table once, in batches.
absl::StatusOr<std::vector<ConnectionRecord>> ExportConnections(const DatapathMaps& maps,
                                                                const PortId& id);
absl::StatusOr<ImportResult> ImportConnections(const DatapathMaps& maps, const ProgramSet& programs,
                                               const PortId& id,
                                               const std::vector<ConnectionRecord>& records);
absl::StatusOr<uint64_t> EndConnections(const DatapathMaps& maps, const ProgramSet& programs,
                                        const PortId& id, const std::vector<std::string>& keys);
absl::StatusOr<std::vector<BucketLevel>> ExportLevels(const DatapathMaps& maps, const PortId& id);
// Without effect once the port forwards: then its own buckets say what its guest has used.
absl::Status ImportLevels(const DatapathMaps& maps, const PortId& id,
                          const std::vector<BucketLevel>& levels);
absl::Status AllowAdoption(const DatapathMaps& maps, const PortId& id, uint64_t duration_ns);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_MEMORY_H_
