#include "vswitch/ovs/monitor_hub.h"

#include <utility>

namespace outrider::ovs {

MonitorHub::MonitorHub(Database* database)
    : database_(database),
      observer_(database->AddObserver([this](const Changes& changes) { OnCommit(changes); })) {}

MonitorHub::~MonitorHub() { database_->RemoveObserver(observer_); }

uint64_t MonitorHub::Add(const MonitorSpec& spec, Sink sink) {
  const uint64_t token = next_++;
  std::string key = spec.Key();
  Group& group = groups_[key];
  if (group.sinks.empty()) group.spec = spec;
  group.sinks.emplace(token, std::move(sink));
  keys_.emplace(token, std::move(key));
  return token;
}

void MonitorHub::Remove(uint64_t token) {
  const auto key = keys_.find(token);
  if (key == keys_.end()) return;
  const auto group = groups_.find(key->second);
  group->second.sinks.erase(token);
  if (group->second.sinks.empty()) groups_.erase(group);
  keys_.erase(key);
}

void MonitorHub::OnCommit(const Changes& changes) {
  for (const auto& [key, group] : groups_) {
    const ovsdb::Json updates = ChangesUpdate(group.spec, changes);
    if (updates.empty()) continue;
    ++composed_;
    const std::string text = ovsdb::ToText(updates);
    for (const auto& [token, sink] : group.sinks) sink(text);
  }
}

}  // namespace outrider::ovs
