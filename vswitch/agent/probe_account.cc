#include "vswitch/agent/probe_account.h"

#include <algorithm>

namespace outrider::agent {

void ProbeAccount::Sent(int64_t now_us) {
  Request& slot = window_[next_ % kWindow];
  if (next_ >= kWindow && !slot.answered) ++given_up_;
  slot = {.sent_us = now_us, .answered = false};
  ++next_;
}

void ProbeAccount::Answered(uint64_t sequence, int64_t now_us) {
  if (sequence >= next_ || sequence < first()) return;
  Request& request = window_[sequence % kWindow];
  if (request.answered) {
    ++duplicated_;
    return;
  }
  request.answered = true;
  if (answered_ > 0) {
    const int64_t gap_us = now_us - last_answer_us_;
    longest_gap_us_ = std::max(longest_gap_us_, gap_us);
    gaps_.Add(gap_us);
  }
  ++answered_;
  last_answer_us_ = now_us;
  round_trips_.Add(now_us - request.sent_us);
  if (sequence < answered_up_to_) {
    ++reordered_;
  } else {
    answered_up_to_ = sequence + 1;
  }
}

ProbeCounts ProbeAccount::Counts(int64_t now_us) const {
  uint64_t lost = given_up_;
  for (uint64_t sequence = first(); sequence < next_; ++sequence) {
    const Request& request = window_[sequence % kWindow];
    if (!request.answered && now_us - request.sent_us >= kAnswerTimeUs) ++lost;
  }
  return {.sent = next_,
          .answered = answered_,
          .lost = lost,
          .duplicated = duplicated_,
          .reordered = reordered_,
          .longest_gap_us = longest_gap_us_,
          .usual_gap_us = gaps_.Value(),
          .round_trip_us = round_trips_.Value()};
}

}  // namespace outrider::agent
