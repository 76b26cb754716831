#include "tests/bpf/seed_packets.h"

#include <utility>

namespace outrider::tests {
namespace {

constexpr char kAllNodes[] = "33:33:00:00:00:01";
constexpr char kAllNodesIp[] = "ff02::1";
constexpr size_t kEthernet = 14;

Bytes Join(const std::vector<Bytes>& parts) {
  Bytes joined;
  for (const Bytes& part : parts) joined.insert(joined.end(), part.begin(), part.end());
  return joined;
}

Bytes AddressOf(const std::string& ip) {
  if (Ip(ip).IsV4()) {
    const auto bytes = Ip(ip).v4_bytes();
    return {bytes.begin(), bytes.end()};
  }
  const auto bytes = Ip(ip).bytes();
  return {bytes.begin(), bytes.end()};
}

// RFC 4861, 4.6.1.
Bytes LinkOption(uint8_t type, const std::string& mac) {
  const auto bytes = Mac(mac).bytes();
  return Join({{type, 1}, {bytes.begin(), bytes.end()}});
}

// Of `units` times 8 bytes, zeros behind what is given.
Bytes Option(uint8_t type, uint8_t units, Bytes content = {}) {
  Bytes option = Join({{type, units}, content});
  option.resize(size_t{units} * 8);
  return option;
}

Bytes PacketOf(const PacketBuilder& builder) {
  const Bytes frame = builder.Build();
  return {frame.begin() + kEthernet, frame.end()};
}

// With a router alert, as RFC 2236 and RFC 3376 want it.
PacketBuilder Igmp(const Station& from, const std::string& to, Bytes message) {
  return PacketBuilder("01:00:5e:01:02:03", from.mac)
      .Ipv4({.src = from.ip, .dst = to, .ttl = 1, .options = {0x94, 4, 0, 0}, .protocol = 2})
      .Payload(std::move(message));
}

// Behind hop-by-hop options with a router alert (RFC 2710, RFC 3810).
PacketBuilder Mld(const Station& from, const std::string& to, uint8_t type, Bytes message) {
  return PacketBuilder("33:33:00:01:02:03", from.mac)
      .Ipv6({.src = from.ip6, .dst = to, .hop_limit = 1})
      .Extension(0)
      .Icmpv6(type)
      .Payload(std::move(message));
}

PacketBuilder Discovery(const Station& from, const std::string& mac, const std::string& ip,
                        uint8_t type, Bytes message) {
  return PacketBuilder(mac, from.mac)
      .Ipv6({.src = from.ip6, .dst = ip, .hop_limit = 255})
      .Icmpv6(type)
      .Payload(std::move(message));
}

std::vector<SeedPacket> ArpSeeds(const Station& from, const Station& to) {
  const ArpFields ask = {.sender_mac = Mac(from.mac), .sender_ip = from.ip, .target_ip = to.ip};
  ArpFields reply = ask;
  reply.operation = 2;
  reply.target_mac = Mac(to.mac);
  ArpFields probe = ask;
  probe.sender_ip = "0.0.0.0";
  ArpFields announce = ask;
  announce.target_ip = from.ip;
  ArpFields foreign = ask;
  foreign.sender_mac = Mac(to.mac);
  Bytes rarp = PacketBuilder(kBroadcast, from.mac).Arp(announce).Payload(18, 0).Build();
  rarp[12] = 0x80;
  rarp[13] = 0x35;
  rarp[21] = 3;
  return {
      {"arp request", PacketBuilder(kBroadcast, from.mac).Arp(ask).Build()},
      {"arp request, padded", PacketBuilder(kBroadcast, from.mac).Arp(ask).Payload(18, 0).Build()},
      {"arp reply", PacketBuilder(to.mac, from.mac).Arp(reply).Payload(18, 0).Build()},
      {"arp probe", PacketBuilder(kBroadcast, from.mac).Arp(probe).Build()},
      {"arp announcement", PacketBuilder(kBroadcast, from.mac).Arp(announce).Build()},
      {"arp of another", PacketBuilder(kBroadcast, from.mac).Arp(foreign).Build()},
      {"rarp", std::move(rarp)},
  };
}

std::vector<SeedPacket> RouterSeeds(const Station& from) {
  const Bytes prefix = Option(3, 4, {64, 0xc0, 0, 0, 14, 16, 0, 0, 7, 8});
  const Bytes servers = Option(25, 3, {0, 0, 0, 0, 4, 0});
  const Bytes advertisement =
      Join({Bytes(8), LinkOption(1, from.mac), Option(5, 1, {0, 0, 0, 0, 5, 0}), prefix, servers});
  return {
      {"router solicitation",
       Discovery(from, "33:33:00:00:00:02", "ff02::2", 133, LinkOption(1, from.mac)).Build()},
      {"router advertisement", Discovery(from, kAllNodes, kAllNodesIp, 134, advertisement).Build()},
  };
}

std::vector<SeedPacket> Discoveries(const Station& from, const Station& to) {
  const Bytes target = AddressOf(to.ip6);
  const Bytes own = AddressOf(from.ip6);
  const char* const solicited = "ff02::1:ff00:2";
  const Bytes nonce = Option(14, 1, {1, 2, 3, 4, 5, 6});
  Station nobody = from;
  nobody.ip6 = "::";
  Bytes many;
  for (int i = 0; i < 8; ++i) many = Join({many, nonce});
  const Bytes quoted =
      PacketOf(PacketBuilder(from.mac, to.mac).Ipv6({.src = to.ip6, .dst = from.ip6}).Udp(1, 2));
  const char* const mac = "33:33:ff:00:00:02";
  const auto solicit = [&](const Bytes& options) {
    return Discovery(from, mac, solicited, 135, Join({target, options})).Build();
  };
  return {
      {"solicitation", solicit(LinkOption(1, from.mac))},
      {"solicitation with a nonce", solicit(Join({LinkOption(1, from.mac), nonce}))},
      {"solicitation with 9 options", solicit(Join({many, LinkOption(1, from.mac)}))},
      {"solicitation with an option of length 0", solicit(Bytes(8))},
      {"solicitation with an option past its end", solicit(Option(1, 1, {0, 0, 0, 0, 0, 0}))},
      {"solicitation of another's MAC", solicit(LinkOption(1, to.mac))},
      {"solicitation to one", Discovery(from, to.mac, to.ip6, 135, target).Build()},
      {"duplicate address detection",
       Discovery(nobody, mac, solicited, 135, Join({own, nonce})).Build()},
      {"advertisement",
       Discovery(from, kAllNodes, kAllNodesIp, 136, Join({own, LinkOption(2, from.mac)})).Build()},
      {"redirect", Discovery(from, to.mac, to.ip6, 137,
                             Join({own, target, LinkOption(2, from.mac),
                                   Option(4, 7, Join({Bytes(6), quoted}))}))
                       .Build()},
  };
}

// Of IGMPv3 (RFC 3376, 4.2) and MLDv2 (RFC 3810, 5.2): a record with two sources.
Bytes Record(const std::string& group, const std::vector<std::string>& sources) {
  Bytes record = Join({{1, 0, 0, static_cast<uint8_t>(sources.size())}, AddressOf(group)});
  for (const std::string& source : sources) record = Join({record, AddressOf(source)});
  return record;
}

std::vector<SeedPacket> MldSeeds(const Station& from) {
  const char* const group = "ff15::1:203";
  const Bytes address = AddressOf(group);
  const Bytes source = AddressOf("fd00::9");
  const auto seed = [&](const char* name, uint8_t type, const Bytes& message) {
    return SeedPacket{name, Mld(from, group, type, message).Build()};
  };
  // The builder's 8 bytes of header have the delay, or the records' number, zero.
  Bytes report = Mld(from, "ff02::16", 143,
                     Join({Record(group, {"fd00::8", "fd00::9"}), Record("ff15::4", {})}))
                     .Build();
  report[kEthernet + 40 + 8 + 7] = 2;
  return {
      seed("mld general query", 130, Bytes(16)),
      seed("mld query", 130, address),
      seed("mldv2 query with sources", 130, Join({address, {2, 125, 0, 1}, source})),
      seed("mld report", 131, address),
      seed("mld done", 132, address),
      {"mldv2 report", std::move(report)},
  };
}

std::vector<SeedPacket> TcpSeeds(const Station& from, const Station& to) {
  const Ipv4Fields v4 = {.src = from.ip, .dst = to.ip};
  const Ipv6Fields v6 = {.src = from.ip6, .dst = to.ip6};
  const auto frame = [&] { return PacketBuilder(to.mac, from.mac); };
  const Bytes options = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};
  const Bytes endless = Join({{1, 1, 1, 1, 3, 0}, Bytes(34, 3)});
  const auto syn = [](Bytes with) {
    return TcpFields{.src_port = 1000, .dst_port = 80, .flags = 2, .options = std::move(with)};
  };
  return {
      {"tcp syn", frame().Ipv4(v4).Tcp(syn(options)).Build()},
      {"tcp syn, bad options", frame().Ipv4(v4).Tcp(syn(endless)).Build()},
      {"tcp6 syn", frame().Ipv6(v6).Tcp(syn(options)).Build()},
      {"tcp data", frame().Ipv4(v4).Tcp(1000, 80).Payload(60).Build()},
      {"tcp with all flags", frame().Ipv4(v4).Tcp(1000, 80, 0xff).Payload(20).Build()},
      {"tcp without flags", frame().Ipv6(v6).Tcp(1000, 22, 0).Payload(20).Build()},
  };
}

std::vector<SeedPacket> DatagramSeeds(const Station& from, const Station& to) {
  const Ipv4Fields v4 = {.src = from.ip, .dst = to.ip};
  const Ipv6Fields v6 = {.src = from.ip6, .dst = to.ip6};
  const auto frame = [&] { return PacketBuilder(to.mac, from.mac); };
  const auto all = [&] { return PacketBuilder(kBroadcast, from.mac); };
  const auto agents = [&] { return PacketBuilder("33:33:00:01:00:02", from.mac); };
  return {
      {"udp", frame().Ipv4(v4).Udp(1000, 53).Payload(60).Build()},
      {"udp6", frame().Ipv6(v6).Udp(1000, 53).Payload(60).Build()},
      {"udp without data", frame().Ipv4(v4).Udp(1000, 53).Build()},
      {"sctp", frame().Ipv4(v4).Sctp(1000, 53).Payload(16).Build()},
      {"gre", frame().Ipv4({.src = from.ip, .dst = to.ip, .protocol = 47}).Payload(40).Build()},
      {"no next header", frame().Ipv6(v6).Build()},
      {"ipv4 and nothing else", frame().Ipv4(v4).Build()},
      {"dhcp discover",
       all().Ipv4({.src = "0.0.0.0", .dst = "255.255.255.255"}).Udp(68, 67).Payload(300).Build()},
      {"dhcp offer",
       all().Ipv4({.src = from.ip, .dst = "255.255.255.255"}).Udp(67, 68).Payload(300).Build()},
      {"dhcpv6 solicit",
       agents().Ipv6({.src = from.ip6, .dst = "ff02::1:2"}).Udp(546, 547).Payload(60).Build()},
      {"dhcpv6 advertise", frame().Ipv6(v6).Udp(547, 546).Payload(60).Build()},
  };
}

std::vector<SeedPacket> IcmpSeeds(const Station& from, const Station& to) {
  const Ipv4Fields v4 = {.src = from.ip, .dst = to.ip};
  const Ipv6Fields v6 = {.src = from.ip6, .dst = to.ip6};
  const auto frame = [&] { return PacketBuilder(to.mac, from.mac); };
  const auto back = [&] { return PacketBuilder(from.mac, to.mac); };
  const auto back4 = [&] { return back().Ipv4({.src = to.ip, .dst = from.ip}); };
  const auto back6 = [&] { return back().Ipv6({.src = to.ip6, .dst = from.ip6}); };
  const Bytes later =
      PacketOf(back()
                   .Ipv4({.src = to.ip, .dst = from.ip, .fragment_offset = 4, .protocol = 17})
                   .Payload(16));
  const auto error = [&](uint8_t type, const Bytes& quoted) {
    return frame().Ipv4(v4).Icmp(type, 1).Payload(quoted).Build();
  };
  const auto error6 = [&](uint8_t type, const Bytes& quoted) {
    return frame().Ipv6(v6).Icmpv6(type).Payload(quoted).Build();
  };
  return {
      {"echo", frame().Ipv4(v4).Icmp(8, 0, 7).Payload(32).Build()},
      {"echo reply", frame().Ipv4(v4).Icmp(0, 0, 7).Payload(32).Build()},
      {"icmp redirect", frame().Ipv4(v4).Icmp(5, 1).Payload(28).Build()},
      {"icmp timestamp", frame().Ipv4(v4).Icmp(13).Payload(12).Build()},
      {"unreachable udp", error(3, PacketOf(back4().Udp(53, 1000)))},
      {"exceeded tcp", error(11, PacketOf(back4().Tcp(80, 1000).Payload(8)))},
      {"parameter problem of echo", error(12, PacketOf(back4().Icmp(8, 0, 7)))},
      {"unreachable fragment", error(3, later)},
      {"unreachable of an error", error(3, PacketOf(back4().Icmp(3).Payload(28)))},
      {"echo6", frame().Ipv6(v6).Icmpv6(128, 0, 7).Payload(32).Build()},
      {"too big of udp", error6(2, PacketOf(back6().Udp(53, 1000)))},
      {"exceeded tcp6 behind headers",
       error6(3, PacketOf(back6().Extension(0).Extension(60, 2).Tcp(80, 1000)))},
      {"unreachable fragment6",
       error6(1, PacketOf(back6().Fragment6({.offset = 2, .next_header = 17}).Payload(8)))},
      {"parameter problem of echo6", error6(4, PacketOf(back6().Icmpv6(128, 0, 7)))},
  };
}

std::vector<SeedPacket> FragmentSeeds(const Station& from, const Station& to) {
  const auto v4 = [&](uint16_t offset, bool more, uint8_t protocol) {
    return PacketBuilder(to.mac, from.mac)
        .Ipv4({.src = from.ip,
               .dst = to.ip,
               .more_fragments = more,
               .fragment_offset = offset,
               .protocol = protocol});
  };
  const auto v6 = [&](uint16_t offset, bool more, uint8_t next) {
    return PacketBuilder(to.mac, from.mac)
        .Ipv6({.src = from.ip6, .dst = to.ip6})
        .Fragment6({.offset = offset, .more = more, .next_header = next});
  };
  return {
      {"first fragment", v4(0, true, 17).Udp(1000, 53).Payload(40).Build()},
      {"later fragment", v4(6, true, 17).Payload(48).Build()},
      {"last fragment", v4(6, false, 17).Payload(5).Build()},
      {"overlapping fragment", v4(1, true, 6).Payload(16).Build()},
      {"fragment past the end of all", v4(0x1fff, false, 17).Payload(40).Build()},
      {"tiny first fragment", v4(0, true, 6).Payload(8).Build()},
      {"first fragment6", v6(0, true, 17).Udp(1000, 53).Payload(40).Build()},
      {"later fragment6", v6(6, true, 17).Payload(48).Build()},
      {"last fragment6", v6(6, false, 17).Payload(5).Build()},
      {"overlapping fragment6", v6(1, true, 6).Payload(16).Build()},
      {"later fragment6 of options", v6(2, false, 60).Payload(16).Build()},
      {"atomic fragment6", v6(0, false, 17).Udp(1000, 53).Payload(40).Build()},
      {"tiny first fragment6", v6(0, true, 60).Payload(8, 0).Build()},
  };
}

// Nothing that the programs know, or that pretends to be.
std::vector<SeedPacket> OddSeeds(const Station& from, const Station& to) {
  std::vector<SeedPacket> seeds;
  for (const uint16_t type : {0x0800, 0x86dd, 0x0806, 0x8035, 0x88cc, 0x1234, 0x0040, 0xffff}) {
    for (const uint8_t fill : {0x00, 0x45, 0x60, 0xff}) {
      seeds.push_back({"ethertype " + std::to_string(type) + " with " + std::to_string(fill),
                       PacketBuilder(to.mac, from.mac).EtherType(type).Payload(114, fill).Build()});
    }
  }
  seeds.push_back(
      {"reserved multicast",
       PacketBuilder("01:80:c2:00:00:0e", from.mac).EtherType(0x88cc).Payload(46).Build()});
  seeds.push_back({"multicast source", PacketBuilder(to.mac, kAllNodes).Payload(46).Build()});
  seeds.push_back({"from another", PacketBuilder(to.mac, to.mac).Payload(46).Build()});
  return seeds;
}

void Append(std::vector<SeedPacket> more, std::vector<SeedPacket>* seeds) {
  for (SeedPacket& seed : more) seeds->push_back(std::move(seed));
}

}  // namespace

std::vector<SeedPacket> NeighbourSeeds(const Station& from, const Station& to) {
  std::vector<SeedPacket> seeds = ArpSeeds(from, to);
  Append(RouterSeeds(from), &seeds);
  Append(Discoveries(from, to), &seeds);
  return seeds;
}

std::vector<SeedPacket> MembershipSeeds(const Station& from) {
  const char* const group = "239.1.2.3";
  const Bytes address = AddressOf(group);
  const auto seed = [&](const char* name, const Bytes& head, const Bytes& rest = {}) {
    return SeedPacket{name, Igmp(from, group, Join({head, rest})).Build()};
  };
  std::vector<SeedPacket> seeds = {
      seed("igmp general query", {0x11, 100, 0, 0, 0, 0, 0, 0}),
      seed("igmp query", {0x11, 100, 0, 0}, address),
      seed("igmpv3 query with sources", {0x11, 100, 0, 0},
           Join({address, {2, 125, 0, 2}, AddressOf("10.0.0.8"), AddressOf("10.0.0.9")})),
      seed("igmpv1 report", {0x12, 0, 0, 0}, address),
      seed("igmpv2 report", {0x16, 0, 0, 0}, address),
      seed("igmp leave", {0x17, 0, 0, 0}, address),
      seed("igmpv3 report", {0x22, 0, 0, 0, 0, 0, 0, 2},
           Join({Record(group, {"10.0.0.8", "10.0.0.9"}), Record("239.4.5.6", {})})),
      {"multicast of a group", PacketBuilder("01:00:5e:01:02:03", from.mac)
                                   .Ipv4({.src = from.ip, .dst = group})
                                   .Udp(5, 6)
                                   .Payload(40)
                                   .Build()},
  };
  Append(MldSeeds(from), &seeds);
  return seeds;
}

std::vector<SeedPacket> TransportSeeds(const Station& from, const Station& to) {
  std::vector<SeedPacket> seeds = TcpSeeds(from, to);
  Append(DatagramSeeds(from, to), &seeds);
  Append(IcmpSeeds(from, to), &seeds);
  return seeds;
}

std::vector<SeedPacket> HeaderSeeds(const Station& from, const Station& to) {
  const Ipv6Fields v6 = {.src = from.ip6, .dst = to.ip6};
  const auto frame = [&] { return PacketBuilder(to.mac, from.mac); };
  PacketBuilder endless = frame().Ipv6(v6);
  for (int i = 0; i < 12; ++i) endless.Extension(60);
  Ipv4Fields options = {.src = from.ip, .dst = to.ip, .options = Bytes(40, 1)};
  Ipv4Fields source_route = options;
  source_route.options = Join({{0x83, 7, 4}, AddressOf(to.ip), {0}});
  std::vector<SeedPacket> seeds = {
      {"ip options", frame().Ipv4(options).Udp(1000, 53).Payload(30).Build()},
      {"source route", frame().Ipv4(source_route).Tcp(1000, 80, 2).Build()},
      {"extension headers",
       frame().Ipv6(v6).Extension(0, 2).Extension(60).Extension(43, 3).Tcp(1000, 80, 2).Build()},
      {"authentication header", frame().Ipv6(v6).Extension(51, 3).Udp(1000, 53).Build()},
      {"mobility header", frame().Ipv6(v6).Extension(135, 2).Build()},
      {"too many extension headers", endless.Udp(1000, 53).Build()},
      {"mapped source",
       frame().Ipv6({.src = from.ip, .dst = to.ip6}).Udp(1000, 53).Payload(9).Build()},
  };
  Append(FragmentSeeds(from, to), &seeds);
  return seeds;
}

std::vector<SeedPacket> TaggedSeeds(const Station& from, const Station& to) {
  constexpr uint16_t kService = 0x88a8;
  const auto seed = [&](const char* name, const std::vector<std::pair<uint16_t, uint16_t>>& tags,
                        const std::string& dst) {
    PacketBuilder frame(dst, from.mac);
    for (const auto& [vlan, type] : tags) frame.Vlan(vlan, type);
    return SeedPacket{name,
                      frame.Ipv4({.src = from.ip, .dst = to.ip}).Udp(1000, 53).Payload(40).Build()};
  };
  return {
      seed("vlan 5", {{5, 0x8100}}, to.mac),
      seed("vlan 5 to all", {{5, 0x8100}}, kBroadcast),
      seed("vlan 6", {{6, 0x8100}}, to.mac),
      seed("vlan 4095", {{4095, 0x8100}}, to.mac),
      seed("service vlan 5", {{5, kService}}, to.mac),
      seed("priority tag", {{0, 0x8100}}, to.mac),
      seed("priority tag of a service", {{0, kService}}, to.mac),
      seed("priority tag before vlan 5", {{0, 0x8100}, {5, 0x8100}}, to.mac),
      seed("two priority tags", {{0, 0x8100}, {0, 0x8100}}, to.mac),
      seed("stacked", {{5, 0x8100}, {9, 0x8100}}, to.mac),
      seed("stacked, to all", {{5, 0x8100}, {9, 0x8100}}, kBroadcast),
      seed("stacked below a service tag", {{5, kService}, {9, 0x8100}}, to.mac),
      seed("stacked above a priority tag", {{5, 0x8100}, {0, 0x8100}}, kBroadcast),
      seed("three tags", {{5, 0x8100}, {9, 0x8100}, {7, 0x8100}}, to.mac),
  };
}

std::vector<SeedPacket> AllSeeds(const Station& from, const Station& to) {
  std::vector<SeedPacket> seeds = NeighbourSeeds(from, to);
  Append(MembershipSeeds(from), &seeds);
  Append(TransportSeeds(from, to), &seeds);
  Append(HeaderSeeds(from, to), &seeds);
  Append(TaggedSeeds(from, to), &seeds);
  Append(OddSeeds(from, to), &seeds);
  return seeds;
}

}  // namespace outrider::tests
