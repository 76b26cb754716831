#include "tests/bpf/drop_cases.h"

namespace outrider::tests {

std::vector<DropCase> GuardDropCases() {
  auto no_rows = [](BpfSwitch&) { return absl::OkStatus(); };
  return {
      {"past_the_switch", 1, OR_DROP_NOT_DELIVERED, UdpTo(kMacA), no_rows, "or_port_guard"},
      {"delivered_to_another_port",
       1,
       OR_DROP_NOT_DELIVERED,
       UdpTo(kMacA),
       no_rows,
       "or_port_guard",
       {.mark = OR_MARK_MAGIC | 2}},
      {"in_the_name_of_another_guest",
       1,
       OR_DROP_NOT_DELIVERED,
       UdpTo(kMacA),
       no_rows,
       "or_port_guard",
       {.mark = OR_MARK_FROM_GUEST | 2}},
      {"guard_of_unknown_device",
       0,
       OR_DROP_PORT_UNKNOWN,
       UdpTo(kMacA),
       [](BpfSwitch& s) {
         return s.Map<uint32_t, uint32_t>("or_devices")
             .Delete(static_cast<uint32_t>(s.tap(1).ifindex()));
       },
       "or_port_guard",
       {.mark = OR_MARK_MAGIC | 1}},
      {"host_into_tunnel", 0, OR_DROP_NOT_DELIVERED, UdpTo(kMacA), no_rows, "or_tunnel_guard"},
      {"no_tunnel_key", 0, OR_DROP_NO_TUNNEL_KEY, UdpTo(kMacA), no_rows, "or_from_overlay"},
  };
}

}  // namespace outrider::tests
