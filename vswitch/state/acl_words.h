// What people call the actions of ACL rules: in logs, traces and lists. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_STATE_ACL_WORDS_H_
#define OUTRIDER_VSWITCH_STATE_ACL_WORDS_H_

#include "vswitch/state/host_state.h"

namespace outrider::state {

// "allow", "drop", "allow-related", "reject".
inline const char* WordOf(AclAction action) {
  switch (action) {
    case AclAction::kAllow:
      return "allow";
    case AclAction::kAllowRelated:
      return "allow-related";
    case AclAction::kReject:
      return "reject";
    case AclAction::kDrop:
      break;
  }
  return "drop";
}

}  // namespace outrider::state

#endif  // OUTRIDER_VSWITCH_STATE_ACL_WORDS_H_
