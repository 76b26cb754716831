#include "controller/model/index.h"

namespace outrider::controller {

void Relation::Add(const std::string& key, const std::string& value) {
  if (!key.empty()) sets_[key].insert(value);
}

void Relation::Remove(const std::string& key, const std::string& value) {
  const auto found = sets_.find(key);
  if (found == sets_.end()) return;
  found->second.erase(value);
  if (found->second.empty()) sets_.erase(found);
}

const NameSet& Relation::Get(const std::string& key) const {
  static const NameSet* const kEmpty = new NameSet();
  const auto found = sets_.find(key);
  return found == sets_.end() ? *kEmpty : found->second;
}

}  // namespace outrider::controller
