// The controller of the model: migration records that came up, each once, and what the real state
// machine makes of each with each input, computed once.
#ifndef OUTRIDER_TESTS_CONTROLLER_MIGRATION_MOVE_RECORDS_H_
#define OUTRIDER_TESTS_CONTROLLER_MIGRATION_MOVE_RECORDS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>

#include "controller/migration/machine.h"
#include "tests/controller/migration/move_world.h"

namespace outrider::controller::move_model {

// How much time has passed when the controller looks at its clock.
enum class Lapse : uint8_t { kSettle, kDrain, kReroute, kGrace, kAbsence, kLease };

struct Input {
  enum class Kind : uint8_t { kWord, kSwitchover, kAbort, kHostLost, kTick };
  Kind kind = Kind::kWord;
  // kWord, kHostLost.
  uint8_t host = 0;
  Message message = {};
  Lapse lapse = Lapse::kSettle;
  // Bit 1 << host each.
  uint8_t connected = 0;
  // Of the world.
  uint8_t revision = 0;
};
static_assert(std::has_unique_object_representations_v<Input>);

struct Fed {
  uint32_t record = 0;
  bool changed = false;
  // Hosts may be told something new; only such commits are counted as revisions.
  bool commits = false;
  Relocation relocation = Relocation::kNone;
};

// What the model looks at in a record.
struct RecordView {
  v1::MigrationPhase phase = v1::MIGRATION_PHASE_PREPARING;
  bool rerouted = false;
  bool source_let_go = false;
  uint64_t move_revision = 0;
  // Owes an acknowledgement.
  std::array<bool, kHosts> owes = {};

  bool expecting() const {
    return phase == v1::MIGRATION_PHASE_PREPARING || phase == v1::MIGRATION_PHASE_ARMED;
  }
  bool switching() const { return phase == v1::MIGRATION_PHASE_SWITCHING; }
  bool ended() const { return !expecting() && !switching(); }
};

class Records {
 public:
  // Record 0 is the first: PREPARING, the device attached at the destination.
  Records();

  // As the driver does it: one commit, with the others rerouted in it if that is due.
  Fed Feed(uint32_t record, const Input& input);
  const RecordView& View(uint32_t record) const { return views_.at(record); }
  const v1::Migration& Get(uint32_t record) const { return records_.at(record); }
  size_t size() const { return records_.size(); }

 private:
  uint32_t Intern(const v1::Migration& given);
  Fed Compute(uint32_t record, const Input& input);

  std::deque<v1::Migration> records_;
  std::deque<RecordView> views_;
  std::unordered_map<std::string, uint32_t> ids_;
  std::unordered_map<std::string, Fed> fed_;
};

}  // namespace outrider::controller::move_model

#endif  // OUTRIDER_TESTS_CONTROLLER_MIGRATION_MOVE_RECORDS_H_
