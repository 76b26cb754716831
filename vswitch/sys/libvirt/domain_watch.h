// Hears from libvirt when a domain of this host pauses to run on another one, and when one runs.
// Owns its connection, which it makes anew whenever it breaks. Knows no ports. Read-only: it
// changes nothing of libvirt's.
//
// Thread rule: Create, AskWhoPaused and the destructor from one thread; one object in a process
// (libvirt's event loop is the process's). The callback comes on a thread of its own and must not
// block.
#ifndef OUTRIDER_VSWITCH_SYS_LIBVIRT_DOMAIN_WATCH_H_
#define OUTRIDER_VSWITCH_SYS_LIBVIRT_DOMAIN_WATCH_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace outrider::libvirt {

struct DomainEvent {
  enum class Kind {
    // Its memory goes, or has gone, to another host; by itself it does not run here again.
    kPausedToMigrate,
    kRuns,
  };
  Kind kind = Kind::kRuns;
  // Lower case, with dashes.
  std::string uuid;
  std::string name;
  bool operator==(const DomainEvent&) const = default;
};

// Of a lifecycle event (virDomainEventType and the detail of its kind); nullopt: nothing that
// matters here. `virsh suspend` and what pauses a guest for an I/O error are no migrations.
std::optional<DomainEvent::Kind> KindOfLifecycle(int event, int detail);
// Of a state (virDomainState) and the reason of its kind.
std::optional<DomainEvent::Kind> KindOfState(int state, int reason);

class DomainWatch {
 public:
  // Also told of how each domain is when a connection is made.
  using Callback = std::function<void(const DomainEvent& event)>;

  // Connects from now on to `uri`, again and again: a libvirtd that is not there is no error.
  static std::unique_ptr<DomainWatch> Create(const std::string& uri, Callback callback);
  // Tells which domains have paused to run elsewhere, soon: events may be late, and a connection
  // that has broken is tried anew only now and then.
  virtual void AskWhoPaused() = 0;
  // No call comes after it.
  virtual ~DomainWatch() = default;

  // Tells soon, once more, how each domain is. Any thread.
  virtual void TellAnew() = 0;
};

}  // namespace outrider::libvirt

#endif  // OUTRIDER_VSWITCH_SYS_LIBVIRT_DOMAIN_WATCH_H_
