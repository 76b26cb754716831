// Goes through the worlds of the model, breadth first, from the first one; and from each of them to
// where it comes to rest when nothing goes wrong any more.
#ifndef OUTRIDER_TESTS_CONTROLLER_MIGRATION_MOVE_SEARCH_H_
#define OUTRIDER_TESTS_CONTROLLER_MIGRATION_MOVE_SEARCH_H_

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/controller/migration/move_steps.h"

namespace outrider::controller::move_model {

struct Bounds {
  // How many things may go wrong, and how often a hypervisor that failed may try again.
  uint8_t faults = 0;
  uint8_t attempts = 0;
  // Worlds from which every step is taken; from those beyond, only the fair ones.
  size_t limit = 0;
};

struct Found {
  size_t worlds = 0;
  size_t records = 0;
  // Worlds at rest, by how the migration ended.
  size_t committed = 0;
  size_t aborted = 0;
  // Empty: all is well. Else what is wrong, and the steps that lead there.
  std::string counterexample;
};

class Search {
 public:
  Search(const Rules& rules, const Bounds& bounds) : steps_(&records_, rules), bounds_(bounds) {}

  Found Run();

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Node {
    World world;
    uint32_t parent = kNone;
    Step step;
    // Where the fair step leads; kNone: at rest.
    uint32_t fair = kNone;
  };
  struct Hash {
    size_t operator()(const World& world) const {
      return std::hash<std::string_view>()(world.Bytes());
    }
  };

  // kNone: the step is none. Sets the counterexample.
  uint32_t Take(uint32_t from, const Step& step);
  void Expand(uint32_t node, bool all);
  void FollowFairSteps();
  void Fail(uint32_t node, const std::string& what);

  Records records_;
  const Steps steps_;
  const Bounds bounds_;
  std::vector<Node> nodes_;
  std::unordered_map<World, uint32_t, Hash> known_;
  Found found_;
};

}  // namespace outrider::controller::move_model

#endif  // OUTRIDER_TESTS_CONTROLLER_MIGRATION_MOVE_SEARCH_H_
