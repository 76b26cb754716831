// An OpenFlow peer that says anything to a bridge: no crash, what it is told can be read, and what
// we can read we can say again with the same meaning.
#include <cstdlib>

#include "tests/ovs/openflow_facts.h"
#include "vswitch/ovs/openflow_session.h"
#include "vswitch/sys/openflow/frame_splitter.h"
#include "vswitch/sys/openflow/message.h"

namespace outrider::ovs {
namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void Repeat(openflow::ByteSpan frame) {
  const auto message = openflow::Decode(frame);
  if (!message.ok()) return;
  // What nobody knows is answered, and not kept.
  const auto* opaque = std::get_if<openflow::Opaque>(&message->body);
  if (opaque != nullptr && opaque->why) return;
  const auto bytes = openflow::Encode(*message);
  // A list of what is short on the wire may be longer in our words.
  if (!bytes.ok()) return;
  const auto again = openflow::Decode(*bytes);
  Check(again.ok());
  const auto same = openflow::Encode(*again);
  Check(same.ok() && *same == *bytes);
}

void Run(openflow::ByteSpan bytes) {
  static GivenFacts facts(WebFacts(WebState()));
  OpenFlowSession session("br0", OpenFlowSession::Kind::kManagement, &facts);
  openflow::FrameSplitter splitter;
  const auto status = splitter.Feed(bytes, [&](openflow::ByteSpan frame) {
    Repeat(frame);
    const OpenFlowSession::Reply reply = session.OnFrame(frame);
    for (const openflow::Bytes& message : reply.messages) Check(openflow::Decode(message).ok());
    return reply.end;
  });
  static_cast<void>(status);
}

}  // namespace
}  // namespace outrider::ovs

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  outrider::ovs::Run({data, size});
  return 0;
}
