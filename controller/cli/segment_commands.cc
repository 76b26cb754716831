// outrider segment create|list|show|set|delete
#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "controller/cli/commands.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/object_text.h"
#include "controller/text/yaml_schema.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

using SegmentStub = v1::SegmentService::Stub;

// What create and set have in common. Absent options leave the field as it is.
struct SegmentOptions {
  std::string name;
  std::optional<uint32_t> vni;
  std::optional<uint32_t> mtu;
  std::string unknown_unicast;
  std::string arp_suppression;
  std::string nd_suppression;
  std::string multicast;
  std::string unknown_multicast;
  // NAME or NAME:VLAN.
  std::string provider;
};

// --vni and --provider are not among them: they cannot change after create.
void AddOptions(CLI::App* command, SegmentOptions* options) {
  command->add_option("NAME", options->name, "Name of the segment")->required();
  command
      ->add_option("--mtu", options->mtu,
                   "Largest layer-3 packet, bytes (default, or 0: what all its hosts' underlays "
                   "carry; provider: 1500)")
      ->type_name("BYTES");
  command
      ->add_option("--unknown-unicast", options->unknown_unicast,
                   "Unicast to a MAC nobody knows (default drop; provider: flood)")
      ->type_name("drop|flood")
      ->check(CLI::IsMember({"drop", "flood"}).description(""));
  command
      ->add_option("--arp-suppression", options->arp_suppression,
                   "Hosts answer ARP for known addresses (default on)")
      ->type_name("on|off")
      ->check(CLI::IsMember({"on", "off"}).description(""));
  command
      ->add_option("--nd-suppression", options->nd_suppression,
                   "The same for IPv6 neighbour solicitations (default on)")
      ->type_name("on|off")
      ->check(CLI::IsMember({"on", "off"}).description(""));
  command
      ->add_option("--multicast", options->multicast,
                   "IP multicast to all, or to who joined by IGMP or MLD (default flood)")
      ->type_name("flood|snoop")
      ->check(CLI::IsMember({"flood", "snoop"}).description(""));
  command
      ->add_option("--unknown-multicast", options->unknown_multicast,
                   "With snoop, groups nobody joined (default flood)")
      ->type_name("flood|drop")
      ->check(CLI::IsMember({"flood", "drop"}).description(""));
}

// Ranges and defaults are the controller's: only what was given is set.
void Fill(const SegmentOptions& options, v1::Segment* segment) {
  if (options.vni.has_value()) segment->set_vni(*options.vni);
  if (options.mtu.has_value()) segment->set_mtu(*options.mtu);
  if (!options.unknown_unicast.empty()) {
    segment->set_unknown_unicast(options.unknown_unicast == "flood"
                                     ? v1::Segment::UNKNOWN_UNICAST_FLOOD
                                     : v1::Segment::UNKNOWN_UNICAST_DROP);
  }
  if (!options.arp_suppression.empty()) {
    segment->set_arp_suppression(options.arp_suppression == "on"
                                     ? v1::Segment::ARP_SUPPRESSION_ON
                                     : v1::Segment::ARP_SUPPRESSION_OFF);
  }
  if (!options.nd_suppression.empty()) {
    segment->set_nd_suppression(options.nd_suppression == "on" ? v1::Segment::ND_SUPPRESSION_ON
                                                               : v1::Segment::ND_SUPPRESSION_OFF);
  }
  if (!options.multicast.empty()) {
    segment->set_multicast(options.multicast == "snoop" ? v1::Segment::MULTICAST_SNOOP
                                                        : v1::Segment::MULTICAST_FLOOD);
  }
  if (!options.unknown_multicast.empty()) {
    segment->set_unknown_multicast(options.unknown_multicast == "drop"
                                       ? v1::Segment::UNKNOWN_MULTICAST_DROP
                                       : v1::Segment::UNKNOWN_MULTICAST_FLOOD);
  }
}

// `text` as in --provider: "physnet1:100", "physnet1". Of the name the controller judges.
absl::StatusOr<v1::Segment::Provider> ParseProvider(const std::string& text) {
  v1::Segment::Provider provider;
  const size_t colon = text.find(':');
  provider.set_uplink(text.substr(0, colon));
  if (colon == std::string::npos) return provider;
  const std::string vlan = text.substr(colon + 1);
  const char* const end = vlan.data() + vlan.size();
  uint32_t number = 0;
  const auto [last, error] = std::from_chars(vlan.data(), end, number);
  if (error != std::errc() || last != end || number < 1 || number > 4094) {
    return absl::InvalidArgumentError(fmt::format(
        "--provider {}: vlan \"{}\" is not in 1..4094; leave it out for untagged frames", text,
        vlan));
  }
  provider.set_vlan(number);
  return provider;
}

// Shows the controller's answer, not the request: defaults it filled in are worth seeing.
std::string Line(const v1::Segment& segment, const std::string& verb) {
  std::string provider = ProviderText(segment.provider().uplink(), segment.provider().vlan());
  if (!provider.empty()) provider.insert(0, ", provider ");
  return fmt::format(
      "segment \"{}\" {}: vni {}, mtu {}, unknown unicast {}, arp suppression {}, nd suppression "
      "{}, multicast {}{}\n",
      segment.meta().name(), verb, segment.vni(), MtuText(segment), Word(segment.unknown_unicast()),
      Word(segment.arp_suppression()), Word(segment.nd_suppression()), MulticastText(segment),
      provider);
}

absl::StatusOr<int> Create(Invocation* cli, const SegmentOptions& options) {
  v1::Segment segment;
  segment.mutable_meta()->set_name(options.name);
  Fill(options, &segment);
  if (!options.provider.empty()) {
    ASSIGN_OR_RETURN(*segment.mutable_provider(), ParseProvider(options.provider));
  }
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  ASSIGN_OR_RETURN(segment, client->Call(&SegmentStub::Create, segment));
  return PrintObject(cli, segment, Line(segment, "created"));
}

// Read, change, write back at the revision read: a change by somebody else in between is refused by
// the controller and not lost.
absl::StatusOr<int> Set(Invocation* cli, const SegmentOptions& options) {
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  v1::GetRequest get;
  get.set_name(options.name);
  ASSIGN_OR_RETURN(v1::Segment segment, client->Call(&SegmentStub::Get, get));
  Fill(options, &segment);
  ASSIGN_OR_RETURN(segment, client->Call(&SegmentStub::Update, segment));
  return PrintObject(cli, segment, Line(segment, "updated"));
}

}  // namespace

void AddSegmentCommands(Invocation* cli, CLI::App* root) {
  const KindWords kind = {"segment", "segment", "blue"};
  CLI::App* group = cli->AddGroup(root, "segment", "Layer-2 segments, one VNI each");

  auto create = std::make_shared<SegmentOptions>();
  CLI::App* command =
      cli->AddCommand(group, "create", "Create a segment",
                      {"outrider segment create blue --vni 100",
                       "outrider segment create red --vni 200 --mtu 8950 --unknown-unicast flood",
                       "outrider segment create dmz --vni 300 --provider physnet1:100"},
                      [cli, create] { return Create(cli, *create); });
  AddOptions(command, create.get());
  command->add_option("--vni", create->vni, "VXLAN network identifier, 1..16777215")
      ->type_name("N")
      ->required();
  command
      ->add_option("--provider", create->provider,
                   "Carried by a VLAN of hosts' uplinks (none: untagged), not VXLAN")
      ->type_name("UPLINK[:VLAN]");

  AddListCommand<SegmentStub, v1::ListSegmentsResponse>(cli, group, kind, &SegmentStub::List,
                                                        SegmentTable);
  AddShowCommand<SegmentStub, v1::Segment>(cli, group, kind, &SegmentStub::Get, SegmentText);

  auto set = std::make_shared<SegmentOptions>();
  command =
      cli->AddCommand(group, "set", "Change a segment; what is not named stays",
                      {"outrider segment set blue --mtu 1400",
                       "outrider segment set blue --multicast snoop --unknown-multicast drop"},
                      [cli, set] { return Set(cli, *set); });
  AddOptions(command, set.get());
  AddDeleteCommand(cli, group, kind, &SegmentStub::Delete);
}

}  // namespace outrider::controller::cli
