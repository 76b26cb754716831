// Objects for tests, in few words: what a test does not name is valid and normalised.
#ifndef OUTRIDER_TESTS_CONTROLLER_MODEL_BUILD_H_
#define OUTRIDER_TESTS_CONTROLLER_MODEL_BUILD_H_

#include <fmt/format.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/model/model.h"
#include "controller/model/validate.h"

namespace outrider::controller {

// A message from its text form.
template <typename T>
T Parse(const std::string& text) {
  T message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

inline bool Equal(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

// Port n's uuid, MAC and host k's VTEP.
inline std::string PortId(int n) { return fmt::format("00000000-0000-4000-8000-{:012x}", n); }
inline std::string Mac(int n) { return fmt::format("52:54:00:00:{:02x}:{:02x}", n / 256, n % 256); }
inline std::string Vtep(int k) { return fmt::format("10.0.{}.1", k); }

inline v1::Segment MakeSegment(const std::string& name, uint32_t vni, uint32_t mtu = 1450) {
  v1::Segment segment;
  segment.mutable_meta()->set_name(name);
  segment.set_vni(vni);
  segment.set_mtu(mtu);
  Normalize(&segment);
  return segment;
}

// VLAN `vlan` of a physical network.
inline v1::Segment MakeProvider(const std::string& name, uint32_t vni, const std::string& uplink,
                                uint32_t vlan) {
  v1::Segment segment;
  segment.mutable_meta()->set_name(name);
  segment.set_vni(vni);
  segment.mutable_provider()->set_uplink(uplink);
  segment.mutable_provider()->set_vlan(vlan);
  Normalize(&segment);
  return segment;
}

// `acl` is the text of the AclSection; empty: none.
inline v1::Profile MakeProfile(const std::string& name, const std::string& segment,
                               const std::string& acl = "") {
  v1::Profile profile;
  profile.mutable_meta()->set_name(name);
  profile.mutable_vlan()->set_segment(segment);
  profile.set_profile_revision(1);
  profile.set_state(v1::Profile::STATE_ACTIVE);
  if (!acl.empty()) *profile.mutable_acl() = Parse<v1::AclSection>(acl);
  Normalize(&profile);
  return profile;
}

// `vlan` is the text of the VlanSection.
inline v1::Profile MakeVlanProfile(const std::string& name, const std::string& vlan) {
  v1::Profile profile = MakeProfile(name, "");
  *profile.mutable_vlan() = Parse<v1::VlanSection>(vlan);
  Normalize(&profile);
  return profile;
}

inline v1::AddressGroup MakeGroup(const std::string& name,
                                  const std::vector<std::string>& prefixes) {
  v1::AddressGroup group;
  group.mutable_meta()->set_name(name);
  group.mutable_prefixes()->Add(prefixes.begin(), prefixes.end());
  Normalize(&group);
  return group;
}

inline v1::PortGroup MakePortGroup(const std::string& name, const std::vector<int>& ports) {
  v1::PortGroup group;
  group.mutable_meta()->set_name(name);
  for (const int n : ports) group.add_ports(PortId(n));
  return group;
}

// Without sections of its own but the ACL; `acl` empty: without any.
inline v1::Profile MakeChild(const std::string& name, const std::string& parent,
                             const std::string& acl = "") {
  v1::Profile profile;
  profile.mutable_meta()->set_name(name);
  profile.set_parent(parent);
  profile.set_profile_revision(1);
  profile.set_state(v1::Profile::STATE_ACTIVE);
  if (!acl.empty()) *profile.mutable_acl() = Parse<v1::AclSection>(acl);
  Normalize(&profile);
  return profile;
}

// Located when `host` is not empty.
inline v1::Port MakePort(int n, const std::string& profile, const std::string& host = "",
                         uint64_t epoch = 1) {
  v1::Port port;
  port.mutable_meta()->set_name(PortId(n));
  port.set_mac(Mac(n));
  port.add_ips(fmt::format("192.168.{}.{}", n / 250, n % 250 + 1));
  port.set_profile(profile);
  port.set_phase(host.empty() ? v1::PORT_PHASE_UNBOUND : v1::PORT_PHASE_BLOCKED);
  if (host.empty()) return port;
  port.mutable_location()->set_host(host);
  port.mutable_location()->set_epoch(epoch);
  return port;
}

// Connected, with an underlay MTU of 1500. `k` is its VTEP's subnet.
inline v1::Host MakeHost(const std::string& id, int k) {
  v1::Host host;
  host.mutable_meta()->set_name(id);
  host.add_vteps(Vtep(k));
  host.set_underlay_mtu(1500);
  host.set_state(v1::Host::STATE_CONNECTED);
  return host;
}

inline v1::Gateway MakeGateway(const std::string& name, const std::string& vtep,
                               const std::vector<std::string>& segments) {
  v1::Gateway gateway;
  gateway.mutable_meta()->set_name(name);
  gateway.set_vtep(vtep);
  gateway.mutable_segments()->Add(segments.begin(), segments.end());
  return gateway;
}

// Of located ports, each in epoch 1 at the source.
inline v1::Migration MakeMigration(const std::string& id, const std::vector<int>& ports,
                                   const std::string& source, const std::string& destination,
                                   v1::MigrationPhase phase) {
  v1::Migration migration;
  migration.mutable_meta()->set_name(id);
  migration.set_source(source);
  migration.set_destination(destination);
  migration.set_phase(phase);
  for (const int port : ports) {
    migration.add_port_ids(PortId(port));
    (*migration.mutable_source_epochs())[PortId(port)] = 1;
    (*migration.mutable_expected_digests())[PortId(port)] = "digest";
  }
  return migration;
}

// A change, made in the model, as the repository publishes it.
template <typename T>
Change Apply(Model* model, const T& object) {
  Change change = MakePut(*model, std::make_shared<const T>(object));
  change.effects = model->Apply(model->revision() + 1, change);
  return change;
}

// Puts objects straight into a model.
template <typename... T>
void PutAll(Model* model, const T&... objects) {
  (model->Apply(model->revision() + 1, MakePut(*model, std::make_shared<const T>(objects))), ...);
}

template <typename T>
void Erase(Model* model, const std::string& name) {
  model->Apply(model->revision() + 1, MakeErase<T>(*model, name));
}

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_MODEL_BUILD_H_
