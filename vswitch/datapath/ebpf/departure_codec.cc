#include "vswitch/datapath/ebpf/departure_codec.h"

#include <algorithm>
#include <cstring>

#include "vswitch/datapath/ebpf/c_arrays.h"

namespace outrider::datapath::ebpf {

abi::or_departure_info EncodeDeparture(const state::Departure& departure) {
  abi::or_departure_info info{};
  // NUL-padded; Validate() keeps it within the size.
  std::memcpy(info.migration, departure.migration_id.data(),
              std::min(departure.migration_id.size(), sizeof(info.migration) - 1));
  if (departure.vtep) CopyBytes(departure.vtep->bytes(), info.vtep);
  info.epoch = static_cast<uint64_t>(departure.epoch);
  info.label = departure.label;
  return info;
}

state::Departure DecodeDeparture(const abi::or_departure_info& info) {
  state::Departure departure;
  departure.migration_id =
      std::string(info.migration, strnlen(info.migration, sizeof(info.migration)));
  if (const IpAddress vtep(ToArray(info.vtep)); vtep != IpAddress()) departure.vtep = vtep;
  departure.epoch = Epoch{info.epoch};
  departure.label = static_cast<uint16_t>(info.label);
  return departure;
}

}  // namespace outrider::datapath::ebpf
