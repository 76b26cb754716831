// ovs-ofctl: asks a switch by OpenFlow and prints what it says. Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_CLI_OFCTL_H_
#define OUTRIDER_VSWITCH_CLI_OFCTL_H_

namespace outrider::cli {

// The exit status.
int OfctlMain(int argc, char** argv);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_OFCTL_H_
