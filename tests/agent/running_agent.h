// The agent's inside on real threads over fakes: reconciler, port operations, a store; no
// controller but the test. Thread rule: one thread, the test's.
#ifndef OUTRIDER_TESTS_AGENT_RUNNING_AGENT_H_
#define OUTRIDER_TESTS_AGENT_RUNNING_AGENT_H_

#include <memory>
#include <string>

#include "tests/agent/fake_netlink.h"
#include "tests/agent/sample_states.h"
#include "tests/agent/temp_dir.h"
#include "tests/fakes/fake_datapath.h"
#include "vswitch/agent/port_operations.h"

namespace outrider::agent {

class RunningAgent {
 public:
  RunningAgent() {
    store = *LocalStore::Open(directory / "agent.db");
    reconciler = std::make_unique<Reconciler>(Reconciler::Dependencies{.executor = &loop,
                                                                       .datapath = &datapath,
                                                                       .store = store.get(),
                                                                       .clock = WallMicros,
                                                                       .moves = &datapath});
    ports = std::make_unique<PortOperations>(PortOperations::Dependencies{
        .reconciler_executor = &loop,
        .reconciler = reconciler.get(),
        .store = store.get(),
        .netlink = std::make_unique<FakeNetlink>(&links),
        .reserved = {.tunnel = "or-vxlan",
                     .uplinks = {{"net", "eth9"}},
                     .vteps = VtepPair(*IpAddress::Parse("10.0.1.1"))}});
    links.Add("lo", /*loopback=*/true);
    links.AddAddress(links.Add("eth0"), *IpAddress::Parse("10.0.1.1"));
    for (const char* name : {"or-vxlan", "eth9", "tap1", "tap2", "tap3"}) links.Add(name);
    started = RunOn(&loop, [this] { return reconciler->Start(); });
  }
  ~RunningAgent() {
    datapath.SetEventSink(nullptr);
    loop.Stop();
  }

  absl::Status Snapshot(uint64_t generation, const state::HostState& state) {
    return RunOn(&loop, [&] {
      return reconciler->TakeSnapshot(
          {.store_id = "store-1", .generation = Generation{generation}, .state = state});
    });
  }

  TempDir directory;
  FakeLinks links;
  datapath::FakeDatapath datapath;
  std::unique_ptr<LocalStore> store;
  std::unique_ptr<Reconciler> reconciler;
  std::unique_ptr<PortOperations> ports;
  absl::Status started;
  EventLoop loop;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_TESTS_AGENT_RUNNING_AGENT_H_
