// Tells the monitors of one database of each commit. Monitors that ask for the same are one: a
// commit is put into words once for each distinct wish, however many sessions have it. Knows no
// session and no socket.
//
// Thread rule: the database's thread.
#ifndef OUTRIDER_VSWITCH_OVS_MONITOR_HUB_H_
#define OUTRIDER_VSWITCH_OVS_MONITOR_HUB_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "vswitch/ovs/monitor_update.h"

namespace outrider::ovs {

class MonitorHub {
 public:
  // Gets the text of <table-updates>. Must not change the hub.
  using Sink = std::function<void(const std::string& updates)>;

  // `database` outlives the hub.
  explicit MonitorHub(Database* database);
  ~MonitorHub();
  MonitorHub(const MonitorHub&) = delete;
  MonitorHub& operator=(const MonitorHub&) = delete;

  // From the next commit on. Returns a token.
  uint64_t Add(const MonitorSpec& spec, Sink sink);
  void Remove(uint64_t token);

  // Different wishes that are heard now, and how many updates were put into words.
  size_t distinct() const { return groups_.size(); }
  uint64_t composed() const { return composed_; }

 private:
  struct Group {
    MonitorSpec spec;
    std::map<uint64_t, Sink> sinks;
  };
  void OnCommit(const Changes& changes);

  Database* const database_;
  uint64_t observer_;
  // By MonitorSpec::Key.
  std::map<std::string, Group> groups_;
  std::map<uint64_t, std::string> keys_;
  uint64_t next_ = 1;
  uint64_t composed_ = 0;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_MONITOR_HUB_H_
