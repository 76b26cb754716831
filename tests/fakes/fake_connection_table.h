// A ConnectionTable in memory: connections that a test puts there. Thread rule: any thread.
#ifndef OUTRIDER_TESTS_FAKES_FAKE_CONNECTION_TABLE_H_
#define OUTRIDER_TESTS_FAKES_FAKE_CONNECTION_TABLE_H_

#include <algorithm>
#include <mutex>
#include <set>
#include <vector>

#include "vswitch/datapath/connection_table.h"

namespace outrider::datapath {

class FakeConnectionTable final : public ConnectionTable {
 public:
  absl::StatusOr<ConnectionList> ListConnections(const std::optional<PortId>& port,
                                                 size_t limit) override {
    const std::lock_guard lock(mutex_);
    RETURN_IF_ERROR(Check(port));
    ConnectionList list;
    for (const Connection& connection : connections_) {
      if (port && connection.port != *port) continue;
      if (list.total++ < limit) list.connections.push_back(connection);
    }
    return list;
  }
  absl::StatusOr<uint64_t> FlushConnections(const std::optional<PortId>& port) override {
    const std::lock_guard lock(mutex_);
    RETURN_IF_ERROR(Check(port));
    return std::erase_if(connections_,
                         [&](const Connection& c) { return !port || c.port == *port; });
  }
  // As if all were over.
  absl::StatusOr<uint64_t> SweepConnections() override {
    const std::lock_guard lock(mutex_);
    ++sweeps_;
    if (!sweep_status_.ok()) return sweep_status_;
    const uint64_t swept = connections_.size();
    connections_.clear();
    return swept;
  }

  // In order. Their ports become known.
  void Put(const std::vector<Connection>& connections) {
    const std::lock_guard lock(mutex_);
    connections_ = connections;
    for (const Connection& connection : connections) ports_.insert(connection.port);
  }
  void FailSweeps(const absl::Status& status) {
    const std::lock_guard lock(mutex_);
    sweep_status_ = status;
  }
  int sweeps() const {
    const std::lock_guard lock(mutex_);
    return sweeps_;
  }

 private:
  absl::Status Check(const std::optional<PortId>& port) const {
    if (!port || ports_.contains(*port)) return absl::OkStatus();
    return absl::NotFoundError("port \"" + port->ToString() + "\": not on this host");
  }

  mutable std::mutex mutex_;
  std::vector<Connection> connections_;
  std::set<PortId> ports_;
  absl::Status sweep_status_;
  int sweeps_ = 0;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_TESTS_FAKES_FAKE_CONNECTION_TABLE_H_
