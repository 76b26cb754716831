#include "vswitch/sys/bpf/bpf_maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "vswitch/sys/bpf/bpffs.h"

namespace outrider::sys {
namespace {

// Elements per batch call: large enough to amortise the call, small enough for 6 KiB values.
constexpr uint32_t kBatch = 256;
// Bytes of a key shown in messages.
constexpr size_t kShownKeyBytes = 32;

bool IsPerCpu(uint32_t type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
         type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

// The kernel hands per-CPU values out in steps of 8 bytes.
uint32_t RoundUp8(uint32_t size) { return (size + 7) & ~7u; }

std::string Describe(const char* call, const std::string& map, ByteSpan key) {
  std::string text = fmt::format("map {} {} key=", call, map);
  for (size_t i = 0; i < std::min(key.size(), kShownKeyBytes); ++i) {
    text += fmt::format("{:02x}", key[i]);
  }
  return text;
}

uint64_t KernelFlags(UpdateMode mode) {
  switch (mode) {
    case UpdateMode::kAny:
      return BPF_ANY;
    case UpdateMode::kNoExist:
      return BPF_NOEXIST;
    case UpdateMode::kExist:
      return BPF_EXIST;
  }
  return BPF_ANY;
}

absl::Status UpdateError(int error, const std::string& map, ByteSpan key) {
  absl::Status status = ErrnoStatus(error, Describe("update", map, key));
  if (error != E2BIG) return status;
  return absl::ResourceExhaustedError(Message(status) + ": the map is full");
}

// All elements of a hash map by batch lookups. `value_size` is what the kernel copies per element.
absl::Status VisitAll(int fd, const std::string& name, uint32_t key_size, uint32_t value_size,
                      const BpfMaps::Visitor& visit) {
  uint32_t capacity = kBatch;
  // The cursor of hash maps is a bucket number, of others a key.
  Bytes cursor(std::max<size_t>(key_size, sizeof(uint32_t)));
  bool first = true;
  while (true) {
    Bytes keys(size_t{capacity} * key_size);
    Bytes values(size_t{capacity} * value_size);
    Bytes next(cursor.size());
    uint32_t count = capacity;
    int error = -bpf_map_lookup_batch(fd, first ? nullptr : cursor.data(), next.data(), keys.data(),
                                      values.data(), &count, nullptr);
    if (error == ENOSPC) {  // a bucket with more elements than fit: nothing was copied
      capacity *= 2;
      continue;
    }
    if (error != 0 && error != ENOENT) return ErrnoStatus(error, "map lookup-batch " + name);
    for (uint32_t i = 0; i < count; ++i) {
      visit(ByteSpan(keys).subspan(size_t{i} * key_size, key_size),
            ByteSpan(values).subspan(size_t{i} * value_size, value_size));
    }
    if (error == ENOENT) return absl::OkStatus();
    cursor = next;
    first = false;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<KernelBpfMaps>> KernelBpfMaps::Create(
    std::map<std::string, UniqueFd> descriptors) {
  std::map<std::string, Map> maps;
  for (auto& [name, fd] : descriptors) {
    bpf_map_info info = {};
    uint32_t length = sizeof(info);
    if (int error = -bpf_obj_get_info_by_fd(fd.get(), &info, &length); error != 0) {
      return ErrnoStatus(error, "map info " + name);
    }
    maps.emplace(name, Map{.name = name,
                           .fd = std::move(fd),
                           .key_size = info.key_size,
                           .value_size = info.value_size,
                           .max_entries = info.max_entries,
                           .mmapable = (info.map_flags & BPF_F_MMAPABLE) != 0,
                           .per_cpu = IsPerCpu(info.type)});
  }
  return std::unique_ptr<KernelBpfMaps>(new KernelBpfMaps(std::move(maps)));
}

absl::StatusOr<std::unique_ptr<KernelBpfMaps>> KernelBpfMaps::OpenPinned(
    const std::string& dir, const std::vector<std::string>& names) {
  std::map<std::string, UniqueFd> descriptors;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(descriptors[name], OpenPin(dir + "/" + name));
  }
  return Create(std::move(descriptors));
}

absl::StatusOr<const KernelBpfMaps::Map*> KernelBpfMaps::Find(const std::string& name,
                                                              bool per_cpu) const {
  auto it = maps_.find(name);
  if (it == maps_.end()) return absl::NotFoundError("map " + name + ": no such map");
  if (it->second.per_cpu != per_cpu) {
    return absl::InvalidArgumentError(
        fmt::format("map {}: is {}a per-CPU map", name, per_cpu ? "not " : ""));
  }
  return &it->second;
}

absl::StatusOr<const KernelBpfMaps::Map*> KernelBpfMaps::Find(const std::string& name,
                                                              ByteSpan key) const {
  auto it = maps_.find(name);
  if (it == maps_.end()) return absl::NotFoundError("map " + name + ": no such map");
  if (key.size() != it->second.key_size) {
    return absl::InvalidArgumentError(fmt::format("map {}: key of {} bytes where the map has {}",
                                                  name, key.size(), it->second.key_size));
  }
  return &it->second;
}

absl::StatusOr<Bytes> KernelBpfMaps::Lookup(const std::string& map, ByteSpan key) {
  ASSIGN_OR_RETURN(const Map* found, Find(map, key));
  if (found->per_cpu) return Find(map, false).status();
  Bytes value(found->value_size);
  int error = -bpf_map_lookup_elem(found->fd.get(), key.data(), value.data());
  if (error != 0) return ErrnoStatus(error, Describe("lookup", map, key));
  return value;
}

absl::StatusOr<std::vector<Bytes>> KernelBpfMaps::LookupPerCpu(const std::string& map,
                                                               ByteSpan key) {
  ASSIGN_OR_RETURN(const Map* found, Find(map, key));
  if (!found->per_cpu) return Find(map, true).status();
  const size_t stride = RoundUp8(found->value_size);
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) return ErrnoStatus(-cpus, "count possible CPUs");
  Bytes raw(stride * static_cast<size_t>(cpus));
  int error = -bpf_map_lookup_elem(found->fd.get(), key.data(), raw.data());
  if (error != 0) return ErrnoStatus(error, Describe("lookup", map, key));
  std::vector<Bytes> values;
  for (size_t offset = 0; offset < raw.size(); offset += stride) {
    auto begin = raw.begin() + static_cast<ptrdiff_t>(offset);
    values.emplace_back(begin, begin + found->value_size);
  }
  return values;
}

absl::Status KernelBpfMaps::Update(const std::string& map, ByteSpan key, ByteSpan value,
                                   UpdateMode mode) {
  ASSIGN_OR_RETURN(const Map* found, Find(map, key));
  if (value.size() != found->value_size) {
    return absl::InvalidArgumentError(fmt::format("map {}: value of {} bytes where the map has {}",
                                                  map, value.size(), found->value_size));
  }
  Bytes raw(value.begin(), value.end());
  if (found->per_cpu) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 0) return ErrnoStatus(-cpus, "count possible CPUs");
    raw.resize(RoundUp8(found->value_size));
    Bytes one = raw;
    for (int cpu = 1; cpu < cpus; ++cpu) raw.insert(raw.end(), one.begin(), one.end());
  }
  int error = -bpf_map_update_elem(found->fd.get(), key.data(), raw.data(), KernelFlags(mode));
  CountChange(*found);
  if (error != 0) return UpdateError(error, map, key);
  return absl::OkStatus();
}

absl::Status KernelBpfMaps::Delete(const std::string& map, ByteSpan key) {
  ASSIGN_OR_RETURN(const Map* found, Find(map, key));
  int error = -bpf_map_delete_elem(found->fd.get(), key.data());
  CountChange(*found);
  if (error != 0) return ErrnoStatus(error, Describe("delete", map, key));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Bytes>> KernelBpfMaps::Keys(const std::string& map) {
  auto it = maps_.find(map);
  if (it == maps_.end()) return absl::NotFoundError("map " + map + ": no such map");
  const Map& found = it->second;
  uint32_t value_size = found.value_size;
  if (found.per_cpu) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 0) return ErrnoStatus(-cpus, "count possible CPUs");
    value_size = RoundUp8(value_size) * static_cast<uint32_t>(cpus);
  }
  std::vector<Bytes> keys;
  RETURN_IF_ERROR(
      VisitAll(found.fd.get(), map, found.key_size, value_size,
               [&keys](ByteSpan key, ByteSpan) { keys.emplace_back(key.begin(), key.end()); }));
  return keys;
}

absl::StatusOr<std::vector<MapEntry>> KernelBpfMaps::Dump(const std::string& map) {
  std::vector<MapEntry> entries;
  RETURN_IF_ERROR(Visit(map, [&entries](ByteSpan key, ByteSpan value) {
    entries.push_back({Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end())});
  }));
  return entries;
}

absl::Status KernelBpfMaps::Visit(const std::string& map, const Visitor& visit) {
  ASSIGN_OR_RETURN(const Map* found, Find(map, false));
  return VisitAll(found->fd.get(), map, found->key_size, found->value_size, visit);
}

absl::Status KernelBpfMaps::UpdateBatch(const std::string& map,
                                        const std::vector<MapEntry>& entries) {
  ASSIGN_OR_RETURN(const Map* found, Find(map, false));
  for (size_t begin = 0; begin < entries.size(); begin += kBatch) {
    const size_t end = std::min(entries.size(), begin + kBatch);
    Bytes keys;
    Bytes values;
    for (size_t i = begin; i < end; ++i) {
      const MapEntry& entry = entries[i];
      if (entry.key.size() != found->key_size || entry.value.size() != found->value_size) {
        return absl::InvalidArgumentError(Describe("update", map, entry.key) +
                                          ": the sizes of key and value are not the map's");
      }
      keys.insert(keys.end(), entry.key.begin(), entry.key.end());
      values.insert(values.end(), entry.value.begin(), entry.value.end());
    }
    uint32_t count = static_cast<uint32_t>(end - begin);
    int error = -bpf_map_update_batch(found->fd.get(), keys.data(), values.data(), &count, nullptr);
    CountChange(*found);
    if (error != 0) return UpdateError(error, map, entries[std::min(end - 1, begin + count)].key);
  }
  return absl::OkStatus();
}

absl::Status KernelBpfMaps::DeleteBatch(const std::string& map, const std::vector<Bytes>& keys) {
  for (const Bytes& key : keys) {
    absl::Status status = Delete(map, key);
    if (!status.ok() && !absl::IsNotFound(status)) return status;
  }
  return absl::OkStatus();
}

absl::Status KernelBpfMaps::WaitForReaders() {
  // Replacing an element of a map of maps returns after a grace period (kernel/bpf/syscall.c,
  // maybe_wait_bpf_programs; since 4.18). membarrier(2) would too, but not on nohz_full machines.
  UniqueFd inner(bpf_map_create(BPF_MAP_TYPE_ARRAY, nullptr, 4, 4, 1, nullptr));
  if (inner.get() < 0) return ErrnoStatus(errno, "map create (grace period, inner)");
  bpf_map_create_opts options = {};
  options.sz = sizeof(options);
  options.inner_map_fd = static_cast<uint32_t>(inner.get());
  UniqueFd outer(bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, nullptr, 4, 4, 1, &options));
  if (outer.get() < 0) return ErrnoStatus(errno, "map create (grace period, outer)");
  const uint32_t slot = 0;
  const int value = inner.get();
  int error = -bpf_map_update_elem(outer.get(), &slot, &value, BPF_ANY);
  if (error != 0) return ErrnoStatus(error, "map update (grace period)");
  return absl::OkStatus();
}

absl::Status KernelBpfMaps::CountChangesIn(const std::string& map, const std::string& uncounted) {
  ASSIGN_OR_RETURN(const Map* found, Find(map, false));
  auto changes = std::make_unique<const MappedArray>(found->fd.get(), sizeof(uint64_t),
                                                     PROT_READ | PROT_WRITE);
  if (!changes->valid()) return ErrnoStatus(errno, "map " + map + " into memory");
  changes_ = std::move(changes);
  for (auto& [name, known] : maps_) known.counted = name != uncounted;
  return absl::OkStatus();
}

void KernelBpfMaps::CountChange(const Map& map) const {
  if (map.counted) CountChange();
}

void KernelBpfMaps::CountChange() const {
  if (changes_ == nullptr) return;
  std::atomic_ref(*reinterpret_cast<uint64_t*>(changes_->bytes())).fetch_add(1);
}

absl::StatusOr<int> KernelBpfMaps::Descriptor(const std::string& map) const {
  auto it = maps_.find(map);
  if (it == maps_.end()) return absl::NotFoundError("map " + map + ": no such map");
  return it->second.fd.get();
}

}  // namespace outrider::sys
