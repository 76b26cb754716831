#include "tests/bpf/drop_cases.h"

namespace outrider::tests {

PacketBuilder FromA(const std::string& dst) { return PacketBuilder(dst, kMacA); }

Bytes UdpTo(const std::string& dst_mac, size_t payload) {
  return FromA(dst_mac).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1000, 2000).Payload(payload).Build();
}

std::function<absl::Status(BpfSwitch&)> WithPort(uint32_t index,
                                                 std::function<void(abi::or_port*)> change) {
  return [=](BpfSwitch& s) {
    abi::or_port port = s.StandardPort(index);
    change(&port);
    return s.SetPort(index, port);
  };
}

std::vector<DropCase> Joined(const std::vector<std::vector<DropCase>>& tables) {
  std::vector<DropCase> all;
  for (const auto& more : tables) all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace outrider::tests
