// Whether this host's kernel has IPsec policies: then what passes it by goes out in the clear, and
// comes in unasked.
//
// The namespace is that of the thread that called Create(). Thread rule: one thread at a time.
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_IPSEC_POLICIES_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_IPSEC_POLICIES_H_

#include <memory>

#include "vswitch/types/status.h"

namespace outrider::sys {

class IpsecPolicies {
 public:
  virtual ~IpsecPolicies() = default;
  static absl::StatusOr<std::unique_ptr<IpsecPolicies>> Create();

  // Of any direction, but for those of sockets. False where the kernel has no IPsec.
  virtual absl::StatusOr<bool> Any() = 0;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_IPSEC_POLICIES_H_
