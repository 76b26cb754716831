#include "controller/compute/dry_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "controller/compute/compute.h"
#include "controller/model/inherit.h"
#include "controller/model/validate.h"
#include "controller/text/message_diff.h"
#include "proto/digest.h"

namespace outrider::controller {
namespace {

using PortChange = v1::DryRunProfileResponse::PortChange;

using Effective = std::shared_ptr<const v1::Profile>;

// What a port of the profile is made into, apart from the profile's bookkeeping.
std::string Outcome(const Model& model, const Effective& profile) {
  v1::Port port;
  port.set_profile(profile->meta().name());
  ProfileCompiler compiler;
  v1::PortState state = DescribePort(model, port, profile, &compiler);
  state.clear_profile_revision();
  return v1::PortDigest(state);
}

// "qos ingress_policer rate_kbps: 8000 -> 16000"
std::string Line(const std::string& section, const FieldChange& change) {
  std::string path = change.path;
  std::replace(path.begin(), path.end(), '.', ' ');
  if (change.from.empty()) return fmt::format("{} + {}: {}", section, path, change.to);
  if (change.to.empty()) return fmt::format("{} - {}: {}", section, path, change.from);
  return fmt::format("{} {}: {} -> {}", section, path, change.from, change.to);
}

// Sections and lines of all that differs. A section that is missing is an empty one.
PortChange Explain(const v1::Profile& before, const v1::Profile& after) {
  PortChange change;
  const auto& reflection = *before.GetReflection();
  for (const auto* section : ProfileSections()) {
    const std::vector<FieldChange> fields =
        DiffMessages(reflection.GetMessage(before, section), reflection.GetMessage(after, section));
    if (fields.empty()) continue;
    change.add_sections(section->name());
    for (const FieldChange& field : fields) change.add_changes(Line(section->name(), field));
  }
  const auto lines = static_cast<size_t>(change.changes_size());
  if (lines > kMaxDryRunLines) {
    change.mutable_changes()->DeleteSubrange(kMaxDryRunLines,
                                             static_cast<int>(lines - kMaxDryRunLines));
    change.add_changes(fmt::format("and {} more", lines - kMaxDryRunLines));
  }
  return change;
}

// The profile in force once `candidate` is; null: there is none.
Effective AfterApply(const Model& model, const v1::Profile& candidate, const std::string& profile) {
  const ProfileLookup find = [&](const std::string& name) {
    return name == candidate.meta().name() ? &candidate : model.Find<v1::Profile>(name);
  };
  const v1::Profile* own = find(profile);
  if (own == nullptr) return nullptr;
  return std::make_shared<const v1::Profile>(own->parent().empty() ? *own : Inherit(*own, find));
}

// What happens to every port of one profile; absent: nothing.
std::optional<PortChange> Compare(const Model& model, const v1::Profile& candidate,
                                  const std::string& profile) {
  const Effective from = model.Effective(profile);
  const Effective to = AfterApply(model, candidate, profile);
  if (from == nullptr || to == nullptr) return std::nullopt;
  if (Outcome(model, from) == Outcome(model, to)) return std::nullopt;
  return Explain(*from, *to);
}

}  // namespace

absl::StatusOr<v1::DryRunProfileResponse> DryRunProfile(const Model& model, v1::Profile candidate) {
  Normalize(&candidate);
  RETURN_IF_ERROR(Validate(model, candidate));
  const std::string name = candidate.meta().name();
  v1::DryRunProfileResponse response;
  std::map<std::string, PortChange> changes;
  for (const std::string& heir : model.Heirs(name)) {
    const NameSet& ports = model.index().ports_of_profile.Get(heir);
    if (ports.empty()) continue;
    const auto change = Compare(model, candidate, heir);
    if (!change) {
      response.set_unchanged(response.unchanged() + static_cast<uint32_t>(ports.size()));
      continue;
    }
    for (const std::string& id : ports) {
      PortChange& port = changes[id] = *change;
      port.set_port_id(id);
      port.set_host(model.Find<v1::Port>(id)->location().host());
    }
  }
  for (auto& [id, change] : changes) *response.add_ports() = std::move(change);
  return response;
}

}  // namespace outrider::controller
