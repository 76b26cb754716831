#include "vswitch/sys/bpf/bpf_object.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "vswitch/sys/bpf/bpffs.h"
#include "vswitch/sys/bpf/libbpf_log.h"

namespace outrider::sys {
namespace {

constexpr size_t kVerifierLogBytes = size_t{16} << 20;
// What of the verifier's log goes into a message.
constexpr size_t kShownLogBytes = 2000;

// Offset and size of a variable within .rodata, from the object's type information.
absl::StatusOr<std::pair<size_t, size_t>> FindConstant(const bpf_object* object,
                                                       const std::string& name) {
  const btf* types = bpf_object__btf(object);
  const int section = btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC);
  if (section < 0) return absl::NotFoundError("constant " + name + ": the object has no .rodata");
  const btf_type* type = btf__type_by_id(types, static_cast<uint32_t>(section));
  const btf_var_secinfo* variable = btf_var_secinfos(type);
  for (int i = 0; i < btf_vlen(type); ++i, ++variable) {
    const btf_type* declared = btf__type_by_id(types, variable->type);
    if (name == btf__name_by_offset(types, declared->name_off)) {
      return std::pair<size_t, size_t>(variable->offset, variable->size);
    }
  }
  return absl::NotFoundError("constant " + name + ": not in the object");
}

absl::Status SetConstant(bpf_object* object, const std::string& name, const Bytes& value) {
  ASSIGN_OR_RETURN(auto place, FindConstant(object, name));
  if (place.second != value.size()) {
    return absl::InvalidArgumentError(fmt::format("constant {}: {} bytes where the object has {}",
                                                  name, value.size(), place.second));
  }
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (!bpf_map__is_internal(map)) continue;
    if (!std::string(bpf_map__name(map)).ends_with(".rodata")) continue;
    size_t size = 0;
    auto* data = static_cast<uint8_t*>(const_cast<void*>(bpf_map__initial_value(map, &size)));
    std::memcpy(data + place.first, value.data(), value.size());
    return absl::OkStatus();
  }
  return absl::NotFoundError("constant " + name + ": the object has no .rodata");
}

// Programs must never meet a map of another layout: libbpf itself would adopt the pin's.
absl::Status ReuseMap(bpf_map* map, const std::string& path) {
  ASSIGN_OR_RETURN(UniqueFd pin, OpenPin(path));
  bpf_map_info info = {};
  uint32_t length = sizeof(info);
  if (int error = -bpf_obj_get_info_by_fd(pin.get(), &info, &length); error != 0) {
    return ErrnoStatus(error, "map info " + path);
  }
  if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
      info.value_size != bpf_map__value_size(map) ||
      info.max_entries != bpf_map__max_entries(map) || info.map_flags != bpf_map__map_flags(map)) {
    return absl::FailedPreconditionError(
        "pinned map " + path + ": another layout than the program's; uninstall the old version");
  }
  if (int error = -bpf_map__reuse_fd(map, pin.get()); error != 0) {
    return ErrnoStatus(error, "reuse pinned map " + path);
  }
  return absl::OkStatus();
}

absl::Status ReuseMaps(bpf_object* object, const BpfObjectOptions& options) {
  const std::string& dir = options.reuse_maps_from;
  ASSIGN_OR_RETURN(std::vector<std::string> pins, ListPins(dir));
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const std::string name = bpf_map__name(map);
    if (bpf_map__is_internal(map) || std::find(pins.begin(), pins.end(), name) == pins.end() ||
        (!options.own_maps_suffix.empty() && name.ends_with(options.own_maps_suffix))) {
      continue;
    }
    RETURN_IF_ERROR(ReuseMap(map, dir + "/" + name));
  }
  return absl::OkStatus();
}

absl::Status SetCapacity(bpf_object* object, const std::string& name, uint32_t entries) {
  bpf_map* map = bpf_object__find_map_by_name(object, name.c_str());
  if (map == nullptr) return absl::NotFoundError("map " + name + ": not in the object");
  if (const int error = -bpf_map__set_max_entries(map, entries); error != 0) {
    return ErrnoStatus(error, "capacity of map " + name);
  }
  return absl::OkStatus();
}

std::string Tail(const std::string& log) {
  const size_t length = std::strlen(log.c_str());
  const size_t begin = length > kShownLogBytes ? length - kShownLogBytes : 0;
  return log.substr(begin, length - begin);
}

template <typename Function>
absl::Status ForEachUserMap(const bpf_object* object, Function function) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (bpf_map__is_internal(map)) continue;
    RETURN_IF_ERROR(function(map));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<BpfObject>> BpfObject::Load(const BpfObjectOptions& options) {
  InstallLibbpfLog();
  std::string log(kVerifierLogBytes, '\0');
  bpf_object_open_opts open = {};
  open.sz = sizeof(open);
  open.object_name = options.name.c_str();
  open.kernel_log_buf = log.data();
  open.kernel_log_size = log.size();
  bpf_object* raw = bpf_object__open_mem(options.elf.data(), options.elf.size(), &open);
  if (raw == nullptr) return ErrnoStatus(errno, "open eBPF object " + options.name);
  std::unique_ptr<BpfObject> object(new BpfObject(raw, options.name));
  for (const auto& [name, value] : options.constants) {
    RETURN_IF_ERROR(SetConstant(raw, name, value));
  }
  if (!options.reuse_maps_from.empty()) {
    RETURN_IF_ERROR(ReuseMaps(raw, options));
  }
  for (const auto& [name, entries] : options.capacities) {
    RETURN_IF_ERROR(SetCapacity(raw, name, entries));
  }
  if (int error = -bpf_object__load(raw); error != 0) {
    return ErrnoStatus(error, "load eBPF object " + options.name + ": " + Tail(log));
  }
  return object;
}

BpfObject::~BpfObject() { bpf_object__close(object_); }

absl::StatusOr<int> BpfObject::Program(const std::string& name) const {
  bpf_program* program = bpf_object__find_program_by_name(object_, name.c_str());
  if (program == nullptr) {
    return absl::NotFoundError("eBPF object " + name_ + ": no program " + name);
  }
  return bpf_program__fd(program);
}

std::vector<std::string> BpfObject::ProgramNames() const {
  std::vector<std::string> names;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) names.push_back(bpf_program__name(program));
  return names;
}

std::vector<std::string> BpfObject::MapNames() const {
  std::vector<std::string> names;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object_) {
    if (!bpf_map__is_internal(map)) names.push_back(bpf_map__name(map));
  }
  return names;
}

absl::StatusOr<std::unique_ptr<KernelBpfMaps>> BpfObject::Maps() const {
  std::map<std::string, UniqueFd> descriptors;
  RETURN_IF_ERROR(ForEachUserMap(object_, [&](bpf_map* map) {
    UniqueFd copy(fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0));
    if (copy.get() < 0) {
      return ErrnoStatus(errno, std::string("duplicate map ") + bpf_map__name(map));
    }
    descriptors[bpf_map__name(map)] = std::move(copy);
    return absl::OkStatus();
  }));
  return KernelBpfMaps::Create(std::move(descriptors));
}

absl::Status BpfObject::PinMaps(const std::string& dir) const {
  ASSIGN_OR_RETURN(std::vector<std::string> pins, ListPins(dir));
  return ForEachUserMap(object_, [&](bpf_map* map) {
    const std::string name = bpf_map__name(map);
    if (std::find(pins.begin(), pins.end(), name) != pins.end()) return absl::OkStatus();
    return Pin(bpf_map__fd(map), dir + "/" + name);
  });
}

absl::Status BpfObject::PinPrograms(const std::string& dir) const {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object_) {
    // The new pin takes the old one's place in one step: there is always a program under the name.
    const std::string path = dir + "/" + bpf_program__name(program);
    const std::string fresh = path + "_new";
    RETURN_IF_ERROR(Unpin(fresh));
    RETURN_IF_ERROR(Pin(bpf_program__fd(program), fresh));
    if (std::rename(fresh.c_str(), path.c_str()) != 0) {
      return ErrnoStatus(errno, "rename pin " + fresh);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ProgramInfo> GetProgramInfo(int program_fd) {
  bpf_prog_info raw = {};
  uint32_t length = sizeof(raw);
  if (int error = -bpf_obj_get_info_by_fd(program_fd, &raw, &length); error != 0) {
    return ErrnoStatus(error, "program info");
  }
  ProgramInfo info;
  info.id = raw.id;
  info.name = raw.name;
  std::copy_n(raw.tag, info.tag.size(), info.tag.begin());
  info.verified_instructions = raw.verified_insns;
  info.map_ids.resize(raw.nr_map_ids);
  // The second call fills what the first one counted.
  bpf_prog_info maps = {};
  maps.nr_map_ids = raw.nr_map_ids;
  maps.map_ids = reinterpret_cast<uint64_t>(info.map_ids.data());
  length = sizeof(maps);
  if (int error = -bpf_obj_get_info_by_fd(program_fd, &maps, &length); error != 0) {
    return ErrnoStatus(error, "program info (maps)");
  }
  return info;
}

absl::StatusOr<ProgramInfo> GetProgramInfoById(uint32_t id) {
  UniqueFd fd(bpf_prog_get_fd_by_id(id));
  if (fd.get() < 0) return ErrnoStatus(errno, fmt::format("program id {}", id));
  return GetProgramInfo(fd.get());
}

}  // namespace outrider::sys
