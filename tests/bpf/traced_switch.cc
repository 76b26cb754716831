#include "tests/bpf/traced_switch.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "vswitch/datapath/ebpf/c_arrays.h"

namespace outrider::tests {
namespace {

using datapath::ebpf::Program;
using datapath::ebpf::RawTrace;

constexpr char kEvents[] = "or_events";

// Where the next record would begin: the second page of a ring buffer map.
Bytes RingPosition(int fd) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* position = mmap(nullptr, page, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(page));
  Bytes bytes(sizeof(uint64_t));
  if (position == MAP_FAILED) return {};
  std::memcpy(bytes.data(), position, bytes.size());
  munmap(position, page);
  return bytes;
}

// Of a large array: by cache lines, those that are not zero.
MapsContent::mapped_type UsedLines(const sys::MappedArray& mapped) {
  constexpr size_t kLine = 64;
  static constexpr uint8_t kUnused[kLine] = {};
  MapsContent::mapped_type lines;
  for (size_t at = 0; at < mapped.size(); at += kLine) {
    const uint8_t* const line = mapped.bytes() + at;
    const size_t length = std::min(kLine, mapped.size() - at);
    if (std::memcmp(line, kUnused, length) == 0) continue;
    Bytes key(sizeof(at));
    std::memcpy(key.data(), &at, sizeof(at));
    lines.emplace_back(key, std::vector<Bytes>{Bytes(line, line + length)});
  }
  return lines;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TracedSwitch>> TracedSwitch::Create(BpfSwitch* of) {
  std::unique_ptr<TracedSwitch> made(new TracedSwitch(of));
  RETURN_IF_ERROR(of->object().PinMaps(made->bpffs_.path()));
  const datapath::ebpf::ProgramConstants constants = {.tunnel_ifindex = of->tunnel_ifindex(),
                                                      .local_vteps = VtepPair(Ip(kLocalVtep))};
  ASSIGN_OR_RETURN(made->tracer_, datapath::ebpf::Tracer::Create(constants, made->bpffs_.path()));
  return made;
}

absl::StatusOr<RawTrace> TracedSwitch::FromPort(const Bytes& frame, uint32_t port) {
  const auto ifindex = static_cast<uint32_t>(switch_->tap(port).ifindex());
  return tracer_->Run(Program::kFromPort, {.ifindex = ifindex, .from = {}}, frame);
}

absl::StatusOr<RawTrace> TracedSwitch::FromOverlay(const Bytes& frame, uint32_t vni,
                                                   const std::string& vtep) {
  datapath::ebpf::TraceEntry entry;
  entry.ifindex = static_cast<uint32_t>(switch_->tunnel_ifindex());
  entry.from.vni = vni;
  datapath::ebpf::CopyBytes(Ip(vtep).bytes(), entry.from.address);
  return tracer_->Run(Program::kFromOverlay, entry, frame);
}

MapsContent TracedSwitch::Content() {
  MapsContent content;
  for (const std::string& name : switch_->object().MapNames()) {
    if (name.ends_with("_scratch")) continue;
    auto& elements = content[name];
    if (name == kEvents) {
      const Bytes position = RingPosition(switch_->raw().Descriptor(name).value());
      elements.emplace_back(Bytes(), std::vector<Bytes>{position});
      continue;
    }
    if (const auto mapped = switch_->raw().MapElements(name, sys::Mapping::kRead); mapped.ok()) {
      elements = UsedLines(**mapped);
      continue;
    }
    const std::vector<Bytes> keys = switch_->raw().Keys(name).value();
    for (const Bytes& key : keys) {
      const auto value = switch_->raw().Lookup(name, key);
      elements.emplace_back(key, value.ok() ? std::vector<Bytes>{*value}
                                            : switch_->raw().LookupPerCpu(name, key).value());
    }
  }
  return content;
}

TracedDrops DropsOf(const RawTrace& trace) {
  TracedDrops drops;
  for (const abi::or_trace_step& step : trace.steps) {
    if (step.stage == abi::OR_TRACE_DROP) {
      drops.emplace_back(step.port, static_cast<uint32_t>(step.a));
    }
  }
  return drops;
}

std::vector<uint32_t> StagesOf(const RawTrace& trace) {
  std::vector<uint32_t> stages;
  for (const abi::or_trace_step& step : trace.steps) stages.push_back(step.stage);
  return stages;
}

}  // namespace outrider::tests
