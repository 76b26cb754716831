// A PortMemory in memory: what a test put there, and what was asked of it. Records are any bytes.
// Thread rule: any thread; one lock.
#ifndef OUTRIDER_TESTS_FAKES_FAKE_PORT_MEMORY_H_
#define OUTRIDER_TESTS_FAKES_FAKE_PORT_MEMORY_H_

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/datapath/port_memory.h"

namespace outrider::datapath {

class FakePortMemory final : public PortMemory {
 public:
  // What one port holds.
  struct Held {
    // By key; an entry's version is a count of its changes.
    std::map<std::string, ConnectionRecord> connections;
    std::vector<BucketLevel> levels;
    std::optional<PortCounters> base;
    // Of every call.
    std::vector<uint64_t> adoptions;
    // Import takes no more than these.
    uint64_t room = UINT64_MAX;
  };

  uint32_t AbiVersion() const override { return abi_version_; }

  absl::StatusOr<std::vector<ConnectionRecord>> ExportConnections(const PortId& id) override {
    const std::lock_guard lock(mutex_);
    ++exports_;
    ASSIGN_OR_RETURN(const Held* const held, Find(id));
    std::vector<ConnectionRecord> records;
    for (const auto& [key, record] : held->connections) records.push_back(record);
    return records;
  }
  absl::StatusOr<ImportResult> ImportConnections(
      const PortId& id, const std::vector<ConnectionRecord>& records) override {
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(Held* const held, Find(id));
    ImportResult result;
    for (const ConnectionRecord& record : records) {
      if (!held->connections.contains(record.key) && held->connections.size() >= held->room) {
        ++result.refused;
        result.reason = "the port holds all the connections it may";
        continue;
      }
      held->connections[record.key] = record;
      ++result.taken;
    }
    return result;
  }
  // As if no frame had met any of them.
  absl::StatusOr<uint64_t> EndConnections(const PortId& id,
                                          const std::vector<std::string>& keys) override {
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(Held* const held, Find(id));
    uint64_t ended = 0;
    for (const std::string& key : keys) ended += held->connections.erase(key);
    return ended;
  }
  absl::StatusOr<std::vector<BucketLevel>> ExportLevels(const PortId& id) override {
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(const Held* const held, Find(id));
    return held->levels;
  }
  absl::Status ImportLevels(const PortId& id, const std::vector<BucketLevel>& levels) override {
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(Held* const held, Find(id));
    held->levels = levels;
    return absl::OkStatus();
  }
  absl::Status SetCounterBase(const PortId& id, const PortCounters& base) override {
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(Held* const held, Find(id));
    held->base = base;
    return absl::OkStatus();
  }
  absl::StatusOr<std::map<PortId, std::map<std::string, uint64_t>>> CarriedDrops() override {
    const std::lock_guard lock(mutex_);
    std::map<PortId, std::map<std::string, uint64_t>> carried;
    for (const auto& [id, held] : ports_) {
      if (held.base) carried[id] = held.base->drops;
    }
    return carried;
  }
  absl::Status AllowAdoption(const PortId& id, uint64_t duration_ns) override {
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(Held* const held, Find(id));
    held->adoptions.push_back(duration_ns);
    return absl::OkStatus();
  }

  // ---- The test's ----
  // The port is there from now on.
  void AddPort(const PortId& id) {
    const std::lock_guard lock(mutex_);
    ports_[id];
  }
  void RemovePort(const PortId& id) {
    const std::lock_guard lock(mutex_);
    ports_.erase(id);
  }
  // A connection begins, or changes.
  void Touch(const PortId& id, const std::string& key, const std::string& entry) {
    const std::lock_guard lock(mutex_);
    ports_[id].connections[key] = {.key = key, .entry = entry, .version = ++last_version_};
  }
  // One comes or goes without a change.
  void Put(const PortId& id, const ConnectionRecord& record) {
    const std::lock_guard lock(mutex_);
    ports_[id].connections[record.key] = record;
  }
  void Drop(const PortId& id, const std::string& key) {
    const std::lock_guard lock(mutex_);
    ports_[id].connections.erase(key);
  }
  void SetLevels(const PortId& id, const std::vector<BucketLevel>& levels) {
    const std::lock_guard lock(mutex_);
    ports_[id].levels = levels;
  }
  void SetRoom(const PortId& id, uint64_t room) {
    const std::lock_guard lock(mutex_);
    ports_[id].room = room;
  }
  void SetAbiVersion(uint32_t version) { abi_version_ = version; }
  Held Look(const PortId& id) const {
    const std::lock_guard lock(mutex_);
    const auto port = ports_.find(id);
    return port == ports_.end() ? Held() : port->second;
  }
  int exports() const {
    const std::lock_guard lock(mutex_);
    return exports_;
  }

 private:
  absl::StatusOr<Held*> Find(const PortId& id) {
    const auto port = ports_.find(id);
    if (port != ports_.end()) return &port->second;
    return absl::NotFoundError("port \"" + id.ToString() + "\": not on this host");
  }

  mutable std::mutex mutex_;
  uint32_t abi_version_ = 1;
  uint64_t last_version_ = 0;
  int exports_ = 0;
  std::map<PortId, Held> ports_;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_TESTS_FAKES_FAKE_PORT_MEMORY_H_
