#include "vswitch/sys/netlink/device_counters.h"

#include <utility>

#include "vswitch/sys/netlink/netlink_error.h"

namespace outrider::sys {
namespace {

DeviceCounters CountersOf(rtnl_link* link) {
  const auto read = [link](rtnl_link_stat_id_t id) { return rtnl_link_get_stat(link, id); };
  return {.rx_packets = read(RTNL_LINK_RX_PACKETS),
          .rx_bytes = read(RTNL_LINK_RX_BYTES),
          .rx_errors = read(RTNL_LINK_RX_ERRORS),
          .rx_dropped = read(RTNL_LINK_RX_DROPPED),
          .rx_frame_errors = read(RTNL_LINK_RX_FRAME_ERR),
          .rx_over_errors = read(RTNL_LINK_RX_OVER_ERR),
          .rx_crc_errors = read(RTNL_LINK_RX_CRC_ERR),
          .tx_packets = read(RTNL_LINK_TX_PACKETS),
          .tx_bytes = read(RTNL_LINK_TX_BYTES),
          .tx_errors = read(RTNL_LINK_TX_ERRORS),
          .tx_dropped = read(RTNL_LINK_TX_DROPPED),
          .collisions = read(RTNL_LINK_COLLISIONS)};
}

class RtnetlinkCounterReader final : public DeviceCounterReader {
 public:
  explicit RtnetlinkCounterReader(SocketHandle socket) : socket_(std::move(socket)) {}

  absl::StatusOr<std::vector<CountedDevice>> Read() override {
    nl_cache* raw = nullptr;
    RETURN_IF_ERROR(
        NetlinkStatus(rtnl_link_alloc_cache(socket_.get(), AF_UNSPEC, &raw), "list devices"));
    const CacheHandle cache(raw);
    std::vector<CountedDevice> devices;
    for (nl_object* object = nl_cache_get_first(raw); object != nullptr;
         object = nl_cache_get_next(object)) {
      auto* const link = reinterpret_cast<rtnl_link*>(object);
      devices.push_back({ToLink(link), CountersOf(link)});
    }
    return devices;
  }

  absl::StatusOr<CountedDevice> Read(const std::string& name) override {
    rtnl_link* raw = nullptr;
    RETURN_IF_ERROR(NetlinkStatus(rtnl_link_get_kernel(socket_.get(), 0, name.c_str(), &raw),
                                  "look at device " + name));
    const LinkHandle link(raw);
    return CountedDevice{ToLink(raw), CountersOf(raw)};
  }

 private:
  const SocketHandle socket_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DeviceCounterReader>> DeviceCounterReader::Create() {
  SocketHandle socket(nl_socket_alloc());
  if (socket == nullptr) return absl::ResourceExhaustedError("netlink socket: out of memory");
  RETURN_IF_ERROR(NetlinkStatus(nl_connect(socket.get(), NETLINK_ROUTE), "connect rtnetlink"));
  return std::make_unique<RtnetlinkCounterReader>(std::move(socket));
}

}  // namespace outrider::sys
