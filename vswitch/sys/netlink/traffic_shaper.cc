#include "vswitch/sys/netlink/traffic_shaper.h"

#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/handlers.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "vswitch/sys/netlink/netlink_error.h"

namespace outrider::sys {
namespace {

constexpr uint32_t kHandle = 0x4f520000;  // "OR"
constexpr uint32_t kTopClass = kHandle | 1;
// All frames: the discipline's default class. Below a class with the ceiling as its rate, of which
// it may borrow what is beyond its guarantee.
constexpr uint32_t kLeafClass = kHandle | 2;
constexpr uint32_t kNoLimit32 = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kQuantum = 65536;
constexpr uint32_t kTicksPerS = 1'000'000'000 / 64;  // PSCHED_SHIFT, /proc/net/psched
constexpr uint32_t kHtbVersion = 3;

struct MessageFreer {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};
using MessageHandle = std::unique_ptr<nl_msg, MessageFreer>;

struct CallbackFreer {
  void operator()(nl_cb* callbacks) const { nl_cb_put(callbacks); }
};

// What the kernel holds of a class: rates in bytes per second, buckets as times.
struct HtbClass {
  uint64_t rate = 0;
  uint64_t ceiling = 0;
  uint32_t buffer_ticks = 0;
  uint32_t ceiling_ticks = 0;
  bool operator==(const HtbClass&) const = default;
};

uint32_t Ticks(uint64_t bytes, uint64_t bytes_per_s) {
  const long double ticks = static_cast<long double>(bytes) * kTicksPerS / bytes_per_s;
  return ticks < kNoLimit32 ? static_cast<uint32_t>(ticks) : kNoLimit32;
}

HtbClass MakeClass(uint64_t rate, uint64_t ceiling, uint64_t burst) {
  return {rate, ceiling, Ticks(burst, rate), Ticks(burst, ceiling)};
}

HtbClass TopOf(const ShapedRate& rate) { return MakeClass(rate.ceiling, rate.ceiling, rate.burst); }

HtbClass LeafOf(const ShapedRate& rate) {
  return MakeClass(rate.guaranteed, rate.ceiling, rate.burst);
}

tc_ratespec Spec(uint64_t bytes_per_s) {
  tc_ratespec spec{};
  spec.rate = static_cast<uint32_t>(std::min<uint64_t>(bytes_per_s, kNoLimit32));
  // Times are computed, not looked up in a table of ours.
  spec.linklayer = TC_LINKLAYER_ETHERNET;
  return spec;
}

int PutClass(nl_msg* message, const HtbClass& values) {
  tc_htb_opt options{};
  options.rate = Spec(values.rate);
  options.ceil = Spec(values.ceiling);
  options.buffer = values.buffer_ticks;
  options.cbuffer = values.ceiling_ticks;
  options.quantum = kQuantum;
  int error = nla_put(message, TCA_HTB_PARMS, sizeof(options), &options);
  if (error >= 0 && values.rate > kNoLimit32) {
    error = nla_put_u64(message, TCA_HTB_RATE64, values.rate);
  }
  if (error >= 0 && values.ceiling > kNoLimit32) {
    error = nla_put_u64(message, TCA_HTB_CEIL64, values.ceiling);
  }
  return error;
}

int PutDiscipline(nl_msg* message) {
  tc_htb_glob options{};
  options.version = kHtbVersion;
  options.rate2quantum = 10;
  options.defcls = kLeafClass & 0xffff;
  return nla_put(message, TCA_HTB_INIT, sizeof(options), &options);
}

std::optional<HtbClass> ParseClass(nl_msg* message) {
  nlattr* attributes[TCA_MAX + 1];
  nlattr* options[TCA_HTB_MAX + 1];
  if (nlmsg_parse(nlmsg_hdr(message), sizeof(tcmsg), attributes, TCA_MAX, nullptr) < 0 ||
      attributes[TCA_KIND] == nullptr || nla_strcmp(attributes[TCA_KIND], "htb") != 0 ||
      attributes[TCA_OPTIONS] == nullptr ||
      nla_parse_nested(options, TCA_HTB_MAX, attributes[TCA_OPTIONS], nullptr) < 0 ||
      options[TCA_HTB_PARMS] == nullptr) {
    return std::nullopt;
  }
  tc_htb_opt values{};
  nla_memcpy(&values, options[TCA_HTB_PARMS], sizeof(values));
  const auto rate = [&](int attribute, uint32_t narrow) {
    return options[attribute] == nullptr ? narrow : nla_get_u64(options[attribute]);
  };
  return HtbClass{rate(TCA_HTB_RATE64, values.rate.rate), rate(TCA_HTB_CEIL64, values.ceil.rate),
                  values.buffer, values.cbuffer};
}

struct Answer {
  bool complete = false;
  std::optional<HtbClass> found;
};

int OnMessage(nl_msg* message, void* context) {
  if (auto found = ParseClass(message)) static_cast<Answer*>(context)->found = found;
  return NL_OK;
}

int OnAck(nl_msg* /*message*/, void* context) {
  static_cast<Answer*>(context)->complete = true;
  return NL_STOP;
}

class RtnetlinkShaper final : public TrafficShaper {
 public:
  explicit RtnetlinkShaper(SocketHandle socket) : socket_(std::move(socket)) {}

  absl::Status Shape(int ifindex, const ShapedRate& rate) override {
    ASSIGN_OR_RETURN(const bool shaped, IsShaped(ifindex, rate));
    if (shaped) return absl::OkStatus();
    const absl::Status added = AddDiscipline(ifindex);
    // Ours of before, or somebody else's: those have no class of that handle.
    if (!added.ok() && !absl::IsAlreadyExists(added)) return added;
    const absl::Status top = SetClass(ifindex, kTopClass, kHandle, TopOf(rate));
    if (!added.ok() && !top.ok()) {
      return absl::AlreadyExistsError(
          "has a queueing discipline that somebody else configured; remove it (tc qdisc del dev "
          "DEVICE root), or the shaper from the profile");
    }
    RETURN_IF_ERROR(top);
    return SetClass(ifindex, kLeafClass, kTopClass, LeafOf(rate));
  }

  absl::Status Unshape(int ifindex) override {
    ASSIGN_OR_RETURN(MessageHandle message, Request(RTM_DELQDISC, 0, ifindex, kHandle, TC_H_ROOT));
    const absl::Status status =
        Ask(message.get(), fmt::format("remove the shaper of device {}", ifindex)).status();
    // The kernel refuses to remove a discipline of another handle.
    return absl::IsNotFound(status) || absl::IsInvalidArgument(status) ? absl::OkStatus() : status;
  }

  absl::StatusOr<bool> IsShaped(int ifindex, const ShapedRate& rate) override {
    ASSIGN_OR_RETURN(const auto top, GetClass(ifindex, kTopClass));
    if (top != TopOf(rate)) return false;
    ASSIGN_OR_RETURN(const auto leaf, GetClass(ifindex, kLeafClass));
    return leaf == LeafOf(rate);
  }

 private:
  static absl::StatusOr<MessageHandle> Request(int type, int flags, int ifindex, uint32_t handle,
                                               uint32_t parent) {
    MessageHandle message(nlmsg_alloc_simple(type, flags));
    tcmsg header{};
    header.tcm_family = AF_UNSPEC;
    header.tcm_ifindex = ifindex;
    header.tcm_handle = handle;
    header.tcm_parent = parent;
    if (message == nullptr ||
        nlmsg_append(message.get(), &header, sizeof(header), NLMSG_ALIGNTO) < 0) {
      return absl::ResourceExhaustedError("traffic control: out of memory");
    }
    return message;
  }

  // With kind and options, which `put` adds.
  template <typename Put>
  static absl::Status Complete(nl_msg* message, Put put) {
    int error = nla_put_string(message, TCA_KIND, "htb");
    nlattr* options = error < 0 ? nullptr : nla_nest_start(message, TCA_OPTIONS);
    if (options == nullptr || put(message) < 0) {
      return absl::ResourceExhaustedError("traffic control: out of memory");
    }
    nla_nest_end(message, options);
    return absl::OkStatus();
  }

  // Sends, and receives up to the acknowledgement.
  absl::StatusOr<Answer> Ask(nl_msg* message, const std::string& what) {
    Answer answer;
    const std::unique_ptr<nl_cb, CallbackFreer> callbacks(nl_cb_alloc(NL_CB_DEFAULT));
    if (callbacks == nullptr) return absl::ResourceExhaustedError(what + ": out of memory");
    nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, OnMessage, &answer);
    nl_cb_set(callbacks.get(), NL_CB_ACK, NL_CB_CUSTOM, OnAck, &answer);
    RETURN_IF_ERROR(NetlinkStatus(nl_send_auto(socket_.get(), message), what));
    while (!answer.complete) {
      RETURN_IF_ERROR(NetlinkStatus(nl_recvmsgs(socket_.get(), callbacks.get()), what));
    }
    return answer;
  }

  // Never takes the place of another one but of the kernel's default.
  absl::Status AddDiscipline(int ifindex) {
    ASSIGN_OR_RETURN(MessageHandle message,
                     Request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex, kHandle, TC_H_ROOT));
    RETURN_IF_ERROR(Complete(message.get(), PutDiscipline));
    return Ask(message.get(), fmt::format("add a shaper to device {}", ifindex)).status();
  }

  absl::Status SetClass(int ifindex, uint32_t id, uint32_t parent, const HtbClass& values) {
    ASSIGN_OR_RETURN(MessageHandle message,
                     Request(RTM_NEWTCLASS, NLM_F_CREATE, ifindex, id, parent));
    RETURN_IF_ERROR(Complete(message.get(), [&](nl_msg* to) { return PutClass(to, values); }));
    return Ask(message.get(), fmt::format("set the rate of device {}", ifindex)).status();
  }

  // nullopt when there is none, or no device.
  absl::StatusOr<std::optional<HtbClass>> GetClass(int ifindex, uint32_t id) {
    // Without ECHO older kernels tell only those who listen to everything.
    ASSIGN_OR_RETURN(MessageHandle message, Request(RTM_GETTCLASS, NLM_F_ECHO, ifindex, id, 0));
    auto answer = Ask(message.get(), fmt::format("look for the shaper of device {}", ifindex));
    if (absl::IsNotFound(answer.status()) || absl::IsInvalidArgument(answer.status())) {
      return std::optional<HtbClass>();
    }
    if (!answer.ok()) return answer.status();
    return answer->found;
  }

  const SocketHandle socket_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TrafficShaper>> TrafficShaper::Create() {
  SocketHandle socket(nl_socket_alloc());
  if (socket == nullptr) return absl::ResourceExhaustedError("netlink socket: out of memory");
  RETURN_IF_ERROR(NetlinkStatus(nl_connect(socket.get(), NETLINK_ROUTE), "connect rtnetlink"));
  return std::make_unique<RtnetlinkShaper>(std::move(socket));
}

}  // namespace outrider::sys
