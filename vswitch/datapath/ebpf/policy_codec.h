// What a port's profile says beside segment and rules, as rows, and back: lossless. Pure; any
// thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_POLICY_CODEC_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_POLICY_CODEC_H_

#include <optional>
#include <vector>

#include "vswitch/abi/or_abi.h"
#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

// Ids in or_limits and or_allowed_rows; 0: none.
struct PolicyIds {
  uint32_t limits = 0;
  uint32_t allowed = 0;
};

abi::or_limits EncodeLimits(const state::Port& port);
bool IsLimited(const abi::or_limit& limit);

std::vector<abi::or_allowed_row> EncodeAllowed(const std::vector<state::AllowedAddress>& allowed);
// What the programs look up for a row; absent: it is for the other of the two maps.
std::optional<abi::or_allowed_mac> AllowedMac(uint32_t list, const abi::or_allowed_row& row);
std::optional<abi::or_allowed_key> AllowedKey(uint32_t list, const abi::or_allowed_row& row);

void EncodePolicy(const state::Port& port, const PolicyIds& ids, abi::or_port* row);
void EncodePolicyInfo(const state::Port& port, abi::or_port_info* info);
// False when a list the row names is not in the inventory, or the rows make no sense: an
// interrupted write.
bool DecodePolicy(const abi::or_port& row, const abi::or_port_info& info,
                  const Inventory& inventory, state::Port* port);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_POLICY_CODEC_H_
