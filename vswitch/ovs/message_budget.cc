#include "vswitch/ovs/message_budget.h"

#include <fmt/format.h>

#include <algorithm>

namespace outrider::ovs {

void MessageBudget::Note(MessageHolder* holder, size_t bytes) {
  const auto found = held_.find(holder);
  if (found != held_.end()) {
    total_ -= found->second;
    held_.erase(found);
  }
  if (bytes == 0) return;
  held_.emplace(holder, bytes);
  total_ += bytes;
  while (total_ > most_) {
    const auto largest =
        std::ranges::max_element(held_, {}, [](const auto& one) { return one.second; });
    MessageHolder* const goes = largest->first;
    const size_t held = largest->second;
    total_ -= held;
    held_.erase(largest);
    goes->OnOverBudget(absl::ResourceExhaustedError(
        fmt::format("unfinished messages of all clients take more than {} bytes, and {} of this "
                    "one are the most",
                    most_, held)));
  }
}

}  // namespace outrider::ovs
