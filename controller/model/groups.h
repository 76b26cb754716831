// Groups as rules and hosts know them: one key for both kinds, and a set of prefixes.
//
// Pure; any thread (the model must not change meanwhile).
#ifndef OUTRIDER_CONTROLLER_MODEL_GROUPS_H_
#define OUTRIDER_CONTROLLER_MODEL_GROUPS_H_

#include <string>
#include <vector>

#include "outrider/v1/objects.pb.h"

namespace outrider::controller {

class Model;

// "address/<name>" and "port/<name>" (GroupMember.group); empty for no name.
std::string AddressGroupKey(const std::string& name);
std::string PortGroupKey(const std::string& name);

// The key of the group a rule names on one side, of either kind; empty: none.
std::string SrcGroupKey(const v1::AclMatch& match);
std::string DstGroupKey(const v1::AclMatch& match);

// The group's members as prefixes, canonical text, ordered, each once: an address group's prefixes,
// or the addresses of a port group's ports. Empty for a group that is not there.
std::vector<std::string> GroupPrefixes(const Model& model, const std::string& key);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_GROUPS_H_
