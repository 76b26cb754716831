// Turns link events into what concerns ports, uplinks and the tunnel: a device of a name appeared,
// was set up or down, its carrier came or went, or its features changed; or the one that was there
// is gone (removed, renamed, or replaced by another). Owns the names last seen. Knows no ports.
//
// Thread rule: DeviceNames one thread; DeviceWatch's callbacks run on the link monitor's thread.
#ifndef OUTRIDER_VSWITCH_AGENT_DEVICE_WATCH_H_
#define OUTRIDER_VSWITCH_AGENT_DEVICE_WATCH_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "vswitch/sys/netlink/link_monitor.h"
#include "vswitch/sys/netlink/netlink_socket.h"

namespace outrider::agent {

struct DeviceChange {
  enum class Kind {
    kGone,
    // It is there, perhaps anew or in another state.
    kAppeared,
    // What it leaves to who reads from it is another.
    kFeatures,
  };
  std::string device;
  Kind kind = Kind::kGone;
  bool operator==(const DeviceChange&) const = default;
};

// Pure bookkeeping: what an event changes about names.
class DeviceNames {
 public:
  // Changes in order: what is gone before what appeared.
  std::vector<DeviceChange> Update(const sys::LinkEvent& event);
  // As if all was seen anew: after lost events.
  std::vector<DeviceChange> Replace(const std::vector<sys::Link>& links);

 private:
  struct Seen {
    std::string name;
    bool up = false;
    bool carrier = false;
    bool operator==(const Seen&) const = default;
  };
  // By interface index.
  std::map<int, Seen> seen_;
};

class DeviceWatch {
 public:
  using OnChange = std::function<void(const DeviceChange&)>;

  // Watches the namespace of the calling thread. `on_change` must not block.
  static absl::StatusOr<std::unique_ptr<DeviceWatch>> Create(OnChange on_change);

 private:
  DeviceWatch(std::unique_ptr<sys::NetlinkSocket> socket, OnChange on_change);
  void Handle(const sys::LinkEvent& event);
  absl::Status Resync();

  // Serialises the monitor's thread with the first listing.
  std::mutex mutex_;
  std::unique_ptr<sys::NetlinkSocket> socket_;
  OnChange on_change_;
  DeviceNames names_;
  // Last: its thread uses the rest.
  std::unique_ptr<sys::LinkMonitor> monitor_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_DEVICE_WATCH_H_
