// The lines that rules' logs write, and connections that were taken up. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_ACL_LOG_H_
#define OUTRIDER_VSWITCH_AGENT_ACL_LOG_H_

#include <string>

#include "vswitch/datapath/datapath.h"

namespace outrider::agent {

// "port <id>: ingress rule 3 drop: 10.0.0.1:1000 > 10.0.0.2:80 protocol 6, 74 bytes".
std::string AclLogText(const datapath::AclLogEvent& event);

// "port <id>: 10.0.0.1:1000 > 10.0.0.2:80 protocol 6: unknown after the port's move, taken up in
// its middle".
std::string AdoptionText(const datapath::AdoptionEvent& event);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_ACL_LOG_H_
