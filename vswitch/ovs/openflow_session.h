// One OpenFlow connection of a bridge: which version is spoken, and what is answered to each
// message. Nothing a peer says changes anything: what would is refused by an OpenFlow error. Knows
// no sockets.
//
// Thread rule: one thread; the facts' own rule applies to what it asks of them.
#ifndef OUTRIDER_VSWITCH_OVS_OPENFLOW_SESSION_H_
#define OUTRIDER_VSWITCH_OVS_OPENFLOW_SESSION_H_

#include <optional>
#include <string>
#include <vector>

#include "vswitch/ovs/openflow_replies.h"
#include "vswitch/ovs/switch_facts.h"
#include "vswitch/sys/openflow/message.h"

namespace outrider::ovs {

class OpenFlowSession {
 public:
  // kSnoop: of `<bridge>.snoop`, where messages between the switch and its controllers are shown.
  // There are none, so it stays silent but for hello and echo.
  enum class Kind { kManagement, kSnoop };
  // `facts` outlives the session.
  OpenFlowSession(std::string bridge, Kind kind, SwitchFactsSource* facts)
      : bridge_(std::move(bridge)), kind_(kind), facts_(facts) {}

  // What is said first.
  static openflow::Bytes Hello();

  struct Reply {
    // In order; each one message.
    std::vector<openflow::Bytes> messages = {};
    // After these the connection is closed, for this reason.
    absl::Status end = absl::OkStatus();
  };
  // One whole message, with the length that its header says.
  Reply OnFrame(openflow::ByteSpan frame);

  // 0: no hello yet.
  uint8_t version() const { return version_; }

 private:
  Reply OnHello(const openflow::Message& hello);
  void Handle(const openflow::Message& request, openflow::ByteSpan frame, Reply& reply);
  Answer AnswerTo(const openflow::Message& request) const;
  Answer AnswerFromFacts(const openflow::Message& request) const;
  void Say(uint32_t xid, openflow::Body body, Reply& reply) const;
  void Refuse(uint32_t xid, openflow::ErrorCode why, openflow::ByteSpan frame, Reply& reply) const;

  const std::string bridge_;
  const Kind kind_;
  SwitchFactsSource* const facts_;
  uint8_t version_ = 0;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_OPENFLOW_SESSION_H_
