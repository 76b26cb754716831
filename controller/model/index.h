// The model's secondary indices: who refers to whom. Filled by Model only; everybody else reads.
// Must not know objects, only their names.
//
// Not synchronised: lives inside a Model and follows its thread rule. Returned references are valid
// until the model changes.
#ifndef OUTRIDER_CONTROLLER_MODEL_INDEX_H_
#define OUTRIDER_CONTROLLER_MODEL_INDEX_H_

#include <map>
#include <set>
#include <string>

namespace outrider::controller {

using NameSet = std::set<std::string>;

// key -> set of values. All operations are logarithmic.
class Relation {
 public:
  // Empty keys are not kept.
  void Add(const std::string& key, const std::string& value);
  void Remove(const std::string& key, const std::string& value);
  // Empty when there is none.
  const NameSet& Get(const std::string& key) const;

  bool operator==(const Relation&) const = default;

 private:
  std::map<std::string, NameSet> sets_;
};

// Key of a relation over a pair. Names and addresses never hold '|'.
inline std::string PairKey(const std::string& first, const std::string& second) {
  return first.empty() || second.empty() ? std::string() : first + '|' + second;
}

struct Index {
  // By host: ports whose location it is; ports a migration (PREPARING, ARMED) expects there; ports
  // a migration (SWITCHING) has taken from there, which sends after them until it is over.
  Relation ports_located_at;
  Relation ports_expected_at;
  Relation ports_departed_from;
  Relation ports_of_profile;
  Relation ports_of_vm;

  // By parent: the profiles that name it.
  Relation children_of_profile;

  // By segment, through what profiles inherit, too. Hosts: those with a port of the segment,
  // through its profile, located or expected there, or departed from there.
  Relation hosts_of_segment;
  Relation profiles_of_segment;
  Relation gateways_of_segment;
  // By PairKey(segment, host): ports located or expected there, or departed from there.
  Relation ports_of_segment_at;
  // By PairKey(segment, mac), of each of a port's segments, and PairKey(segment, ip), of the one
  // its addresses live in: ports.
  Relation ports_with_mac;
  Relation ports_with_ip;

  // By key (groups.h): profiles whose rules, inherited ones too, name the group.
  Relation profiles_of_group;
  // By port: the port groups that name it.
  Relation groups_of_port;
  // By decimal VNI.
  Relation segments_with_vni;
  // By PairKey(uplink, decimal VLAN), of provider segments.
  Relation segments_with_provider;
  // By address: "host <id>" or "gateway <name>".
  Relation owners_of_vtep;
  // By port: the migration in PREPARING, ARMED or SWITCHING.
  Relation migrations_of_port;
  // By PairKey(port, host): migrations, finished ones too, that move the port from or to the host.
  Relation moves_of_port_at;
  // By kAll: the migrations in PREPARING, ARMED or SWITCHING.
  Relation running_migrations;
  // By kAll: the migrations, ended ones too, with a port that is probed.
  Relation probing_migrations;
  static constexpr char kAll[] = "all";

  bool operator==(const Index&) const = default;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_INDEX_H_
