#include "controller/cli/object_text.h"

#include <fmt/format.h>

#include "controller/cli/duration.h"
#include "controller/cli/table.h"
#include "controller/text/yaml_printer.h"
#include "controller/text/yaml_schema.h"

namespace outrider::controller::cli {
namespace {

template <typename Texts>
std::string Join(const Texts& texts) {
  return fmt::format("{}", fmt::join(texts, ","));
}

// As `port create --allow` takes it.
std::string AllowedText(const v1::AllowedAddress& allowed) {
  const std::string prefixes = Join(allowed.prefixes());
  if (allowed.mac().empty()) return prefixes;
  return prefixes.empty() ? allowed.mac() : allowed.mac() + "=" + prefixes;
}

// "blue"; "blue + 3 VLANs" and "3 VLANs" of trunks, which may have thousands; "blue
// (dot1q-tunnel)".
std::string VlanText(const v1::VlanSection& vlan) {
  std::string text = vlan.segment();
  if (vlan.mode() == v1::VlanSection::MODE_DOT1Q_TUNNEL) text += " (dot1q-tunnel)";
  if (vlan.vlans().empty()) return text;
  const char* plural = vlan.vlans_size() == 1 ? "" : "s";
  return fmt::format("{}{}{} VLAN{}", text, text.empty() ? "" : " + ", vlan.vlans_size(), plural);
}

// A comment to YAML: what is printed can be edited and applied as it is.
std::string BookkeepingComment(const v1::ObjectMeta& meta) {
  return fmt::format("# store revision {}, changed {}\n", meta.revision(),
                     FormatTime(meta.updated_us()));
}

uint64_t Sum(const google::protobuf::Map<std::string, uint64_t>& counters) {
  uint64_t sum = 0;
  for (const auto& [name, count] : counters) sum += count;
  return sum;
}

// "Decided by ingress rule 3": numbered as in the profile.
std::string RuleText(const v1::RuleCounter& rule) {
  const std::string direction = Word(rule.direction());
  return rule.number() == 0 ? fmt::format("Decided by {} default", direction)
                            : fmt::format("Decided by {} rule {}", direction, rule.number());
}

// "web r3": what is in force, as short as a column needs it.
std::string ProfileAtRevision(const std::string& profile, uint32_t revision) {
  return revision == 0 ? profile : fmt::format("{} r{}", profile, revision);
}

}  // namespace

std::string RatesText(const v1::Policer& policer) {
  std::vector<std::string> rates;
  if (policer.rate_kbps() != 0) rates.push_back(fmt::format("{} kb/s", policer.rate_kbps()));
  if (policer.rate_pps() != 0) rates.push_back(fmt::format("{} pps", policer.rate_pps()));
  return fmt::format("{}", fmt::join(rates, ", "));
}

std::string ShortDigest(const std::string& digest) { return digest.substr(0, 12); }

std::string MtuText(const v1::Segment& segment) {
  if (segment.mtu() != 0) return std::to_string(segment.mtu());
  // An older controller does not say.
  if (segment.mtu_in_force() == 0) return "derived";
  return fmt::format("{} (derived)", segment.mtu_in_force());
}

std::string MulticastText(const v1::Segment& segment) {
  if (segment.unknown_multicast() != v1::Segment::UNKNOWN_MULTICAST_DROP) {
    return Word(segment.multicast());
  }
  return Word(segment.multicast()) + ", unknown drop";
}

std::string ProviderText(const std::string& uplink, uint32_t vlan) {
  return uplink.empty() || vlan == 0 ? uplink : fmt::format("{}:{}", uplink, vlan);
}

std::string SegmentTable(const v1::ListSegmentsResponse& list) {
  Table table({"NAME", "VNI", "MTU", "UNKNOWN-UNICAST", "ARP-SUPPRESSION", "ND-SUPPRESSION",
               "MULTICAST", "PROVIDER", "REVISION"});
  for (const v1::Segment& segment : list.items()) {
    table.AddRow({segment.meta().name(), std::to_string(segment.vni()), MtuText(segment),
                  Word(segment.unknown_unicast()), Word(segment.arp_suppression()),
                  Word(segment.nd_suppression()), MulticastText(segment),
                  ProviderText(segment.provider().uplink(), segment.provider().vlan()),
                  std::to_string(segment.meta().revision())});
  }
  return table.Render();
}

std::string AddressGroupTable(const v1::ListAddressGroupsResponse& list) {
  Table table({"NAME", "PREFIXES", "REVISION"});
  for (const v1::AddressGroup& group : list.items()) {
    table.AddRow({group.meta().name(), std::to_string(group.prefixes_size()),
                  std::to_string(group.meta().revision())});
  }
  return table.Render();
}

std::string PortGroupTable(const v1::ListPortGroupsResponse& list) {
  Table table({"NAME", "PORTS", "REVISION"});
  for (const v1::PortGroup& group : list.items()) {
    table.AddRow({group.meta().name(), std::to_string(group.ports_size()),
                  std::to_string(group.meta().revision())});
  }
  return table.Render();
}

std::string GatewayTable(const v1::ListGatewaysResponse& list) {
  Table table({"NAME", "VTEP", "SEGMENTS", "STATIONS", "REVISION"});
  for (const v1::Gateway& gateway : list.items()) {
    table.AddRow({gateway.meta().name(), gateway.vtep(), Join(gateway.segments()),
                  std::to_string(gateway.stations_size()),
                  std::to_string(gateway.meta().revision())});
  }
  return table.Render();
}

std::string ProfileTable(const v1::ListProfilesResponse& list) {
  Table table({"NAME", "REVISION", "STATE", "PARENT", "SEGMENT", "INGRESS", "EGRESS", "DEFAULT",
               "POLICER", "DESCRIPTION"});
  for (const v1::Profile& profile : list.items()) {
    const v1::AclSection& acl = profile.acl();
    table.AddRow({profile.meta().name(), std::to_string(profile.profile_revision()),
                  Word(profile.state()), profile.parent(), VlanText(profile.vlan()),
                  fmt::format("{} rules", acl.ingress_size()),
                  fmt::format("{} rules", acl.egress_size()), Word(acl.default_action()),
                  RatesText(profile.qos().ingress_policer()), profile.description()});
  }
  return table.Render();
}

std::string ProfileHistoryTable(const v1::ListProfileRevisionsResponse& list) {
  Table table({"REVISION", "STATE", "CHANGED", "DIGEST", "DESCRIPTION"});
  for (const v1::Profile& profile : list.revisions()) {
    table.AddRow({std::to_string(profile.profile_revision()), Word(profile.state()),
                  FormatTime(profile.meta().updated_us()), ShortDigest(profile.digest()),
                  profile.description()});
  }
  return table.Render();
}

std::string PortTable(const std::vector<v1::Port>& ports) {
  Table table({"ID", "MAC", "PROFILE", "VM", "HOST", "EPOCH", "DEVICE", "PHASE", "PROBLEM"});
  for (const v1::Port& port : ports) {
    table.AddRow({port.meta().name(), port.mac(), port.profile(), port.vm_id(),
                  port.location().host(), std::to_string(port.location().epoch()), port.device(),
                  Word(port.phase()), port.problem()});
  }
  return table.Render();
}

std::string LocalPortTable(const v1::ListLocalPortsResponse& list) {
  Table table(
      {"ID", "DEVICE", "MAC", "VNI", "PROFILE", "EPOCH", "PHASE", "RX", "TX", "DROPS", "PROBLEM"});
  for (const v1::LocalPort& port : list.ports()) {
    const v1::PortAttachment& attachment = port.attachment();
    table.AddRow({attachment.port_id(), attachment.device(), attachment.mac(),
                  port.vni() == 0 ? "" : std::to_string(port.vni()),
                  ProfileAtRevision(port.profile(), port.profile_revision()),
                  std::to_string(port.epoch()), Word(port.phase()),
                  std::to_string(port.counters().rx_packets()),
                  std::to_string(port.counters().tx_packets()),
                  std::to_string(Sum(port.counters().drops())), port.problem()});
  }
  return table.Render();
}

std::string HostTable(const v1::ListHostsResponse& list) {
  Table table(
      {"ID", "STATE", "VTEPS", "MTU", "DATAPATH", "AGENT", "APPLIED", "DESIRED", "LAST-SEEN"});
  for (const v1::Host& host : list.items()) {
    table.AddRow({host.meta().name(), Word(host.state()), Join(host.vteps()),
                  std::to_string(host.underlay_mtu()), host.datapath(), host.agent_version(),
                  std::to_string(host.applied_generation()),
                  std::to_string(host.desired_generation()), FormatTime(host.last_seen_us())});
  }
  return table.Render();
}

std::string MigrationTable(const v1::ListMigrationsResponse& list) {
  Table table({"ID", "PHASE", "VM", "PORTS", "FROM", "TO", "STARTED", "REASON"});
  for (const v1::Migration& migration : list.items()) {
    table.AddRow({migration.meta().name(), Word(migration.phase()), migration.vm_id(),
                  std::to_string(migration.port_ids_size()), migration.source(),
                  migration.destination(), FormatTime(migration.meta().created_us()),
                  migration.reason()});
  }
  return table.Render();
}

std::string SegmentText(const v1::Segment& segment) {
  std::string derived;
  if (segment.mtu() == 0 && segment.mtu_in_force() != 0) {
    derived =
        fmt::format("# mtu {}, what the underlays of its hosts carry\n", segment.mtu_in_force());
  }
  return BookkeepingComment(segment.meta()) + derived + PrintYaml(segment);
}

std::string AddressGroupText(const v1::AddressGroup& group) {
  return BookkeepingComment(group.meta()) + PrintYaml(group);
}

std::string PortGroupText(const v1::PortGroup& group) {
  return BookkeepingComment(group.meta()) + PrintYaml(group);
}

std::string GatewayText(const v1::Gateway& gateway) {
  return BookkeepingComment(gateway.meta()) + PrintYaml(gateway);
}

std::string ProfileText(const v1::Profile& profile) {
  return fmt::format("# revision {}, {}, changed {}\n# digest {}\n", profile.profile_revision(),
                     Cell(Word(profile.state())), FormatTime(profile.meta().updated_us()),
                     Cell(profile.digest())) +
         PrintYaml(profile);
}

std::string EffectiveProfileText(const v1::Profile& profile) {
  const std::string inherited =
      profile.parent().empty()
          ? ""
          : fmt::format("# in effect: sections of its own, the others from parent \"{}\"\n",
                        Cell(profile.parent()));
  return inherited + ProfileText(profile);
}

std::string PortText(const v1::Port& port) {
  Fields fields;
  fields.Add("ID", port.meta().name());
  fields.Add("MAC", port.mac());
  fields.Add("IPs", Join(port.ips()));
  for (const v1::AllowedAddress& allowed : port.allowed_addresses()) {
    fields.Add("Allowed", AllowedText(allowed));
  }
  fields.Add("Profile", port.profile());
  fields.Add("VM", port.vm_id());
  fields.Add("Phase", Word(port.phase()));
  fields.Add("Problem", port.problem());
  fields.Add("Host", port.location().host());
  fields.Add("Epoch", std::to_string(port.location().epoch()));
  fields.Add("Device", port.device());
  if (port.frozen_us() != 0) {
    fields.Add("Frozen",
               fmt::format("since {}: hosts claimed it from each other {} times; stop one, "
                           "then: outrider port thaw {}",
                           FormatTime(port.frozen_us()), port.unplanned_moves_us_size(),
                           port.meta().name()));
  }
  // Of a port on no host it is that of the host it was taken from.
  if (port.has_receipt() && port.location().host().empty()) {
    fields.Add("Taken from", port.receipt().host());
  } else if (port.has_receipt()) {
    const v1::PortReceipt& receipt = port.receipt();
    fields.Add(
        "In force",
        fmt::format("{} on {}, digest {}, since {}",
                    ProfileAtRevision(receipt.profile(), receipt.profile_revision()),
                    receipt.host(), ShortDigest(receipt.digest()), FormatTime(receipt.time_us())));
  }
  fields.Add("Revision", std::to_string(port.meta().revision()));
  return fields.Render();
}

std::string PortCountersText(const v1::PortCountersResponse& counters) {
  Fields fields;
  fields.Add("Counted",
             fmt::format("on {}, {}", Cell(counters.host()), FormatTime(counters.time_us())));
  fields.Add("From the guest",
             fmt::format("{} packets, {} bytes", counters.rx_packets(), counters.rx_bytes()));
  fields.Add("To the guest",
             fmt::format("{} packets, {} bytes", counters.tx_packets(), counters.tx_bytes()));
  for (const auto& [reason, count] : Sorted(counters.drops())) {
    fields.Add("Dropped, " + Cell(reason), std::to_string(count));
  }
  if (counters.connections() != 0) {
    fields.Add("Connections", std::to_string(counters.connections()));
  }
  for (const v1::RuleCounter& rule : counters.rules()) {
    fields.Add(RuleText(rule), fmt::format("{} packets, {} bytes", rule.packets(), rule.bytes()));
  }
  return fields.Render();
}

std::string HostText(const v1::Host& host) {
  Fields fields;
  fields.Add("ID", host.meta().name());
  fields.Add("State", Word(host.state()));
  fields.Add("VTEPs", Join(host.vteps()));
  fields.Add("Underlay MTU", std::to_string(host.underlay_mtu()));
  if (!host.uplinks().empty()) fields.Add("Uplinks", Join(host.uplinks()));
  fields.Add("Datapath", host.datapath());
  fields.Add("Agent version", host.agent_version());
  fields.Add("Generation", fmt::format("{} applied, {} desired", host.applied_generation(),
                                       host.desired_generation()));
  fields.Add("Last seen", FormatTime(host.last_seen_us()));
  fields.Add("Certificate", host.certificate_sha256());
  fields.Add("Certificate expires", FormatTime(host.certificate_expires_us()));
  return fields.Render();
}

}  // namespace outrider::controller::cli
