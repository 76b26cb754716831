// One stream of one host: who is at the other end, what waits to be sent, what was refused. Sends
// the newest state whenever the stream can take a message. Must not know of other sessions, or of
// what reports of the host mean.
//
// Lives on the sessions' executor.
#ifndef OUTRIDER_CONTROLLER_SESSION_HOST_SESSION_H_
#define OUTRIDER_CONTROLLER_SESSION_HOST_SESSION_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "controller/compute/multicast.h"
#include "controller/compute/profile_compiler.h"
#include "controller/pki/peer_verifier.h"
#include "controller/session/host_stream.h"
#include "controller/session/state_feed.h"
#include "controller/store/repository.h"
#include "outrider/v1/session.pb.h"

namespace outrider::controller {

// An attachment the controller would not have, and why; tried again when the model changes.
struct RefusedAttachment {
  v1::PortAttachment attachment;
  std::string reason;
  // There is no such port, and it was not to be made.
  bool unknown = false;
};

inline constexpr int64_t kMulticastPeriodUs = 1'000'000;

class HostSession {
 public:
  // `repository`, `compiler` and `multicast` must outlive the session. `peer` is the address, for
  // messages.
  HostSession(const PeerIdentity& identity, const std::string& peer,
              std::shared_ptr<HostStream> stream, const Repository* repository,
              ProfileCompiler* compiler, const MulticastMembers* multicast, int64_t now_us)
      : identity_(identity),
        peer_(peer),
        stream_(std::move(stream)),
        repository_(repository),
        compiler_(compiler),
        multicast_(multicast),
        last_heard_us_(now_us) {}

  const std::string& host() const { return identity_.host_id; }
  const PeerIdentity& identity() const { return identity_; }
  const std::string& peer() const { return peer_; }
  HostStream& stream() { return *stream_; }
  StateFeed& feed() { return feed_; }

  // After the Hello was accepted: decides where to go on from. Returns whether it resumes. Welcome
  // and state are sent by the next MarkDirty.
  bool Start(const v1::Hello& hello, uint32_t counters_interval_s, const GenerationState& kept);
  bool started() const { return welcome_.has_value() || welcomed_; }
  // Hello.instance_id; empty before.
  const std::string& instance_id() const { return instance_id_; }

  // The state may have changed; sent when the stream can take it.
  void MarkDirty();
  // Whether the host may be told of changed multicast groups now: once in kMulticastPeriodUs.
  bool TakeMulticastTurn(int64_t now_us);
  // Tells the agent that an attachment was refused, once per reason.
  void Refuse(const v1::PortAttachment& attachment, const std::string& reason,
              bool unknown = false);
  void Accept(const v1::PortAttachment& attachment);
  // The device was detached.
  void Forget(const std::string& port_id);
  // The host's devices, by port id.
  const std::map<std::string, v1::PortAttachment>& accepted() const { return accepted_; }
  const std::map<std::string, RefusedAttachment>& refused() const { return refused_; }

  // The stream has taken the last message.
  void OnWritten();

  // When the host was last heard of, controller's clock.
  int64_t last_heard_us() const { return last_heard_us_; }
  void Heard(int64_t now_us) { last_heard_us_ = now_us; }
  // What of it the host object shows.
  int64_t shown_us() const { return shown_us_; }
  void Shown() { shown_us_ = last_heard_us_; }

  // Whether an Ack has come: a host that resumes holds a state, and has yet to say that it is in
  // force. The failures are the last Ack's.
  bool has_acked() const { return has_acked_; }
  using Failures = google::protobuf::RepeatedPtrField<v1::ObjectFailure>;
  const Failures& failures() const { return failures_; }
  void TakeAck(const v1::Ack& ack) {
    has_acked_ = true;
    failures_ = ack.failures();
  }

  // Segments the host has ports in but does not carry any more, by what it says of itself.
  std::set<std::string>& misfits() { return misfits_; }

  // Ports whose failure the host reported in its last Ack.
  std::set<std::string>& failing_ports() { return failing_ports_; }

 private:
  GenerationState Compute() const;
  std::optional<v1::ControllerMessage> NextMessage();
  void Pump();

  const PeerIdentity identity_;
  const std::string peer_;
  const std::shared_ptr<HostStream> stream_;
  const Repository* const repository_;
  ProfileCompiler* const compiler_;
  const MulticastMembers* const multicast_;
  int64_t last_heard_us_;
  int64_t shown_us_ = 0;
  std::string instance_id_;

  StateFeed feed_;
  bool dirty_ = false;
  bool writing_ = false;
  bool welcomed_ = false;
  std::optional<v1::ControllerMessage> welcome_;
  std::map<std::string, v1::PortAttachment> accepted_;
  std::map<std::string, RefusedAttachment> refused_;
  // Ports of refused_ the agent has not been told of.
  std::set<std::string> untold_;
  bool has_acked_ = false;
  Failures failures_;
  std::set<std::string> failing_ports_;
  std::set<std::string> misfits_;
  int64_t multicast_next_us_ = 0;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SESSION_HOST_SESSION_H_
