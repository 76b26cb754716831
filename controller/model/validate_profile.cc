#include <algorithm>
#include <set>

#include "controller/model/complaint.h"
#include "controller/model/inherit.h"
#include "controller/model/names.h"
#include "controller/model/validate.h"
#include "controller/model/validate_sections.h"
#include "controller/model/validate_vlan.h"

namespace outrider::controller {
namespace {

// The model's profiles with the candidate among them.
ProfileLookup With(const Model& model, const v1::Profile& candidate) {
  return [&model, &candidate](const std::string& name) {
    return name == candidate.meta().name() ? &candidate : model.Find<v1::Profile>(name);
  };
}

// Sections in the order people write them.
absl::Status CheckContent(const Model& model, const v1::Profile& effective) {
  RETURN_IF_ERROR(CheckVlan(model, effective.vlan()));
  RETURN_IF_ERROR(CheckAcl(model, effective.acl()));
  RETURN_IF_ERROR(CheckSecurity(effective.security()));
  return CheckQos(effective.qos());
}

// Profiles from the candidate, down the longest line of those that inherit from it. The candidate
// is in no cycle by now, and neither is what the model has.
size_t DepthBelow(const Model& model, const std::string& name, size_t limit) {
  size_t depth = 0;
  if (limit == 0) return 0;
  for (const std::string& child : model.index().children_of_profile.Get(name)) {
    depth = std::max(depth, DepthBelow(model, child, limit - 1));
  }
  return depth + 1;
}

absl::Status CheckParents(const Model& model, const v1::Profile& candidate) {
  if (candidate.parent().empty()) return absl::OkStatus();
  const std::string& name = candidate.meta().name();
  std::string line = fmt::format("\"{}\"", name);
  size_t above = 0;
  for (const v1::Profile* next = &candidate; !next->parent().empty(); ++above) {
    line += fmt::format(" -> \"{}\"", OneLine(next->parent()));
    if (next->parent() == name) {
      return Invalid(candidate, "parent \"{}\" makes a cycle: {}; name another parent",
                     candidate.parent(), line);
    }
    next = model.Find<v1::Profile>(next->parent());
    if (next == nullptr) {
      return Invalid(candidate, "parent \"{}\" does not exist; apply it first",
                     OneLine(candidate.parent()));
    }
    if (above > kMaxProfileDepth) break;
  }
  const size_t depth = above + DepthBelow(model, name, kMaxProfileDepth + 1);
  if (depth <= kMaxProfileDepth) return absl::OkStatus();
  return Invalid(candidate,
                 "parent \"{}\" makes a line of {} profiles, at most {} fit; inherit from one "
                 "nearer to the root",
                 candidate.parent(), depth, kMaxProfileDepth);
}

// What the candidate makes of a profile that inherits from it must be whole as well.
absl::Status CheckHeir(const Model& model, const v1::Profile& candidate, const std::string& heir,
                       std::set<std::string>* used) {
  const v1::Profile effective = Inherit(*model.Find<v1::Profile>(heir), With(model, candidate));
  RETURN_IF_ERROR(Annotate(CheckContent(model, effective), Subject(effective)));
  return CheckPortsCanMove(model, effective, used);
}

}  // namespace

absl::Status Validate(const Model& model, const v1::Profile& candidate) {
  if (!IsName(candidate.meta().name())) {
    return Invalid(candidate,
                   "name must be 1..63 characters of a-z, 0-9, '-' and '.', beginning and ending "
                   "with a letter or digit");
  }
  if (candidate.description().size() > kMaxText) {
    return Invalid(candidate, "description is {} bytes long, at most {} fit",
                   candidate.description().size(), kMaxText);
  }
  RETURN_IF_ERROR(CheckParents(model, candidate));
  const v1::Profile effective = Inherit(candidate, With(model, candidate));
  RETURN_IF_ERROR(Annotate(CheckContent(model, effective), Subject(candidate)));
  std::set<std::string> used;
  RETURN_IF_ERROR(CheckPortsCanMove(model, effective, &used));
  for (const std::string& heir : model.Heirs(candidate.meta().name())) {
    if (heir == candidate.meta().name()) continue;
    RETURN_IF_ERROR(Annotate(CheckHeir(model, candidate, heir, &used),
                             Subject(candidate) + ": what inherits from it"));
  }
  return absl::OkStatus();
}

}  // namespace outrider::controller
