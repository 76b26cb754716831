// A reconciler over a real local store and a fake datapath, with time moved by hand.
#ifndef OUTRIDER_TESTS_AGENT_RECONCILER_FIXTURE_H_
#define OUTRIDER_TESTS_AGENT_RECONCILER_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/agent/manual_executor.h"
#include "tests/agent/recording_observer.h"
#include "tests/agent/sample_states.h"
#include "tests/agent/temp_dir.h"
#include "tests/fakes/fake_datapath.h"
#include "vswitch/agent/reconciler.h"

namespace outrider::agent {

inline const PortId kPort = MakePortId(1);

class ReconcilerTest : public ::testing::Test {
 protected:
  void SetUp() override { Restart(); }
  void TearDown() override { datapath_->SetEventSink(nullptr); }

  // As a kill -9 and a new process over the same store and kernel.
  void Restart() {
    datapath_->SetEventSink(nullptr);
    reconciler_.reset();
    store_.reset();
    auto store = LocalStore::Open(directory_ / "agent.db");
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    arrivals_ = std::make_unique<ArrivalCounts>();
    reconciler_ = std::make_unique<Reconciler>(
        Reconciler::Dependencies{.executor = &executor_,
                                 .datapath = datapath_.get(),
                                 .store = store_.get(),
                                 .clock = [this] { return executor_.Wall(); },
                                 .followers = {arrivals_.get()},
                                 .moves = datapath_.get(),
                                 .queue = [this](const std::string&) { return DeviceCounts(); },
                                 .boot_clock = [this] { return executor_.now().count(); },
                                 .ask_reader = ask_reader_,
                                 .arrivals = arrivals_.get()});
    observer_.Clear();
    reconciler_->SetObserver(&observer_);
    const absl::Status started = reconciler_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  absl::Status Snapshot(uint64_t generation, const state::HostState& state,
                        const std::string& store_id = "store-1") {
    return reconciler_->TakeSnapshot(
        {.store_id = store_id, .generation = Generation{generation}, .state = state});
  }

  void Attach(uint8_t n) {
    ASSERT_TRUE(store_->PutAttachment(MakePortId(n), SampleAttachment(n)).ok());
    reconciler_->Attach(MakePortId(n), SampleAttachment(n));
  }

  // A state by which migration m-1 takes port 1 to epoch 2, and its PortData.
  static state::HostState Leaving() {
    state::HostState state = SampleState();
    state.departures[kPort] = {"m-1", *IpAddress::Parse("192.0.2.2"), Epoch{2}};
    return state;
  }
  static constexpr char kPortData[] = "outrider-1.m-1.2";

  state::Port InForce(const PortId& id = kPort) { return datapath_->ReadState()->ports.at(id); }
  std::vector<PortEvent::Kind> EventKinds() const {
    std::vector<PortEvent::Kind> kinds;
    for (const PortEvent& event : observer_.events) kinds.push_back(event.kind);
    return kinds;
  }

  std::optional<QueueCounts> DeviceCounts() const {
    return has_counters_ ? std::optional(device_) : std::nullopt;
  }

  TempDir directory_;
  ManualExecutor executor_;
  RecordingObserver observer_;
  // Of every guest's device.
  QueueCounts device_;
  bool has_counters_ = true;
  KernelReaderQuestion ask_reader_;
  std::unique_ptr<datapath::FakeDatapath> datapath_ = std::make_unique<datapath::FakeDatapath>();
  std::unique_ptr<LocalStore> store_;
  std::unique_ptr<ArrivalCounts> arrivals_;
  std::unique_ptr<Reconciler> reconciler_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_TESTS_AGENT_RECONCILER_FIXTURE_H_
