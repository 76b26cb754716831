// Members' prefixes as keys of the maps, and back: lossless. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_GROUP_CODEC_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_GROUP_CODEC_H_

#include "vswitch/abi/or_abi.h"
#include "vswitch/datapath/ebpf/c_arrays.h"
#include "vswitch/types/ip_address.h"

namespace outrider::datapath::ebpf {

inline abi::or_group_key EncodePrefix(const IpPrefix& prefix) {
  abi::or_group_key key{};
  key.length = OR_GROUP_KEY_BITS + static_cast<uint32_t>(prefix.mapped_length());
  key.family = prefix.IsV4() ? 4 : 6;
  CopyBytes(prefix.address().bytes(), key.address);
  return key;
}

inline IpPrefix DecodePrefix(const abi::or_group_key& key) {
  const IpAddress address(ToArray(key.address));
  const int length = static_cast<int>(key.length) - OR_GROUP_KEY_BITS;
  return IpPrefix::Create(address, address.IsV4() ? length - 96 : length);
}

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_GROUP_CODEC_H_
