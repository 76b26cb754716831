#include "vswitch/sys/netlink/link_monitor.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <utility>

#include "vswitch/sys/netlink/netlink_error.h"
#include "vswitch/sys/netlink/rtnetlink_listener.h"

namespace outrider::sys {
namespace {

// Whether that is why the kernel tells of the link.
bool HaveFeaturesChanged(nlmsghdr* header) {
  nlattr* const event = nlmsg_find_attr(header, sizeof(ifinfomsg), IFLA_EVENT);
  return event != nullptr && nla_len(event) >= static_cast<int>(sizeof(uint32_t)) &&
         nla_get_u32(event) == IFLA_EVENT_FEATURES;
}

class RtnetlinkMonitor final : public LinkMonitor {
 public:
  explicit RtnetlinkMonitor(Callback callback) : callback_(std::move(callback)) {}

  absl::Status Start() {
    ASSIGN_OR_RETURN(listener_,
                     RtnetlinkListener::Create(
                         "link monitor", {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR},
                         [this](nl_msg* message) { Dispatch(message); },
                         [this] { callback_({.kind = LinkEvent::Kind::kResync}); }));
    return absl::OkStatus();
  }

 private:
  void Dispatch(nl_msg* message) {
    nlmsghdr* header = nlmsg_hdr(message);
    switch (header->nlmsg_type) {
      case RTM_NEWLINK:
      case RTM_DELLINK:
        // Bridges announce their ports' state with the same types in a family of their own.
        if (static_cast<ifinfomsg*>(nlmsg_data(header))->ifi_family != AF_UNSPEC) return;
        features_ = HaveFeaturesChanged(header);
        nl_msg_parse(message, &OnLinkObject, this);
        return;
      case RTM_NEWADDR:
      case RTM_DELADDR: {
        Link link;
        link.ifindex = static_cast<int>(static_cast<ifaddrmsg*>(nlmsg_data(header))->ifa_index);
        callback_({.kind = LinkEvent::Kind::kAddressesChanged, .link = std::move(link)});
        return;
      }
      default:
        return;
    }
  }

  static void OnLinkObject(nl_object* object, void* self) {
    const auto kind = nl_object_get_msgtype(object) == RTM_DELLINK ? LinkEvent::Kind::kLinkRemoved
                                                                   : LinkEvent::Kind::kLinkChanged;
    auto* const monitor = static_cast<RtnetlinkMonitor*>(self);
    monitor->callback_({.kind = kind,
                        .link = ToLink(reinterpret_cast<rtnl_link*>(object)),
                        .features = monitor->features_});
  }

  const Callback callback_;
  // Of the message that is being read.
  bool features_ = false;
  // Last: its thread uses the rest.
  std::unique_ptr<RtnetlinkListener> listener_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<LinkMonitor>> LinkMonitor::Create(Callback callback) {
  auto monitor = std::make_unique<RtnetlinkMonitor>(std::move(callback));
  RETURN_IF_ERROR(monitor->Start());
  return monitor;
}

}  // namespace outrider::sys
