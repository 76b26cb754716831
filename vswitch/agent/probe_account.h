// What became of the requests of one probe: sent, answered, lost, twice, out of order, and the
// times between. Owns a window of them, so that its memory is bounded however long a probe lasts.
// Knows no sockets, frames or clocks: who sends and who hears says when.
//
// Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_AGENT_PROBE_ACCOUNT_H_
#define OUTRIDER_VSWITCH_AGENT_PROBE_ACCOUNT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "vswitch/agent/median.h"
#include "vswitch/agent/port_reports.h"

namespace outrider::agent {

class ProbeAccount {
 public:
  // Requests that are remembered: twenty seconds at 200 a second. An answer that comes later finds
  // its request lost, and changes nothing.
  static constexpr size_t kWindow = 4096;
  // How long an answer may take before a probe's end gives it up.
  static constexpr int64_t kAnswerTimeUs = 2'000'000;

  ProbeAccount() : window_(kWindow) {}

  // Number of the next request: 0, 1, 2 ...
  uint64_t next() const { return next_; }
  // It was sent at that time. All times are of one clock, microseconds, and do not go back.
  void Sent(int64_t now_us);
  // An answer to it came.
  void Answered(uint64_t sequence, int64_t now_us);

  // So far. Lost: those that had kAnswerTimeUs, or a window of later requests behind them.
  ProbeCounts Counts(int64_t now_us) const;

 private:
  struct Request {
    int64_t sent_us = 0;
    bool answered = false;
  };
  // First number that is remembered.
  uint64_t first() const { return next_ < kWindow ? 0 : next_ - kWindow; }

  std::vector<Request> window_;
  uint64_t next_ = 0;
  uint64_t answered_ = 0;
  uint64_t duplicated_ = 0;
  uint64_t reordered_ = 0;
  // Without an answer when they left the window.
  uint64_t given_up_ = 0;
  // Behind the latest request that was answered.
  uint64_t answered_up_to_ = 0;
  int64_t last_answer_us_ = 0;
  int64_t longest_gap_us_ = 0;
  Median gaps_;
  Median round_trips_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_PROBE_ACCOUNT_H_
