#include "vswitch/datapath/ebpf/program_set.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <utility>

#include "outrider_bpf.skel.h"
#include "vswitch/abi/or_trace.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/sys/bpf/bpf_object.h"
#include "vswitch/sys/bpf/bpffs.h"
#include "vswitch/types/ids.h"

namespace outrider::datapath::ebpf {
namespace {

constexpr std::array<std::pair<Program, const char*>, 10> kPrograms = {
    {{Program::kFromPort, "or_from_port"},
     {Program::kPortGuard, "or_port_guard"},
     {Program::kFromOverlay, "or_from_overlay"},
     {Program::kTunnelGuard, "or_tunnel_guard"},
     {Program::kSweepConnections, "or_sweep_connections"},
     {Program::kImportConnections, "or_import_connections"},
     {Program::kFromUplink, "or_from_uplink"},
     {Program::kFromUnderlay, "or_from_underlay"},
     {Program::kMovePort, "or_move_port"},
     {Program::kWriteFdb, "or_write_fdb"}}};

const char* NameOf(Program program) {
  for (const auto& [known, name] : kPrograms) {
    if (known == program) return name;
  }
  return "";
}

std::string VersionDir(const std::string& bpffs) {
  return fmt::format("{}/v{}", bpffs, OR_ABI_VERSION);
}
std::string MapsDir(const std::string& bpffs) { return VersionDir(bpffs) + "/maps"; }
std::string ProgramsDir(const std::string& bpffs) { return VersionDir(bpffs) + "/progs"; }

sys::ByteSpan ObjectBytes() {
  size_t size = 0;
  const void* bytes = outrider_bpf__elf_bytes(&size);
  return {static_cast<const uint8_t*>(bytes), size};
}

sys::Bytes ToBytes(sys::ByteSpan span) { return sys::Bytes(span.begin(), span.end()); }

std::map<std::string, sys::Bytes> Encode(const ProgramConstants& constants) {
  const auto ifindex = static_cast<uint32_t>(constants.tunnel_ifindex);
  const IpAddress v4 = constants.local_vteps.v4().value_or(IpAddress());
  const IpAddress v6 = constants.local_vteps.v6().value_or(IpAddress());
  return {{"or_tunnel_ifindex", ToBytes(sys::AsBytes(ifindex))},
          {"or_local_vtep", ToBytes(sys::AsBytes(v4.bytes()))},
          {"or_local_vtep6", ToBytes(sys::AsBytes(v6.bytes()))},
          {"or_vxlan_port", ToBytes(sys::AsBytes(constants.vxlan_port))},
          {"or_checksums", ToBytes(sys::AsBytes(constants.checksums))}};
}

absl::StatusOr<std::string> ContentDigest(const ProgramConstants& constants) {
  sys::Bytes content = ToBytes(ObjectBytes());
  for (const auto& [name, value] : Encode(constants)) {
    content.insert(content.end(), name.begin(), name.end());
    content.insert(content.end(), value.begin(), value.end());
  }
  std::array<uint8_t, 32> hash;
  if (EVP_Digest(content.data(), content.size(), hash.data(), nullptr, EVP_sha256(), nullptr) !=
      1) {
    return absl::InternalError("SHA-256 of the eBPF object failed");
  }
  return Digest(hash).ToString();
}

// "v1": each release with another layout has a directory of its own. A bpffs' root has files of the
// kernel's beside them.
bool IsVersionName(const std::string& name) {
  return name.size() > 1 && name[0] == 'v' &&
         name.find_first_not_of("0123456789", 1) == std::string::npos;
}

// Programs must never meet maps of another layout, and maps of a layout unknown here cannot be
// read.
absl::Status CheckNoOtherVersion(const std::string& bpffs) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, sys::ListPins(bpffs));
  for (const std::string& name : names) {
    if (!IsVersionName(name) || bpffs + "/" + name == VersionDir(bpffs)) continue;
    return absl::FailedPreconditionError(fmt::format(
        "bpffs {}: holds the datapath of another release ({}, this one is v{}); uninstall that one "
        "first: outrider-agent --uninstall --bpffs {}",
        bpffs, name, OR_ABI_VERSION, bpffs));
  }
  return absl::OkStatus();
}

// Ids of all programs pinned below `dir`, of every version; of one alone when `only` names it.
absl::StatusOr<std::set<uint32_t>> PinnedIds(const std::string& dir, const std::string& only = "") {
  std::set<uint32_t> ids;
  ASSIGN_OR_RETURN(const std::vector<std::string> versions, sys::ListPins(dir));
  for (const std::string& version : versions) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names, sys::ListPins(dir + "/" + version));
    for (const std::string& name : names) {
      if (!only.empty() && name != only) continue;
      ASSIGN_OR_RETURN(const UniqueFd fd, sys::OpenPin(dir + "/" + version + "/" + name));
      ASSIGN_OR_RETURN(const sys::ProgramInfo info, sys::GetProgramInfo(fd.get()));
      ids.insert(info.id);
    }
  }
  return ids;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProgramSet>> ProgramSet::Create(const std::string& bpffs,
                                                               const ProgramConstants& constants) {
  RETURN_IF_ERROR(sys::EnsureBpffs(bpffs));
  RETURN_IF_ERROR(CheckNoOtherVersion(bpffs));
  RETURN_IF_ERROR(sys::EnsureBpffs(MapsDir(bpffs)));
  ASSIGN_OR_RETURN(std::string digest, ContentDigest(constants));
  std::unique_ptr<ProgramSet> set(new ProgramSet(constants, ProgramsDir(bpffs), std::move(digest)));
  // Before loading: pins that are replaced name programs that filters still run.
  RETURN_IF_ERROR(set->CollectIds());
  absl::Status status = set->OpenPinned(MapsDir(bpffs));
  if (absl::IsNotFound(status)) status = set->LoadAndPin(MapsDir(bpffs), constants);
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(set->CollectIds());
  return set;
}

int ProgramSet::Descriptor(Program program) const { return programs_.at(program).fd.get(); }

uint32_t ProgramSet::Id(Program program) const { return programs_.at(program).id; }

absl::Status ProgramSet::OpenPinned(const std::string& maps_dir) {
  ASSIGN_OR_RETURN(auto maps, sys::KernelBpfMaps::OpenPinned(maps_dir, DatapathMaps::Names()));
  for (const auto& [program, name] : kPrograms) {
    ASSIGN_OR_RETURN(UniqueFd fd, sys::OpenPin(programs_dir_ + "/" + digest_ + "/" + name));
    ASSIGN_OR_RETURN(const sys::ProgramInfo info, sys::GetProgramInfo(fd.get()));
    programs_[program] = {.fd = std::move(fd), .id = info.id};
  }
  // What holds for a time is asked for each frame.
  RETURN_IF_ERROR(maps->CountChangesIn("or_changes", "or_underlay"));
  maps_ = std::move(maps);
  return absl::OkStatus();
}

absl::Status ProgramSet::LoadAndPin(const std::string& maps_dir,
                                    const ProgramConstants& constants) {
  ASSIGN_OR_RETURN(const auto object, sys::BpfObject::Load({.elf = ObjectBytes(),
                                                            .name = "outrider_bpf",
                                                            .constants = Encode(constants),
                                                            .reuse_maps_from = maps_dir,
                                                            .own_maps_suffix = {},
                                                            .capacities = {}}));
  // Programs that were pinned with maps that are gone work on maps nobody else can see. Only now:
  // were the maps that are left of another layout, the pins must tell --uninstall whose filters
  // there are.
  const auto maps = sys::KernelBpfMaps::OpenPinned(maps_dir, DatapathMaps::Names());
  if (absl::IsNotFound(maps.status())) RETURN_IF_ERROR(sys::RemovePins(programs_dir_));
  RETURN_IF_ERROR(object->PinMaps(maps_dir));
  const std::string dir = programs_dir_ + "/" + digest_;
  RETURN_IF_ERROR(sys::EnsureBpffs(dir));
  RETURN_IF_ERROR(object->PinPrograms(dir));
  return OpenPinned(maps_dir);
}

absl::Status ProgramSet::CollectIds() {
  for (const auto& [program, name] : kPrograms) {
    ASSIGN_OR_RETURN(const std::set<uint32_t> ids, PinnedIds(programs_dir_, name));
    ids_of_[program].insert(ids.begin(), ids.end());
    our_ids_.insert(ids.begin(), ids.end());
  }
  return absl::OkStatus();
}

absl::Status ProgramSet::SweepOldVersions() {
  ASSIGN_OR_RETURN(const std::vector<std::string> versions, sys::ListPins(programs_dir_));
  for (const std::string& version : versions) {
    if (version != digest_) RETURN_IF_ERROR(sys::RemovePins(programs_dir_ + "/" + version));
  }
  return absl::OkStatus();
}

const char* ProgramName(Program program) { return NameOf(program); }

std::string PinnedMapsDir(const std::string& bpffs) { return MapsDir(bpffs); }

absl::StatusOr<std::unique_ptr<sys::BpfObject>> LoadTracingPrograms(
    const ProgramConstants& constants, const std::string& maps_dir) {
  std::map<std::string, sys::Bytes> values = Encode(constants);
  values["or_tracing"] = {1};
  return sys::BpfObject::Load({.elf = ObjectBytes(),
                               .name = "outrider_trace",
                               .constants = std::move(values),
                               .reuse_maps_from = maps_dir,
                               // What a frame at hand is written to belongs to an instance.
                               .own_maps_suffix = "_scratch",
                               .capacities = {{"or_trace_step_scratch", OR_MAX_TRACE_STEPS}}});
}

absl::StatusOr<std::set<uint32_t>> PinnedProgramIds(const std::string& bpffs,
                                                    std::optional<Program> program) {
  std::set<uint32_t> ids;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, sys::ListPins(bpffs));
  for (const std::string& name : names) {
    if (!IsVersionName(name)) continue;
    ASSIGN_OR_RETURN(const std::set<uint32_t> of_release,
                     PinnedIds(bpffs + "/" + name + "/progs", program ? NameOf(*program) : ""));
    ids.insert(of_release.begin(), of_release.end());
  }
  return ids;
}

absl::Status RemoveAllPins(const std::string& bpffs) {
  ASSIGN_OR_RETURN(std::vector<std::string> names, sys::ListPins(bpffs));
  for (const std::string& name : names) {
    if (IsVersionName(name)) RETURN_IF_ERROR(sys::RemovePins(bpffs + "/" + name));
  }
  ASSIGN_OR_RETURN(names, sys::ListPins(bpffs));
  return names.empty() ? sys::RemovePins(bpffs) : absl::OkStatus();
}

}  // namespace outrider::datapath::ebpf
