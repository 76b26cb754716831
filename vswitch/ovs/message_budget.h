// What the unfinished messages of all clients take together, and who goes when it is too much. Owns
// no message. Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_OVS_MESSAGE_BUDGET_H_
#define OUTRIDER_VSWITCH_OVS_MESSAGE_BUDGET_H_

#include <cstddef>
#include <map>

#include "vswitch/types/status.h"

namespace outrider::ovs {

// Whose messages come in pieces.
class MessageHolder {
 public:
  virtual ~MessageHolder() = default;
  // It holds the most of too much, and drops it. Does not call the budget.
  virtual void OnOverBudget(const absl::Status& why) = 0;
};

class MessageBudget {
 public:
  explicit MessageBudget(size_t most) : most_(most) {}

  // It holds so many bytes now; 0 forgets it. While all hold more than `most` together, whoever
  // holds the most is told to go: clients that hold little go on.
  void Note(MessageHolder* holder, size_t bytes);
  size_t total() const { return total_; }

 private:
  const size_t most_;
  size_t total_ = 0;
  // None of 0.
  std::map<MessageHolder*, size_t> held_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_MESSAGE_BUDGET_H_
