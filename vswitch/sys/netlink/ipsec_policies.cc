#include "vswitch/sys/netlink/ipsec_policies.h"

#include <linux/xfrm.h>
#include <netlink/attr.h>
#include <netlink/handlers.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <utility>

#include "vswitch/sys/netlink/netlink_error.h"

namespace outrider::sys {
namespace {

// What the kernel says of its policy database (linux/xfrm.h, XFRM_MSG_GETSPDINFO).
struct Answer {
  bool any = false;
};

int OnAnswer(nl_msg* message, void* context) {
  // The header is followed by flags, and these by attributes.
  const nlattr* info = nlmsg_find_attr(nlmsg_hdr(message), sizeof(uint32_t), XFRMA_SPD_INFO);
  if (info == nullptr || nla_len(info) < static_cast<int>(sizeof(xfrmu_spdinfo))) return NL_OK;
  const auto* counts = static_cast<const xfrmu_spdinfo*>(nla_data(info));
  static_cast<Answer*>(context)->any = (counts->incnt | counts->outcnt | counts->fwdcnt) != 0;
  return NL_OK;
}

class KernelIpsecPolicies final : public IpsecPolicies {
 public:
  // Without a socket there is no IPsec.
  explicit KernelIpsecPolicies(SocketHandle socket) : socket_(std::move(socket)) {}

  absl::StatusOr<bool> Any() override {
    if (socket_ == nullptr) return false;
    uint32_t flags = 0;
    int error =
        nl_send_simple(socket_.get(), XFRM_MSG_GETSPDINFO, NLM_F_REQUEST, &flags, sizeof(flags));
    if (error < 0) return NetlinkStatus(error, "ask for IPsec policies");
    Answer answer;
    nl_socket_modify_cb(socket_.get(), NL_CB_VALID, NL_CB_CUSTOM, OnAnswer, &answer);
    error = nl_recvmsgs_default(socket_.get());
    if (error < 0) return NetlinkStatus(error, "read IPsec policies");
    return answer.any;
  }

 private:
  const SocketHandle socket_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<IpsecPolicies>> IpsecPolicies::Create() {
  SocketHandle socket(nl_socket_alloc());
  if (socket == nullptr) return absl::ResourceExhaustedError("netlink socket: no memory");
  const int error = nl_connect(socket.get(), NETLINK_XFRM);
  if (error == -NLE_PROTO_MISMATCH || error == -NLE_AF_NOSUPPORT) {
    socket.reset();
  } else if (error < 0) {
    return NetlinkStatus(error, "connect to NETLINK_XFRM");
  } else {
    nl_socket_disable_auto_ack(socket.get());
  }
  return std::make_unique<KernelIpsecPolicies>(std::move(socket));
}

}  // namespace outrider::sys
