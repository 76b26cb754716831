// Loads an eBPF object file into the kernel: constants set, maps reused where pinned, programs
// verified. Owns libbpf's object; does not decide where things are pinned or which devices programs
// are attached to. What was loaded stays in the kernel as long as a pin, a filter or a descriptor
// refers to it.
//
// Thread rule: one thread at a time.
#ifndef OUTRIDER_VSWITCH_SYS_BPF_BPF_OBJECT_H_
#define OUTRIDER_VSWITCH_SYS_BPF_BPF_OBJECT_H_

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vswitch/sys/bpf/bpf_maps.h"
#include "vswitch/types/status.h"
#include "vswitch/types/unique_fd.h"

struct bpf_object;

namespace outrider::sys {

// What the kernel says of a loaded program.
struct ProgramInfo {
  uint32_t id = 0;
  std::string name;  // at most 15 bytes
  // Hash of the instructions: equal for equal programs. Says nothing of the maps they use.
  std::array<uint8_t, 8> tag{};
  // Instructions the verifier walked; 0 before Linux 5.16.
  uint32_t verified_instructions = 0;
  // Ids of the maps the program uses.
  std::vector<uint32_t> map_ids;
};

struct BpfObjectOptions {
  // The ELF file, as in a skeleton (<name>__elf_bytes()). Read during Load only.
  ByteSpan elf;
  // In messages.
  std::string name;
  // `const volatile` variables by name; sizes must fit. Others keep their initial value.
  std::map<std::string, Bytes> constants;
  // Directory whose pins, named like the maps, are used instead of new maps; maps without a pin are
  // created. Empty: all maps are created. FailedPrecondition when a pin has another type, size,
  // capacity or flags than the object's map.
  std::string reuse_maps_from;
  // Maps whose names end so are created all the same. Empty: none.
  std::string own_maps_suffix;
  // Capacities by map, other than the object's. NotFound for a map that is not in it.
  std::map<std::string, uint32_t> capacities;
};

class BpfObject {
 public:
  // The message of a verifier error holds the last lines of its log.
  static absl::StatusOr<std::unique_ptr<BpfObject>> Load(const BpfObjectOptions& options);
  ~BpfObject();
  BpfObject(const BpfObject&) = delete;
  BpfObject& operator=(const BpfObject&) = delete;

  // Program descriptor, owned by this object. NotFound for an unknown name.
  absl::StatusOr<int> Program(const std::string& name) const;
  std::vector<std::string> ProgramNames() const;
  // Maps without the compiler's own (.rodata, .bss).
  std::vector<std::string> MapNames() const;

  // Access to the maps, with descriptors of its own: outlives this object.
  absl::StatusOr<std::unique_ptr<KernelBpfMaps>> Maps() const;

  // Pins each map that is not pinned there yet as <dir>/<map name>. The directory must be on a
  // bpffs.
  absl::Status PinMaps(const std::string& dir) const;
  // Pins each program as <dir>/<program name>, replacing what is there one by one by rename.
  absl::Status PinPrograms(const std::string& dir) const;

 private:
  explicit BpfObject(bpf_object* object, std::string name)
      : object_(object), name_(std::move(name)) {}

  bpf_object* object_;
  std::string name_;
};

absl::StatusOr<ProgramInfo> GetProgramInfo(int program_fd);
// NotFound when no such program is loaded.
absl::StatusOr<ProgramInfo> GetProgramInfoById(uint32_t id);

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_BPF_BPF_OBJECT_H_
