#include "tests/bpf/loaded_programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <outrider_bpf.skel.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {
namespace {

absl::StatusOr<std::unique_ptr<sys::BpfObject>> Load(int tunnel_ifindex) {
  const auto bytes = [](sys::ByteSpan span) { return sys::Bytes(span.begin(), span.end()); };
  sys::BpfObjectOptions options;
  size_t size = 0;
  const void* elf = outrider_bpf__elf_bytes(&size);
  options.elf = {static_cast<const uint8_t*>(elf), size};
  options.name = "outrider_bpf";
  const auto tunnel = static_cast<uint32_t>(tunnel_ifindex);
  options.constants["or_tunnel_ifindex"] = bytes(sys::AsBytes(tunnel));
  options.constants["or_local_vtep"] = bytes(sys::AsBytes(Ip(kLocalVtep).bytes()));
  options.constants["or_local_vtep6"] = bytes(sys::AsBytes(Ip(kLocalVtep6).bytes()));
  return sys::BpfObject::Load(options);
}

// Of an array that can be mapped: large ones would take a system call for each element.
absl::Status SetMappedToZero(int fd, const bpf_map_info& info) {
  const size_t stride = (info.value_size + 7) / 8 * 8;
  const sys::MappedArray array(fd, stride * info.max_entries, PROT_READ | PROT_WRITE);
  if (!array.valid()) return ErrnoStatus(errno, std::string("map ") + info.name);
  std::memset(array.bytes(), 0, array.size());
  return absl::OkStatus();
}

absl::Status SetToZero(int fd, const bpf_map_info& info) {
  if ((info.map_flags & BPF_F_MMAPABLE) != 0) return SetMappedToZero(fd, info);
  // Of a per-CPU array the kernel reads so much for each.
  const size_t value = (info.value_size + 7) / 8 * 8;
  const std::vector<uint8_t> zero(value * static_cast<size_t>(libbpf_num_possible_cpus()));
  for (uint32_t key = 0; key < info.max_entries; ++key) {
    if (bpf_map_update_elem(fd, &key, zero.data(), BPF_ANY) != 0) {
      return ErrnoStatus(errno, std::string("set to zero ") + info.name);
    }
  }
  return absl::OkStatus();
}

absl::Status Drain(int fd) {
  const auto ignore = [](void*, void*, size_t) { return 0; };
  ring_buffer* ring = ring_buffer__new(fd, ignore, nullptr, nullptr);
  if (ring == nullptr) return ErrnoStatus(errno, "open ring buffer");
  const int consumed = ring_buffer__consume(ring);
  ring_buffer__free(ring);
  return consumed < 0 ? ErrnoStatus(-consumed, "drain ring buffer") : absl::OkStatus();
}

absl::Status Forget(sys::KernelBpfMaps* maps, const std::string& name) {
  ASSIGN_OR_RETURN(const int fd, maps->Descriptor(name));
  bpf_map_info info = {};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) return ErrnoStatus(errno, "look at " + name);
  switch (info.type) {
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      return SetToZero(fd, info);
    case BPF_MAP_TYPE_RINGBUF:
      return Drain(fd);
    case BPF_MAP_TYPE_ARRAY_OF_MAPS: {
      const uint32_t only = 0;
      (void)bpf_map_delete_elem(fd, &only);  // it may be empty
      return absl::OkStatus();
    }
    default:
      return absl::OkStatus();
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<sys::BpfObject>> LoadPrograms(int tunnel_ifindex) {
  static auto* loaded = new std::map<int, std::shared_ptr<sys::BpfObject>>;
  std::shared_ptr<sys::BpfObject>& programs = (*loaded)[tunnel_ifindex];
  if (programs == nullptr || programs.use_count() > 1) {
    ASSIGN_OR_RETURN(programs, Load(tunnel_ifindex));
    return programs;
  }
  ASSIGN_OR_RETURN(const auto maps, programs->Maps());
  for (const std::string& name : programs->MapNames()) RETURN_IF_ERROR(Forget(maps.get(), name));
  return programs;
}

}  // namespace outrider::tests
