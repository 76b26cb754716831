// The tables of the datapath over real maps that fail on command, one segment in force.
#ifndef OUTRIDER_TESTS_DATAPATH_EBPF_TABLES_FIXTURE_H_
#define OUTRIDER_TESTS_DATAPATH_EBPF_TABLES_FIXTURE_H_

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/datapath/ebpf/ebpf_host.h"
#include "tests/support/packet_builder.h"
#include "tests/support/state_generator.h"
#include "vswitch/datapath/ebpf/port_table.h"
#include "vswitch/datapath/ebpf/segment_table.h"

namespace outrider::datapath::ebpf {

inline const Vni kSegment = tests::MakeVni(7);
inline const PortId kPort = tests::MakePortId(1);

// Nobody knows a way: frames go by the tunnel device.
class NoWays final : public VtepWays {
 public:
  abi::or_vtep RowOf(const IpAddress& vtep) override {
    abi::or_vtep row{};
    CopyBytes(vtep.bytes(), row.address);
    return row;
  }
  std::set<IpAddress> Behind(const sys::NextHop& /*hop*/) const override { return {}; }
  void Forget(const IpAddress& /*vtep*/) override {}
};

// Passes everything on, but for updates of the maps named. Counts the waits for readers.
class FailingMaps final : public sys::KernelBpfMaps {
 public:
  explicit FailingMaps(sys::KernelBpfMaps maps) : sys::KernelBpfMaps(std::move(maps)) {}

  void Fail(const std::string& map) { failing_.insert(map); }
  void Heal() { failing_.clear(); }
  int waits() const { return waits_; }

  absl::Status Update(const std::string& map, sys::ByteSpan key, sys::ByteSpan value,
                      sys::UpdateMode mode) override {
    if (failing_.contains(map) && !ClosesPort(map, value)) {
      return absl::ResourceExhaustedError(map + ": no memory");
    }
    return sys::KernelBpfMaps::Update(map, key, value, mode);
  }
  absl::Status UpdateBatch(const std::string& map,
                           const std::vector<sys::MapEntry>& entries) override {
    if (failing_.contains(map)) return absl::ResourceExhaustedError(map + ": no memory");
    return sys::KernelBpfMaps::UpdateBatch(map, entries);
  }
  absl::Status InsertArray(const std::string& map, sys::ByteSpan key, sys::ByteSpan content,
                           uint32_t element_size) override {
    if (failing_.contains(map)) return absl::ResourceExhaustedError(map + ": no memory");
    return sys::KernelBpfMaps::InsertArray(map, key, content, element_size);
  }
  absl::Status WaitForReaders() override {
    ++waits_;
    if (failing_.contains("grace")) return absl::ResourceExhaustedError("grace: no memory");
    return sys::KernelBpfMaps::WaitForReaders();
  }

 private:
  // Which takes no memory.
  static bool ClosesPort(const std::string& map, sys::ByteSpan value) {
    return map == "or_ports" && sys::FromBytes<abi::or_port_slot>(value).active == 0;
  }

  std::set<std::string> failing_;
  std::atomic<int> waits_ = 0;
};

class TablesFixture : public ::testing::Test {
 protected:
  TablesFixture() {
    host_.Start();
    raw_ = std::make_unique<FailingMaps>(
        std::move(*sys::KernelBpfMaps::OpenPinned(
                       host_.options().bpffs + fmt::format("/v{}/maps", OR_ABI_VERSION),
                       DatapathMaps::Names())
                       .value()));
    maps_ = std::make_unique<DatapathMaps>(raw_.get());
    vteps_ = std::make_unique<VtepTable>(maps_.get(), &ways_);
    segments_ = std::make_unique<SegmentTable>(maps_.get(), vteps_.get());
    groups_ = std::make_unique<GroupTable>(maps_.get());
    rule_sets_ = std::make_unique<RuleSetTable>(maps_.get(), groups_.get());
    vlans_ = std::make_unique<VlanTable>(maps_.get());
    ports_ = std::make_unique<PortTable>(maps_.get(), /*devices=*/nullptr, segments_.get(),
                                         rule_sets_.get(), vlans_.get(),
                                         UnderlayRoom{.mtu = 1500, .overhead = 50});
    EXPECT_TRUE(segments_->Upsert(kSegment, {.mtu = 1400, .vteps = {}}).ok());
  }

  // Active, without a device: as far as the maps are concerned it forwards.
  static state::Port ActivePort() {
    state::Port port;
    port.mac = tests::MakeMac(1);
    port.vni = kSegment;
    port.phase = state::PortPhase::kActive;
    port.epoch = Epoch{1};
    return port;
  }

  EbpfHost host_;
  std::unique_ptr<FailingMaps> raw_;
  std::unique_ptr<DatapathMaps> maps_;
  NoWays ways_;
  std::unique_ptr<VtepTable> vteps_;
  std::unique_ptr<SegmentTable> segments_;
  std::unique_ptr<GroupTable> groups_;
  std::unique_ptr<RuleSetTable> rule_sets_;
  std::unique_ptr<VlanTable> vlans_;
  std::unique_ptr<PortTable> ports_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_TESTS_DATAPATH_EBPF_TABLES_FIXTURE_H_
