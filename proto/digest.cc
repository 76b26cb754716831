#include "proto/digest.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/sha.h>

#include <algorithm>
#include <tuple>

namespace outrider::v1 {
namespace {

std::string Serialize(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

template <typename Repeated, typename Key>
void SortBy(Repeated* field, Key key) {
  std::sort(field->begin(), field->end(),
            [&key](const auto& a, const auto& b) { return key(a) < key(b); });
}

}  // namespace

std::string Sha256Hex(const std::string& bytes) {
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), hash);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * sizeof(hash));
  for (const unsigned char byte : hash) {
    hex.push_back(kHex[byte >> 4]);
    hex.push_back(kHex[byte & 15]);
  }
  return hex;
}

std::string RuleSetDigest(const RuleSet& rule_set) {
  RuleSet canonical = rule_set;
  canonical.clear_digest();
  return Sha256Hex(Serialize(canonical));
}

std::string PortDigest(const PortState& port) {
  PortState canonical = port;
  canonical.clear_phase();
  canonical.clear_epoch();
  canonical.clear_report_first_frame();
  canonical.clear_migration_id();
  canonical.clear_arrival();
  return Sha256Hex(Serialize(canonical));
}

std::string HostStateDigest(const HostState& state) {
  HostState canonical = state;
  SortBy(canonical.mutable_segments(), [](const SegmentState& s) { return s.vni(); });
  for (SegmentState& segment : *canonical.mutable_segments()) {
    std::sort(segment.mutable_vteps()->begin(), segment.mutable_vteps()->end());
  }
  SortBy(canonical.mutable_fdb(),
         [](const FdbEntry& e) { return std::make_pair(e.vni(), e.mac()); });
  SortBy(canonical.mutable_neighbors(),
         [](const NeighborEntry& n) { return std::make_pair(n.vni(), n.ip()); });
  SortBy(canonical.mutable_rule_sets(), [](const RuleSet& r) { return r.digest(); });
  SortBy(canonical.mutable_ports(), [](const PortState& p) { return p.id(); });
  SortBy(canonical.mutable_group_members(),
         [](const GroupMember& m) { return std::tie(m.group(), m.prefix()); });
  SortBy(canonical.mutable_departures(), [](const Departure& d) { return d.port_id(); });
  SortBy(canonical.mutable_probes(), [](const MoveProbe& p) { return p.port_id(); });
  SortBy(canonical.mutable_multicast_groups(),
         [](const MulticastGroup& g) { return std::make_pair(g.vni(), g.group()); });
  for (MulticastGroup& group : *canonical.mutable_multicast_groups()) {
    std::sort(group.mutable_vteps()->begin(), group.mutable_vteps()->end());
  }
  return Sha256Hex(Serialize(canonical));
}

std::string ProfileDigest(const Profile& profile) {
  Profile canonical;
  canonical.set_description(profile.description());
  canonical.set_parent(profile.parent());
  if (profile.has_vlan()) *canonical.mutable_vlan() = profile.vlan();
  if (profile.has_acl()) *canonical.mutable_acl() = profile.acl();
  if (profile.has_qos()) *canonical.mutable_qos() = profile.qos();
  if (profile.has_security()) *canonical.mutable_security() = profile.security();
  return Sha256Hex(Serialize(canonical));
}

}  // namespace outrider::v1
