#include "controller/model/inherit.h"

#include <algorithm>

#include "controller/model/validate.h"

namespace outrider::controller {

using google::protobuf::FieldDescriptor;

const std::vector<const FieldDescriptor*>& ProfileSections() {
  static const auto* const kSections = [] {
    auto* sections = new std::vector<const FieldDescriptor*>();
    const auto& type = *v1::Profile::descriptor();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor* field = type.field(i);
      if (field->message_type() != nullptr && field->name() != "meta") sections->push_back(field);
    }
    return sections;
  }();
  return *kSections;
}

std::vector<const v1::Profile*> Ancestors(const v1::Profile& profile, const ProfileLookup& find) {
  std::vector<const v1::Profile*> ancestors;
  const v1::Profile* next = &profile;
  while (!next->parent().empty() && ancestors.size() < kMaxProfileDepth) {
    next = find(next->parent());
    if (next == nullptr || next->meta().name() == profile.meta().name()) break;
    if (std::find(ancestors.begin(), ancestors.end(), next) != ancestors.end()) break;
    ancestors.push_back(next);
  }
  return ancestors;
}

v1::Profile Inherit(const v1::Profile& profile, const ProfileLookup& find) {
  v1::Profile effective = profile;
  const auto& reflection = *profile.GetReflection();
  const std::vector<const v1::Profile*> ancestors = Ancestors(profile, find);
  for (const FieldDescriptor* section : ProfileSections()) {
    if (reflection.HasField(profile, section)) continue;
    for (const v1::Profile* ancestor : ancestors) {
      if (!reflection.HasField(*ancestor, section)) continue;
      reflection.MutableMessage(&effective, section)
          ->CopyFrom(reflection.GetMessage(*ancestor, section));
      break;
    }
  }
  FillInSections(&effective);
  return effective;
}

}  // namespace outrider::controller
