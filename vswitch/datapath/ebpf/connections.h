// Reads or_connections for people, and has the sweep program remove entries of it: only programs
// delete there, so that the ports' counts stay exact. Any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_CONNECTIONS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_CONNECTIONS_H_

#include <cstdint>
#include <optional>

#include "vswitch/datapath/connection_table.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/datapath/ebpf/program_set.h"

namespace outrider::datapath::ebpf {

// As ConnectionTable::ListConnections. Holds `limit` entries in memory, whatever the table has.
absl::StatusOr<ConnectionList> ReadConnections(const DatapathMaps& maps,
                                               const std::optional<PortId>& port, size_t limit);

// An entry for people; nullopt when it expired or makes no sense. `now_ns`: CLOCK_MONOTONIC.
std::optional<Connection> DecodeConnection(const PortId& port, const abi::or_connection_key& key,
                                           const abi::or_connection& entry, uint64_t now_ns);

// NotFound: no port of this host.
absl::StatusOr<uint32_t> FindPortIndex(const DatapathMaps& maps, const PortId& port);
// Whether any port holds a connection.
absl::StatusOr<bool> HasConnections(const DatapathMaps& maps);

// Runs the sweep; `port` for OR_SWEEP_PORT. Returns how many entries it removed.
absl::StatusOr<uint32_t> SweepConnections(const ProgramSet& programs, abi::or_sweep_what what,
                                          uint32_t port = 0);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_CONNECTIONS_H_
