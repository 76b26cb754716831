// The eBPF programs and the maps they share, as pinned in a bpffs:
//
//   <bpffs>/v<OR_ABI_VERSION>/maps/<map>
//   <bpffs>/v<OR_ABI_VERSION>/progs/<SHA-256 of object and constants>/<program>
//
// Owns the pins. Maps live across versions of the programs; programs of one content are loaded once
// and found again by their digest. Does not know devices. Thread rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_PROGRAM_SET_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_PROGRAM_SET_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "vswitch/sys/bpf/bpf_maps.h"
#include "vswitch/sys/bpf/bpf_object.h"
#include "vswitch/types/unique_fd.h"
#include "vswitch/types/vtep_pair.h"

namespace outrider::datapath::ebpf {

enum class Program {
  kFromPort,
  kPortGuard,
  kFromOverlay,
  kTunnelGuard,
  kSweepConnections,
  kImportConnections,
  kFromUplink,
  kFromUnderlay,
  kMovePort,
  kWriteFdb
};

// As in the object: "or_from_port".
const char* ProgramName(Program program);

// Constants compiled into the programs.
struct ProgramConstants {
  int tunnel_ifindex = 0;
  VtepPair local_vteps;
  // UDP, host byte order.
  uint16_t vxlan_port = 4789;
  // OR_CHECKSUM_*.
  uint8_t checksums = 0;
};

class ProgramSet {
 public:
  // Finds the pinned programs with these constants, or loads and pins them over the pinned maps.
  static absl::StatusOr<std::unique_ptr<ProgramSet>> Create(const std::string& bpffs,
                                                            const ProgramConstants& constants);

  sys::KernelBpfMaps* maps() const { return maps_.get(); }
  const ProgramConstants& constants() const { return constants_; }
  int Descriptor(Program program) const;
  uint32_t Id(Program program) const;
  // Whether the program is pinned here, of whatever version: a filter with another one is not ours.
  bool IsOurs(uint32_t program_id) const { return our_ids_.contains(program_id); }
  bool IsOurs(uint32_t program_id, Program program) const {
    const auto ids = ids_of_.find(program);
    return ids != ids_of_.end() && ids->second.contains(program_id);
  }

  // Removes the pins of other versions of the programs; for when no filter refers to them any more.
  absl::Status SweepOldVersions();

 private:
  struct Entry {
    UniqueFd fd;
    uint32_t id = 0;
  };

  ProgramSet(const ProgramConstants& constants, std::string programs_dir, std::string digest)
      : constants_(constants), programs_dir_(std::move(programs_dir)), digest_(std::move(digest)) {}
  // NotFound when a program or a map is not pinned.
  absl::Status OpenPinned(const std::string& maps_dir);
  absl::Status LoadAndPin(const std::string& maps_dir, const ProgramConstants& constants);
  // Adds the ids of what is pinned.
  absl::Status CollectIds();

  const ProgramConstants constants_;
  const std::string programs_dir_;
  const std::string digest_;
  std::unique_ptr<sys::KernelBpfMaps> maps_;
  std::map<Program, Entry> programs_;
  std::set<uint32_t> our_ids_;
  std::map<Program, std::set<uint32_t>> ids_of_;
};

// Where the maps are pinned.
std::string PinnedMapsDir(const std::string& bpffs);
// Another instance of the programs over the maps pinned in `maps_dir`, that says what it does and
// changes nothing (vswitch/bpf/trace.h). Not pinned.
absl::StatusOr<std::unique_ptr<sys::BpfObject>> LoadTracingPrograms(
    const ProgramConstants& constants, const std::string& maps_dir);
// Ids of the programs pinned here, of whatever release and version; with `program`, of this one
// alone. Empty when there are none.
absl::StatusOr<std::set<uint32_t>> PinnedProgramIds(const std::string& bpffs,
                                                    std::optional<Program> program = std::nullopt);
// Removes every pin of every release, and the directory when nothing else is in it.
absl::Status RemoveAllPins(const std::string& bpffs);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_PROGRAM_SET_H_
