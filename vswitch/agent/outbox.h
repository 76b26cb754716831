// What waits to be sent to the controller. Bounded by what there is to say, not by a length: of
// receipts the newest per port counts, of a move's reports the newest, of acknowledgements the
// newest, of counters one reading; only events are a queue, and one that overflows is an error the
// session answers by starting anew (everything a new session needs is told then).
//
// Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_AGENT_OUTBOX_H_
#define OUTRIDER_VSWITCH_AGENT_OUTBOX_H_

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "outrider/v1/session.pb.h"

namespace outrider::agent {

class Outbox {
 public:
  static constexpr size_t kMaxEvents = 4096;

  // False: too many events wait.
  [[nodiscard]] bool Put(const v1::PortEvent& event);
  void Put(const v1::PortReceipt& receipt);
  void Put(const v1::MoveReport& report);
  void Put(const v1::ProbeReport& report);
  void Put(const v1::Ack& ack) { ack_ = ack; }
  // Parts of one reading. While some wait there is no use for newer ones: those of the last ports
  // would never be sent by a slow stream.
  void Put(std::vector<v1::Counters> counters);
  bool has_counters() const { return !counters_.empty(); }
  void Put(v1::MulticastMemberships memberships) { memberships_ = std::move(memberships); }

  // What is most urgent: events, receipts, the acknowledgement that covers them, reports of moves
  // and probes, multicast memberships, counters.
  std::optional<v1::AgentMessage> Take();
  void Clear();

 private:
  std::deque<v1::PortEvent> events_;
  std::map<std::string, v1::PortReceipt> receipts_;
  std::optional<v1::Ack> ack_;
  // By port and migration.
  std::map<std::pair<std::string, std::string>, v1::MoveReport> moves_;
  std::map<std::pair<std::string, std::string>, v1::ProbeReport> probes_;
  std::optional<v1::MulticastMemberships> memberships_;
  std::deque<v1::Counters> counters_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_OUTBOX_H_
