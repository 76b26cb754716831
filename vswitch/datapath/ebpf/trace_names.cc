#include "vswitch/datapath/ebpf/trace_names.h"

#include <fmt/format.h>

#include "vswitch/datapath/ebpf/c_arrays.h"
#include "vswitch/datapath/ebpf/port_codec.h"

namespace outrider::datapath::ebpf {

std::optional<abi::or_port_info> TraceNames::Info(uint32_t index) const {
  const absl::StatusOr<abi::or_port_info> info = maps_->port_info.Lookup(index);
  return info.ok() ? std::optional(*info) : std::nullopt;
}

std::string TraceNames::PortUuid(uint32_t index) const {
  const auto info = Info(index);
  return info ? DecodePortId(*info).ToString() : fmt::format("index {}", index);
}

std::string TraceNames::Device(uint32_t index) const {
  const auto info = Info(index);
  return info ? DecodeDevice(*info) : "";
}

std::string TraceNames::Port(uint32_t index) const {
  const std::string device = Device(index);
  return device.empty() ? PortUuid(index) : fmt::format("{} ({})", PortUuid(index), device);
}

std::string TraceNames::Profile(uint32_t index) const {
  const auto info = Info(index);
  if (!info || info->profile[0] == '\0') return "";
  return fmt::format("{} r{}", info->profile, info->profile_revision);
}

std::string TraceNames::Vtep(uint32_t index) const {
  const absl::StatusOr<abi::or_vtep> vtep = maps_->vteps.Lookup(index);
  if (!vtep.ok()) return fmt::format("index {}", index);
  return IpAddress(ToArray(vtep->address)).ToString();
}

const std::optional<LoadedRuleSet>& TraceNames::RuleSet(uint32_t id) const {
  const auto [at, is_new] = rule_sets_.try_emplace(id);
  if (is_new) {
    const absl::StatusOr<sys::Bytes> image = maps_->rule_sets.Lookup(id);
    if (image.ok()) {
      if (auto set = DecodeImage(*image); set.ok()) at->second = *std::move(set);
    }
  }
  return at->second;
}

}  // namespace outrider::datapath::ebpf
