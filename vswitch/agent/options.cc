#include "vswitch/agent/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <sstream>

#include "proto/metrics_server.h"

namespace outrider::agent {
namespace {

constexpr char kExamples[] = R"(
Examples:
  First start, with the token that `outrider host enroll h1` printed on the controller:
    outrider-agent --vtep 10.0.1.1 --join-file token
  Every later start:
    outrider-agent --vtep 10.0.1.1
  Over an IPv6 underlay, or both (hosts that have IPv4 use it among each other):
    outrider-agent --vtep fd00:1::1
    outrider-agent --vtep 10.0.1.1,fd00:1::1
  With a physical network, whose VLANs segments may be (outrider segment create --provider):
    outrider-agent --vtep 10.0.1.1 --uplink physnet1=eth1 --uplink storage=eth2
  The same from a file with lines such as  vtep = "10.0.1.1"  or  vtep = ["10.0.1.1", "fd00:1::1"]
  and  uplink = ["physnet1=eth1", "storage=eth2"]:
    outrider-agent --config /etc/outrider/agent.toml
  In the place of Open vSwitch (stop and disable that one): libvirt and others find the agent:
    outrider-agent --vtep 10.0.1.1 --ovs-rundir /run/openvswitch
  Remove all the agent put on the host (stop it first):
    outrider-agent --uninstall

Stopping the agent does not stop forwarding: what is in force stays in the kernel.)";

constexpr size_t kMaxDevice = 15;
constexpr size_t kMaxUplink = 63;

// The names go into the model: the form of a DNS label.
bool IsUplinkName(const std::string& name) {
  const auto is_inner = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= kMaxUplink && name.front() != '-' && name.back() != '-' &&
         std::all_of(name.begin(), name.end(), is_inner);
}

// What is wrong with `texts` ("physnet1=eth1"), else empty and `uplinks` is filled.
std::string ParseUplinks(const std::vector<std::string>& texts,
                         std::map<std::string, std::string>* uplinks) {
  std::set<std::string> devices;
  for (const std::string& text : texts) {
    const std::string complaint = "--uplink " + text + ": ";
    const size_t equals = text.find('=');
    if (equals == std::string::npos) return complaint + "is not NAME=DEVICE";
    const std::string name = text.substr(0, equals);
    const std::string device = text.substr(equals + 1);
    if (!IsUplinkName(name)) {
      return complaint +
             "the name is not 1..63 characters of a-z, 0-9 and '-', beginning and "
             "ending with a letter or digit";
    }
    if (device.empty() || device.size() > kMaxDevice) {
      return complaint + "a device name has 1..15 bytes";
    }
    if (!uplinks->emplace(name, device).second) return complaint + "the name is given twice";
    if (!devices.insert(device).second) return complaint + "the device has another name already";
  }
  return "";
}

std::string CheckMetricsListen(const std::string& text) {
  return text.empty() ? "" : Message(CheckMetricsAddress(text));
}

void AddOptions(CLI::App* app, Options* options, std::vector<std::string>* uplinks) {
  app->add_option("--vtep", options->vteps,
                  "This host's tunnel address, one of its own; IPv4, IPv6, or one of each "
                  "(10.0.1.1,fd00:1::1)")
      ->delimiter(',')
      ->allow_extra_args(false);
  app->add_option("--uplink", *uplinks,
                  "A physical network and the device that leads to it, NAME=DEVICE; again for each")
      ->delimiter(',')
      ->allow_extra_args(false);
  app->add_option("--state-dir", options->state_dir, "Identity and attached ports")
      ->capture_default_str();
  app->add_option("--socket", options->socket, "Socket of the local API")->capture_default_str();
  app->add_option(
      "--ovs-rundir", options->ovs_rundir,
      "Folder of the sockets for Open vSwitch's clients, db.sock and others; empty: none "
      "[default: ovs/ beside --socket]");
  app->add_option(
         "--libvirt", options->libvirt,
         "URI of the libvirt that tells when guests pause and run, if it is there; none: it "
         "is not asked")
      ->type_name("URI")
      ->capture_default_str();
  app->add_option("--metrics-listen", options->metrics_listen,
                  "Where Prometheus gets metrics (plain HTTP, /metrics), ADDRESS:PORT, usually "
                  "127.0.0.1:9465; empty: nowhere")
      ->check(CLI::Validator(CheckMetricsListen, "ADDRESS:PORT"));
  app->add_option("--bpffs", options->bpffs, "Where maps and programs are pinned")
      ->capture_default_str();
  app->add_option("--tunnel-device", options->tunnel_device, "Name of the VXLAN device")
      ->check([](const std::string& name) {
        return name.empty() || name.size() > 15 ? "a device name has 1..15 bytes" : "";
      })
      ->capture_default_str();
  app->add_option(
         "--encapsulation", options->encapsulation,
         "Who puts VXLAN's headers on and takes them off: auto, our programs where the way "
         "over the underlay is known and the host has no IPsec policies; kernel, its "
         "tunnel device always, so that nftables' input and output hooks see the packets")
      ->check(CLI::IsMember({"auto", "kernel"}))
      ->capture_default_str();
  app->add_option("--underlay-checksums", options->underlay_checksums,
                  "Outer UDP headers that get a checksum: none (RFC 7348; over IPv6 RFC 6935), "
                  "ipv6 or all; the kernel's tunnel device makes them, which is slower")
      ->check(CLI::IsMember({"none", "ipv6", "all"}))
      ->capture_default_str();
  app->add_option("--underlay-mtu", options->underlay_mtu,
                  "IP MTU towards other hosts, bytes; 0: that of the VTEPs' devices")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app->add_option("--peer-port", options->peer_port,
                  "TCP port at the VTEPs where agents send each other what moving ports remember; "
                  "0: nowhere, connections of arriving ports are taken up as they come")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  CLI::Option* const join =
      app->add_option("--join", options->join, "Token of `outrider host enroll`, at first start");
  app->add_option("--join-file", options->join_file, "File that holds the token; - is stdin")
      ->excludes(join);
  app->add_option("--log-level", options->log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app->add_flag("--uninstall", options->uninstall,
                "Remove pins, filters and tunnel device, then exit");
}

ParsedOptions Mistake(const std::string& text) {
  return {.options = std::nullopt,
          .text = "outrider-agent: " + text + "\nSee outrider-agent --help\n",
          .exit_code = 2};
}

}  // namespace

ParsedOptions ParseOptions(std::vector<std::string> arguments, const std::string& version) {
  Options options;
  CLI::App app("Outrider's agent: makes this host forward as the controller says.",
               "outrider-agent");
  std::vector<std::string> uplinks;
  AddOptions(&app, &options, &uplinks);
  app.set_version_flag("--version", "outrider-agent " + version);
  app.set_config("--config", "", "TOML file with the same names; flags win");
  // A typing error in the file must not become a default.
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.footer(kExamples);
  // The library takes them in reverse order.
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::Success& success) {
    std::ostringstream out;
    app.exit(success, out, out);
    return {.options = std::nullopt, .text = out.str(), .exit_code = 0};
  } catch (const CLI::ParseError& error) {
    return Mistake(error.what());
  }
  if (app.count("--ovs-rundir") == 0) {
    options.ovs_rundir = std::filesystem::path(options.socket).parent_path() / "ovs";
  }
  if (options.libvirt == "none") options.libvirt.clear();
  if (options.vteps.empty() && !options.uninstall) {
    return Mistake("--vtep is missing: the address other hosts send tunnelled frames to");
  }
  if (const std::string complaint = ParseUplinks(uplinks, &options.uplinks); !complaint.empty()) {
    return Mistake(complaint);
  }
  for (const auto& [name, device] : options.uplinks) {
    if (device != options.tunnel_device) continue;
    return Mistake("--uplink " + name + "=" + device + ": is the tunnel device");
  }
  return {.options = options, .text = "", .exit_code = 0};
}

absl::StatusOr<std::string> ReadJoinToken(const Options& options) {
  if (options.join_file.empty()) return options.join;
  std::string text;
  if (options.join_file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  } else {
    std::ifstream file(options.join_file, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    if (!file) return absl::NotFoundError("join file " + options.join_file + " cannot be read");
  }
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return absl::InvalidArgumentError("join file " + options.join_file + " is empty");
  }
  return text;
}

}  // namespace outrider::agent
