// The hosts the contract suite runs over.
#ifndef OUTRIDER_TESTS_DATAPATH_CONTRACT_HOSTS_H_
#define OUTRIDER_TESTS_DATAPATH_CONTRACT_HOSTS_H_

#include <memory>

#include "tests/datapath/datapath_contract.h"

namespace outrider::datapath {

std::unique_ptr<ContractHost> MakeFakeHost();
// In a network namespace of its own; devices are veth pairs.
std::unique_ptr<ContractHost> MakeEbpfHost();

}  // namespace outrider::datapath

#endif  // OUTRIDER_TESTS_DATAPATH_CONTRACT_HOSTS_H_
