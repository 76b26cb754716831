#include "vswitch/sys/netlink/next_hops.h"

#include <fmt/format.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/handlers.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/route.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string>
#include <utility>

#include "vswitch/sys/netlink/netlink_error.h"
#include "vswitch/sys/netlink/rtnetlink_listener.h"

namespace outrider::sys {
namespace {

constexpr int kValid =
    NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
// Somebody has set these, and nobody asks for them.
constexpr int kSet = NUD_PERMANENT | NUD_NOARP;

struct MessageFreer {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};
using MessageHandle = std::unique_ptr<nl_msg, MessageFreer>;

struct CallbackFreer {
  void operator()(nl_cb* callbacks) const { nl_cb_put(callbacks); }
};
using CallbackHandle = std::unique_ptr<nl_cb, CallbackFreer>;

struct RouteFreer {
  void operator()(rtnl_route* route) const { rtnl_route_put(route); }
};
using RouteHandle = std::unique_ptr<rtnl_route, RouteFreer>;

int FamilyOf(const IpAddress& address) { return address.IsV4() ? AF_INET : AF_INET6; }

int PutAddress(nl_msg* message, int attribute, const IpAddress& address) {
  if (address.IsV4()) {
    const auto bytes = address.v4_bytes();
    return nla_put(message, attribute, bytes.size(), bytes.data());
  }
  return nla_put(message, attribute, address.bytes().size(), address.bytes().data());
}

std::optional<IpAddress> ToIpAddress(const nl_addr* address) {
  if (address == nullptr) return std::nullopt;
  const auto* bytes = static_cast<const uint8_t*>(nl_addr_get_binary_addr(address));
  if (nl_addr_get_family(address) == AF_INET && nl_addr_get_len(address) == 4) {
    std::array<uint8_t, 4> v4;
    std::copy_n(bytes, v4.size(), v4.begin());
    return IpAddress::FromV4(v4);
  }
  if (nl_addr_get_family(address) != AF_INET6 || nl_addr_get_len(address) != 16) {
    return std::nullopt;
  }
  std::array<uint8_t, 16> v6;
  std::copy_n(bytes, v6.size(), v6.begin());
  return IpAddress(v6);
}

// A neighbour's message; nullopt: of a bridge's table, or another family's.
struct Neighbor {
  NextHop hop{};
  int state = 0;
  std::optional<MacAddress> mac;
};

std::optional<Neighbor> ToNeighbor(nl_object* object) {
  auto* const entry = reinterpret_cast<rtnl_neigh*>(object);
  const auto address = ToIpAddress(rtnl_neigh_get_dst(entry));
  if (!address) return std::nullopt;
  Neighbor neighbor{.hop = {rtnl_neigh_get_ifindex(entry), *address},
                    .state = rtnl_neigh_get_state(entry),
                    .mac = std::nullopt};
  const nl_addr* const link = rtnl_neigh_get_lladdr(entry);
  if (link != nullptr && nl_addr_get_len(link) == 6) {
    std::array<uint8_t, 6> mac;
    std::copy_n(static_cast<const uint8_t*>(nl_addr_get_binary_addr(link)), mac.size(),
                mac.begin());
    neighbor.mac = MacAddress(mac);
  }
  return neighbor;
}

std::optional<Neighbor> ParseNeighbor(nl_msg* message) {
  std::optional<Neighbor> neighbor;
  nl_msg_parse(
      message,
      [](nl_object* object, void* to) {
        *static_cast<std::optional<Neighbor>*>(to) = ToNeighbor(object);
      },
      &neighbor);
  return neighbor;
}

bool IsManaged(nlmsghdr* header) {
  nlattr* const flags = nlmsg_find_attr(header, sizeof(ndmsg), NDA_FLAGS_EXT);
  return flags != nullptr && nla_len(flags) >= static_cast<int>(sizeof(uint32_t)) &&
         (nla_get_u32(flags) & NTF_EXT_MANAGED) != 0;
}

// Whether a route, or one of its hops, puts headers on.
bool Encapsulates(nlmsghdr* header) {
  if (nlmsg_find_attr(header, sizeof(rtmsg), RTA_ENCAP) != nullptr) return true;
  nlattr* const hops = nlmsg_find_attr(header, sizeof(rtmsg), RTA_MULTIPATH);
  if (hops == nullptr) return false;
  auto* hop = static_cast<rtnexthop*>(nla_data(hops));
  for (int left = nla_len(hops); left >= static_cast<int>(sizeof(*hop)) && RTNH_OK(hop, left);
       left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
    const int length = hop->rtnh_len - static_cast<int>(sizeof(*hop));
    if (nla_find(reinterpret_cast<nlattr*>(RTNH_DATA(hop)), length, RTA_ENCAP) != nullptr) {
      return true;
    }
  }
  return false;
}

// Empty: packets go to this host, to nobody, or by headers that only the kernel puts on.
std::vector<NextHop> HopsOf(nlmsghdr* header, const IpAddress& destination) {
  std::vector<NextHop> hops;
  rtnl_route* raw = nullptr;
  if (rtnl_route_parse(header, &raw) < 0) return hops;
  const RouteHandle route(raw);
  if (rtnl_route_get_type(raw) != RTN_UNICAST || Encapsulates(header)) return hops;
  for (int i = 0; i < rtnl_route_get_nnexthops(raw); ++i) {
    rtnl_nexthop* const hop = rtnl_route_nexthop_n(raw, i);
    if ((rtnl_route_nh_get_flags(hop) & (RTNH_F_DEAD | RTNH_F_LINKDOWN)) != 0) continue;
    // A router of the other family (RFC 5549), or of this one.
    auto router = ToIpAddress(rtnl_route_nh_get_via(hop));
    if (!router) router = ToIpAddress(rtnl_route_nh_get_gateway(hop));
    hops.push_back({rtnl_route_nh_get_ifindex(hop), router.value_or(destination)});
  }
  return hops;
}

class RtnetlinkNextHops final : public NextHops {
 public:
  explicit RtnetlinkNextHops(SocketHandle socket) : socket_(std::move(socket)) {}

  absl::StatusOr<std::vector<NextHop>> Find(const IpAddress& destination,
                                            const IpAddress& source) override {
    const std::string what = "route to " + destination.ToString();
    rtmsg header{};
    header.rtm_family = static_cast<uint8_t>(FamilyOf(destination));
    header.rtm_dst_len = destination.IsV4() ? 32 : 128;
    header.rtm_src_len = header.rtm_dst_len;
    header.rtm_flags = RTM_F_FIB_MATCH;
    const MessageHandle message(nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST));
    if (message == nullptr ||
        nlmsg_append(message.get(), &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
        PutAddress(message.get(), RTA_DST, destination) < 0 ||
        PutAddress(message.get(), RTA_SRC, source) < 0) {
      return absl::ResourceExhaustedError(what + ": out of memory");
    }
    std::vector<NextHop> hops;
    const absl::Status status = Ask(message.get(), what, [&](nl_msg* answer) {
      hops = HopsOf(nlmsg_hdr(answer), destination);
    });
    // Whatever the kernel has against the route: it has none.
    if (!status.ok() && !absl::IsResourceExhausted(status)) return std::vector<NextHop>();
    RETURN_IF_ERROR(status);
    return hops;
  }

  absl::StatusOr<std::optional<MacAddress>> Resolve(const NextHop& hop) override {
    const std::string what =
        fmt::format("neighbour {} on device {}", hop.neighbor.ToString(), hop.ifindex);
    ASSIGN_OR_RETURN(const MessageHandle question, Message(RTM_GETNEIGH, 0, hop, what));
    std::optional<Neighbor> neighbor;
    bool managed = false;
    const absl::Status status = Ask(question.get(), what, [&](nl_msg* answer) {
      neighbor = ParseNeighbor(answer);
      managed = IsManaged(nlmsg_hdr(answer));
    });
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    const bool set = neighbor && (neighbor->state & kSet) != 0;
    if (!set && !managed) RETURN_IF_ERROR(Manage(hop, what));
    if (!neighbor || (neighbor->state & kValid) == 0) return std::optional<MacAddress>();
    return neighbor->mac;
  }

 private:
  static absl::StatusOr<MessageHandle> Message(int type, int flags, const NextHop& hop,
                                               const std::string& what) {
    ndmsg header{};
    header.ndm_family = static_cast<uint8_t>(FamilyOf(hop.neighbor));
    header.ndm_ifindex = hop.ifindex;
    MessageHandle message(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags));
    if (message == nullptr ||
        nlmsg_append(message.get(), &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
        PutAddress(message.get(), NDA_DST, hop.neighbor) < 0) {
      return absl::ResourceExhaustedError(what + ": out of memory");
    }
    return message;
  }

  // The kernel asks for it, now and from time to time.
  absl::Status Manage(const NextHop& hop, const std::string& what) {
    ASSIGN_OR_RETURN(const MessageHandle message,
                     Message(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, hop, what));
    if (nla_put_u32(message.get(), NDA_FLAGS_EXT, NTF_EXT_MANAGED) < 0) {
      return absl::ResourceExhaustedError(what + ": out of memory");
    }
    int error = nl_send_auto(socket_.get(), message.get());
    if (error >= 0) error = nl_wait_for_ack(socket_.get());
    return NetlinkStatus(error, what);
  }

  // Sends a request whose answer is one message, or an error.
  template <typename F>
  absl::Status Ask(nl_msg* message, const std::string& what, F on_answer) {
    const CallbackHandle callbacks(nl_cb_alloc(NL_CB_DEFAULT));
    if (callbacks == nullptr) return absl::ResourceExhaustedError(what + ": out of memory");
    const auto forward = [](nl_msg* answer, void* to) {
      (*static_cast<F*>(to))(answer);
      return static_cast<int>(NL_STOP);
    };
    nl_cb_set(callbacks.get(), NL_CB_VALID, NL_CB_CUSTOM, forward, &on_answer);
    int error = nl_send_auto(socket_.get(), message);
    if (error >= 0) error = nl_recvmsgs(socket_.get(), callbacks.get());
    return NetlinkStatus(error, what);
  }

  const SocketHandle socket_;
};

class RtnetlinkNextHopWatch final : public NextHopWatch {
 public:
  explicit RtnetlinkNextHopWatch(Callback callback) : callback_(std::move(callback)) {}

  absl::Status Start() {
    ASSIGN_OR_RETURN(
        listener_, RtnetlinkListener::Create(
                       "next hop watch",
                       {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE,
                        RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE,
                        RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP},
                       [this](nl_msg* message) { Dispatch(message); }, [this] { callback_({}); }));
    return absl::OkStatus();
  }

 private:
  void Dispatch(nl_msg* message) {
    const int type = nlmsg_hdr(message)->nlmsg_type;
    if (type != RTM_NEWNEIGH && type != RTM_DELNEIGH) return callback_({});
    if (const auto neighbor = ParseNeighbor(message)) {
      callback_({.kind = NextHopEvent::Kind::kNeighbor, .hop = neighbor->hop});
    }
  }

  const Callback callback_;
  // Last: its thread uses the rest.
  std::unique_ptr<RtnetlinkListener> listener_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<NextHops>> NextHops::Create() {
  SocketHandle socket(nl_socket_alloc());
  if (socket == nullptr) return absl::ResourceExhaustedError("next hops: out of memory");
  RETURN_IF_ERROR(NetlinkStatus(nl_connect(socket.get(), NETLINK_ROUTE), "next hops: connect"));
  // Who asks for a thing gets one message, and no acknowledgement beside it.
  nl_socket_disable_auto_ack(socket.get());
  return std::make_unique<RtnetlinkNextHops>(std::move(socket));
}

absl::StatusOr<std::unique_ptr<NextHopWatch>> NextHopWatch::Create(Callback callback) {
  auto watch = std::make_unique<RtnetlinkNextHopWatch>(std::move(callback));
  RETURN_IF_ERROR(watch->Start());
  return watch;
}

}  // namespace outrider::sys
