#include "controller/model/groups.h"

#include <algorithm>

#include "controller/model/ip_prefix.h"
#include "controller/model/model.h"

namespace outrider::controller {
namespace {

constexpr char kAddress[] = "address/";
constexpr char kPort[] = "port/";

std::string Key(const char* kind, const std::string& name) {
  return name.empty() ? std::string() : kind + name;
}

// The name in a key of that kind; empty: it is of another.
std::string NameIn(const std::string& key, const std::string& kind) {
  return key.compare(0, kind.size(), kind) == 0 ? key.substr(kind.size()) : std::string();
}

std::vector<std::string> AddressesOfPorts(const Model& model, const v1::PortGroup& group) {
  std::vector<std::string> prefixes;
  for (const std::string& id : group.ports()) {
    const v1::Port* port = model.Find<v1::Port>(id);
    if (port == nullptr) continue;
    for (const std::string& ip : port->ips()) {
      if (const auto address = ParseAddress(ip)) prefixes.push_back(address->Text());
    }
  }
  return prefixes;
}

}  // namespace

std::string AddressGroupKey(const std::string& name) { return Key(kAddress, name); }

std::string PortGroupKey(const std::string& name) { return Key(kPort, name); }

std::string SrcGroupKey(const v1::AclMatch& match) {
  return match.src_group().empty() ? PortGroupKey(match.src_port_group())
                                   : AddressGroupKey(match.src_group());
}

std::string DstGroupKey(const v1::AclMatch& match) {
  return match.dst_group().empty() ? PortGroupKey(match.dst_port_group())
                                   : AddressGroupKey(match.dst_group());
}

std::vector<std::string> GroupPrefixes(const Model& model, const std::string& key) {
  std::vector<std::string> prefixes;
  if (const auto* group = model.Find<v1::AddressGroup>(NameIn(key, kAddress))) {
    prefixes.assign(group->prefixes().begin(), group->prefixes().end());
  } else if (const auto* ports = model.Find<v1::PortGroup>(NameIn(key, kPort))) {
    prefixes = AddressesOfPorts(model, *ports);
  }
  // Address groups are, since the write: thousands need not be sorted for every host.
  if (!std::is_sorted(prefixes.begin(), prefixes.end())) {
    std::sort(prefixes.begin(), prefixes.end());
  }
  // Two ports of different segments may have one address.
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  return prefixes;
}

}  // namespace outrider::controller
