// What the contract suite needs of a host with a datapath under test: a way to restart the
// datapath, and devices that come and go.
#ifndef OUTRIDER_TESTS_DATAPATH_DATAPATH_CONTRACT_H_
#define OUTRIDER_TESTS_DATAPATH_DATAPATH_CONTRACT_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "vswitch/datapath/datapath.h"

namespace outrider::datapath {

// A host whose underlay has an MTU of 1500 bytes.
class ContractHost {
 public:
  virtual ~ContractHost() = default;

  virtual Datapath& datapath() = 0;
  // The process ends and another one takes over what it left.
  virtual void Restart() = 0;
  virtual void AddDevice(const std::string& name) = 0;
  virtual void RemoveDevice(const std::string& name) = 0;
};

struct ContractSubject {
  std::string name;
  std::function<std::unique_ptr<ContractHost>()> make_host;
};

inline void PrintTo(const ContractSubject& subject, std::ostream* out) { *out << subject.name; }

}  // namespace outrider::datapath

#endif  // OUTRIDER_TESTS_DATAPATH_DATAPATH_CONTRACT_H_
