#include "vswitch/agent/outbox.h"

#include <iterator>
#include <utility>

namespace outrider::agent {

bool Outbox::Put(const v1::PortEvent& event) {
  if (events_.size() >= kMaxEvents) return false;
  events_.push_back(event);
  return true;
}

void Outbox::Put(const v1::PortReceipt& receipt) {
  receipts_.insert_or_assign(receipt.port_id(), receipt);
}

void Outbox::Put(const v1::MoveReport& report) {
  moves_.insert_or_assign({report.port_id(), report.migration_id()}, report);
}

void Outbox::Put(const v1::ProbeReport& report) {
  probes_.insert_or_assign({report.result().port_id(), report.migration_id()}, report);
}

void Outbox::Put(std::vector<v1::Counters> counters) {
  counters_.assign(std::make_move_iterator(counters.begin()),
                   std::make_move_iterator(counters.end()));
}

std::optional<v1::AgentMessage> Outbox::Take() {
  v1::AgentMessage message;
  if (!events_.empty()) {
    *message.mutable_port_event() = std::move(events_.front());
    events_.pop_front();
  } else if (!receipts_.empty()) {
    *message.mutable_receipt() = std::move(receipts_.extract(receipts_.begin()).mapped());
  } else if (ack_) {
    *message.mutable_ack() = *std::exchange(ack_, std::nullopt);
  } else if (!moves_.empty()) {
    *message.mutable_move() = std::move(moves_.extract(moves_.begin()).mapped());
  } else if (!probes_.empty()) {
    *message.mutable_probe() = std::move(probes_.extract(probes_.begin()).mapped());
  } else if (memberships_) {
    *message.mutable_multicast() = *std::exchange(memberships_, std::nullopt);
  } else if (!counters_.empty()) {
    *message.mutable_counters() = std::move(counters_.front());
    counters_.pop_front();
  } else {
    return std::nullopt;
  }
  return message;
}

void Outbox::Clear() { *this = Outbox(); }

}  // namespace outrider::agent
