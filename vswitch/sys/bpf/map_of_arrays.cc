// The part of KernelBpfMaps that deals with arrays as memory, most of them inside a map of maps.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "vswitch/sys/bpf/bpf_maps.h"

namespace outrider::sys {

MappedArray::MappedArray(int fd, size_t size, int protection)
    : size_(size), start_(mmap(nullptr, size, protection, MAP_SHARED, fd, 0)) {}

MappedArray::~MappedArray() {
  if (valid()) munmap(start_, size_);
}

bool MappedArray::valid() const { return start_ != MAP_FAILED; }

namespace {

absl::StatusOr<UniqueFd> CreateArray(ByteSpan content, uint32_t element_size) {
  bpf_map_create_opts options = {};
  options.sz = sizeof(options);
  options.map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP;
  const auto elements = static_cast<uint32_t>(content.size() / element_size);
  UniqueFd array(bpf_map_create(BPF_MAP_TYPE_ARRAY, "or_array", sizeof(uint32_t), element_size,
                                elements, &options));
  if (array.get() < 0) {
    return ErrnoStatus(errno, fmt::format("map create (array of {} elements)", elements));
  }
  const MappedArray mapping(array.get(), content.size(), PROT_READ | PROT_WRITE);
  if (!mapping.valid()) return ErrnoStatus(errno, "map an array into memory");
  std::memcpy(mapping.bytes(), content.data(), content.size());
  return array;
}

}  // namespace

absl::Status KernelBpfMaps::InsertArray(const std::string& map, ByteSpan key, ByteSpan content,
                                        uint32_t element_size) {
  ASSIGN_OR_RETURN(const Map* found, Find(map, key));
  if (content.empty() || element_size % 8 != 0 || content.size() % element_size != 0) {
    return absl::InvalidArgumentError(fmt::format(
        "map {}: {} bytes are no array of {}-byte elements", map, content.size(), element_size));
  }
  ASSIGN_OR_RETURN(const UniqueFd array, CreateArray(content, element_size));
  const int value = array.get();
  const int error = -bpf_map_update_elem(found->fd.get(), key.data(), &value, BPF_NOEXIST);
  CountChange(*found);
  if (error != 0) {
    if (error == E2BIG)
      return absl::ResourceExhaustedError("map insert " + map + ": the map is full");
    return ErrnoStatus(error, "map insert " + map);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<const MappedArray>> KernelBpfMaps::MapArray(const std::string& map,
                                                                           ByteSpan key) {
  ASSIGN_OR_RETURN(const Bytes value, Lookup(map, key));
  uint32_t id = 0;
  std::memcpy(&id, value.data(), sizeof(id));
  const UniqueFd array(bpf_map_get_fd_by_id(id));
  if (array.get() < 0) return ErrnoStatus(errno, fmt::format("map id {} of {}", id, map));
  bpf_map_info info = {};
  uint32_t length = sizeof(info);
  if (int error = -bpf_obj_get_info_by_fd(array.get(), &info, &length); error != 0) {
    return ErrnoStatus(error, "map info of an array of " + map);
  }
  const size_t size = size_t{info.value_size} * info.max_entries;
  auto mapping = std::make_unique<const MappedArray>(array.get(), size, PROT_READ);
  if (!mapping->valid()) return ErrnoStatus(errno, "map an array of " + map + " into memory");
  return mapping;
}

absl::StatusOr<Bytes> KernelBpfMaps::LookupArray(const std::string& map, ByteSpan key) {
  ASSIGN_OR_RETURN(const auto mapping, MapArray(map, key));
  return Bytes(mapping->bytes(), mapping->bytes() + mapping->size());
}

absl::StatusOr<std::unique_ptr<const MappedArray>> KernelBpfMaps::MapElements(
    const std::string& map, Mapping mapping) {
  ASSIGN_OR_RETURN(const Map* found, Find(map, false));
  if (!found->mmapable) return absl::InvalidArgumentError("map " + map + ": cannot be mapped");
  const int protection = mapping == Mapping::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
  const size_t stride = (size_t{found->value_size} + 7) / 8 * 8;
  auto array =
      std::make_unique<const MappedArray>(found->fd.get(), stride * found->max_entries, protection);
  if (!array->valid()) return ErrnoStatus(errno, "map " + map + " into memory");
  return array;
}

}  // namespace outrider::sys
