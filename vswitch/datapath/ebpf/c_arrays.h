// Fixed arrays of the C structs of vswitch/abi as our types, and back. Any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_C_ARRAYS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_C_ARRAYS_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace outrider::datapath::ebpf {

template <size_t N>
std::array<uint8_t, N> ToArray(const uint8_t (&bytes)[N]) {
  std::array<uint8_t, N> result;
  for (size_t i = 0; i < N; ++i) result[i] = bytes[i];
  return result;
}
template <size_t N>
void CopyBytes(const std::array<uint8_t, N>& from, uint8_t (&to)[N]) {
  for (size_t i = 0; i < N; ++i) to[i] = from[i];
}

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_C_ARRAYS_H_
