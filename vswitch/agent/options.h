// What outrider-agent is told at start: flags, and a TOML file with the same names. The only place
// that reads either. Pure but for the files named.
#ifndef OUTRIDER_VSWITCH_AGENT_OPTIONS_H_
#define OUTRIDER_VSWITCH_AGENT_OPTIONS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/types/status.h"

namespace outrider::agent {

struct Options {
  std::string state_dir = "/var/lib/outrider-agent";
  std::string socket = "/run/outrider/agent.sock";
  // At most one per address family.
  std::vector<std::string> vteps;
  // Names of physical networks and the devices that lead to them.
  std::map<std::string, std::string> uplinks;
  // Folder of the sockets that Open vSwitch's clients use; empty: none are served.
  std::string ovs_rundir;
  // URI of the libvirt that tells when guests pause and run; empty: none does.
  std::string libvirt = "qemu:///system";
  // ADDRESS:PORT where metrics are served; empty: nowhere.
  std::string metrics_listen;
  std::string bpffs = "/sys/fs/bpf/outrider";
  std::string tunnel_device = "or-vxlan";
  // TCP port at the VTEPs where other agents reach this one; 0: none.
  uint16_t peer_port = 7444;
  // "auto", or "kernel": who puts outer headers on.
  std::string encapsulation = "auto";
  // "none", "ipv6" or "all": outer UDP headers that get a checksum.
  std::string underlay_checksums = "none";
  // Bytes; 0: the least of the devices which hold the VTEP addresses.
  uint32_t underlay_mtu = 0;
  // Empty: none given.
  std::string join;
  // A file that holds the token; "-" is standard input.
  std::string join_file;
  std::string log_level = "info";
  bool uninstall = false;
};

// Either options, or what to print and the code to exit with (--help: 0, a mistake: 2).
struct ParsedOptions {
  std::optional<Options> options;
  std::string text;
  int exit_code = 0;
};

// `arguments` without the program's name.
ParsedOptions ParseOptions(std::vector<std::string> arguments, const std::string& version);

// The token of --join or --join-file; empty when neither was given.
absl::StatusOr<std::string> ReadJoinToken(const Options& options);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_OPTIONS_H_
