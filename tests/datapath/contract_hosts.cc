#include "tests/datapath/contract_hosts.h"

#include "tests/datapath/ebpf/ebpf_host.h"
#include "tests/fakes/fake_datapath.h"

namespace outrider::datapath {
namespace {

class FakeHost final : public ContractHost {
 public:
  Datapath& datapath() override { return datapath_; }
  // Its state is all it has: what a kernel keeps across a restart.
  void Restart() override {}
  void AddDevice(const std::string& name) override { datapath_.AddDevice(name); }
  void RemoveDevice(const std::string& name) override { datapath_.RemoveDevice(name); }

 private:
  FakeDatapath datapath_{{.underlay_mtu = 1500, .any_device_exists = false}};
};

class EbpfContractHost final : public ContractHost {
 public:
  EbpfContractHost() : scope_(host_.netns()) { host_.Start(); }

  Datapath& datapath() override { return host_.datapath(); }
  void Restart() override { host_.Start(); }
  void AddDevice(const std::string& name) override { host_.AddDevice(name); }
  void RemoveDevice(const std::string& name) override { host_.RemoveDevice(name); }

 private:
  ebpf::EbpfHost host_;
  // The suite calls the datapath directly.
  tests::NetnsScope scope_;
};

}  // namespace

std::unique_ptr<ContractHost> MakeFakeHost() { return std::make_unique<FakeHost>(); }

std::unique_ptr<ContractHost> MakeEbpfHost() { return std::make_unique<EbpfContractHost>(); }

}  // namespace outrider::datapath
