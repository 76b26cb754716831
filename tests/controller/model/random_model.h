// Random changes to a model, for properties that must hold whatever happened before. References may
// dangle (validation would refuse that; the model must not care), but a port is in at most one
// running migration and VNIs are unique, as everywhere.
#ifndef OUTRIDER_TESTS_CONTROLLER_MODEL_RANDOM_MODEL_H_
#define OUTRIDER_TESTS_CONTROLLER_MODEL_RANDOM_MODEL_H_

#include <random>
#include <string>

#include "tests/controller/model/build.h"

namespace outrider::controller {

class RandomModel {
 public:
  static constexpr int kHosts = 6;

  explicit RandomModel(uint32_t seed) : random_(seed) {}

  const Model& model() const { return model_; }
  static std::string Host(int k) { return fmt::format("h{}", k); }

  // Makes one commit and returns what it changed.
  ChangeSet Step() {
    set_ = ChangeSet{model_.revision() + 1, true, {}};
    while (set_.changes.empty()) {
      switch (Below(14)) {
        case 12:
          StepPortGroup();
          break;
        case 13:
          StepDraft();
          break;
        case 0:
          StepSegment();
          break;
        case 1:
          StepGroup();
          break;
        case 2:
          StepGateway();
          break;
        case 3:
        case 4:
          StepProfile();
          break;
        case 5:
        case 6:
          StepHost();
          break;
        case 7:
        case 8:
          StepMigration();
          break;
        default:
          StepPort();
          break;
      }
    }
    return set_;
  }

 private:
  int Below(int limit) { return static_cast<int>(random_() % limit); }
  bool OneIn(int n) { return Below(n) == 0; }
  std::string Segment() { return fmt::format("s{}", Below(4)); }
  std::string Profile() { return OneIn(8) ? "" : fmt::format("p{}", Below(5)); }

  template <typename T>
  void Put(T object) {
    object.mutable_meta()->set_revision(set_.revision);
    Do(MakePut(model_, std::make_shared<const T>(std::move(object))));
  }
  template <typename T>
  void Erase(const std::string& name) {
    if (model_.Find<T>(name) != nullptr) Do(MakeErase<T>(model_, name));
  }
  void Do(Change change) {
    change.effects = model_.Apply(set_.revision, change);
    set_.changes.push_back(std::move(change));
  }

  void StepSegment() {
    const int n = Below(4);
    const std::string name = fmt::format("s{}", n);
    if (OneIn(5)) return Erase<v1::Segment>(name);
    v1::Segment segment = MakeSegment(name, 100 + n, OneIn(2) ? 0 : 1400 + Below(3));
    if (OneIn(4)) {
      segment.mutable_provider()->set_uplink("net");
      segment.mutable_provider()->set_vlan(static_cast<uint32_t>(n));
    }
    if (OneIn(3)) segment.set_unknown_unicast(v1::Segment::UNKNOWN_UNICAST_FLOOD);
    Put(segment);
  }

  void StepGroup() {
    const std::string name = fmt::format("g{}", Below(3));
    if (OneIn(5)) return Erase<v1::AddressGroup>(name);
    std::vector<std::string> prefixes;
    for (int i = Below(4); i > 0; --i)
      prefixes.push_back(fmt::format("10.{}.0.0/16", i + Below(9)));
    if (OneIn(2)) prefixes.push_back("2001:db8::/32");
    Put(MakeGroup(name, prefixes));
  }

  void StepPortGroup() {
    const std::string name = fmt::format("pg{}", Below(3));
    if (OneIn(5)) return Erase<v1::PortGroup>(name);
    std::vector<int> ports;
    for (int i = Below(4); i > 0; --i) ports.push_back(Below(14));
    Put(MakePortGroup(name, ports));
  }

  // Not in force: nobody may notice.
  void StepDraft() {
    auto draft = std::make_shared<v1::Profile>(MakeProfile(fmt::format("p{}", Below(5)), "s1"));
    const std::string name = draft->meta().name();
    Do(Change{Kind::kDraft, name, model_.Draft(name), OneIn(3) ? nullptr : std::move(draft)});
  }

  void StepGateway() {
    const int n = Below(3);
    const std::string name = fmt::format("gw{}", n);
    if (OneIn(4)) return Erase<v1::Gateway>(name);
    v1::Gateway gateway = MakeGateway(name, fmt::format("10.9.{}.1", n), {});
    for (int i = 0; i < 4; ++i) {
      if (!OneIn(2)) continue;
      const std::string segment = fmt::format("s{}", i);
      gateway.add_segments(segment);
      auto* station = gateway.add_stations();
      station->set_segment(segment);
      station->set_mac(Mac(1000 + n));
      station->add_ips(fmt::format("192.168.200.{}", n + 1));
    }
    Put(gateway);
  }

  void StepProfile() {
    const std::string name = fmt::format("p{}", Below(5));
    if (OneIn(8)) return Erase<v1::Profile>(name);
    if (OneIn(10) && model_.Find<v1::Profile>(name) != nullptr) {
      Change change = MakeErase<v1::Profile>(model_, name);
      change.withdraws = true;
      return Do(std::move(change));
    }
    const std::string acl =
        OneIn(3) ? ""
                 : fmt::format(
                       "ingress {{ priority: {} match {{ {}{}' protocol: 'tcp' }} "
                       "action: ACL_ACTION_ALLOW }}",
                       Below(5), OneIn(2) ? "src_group: 'g" : "src_port_group: 'pg", Below(3));
    v1::Profile profile = OneIn(2) ? MakeProfile(name, Segment(), acl)
                                   : MakeChild(name, fmt::format("p{}", Below(5)), acl);
    if (profile.has_vlan() && OneIn(2)) MakeTrunk(profile.mutable_vlan());
    if (OneIn(4)) profile.mutable_security()->set_ra_guard(v1::SecuritySection::GUARD_OFF);
    const v1::Profile* present = model_.Find<v1::Profile>(name);
    profile.set_profile_revision(present == nullptr ? 1 : present->profile_revision() + 1);
    Put(profile);
  }

  // Each segment once; the one of untagged frames stays where the mode has one.
  void MakeTrunk(v1::VlanSection* vlan) {
    vlan->set_mode(static_cast<v1::VlanSection::Mode>(v1::VlanSection::MODE_TRUNK + Below(4)));
    if (vlan->mode() == v1::VlanSection::MODE_DOT1Q_TUNNEL) {
      if (OneIn(2)) vlan->add_customer_vlans(30);
      return;
    }
    const bool native = vlan->mode() != v1::VlanSection::MODE_TRUNK;
    if (native) vlan->set_native_vlan(1);
    for (int i = 0; i < 4; ++i) {
      const std::string segment = fmt::format("s{}", i);
      if ((native && segment == vlan->segment()) || OneIn(2)) continue;
      vlan->add_vlans()->set_vlan(10 + i);
      vlan->mutable_vlans(vlan->vlans_size() - 1)->set_segment(segment);
    }
    if (!native) vlan->clear_segment();
  }

  void StepHost() {
    const int k = Below(kHosts);
    if (OneIn(6)) return Erase<v1::Host>(Host(k));
    v1::Host host = MakeHost(Host(k), k + 1);
    if (OneIn(4)) host.set_vteps(0, Vtep(k + 100));
    if (OneIn(4)) host.set_vteps(0, fmt::format("fd00::{}", k + 1));
    if (OneIn(6)) host.clear_vteps();
    if (OneIn(3)) host.set_underlay_mtu(1500 + 100 * Below(3));
    if (OneIn(3)) host.set_peer_port(static_cast<uint32_t>(Below(3)));
    host.set_applied_generation(Below(100));
    Put(host);
  }

  void StepPort() {
    const int n = Below(14);
    const v1::Port* present = model_.Find<v1::Port>(PortId(n));
    if (OneIn(8)) return Erase<v1::Port>(PortId(n));
    v1::Port port = MakePort(n, Profile());
    if (OneIn(3)) port.add_ips(fmt::format("192.168.100.{}", n + 1));
    if (OneIn(2)) port.add_ips(fmt::format("fd01::{}", n + 1));
    if (OneIn(3)) port.set_problem("changes nothing on hosts");
    if (present != nullptr) *port.mutable_location() = present->location();
    // During a migration only the migration moves the port.
    if (model_.RunningMigrationOf(PortId(n)) == nullptr && !OneIn(3)) {
      port.mutable_location()->set_host(OneIn(4) ? "" : Host(Below(kHosts)));
      port.mutable_location()->set_epoch(port.location().epoch() + 1);
    }
    Put(port);
  }

  void StepMigration() {
    const std::string id = fmt::format("m{}", Below(4));
    const v1::Migration* present = model_.Find<v1::Migration>(id);
    if (present != nullptr && IsProbing(*present) && OneIn(IsRunning(*present) ? 8 : 2)) {
      v1::Migration seen = *present;
      (*seen.mutable_probes())[seen.port_ids(0)].set_sent(1);
      return Put(seen);
    }
    if (present == nullptr || !IsRunning(*present)) {
      if (present != nullptr && OneIn(3)) return Erase<v1::Migration>(id);
      return StartMigration(id);
    }
    v1::Migration next = *present;
    if (OneIn(5)) {
      if (OneIn(2)) return Erase<v1::Migration>(id);
      next.set_phase(v1::MIGRATION_PHASE_ABORTED);
    } else if (IsSwitching(*present) && present->rerouted_us() == 0 && OneIn(2)) {
      next.set_rerouted_us(1);
    } else if (present->phase() == v1::MIGRATION_PHASE_ARMED) {
      next.set_phase(v1::MIGRATION_PHASE_SWITCHING);
      MovePort(next);
    } else {
      next.set_phase(static_cast<v1::MigrationPhase>(present->phase() + 1));
    }
    Put(next);
  }

  void StartMigration(const std::string& id) {
    const int n = Below(14);
    const v1::Port* port = model_.Find<v1::Port>(PortId(n));
    const std::string destination = Host(Below(kHosts));
    if (port == nullptr || model_.RunningMigrationOf(PortId(n)) != nullptr ||
        port->location().host().empty() || port->location().host() == destination) {
      return;
    }
    v1::Migration migration =
        MakeMigration(id, {n}, port->location().host(), destination, v1::MIGRATION_PHASE_PREPARING);
    (*migration.mutable_labels())[PortId(n)] = 1 + static_cast<uint32_t>(Below(9));
    const v1::Port* from = model_.Find<v1::Port>(PortId(Below(14)));
    if (from != nullptr && OneIn(2)) {
      migration.set_probe_from(from->meta().name());
      migration.set_probe_host(from->location().host());
    }
    Put(migration);
  }

  void MovePort(const v1::Migration& migration) {
    const v1::Port* port = model_.Find<v1::Port>(migration.port_ids(0));
    if (port == nullptr) return;
    v1::Port moved = *port;
    moved.mutable_location()->set_host(migration.destination());
    moved.mutable_location()->set_epoch(port->location().epoch() + 1);
    Put(moved);
  }

  std::mt19937 random_;
  Model model_;
  ChangeSet set_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_MODEL_RANDOM_MODEL_H_
