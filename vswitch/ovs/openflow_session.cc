#include "vswitch/ovs/openflow_session.h"

#include <fmt/format.h>

#include <algorithm>

namespace outrider::ovs {
namespace {

using openflow::Body;
using openflow::Bytes;
using openflow::ByteSpan;
using openflow::ErrorCode;
using openflow::kVersion10;
using openflow::kVersion13;
using openflow::Message;
using openflow::Plain;

constexpr uint32_t kOurVersions = 1u << kVersion10 | 1u << kVersion13;
// Of the request that an error quotes: enough to be read by whoever sent it, and no second copy of
// what may be 64 kB (1.3.5, 7.5.4 asks for 64 bytes).
constexpr size_t kMostQuoted = 1024;
constexpr uint16_t k13BufferOverflow = 13;
constexpr uint32_t kRoleMaster = 2;

// Listed versions, or all up to the header's.
uint32_t VersionsOf(const Message& hello) {
  const uint32_t listed = std::get<openflow::Hello>(hello.body).versions;
  if (listed != 0) return listed;
  return hello.version >= 31 ? ~0u : (2u << hello.version) - 1;
}

// Experimenter of a 1.3 message that we keep as it is.
bool IsOnf(const openflow::Opaque& opaque) {
  openflow::WireReader in(opaque.body);
  return opaque.type == openflow::kVendor && in.U32() == openflow::kOnfVendor;
}

bool Orders(const openflow::Opaque& opaque, uint8_t version) {
  if (opaque.type == openflow::kPacketOut) return true;
  if (version == kVersion10) return false;
  return opaque.type == openflow::k13GroupMod || opaque.type == openflow::k13TableMod ||
         opaque.type == openflow::k13MeterMod || opaque.type == openflow::k13SetAsync ||
         IsOnf(opaque);
}

}  // namespace

Bytes OpenFlowSession::Hello() {
  const Message hello{.version = kVersion13, .xid = 1, .body = openflow::Hello{kOurVersions}};
  return openflow::Encode(hello).value_or(Bytes{});
}

void OpenFlowSession::Say(uint32_t xid, Body body, Reply& reply) const {
  const Message message{.version = version_, .xid = xid, .body = std::move(body)};
  auto parts = openflow::EncodeParts(message);
  if (!parts.ok()) {
    reply.end = Annotate(parts.status(), "answer to " + bridge_ + "'s controller");
    return;
  }
  for (Bytes& part : *parts) reply.messages.push_back(std::move(part));
}

void OpenFlowSession::Refuse(uint32_t xid, ErrorCode why, ByteSpan frame, Reply& reply) const {
  const ByteSpan quoted = frame.first(std::min(frame.size(), kMostQuoted));
  Say(xid, openflow::Error{.code = why, .data = {quoted.begin(), quoted.end()}}, reply);
}

OpenFlowSession::Reply OpenFlowSession::OnHello(const Message& hello) {
  Reply reply;
  if (version_ != 0) return reply;
  const uint32_t common = VersionsOf(hello) & kOurVersions;
  if (common == 0) {
    version_ = kVersion13;
    const std::string text =
        fmt::format("OpenFlow versions 1.0 and 1.3 are served here, none of yours (up to {:#04x})",
                    hello.version);
    Say(hello.xid,
        openflow::Error{.code = {openflow::kHelloFailed, openflow::kHelloIncompatible},
                        .data = {text.begin(), text.end()}},
        reply);
    reply.end = absl::FailedPreconditionError(text);
    return reply;
  }
  version_ = (common & 1u << kVersion13) != 0 ? kVersion13 : kVersion10;
  return reply;
}

OpenFlowSession::Reply OpenFlowSession::OnFrame(ByteSpan frame) {
  Reply reply;
  const absl::StatusOr<Message> message = openflow::Decode(frame);
  if (message.ok() && std::holds_alternative<openflow::Hello>(message->body)) {
    return OnHello(*message);
  }
  if (version_ == 0) {
    reply.end = absl::FailedPreconditionError("OpenFlow peer did not begin with hello");
    return reply;
  }
  openflow::WireReader header(frame);
  const uint8_t version = header.U8();
  header.Skip(3);
  const uint32_t xid = header.U32();
  if (version != version_) {
    Refuse(xid, {openflow::kBadRequest, openflow::kBadVersion}, frame, reply);
    return reply;
  }
  if (message.ok()) {
    Handle(*message, frame, reply);
    return reply;
  }
  const bool unknown_field = message.status().code() == absl::StatusCode::kUnimplemented;
  ErrorCode why{openflow::kBadRequest, openflow::kBadLength};
  if (unknown_field && version_ != kVersion10) {
    why = {openflow::k13BadMatch, openflow::kBadMatchField};
  } else if (unknown_field) {
    why = {openflow::kBadRequest, openflow::kBadSubtype};
  }
  Refuse(xid, why, frame, reply);
  return reply;
}

void OpenFlowSession::Handle(const Message& request, ByteSpan frame, Reply& reply) {
  if (const auto* echo = std::get_if<openflow::Echo>(&request.body)) {
    if (!echo->reply) Say(request.xid, openflow::Echo{.reply = true, .data = echo->data}, reply);
    return;
  }
  // Nobody who snoops asks anything; errors are not answered.
  if (kind_ == Kind::kSnoop || std::holds_alternative<openflow::Error>(request.body)) return;
  // Accepted without an answer: the form in which flows are listed is the request's own, and a
  // table in a flow-mod's command is as good as none.
  if (std::holds_alternative<openflow::SetFlowFormat>(request.body) ||
      std::holds_alternative<openflow::FlowModTableId>(request.body)) {
    return;
  }
  const auto* config = std::get_if<openflow::SwitchConfig>(&request.body);
  if (config != nullptr && config->set && *config == openflow::SwitchConfig{.set = true}) return;
  Answer answer = AnswerTo(request);
  if (const auto* why = std::get_if<ErrorCode>(&answer)) {
    Refuse(request.xid, *why, frame, reply);
  } else {
    Say(request.xid, std::get<Body>(std::move(answer)), reply);
  }
}

Answer OpenFlowSession::AnswerTo(const Message& request) const {
  if (request.more) return ErrorCode{openflow::kBadRequest, k13BufferOverflow};
  if (const auto* plain = std::get_if<Plain>(&request.body)) {
    if (*plain == Plain::kBarrierRequest) return Body{Plain::kBarrierReply};
    if (*plain == Plain::kGetConfigRequest) return Body{openflow::SwitchConfig{}};
    if (*plain == Plain::kBarrierReply) {
      return ErrorCode{openflow::kBadRequest, openflow::kBadType};
    }
  }
  if (const auto* opaque = std::get_if<openflow::Opaque>(&request.body)) {
    if (opaque->why.has_value()) return *opaque->why;
    if (Orders(*opaque, version_)) return Refusal(request.body, version_);
    const bool vendor = opaque->type == openflow::kVendor;
    return ErrorCode{openflow::kBadRequest, vendor ? openflow::kBadVendor : openflow::kBadType};
  }
  if (const auto* role = std::get_if<openflow::Role>(&request.body)) {
    if (role->reply) return ErrorCode{openflow::kBadRequest, openflow::kBadType};
    // Nobody may order anything here: all are equal, or less.
    if (role->role == kRoleMaster || role->role > 3) return Refusal(request.body, version_);
    return Body{openflow::Role{
        .reply = true, .role = role->role == 0 ? 1 : role->role, .generation = role->generation}};
  }
  if (std::holds_alternative<openflow::FlowMod>(request.body) ||
      std::holds_alternative<openflow::PortMod>(request.body) ||
      std::holds_alternative<openflow::SwitchConfig>(request.body)) {
    return Refusal(request.body, version_);
  }
  return AnswerFromFacts(request);
}

Answer OpenFlowSession::AnswerFromFacts(const Message& request) const {
  const bool features = std::holds_alternative<Plain>(request.body);
  const auto* flows = std::get_if<openflow::FlowStatsRequest>(&request.body);
  const auto* stats = std::get_if<openflow::StatsRequest>(&request.body);
  // What only switches say.
  if (!features && flows == nullptr && stats == nullptr) {
    return ErrorCode{openflow::kBadRequest, openflow::kBadType};
  }
  const SwitchFacts facts = facts_->Look();
  const auto bridge = facts.bridges.find(bridge_);
  // It was removed; the listener goes next.
  if (bridge == facts.bridges.end()) return ErrorCode{openflow::kBadRequest, openflow::kEperm};
  if (flows != nullptr) return AnswerFlows(facts, bridge->second, *flows);
  if (stats != nullptr) return AnswerStats(facts, bridge->second, version_, *stats);
  return Body{FeaturesOf(bridge->second, version_)};
}

}  // namespace outrider::ovs
