#include "vswitch/datapath/datapath.h"

namespace outrider::datapath {

std::string ToString(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kRuleSet:
      return "rule-set";
    case ObjectKind::kSegment:
      return "segment";
    case ObjectKind::kNeighbor:
      return "neighbor";
    case ObjectKind::kPort:
      return "port";
    case ObjectKind::kDeparture:
      return "departure";
    case ObjectKind::kFdb:
      return "fdb";
    case ObjectKind::kGroupMember:
      return "group-member";
    case ObjectKind::kMulticastGroup:
      return "multicast-group";
  }
  return "unknown";
}

std::string KeyText(const Vni& vni) { return vni.ToString(); }

std::string KeyText(const state::FdbKey& key) {
  return key.vni.ToString() + "/" + key.mac.ToString();
}

std::string KeyText(const state::NeighborKey& key) {
  return key.vni.ToString() + "/" + key.ip.ToString();
}

std::string KeyText(const PortId& id) { return id.ToString(); }

std::string KeyText(const Digest& digest) { return digest.ToString(); }

std::string KeyText(const state::GroupMember& member) {
  return member.group + " " + member.prefix.ToString();
}

std::string KeyText(const state::MulticastKey& key) {
  return key.vni.ToString() + "/" + key.group.ToString();
}

}  // namespace outrider::datapath
