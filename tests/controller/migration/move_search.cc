#include "tests/controller/migration/move_search.h"

#include <fmt/format.h>

#include <algorithm>

namespace outrider::controller::move_model {

uint32_t Search::Take(uint32_t from, const Step& step) {
  const auto taken = steps_.Take(nodes_[from].world, step);
  if (!taken) return kNone;
  const auto [known, fresh] = known_.emplace(taken->world, static_cast<uint32_t>(nodes_.size()));
  if (fresh) nodes_.push_back({taken->world, from, step, kNone});
  std::string wrong = taken->violation;
  if (wrong.empty() && fresh) wrong = steps_.Check(taken->world);
  if (!wrong.empty() && found_.counterexample.empty()) {
    // The step may be another than the one the world was found by.
    nodes_.push_back({taken->world, from, step, kNone});
    Fail(static_cast<uint32_t>(nodes_.size() - 1), wrong);
  }
  return known->second;
}

void Search::Expand(uint32_t node, bool all) {
  if (const auto fair = steps_.FairStep(nodes_[node].world)) {
    const uint32_t next = Take(node, *fair);
    nodes_[node].fair = next;
  }
  if (!all) return;
  for (int action = 0; action < kActions; ++action) {
    const auto kind = static_cast<Action>(action);
    const bool of_host =
        kind <= Action::kApply || (kind >= Action::kRepeat && kind <= Action::kCrashHost);
    for (uint8_t host = 0; host < (of_host ? kHosts : 1); ++host) {
      Take(node, {kind, host});
      if (!found_.counterexample.empty()) return;
    }
  }
}

// Each fair path ends at rest, and all is right there. Paths meet: each node is followed once.
void Search::FollowFairSteps() {
  enum Mark : uint8_t { kNew, kOnPath, kRight };
  std::vector<Mark> marks(nodes_.size(), kNew);
  std::vector<uint32_t> path;
  for (uint32_t start = 0; start < marks.size(); ++start) {
    uint32_t node = start;
    path.clear();
    while (node != kNone && marks[node] == kNew) {
      marks[node] = kOnPath;
      path.push_back(node);
      node = nodes_[node].fair;
    }
    if (node != kNone && marks[node] == kOnPath) return Fail(node, "it goes round in a circle");
    if (node == kNone) {
      const World& rest = nodes_[path.back()].world;
      const std::string wrong = steps_.CheckAtRest(rest);
      if (!wrong.empty()) return Fail(path.back(), wrong);
      const bool committed = records_.View(rest.record).phase == v1::MIGRATION_PHASE_COMMITTED;
      ++(committed ? found_.committed : found_.aborted);
    }
    for (const uint32_t each : path) marks[each] = kRight;
  }
}

void Search::Fail(uint32_t node, const std::string& what) {
  std::vector<uint32_t> path;
  for (uint32_t at = node; at != kNone; at = nodes_[at].parent) path.push_back(at);
  std::reverse(path.begin(), path.end());
  std::string text = what + "\n";
  for (const uint32_t at : path) {
    const std::string step = nodes_[at].parent == kNone ? "at first" : Describe(nodes_[at].step);
    text += fmt::format("{}\n    {}\n", step, Describe(nodes_[at].world));
  }
  text += "timeline:";
  for (const auto& event : records_.Get(nodes_[node].world.record).timeline()) {
    text += fmt::format(" {} {},", event.host(), event.kind());
  }
  found_.counterexample = text;
}

Found Search::Run() {
  World first;
  first.faults = bounds_.faults;
  first.attempts = bounds_.attempts;
  for (Host& host : first.hosts) host.device = 1;
  first.hosts[kSource].wanted = {Hold::kActive, 1, 0};
  known_.emplace(first, 0);
  nodes_.push_back({first, kNone, {}, kNone});
  for (uint32_t node = 0; node < nodes_.size() && found_.counterexample.empty(); ++node) {
    Expand(node, node < bounds_.limit);
  }
  if (found_.counterexample.empty()) FollowFairSteps();
  found_.worlds = nodes_.size();
  found_.records = records_.size();
  return found_;
}

}  // namespace outrider::controller::move_model
