// Hears from the hypervisors of this host when a guest pauses to run elsewhere and when one runs:
// over the QMP sockets that attachments name, and from libvirt. Owns those connections; tells whose
// ports are concerned, and nothing of what follows from it.
//
// Thread rule: Create, Follow and the destructor from any thread; `tell` is called on threads of
// the watch's and its hypervisors' and must not block.
#ifndef OUTRIDER_VSWITCH_AGENT_GUEST_WATCH_H_
#define OUTRIDER_VSWITCH_AGENT_GUEST_WATCH_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "vswitch/agent/qmp_guest.h"
#include "vswitch/state/attachment.h"
#include "vswitch/sys/libvirt/domain_watch.h"

namespace outrider::agent {

class GuestWatch {
 public:
  // `runs`: here; otherwise it has paused to run elsewhere. Ports of one guest together, never
  // none.
  using Tell = std::function<void(const std::set<PortId>& ports, bool runs, const GuestWord& word)>;

  // `libvirt`: its URI; empty: it is not asked. Nobody is before the first Follow.
  static absl::StatusOr<std::unique_ptr<GuestWatch>> Create(const std::string& libvirt, Tell tell,
                                                            WallClock clock = WallMicros);
  // `tell` is not called any more when it returns.
  ~GuestWatch();

  // What is attached now: QMP sockets it does not name any more are let go of.
  void Follow(const state::Attachments& attachments);
  // Any thread. libvirt is asked which of its guests have paused to run elsewhere, and connected to
  // if it was not.
  void AskWhoPaused();
  // Any thread. `done` is called on the watch's, soon; never, if the port's attachment names no QMP
  // socket, QEMU does not tell, or it has not yet answered the last time.
  void AskUsedIndex(const PortId& id, UsedIndexDone done);
  // Any thread. The port was moved: whoever knows its guest tells anew how that does (see
  // QmpGuest).
  void AskAnew(const PortId& id);

 private:
  GuestWatch(std::string libvirt, Tell tell, WallClock clock)
      : libvirt_(std::move(libvirt)), tell_(std::move(tell)), clock_(std::move(clock)) {}
  // Nullopt: it is not attached.
  std::optional<state::Attachment> AttachmentOf(const PortId& id);
  void FollowSockets();
  void TellOf(const std::function<bool(const state::Attachment&)>& concerns, bool runs,
              const GuestWord& word);
  void OnDomain(const libvirt::DomainEvent& event);

  const std::string libvirt_;
  const Tell tell_;
  const WallClock clock_;
  std::mutex mutex_;
  state::Attachments attachments_;

  std::unique_ptr<stream::PollLoop> loop_;
  // Both the loop's; by path.
  std::map<std::string, std::unique_ptr<QmpGuest>> qmp_;
  std::unique_ptr<libvirt::DomainWatch> domains_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_GUEST_WATCH_H_
