// A session with a controller that says what the test has it say, over a real reconciler and a fake
// datapath.
#ifndef OUTRIDER_TESTS_AGENT_SESSION_FIXTURE_H_
#define OUTRIDER_TESTS_AGENT_SESSION_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "tests/agent/manual_executor.h"
#include "tests/agent/sample_states.h"
#include "tests/agent/scripted_stream.h"
#include "tests/agent/temp_dir.h"
#include "tests/fakes/fake_datapath.h"
#include "vswitch/agent/controller_session.h"
#include "vswitch/convert/to_proto.h"

namespace outrider::agent {

inline const PortId kPort = MakePortId(1);

class SessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = LocalStore::Open(directory_ / "agent.db");
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    reconciler_ = std::make_unique<Reconciler>(Reconciler::Dependencies{
        .executor = &executor_, .datapath = &datapath_, .store = store_.get(), .clock = [this] {
          return executor_.Wall();
        }});
    ASSERT_TRUE(reconciler_->Start().ok());
    session_ = std::make_unique<ControllerSession>(
        ControllerSession::Self{.host_id = "h1",
                                .agent_version = "1",
                                .datapath = "fake",
                                .vteps = {"10.0.1.1"},
                                .underlay_mtu = 1500,
                                .uplinks = {"net"},
                                .instance_id = store_->instance_id(),
                                .peer_port = 7444},
        ControllerSession::Dependencies{.executor = &executor_,
                                        .reconciler_executor = &executor_,
                                        .reconciler = reconciler_.get(),
                                        .streams = &streams_,
                                        .counters = &datapath_,
                                        .random = [this] { return random_; },
                                        .clock = [this] { return executor_.Wall(); }});
    reconciler_->SetObserver(session_.get());
  }
  void TearDown() override { datapath_.SetEventSink(nullptr); }

  void Connect() {
    session_->Start();
    executor_.RunReady();
    ASSERT_TRUE(streams_.open);
  }
  void Say(const v1::ControllerMessage& message) {
    streams_.Say(message);
    executor_.RunReady();
  }
  void Welcome(bool resume) {
    v1::ControllerMessage message;
    message.mutable_welcome()->set_store_id("store-1");
    message.mutable_welcome()->set_resume(resume);
    message.mutable_welcome()->set_counters_interval_s(10);
    Say(message);
  }
  void Snapshot(uint64_t generation, const state::HostState& state) {
    v1::ControllerMessage message;
    message.mutable_snapshot()->set_generation(generation);
    *message.mutable_snapshot()->mutable_state() = convert::ToProto(state);
    Say(message);
  }
  void Delta(uint64_t from, uint64_t to, const state::StateDelta& delta) {
    v1::ControllerMessage message;
    message.mutable_delta()->set_from_generation(from);
    message.mutable_delta()->set_to_generation(to);
    *message.mutable_delta()->mutable_delta() = convert::ToProto(delta);
    Say(message);
  }
  void Break(absl::Status status) {
    streams_.Break(std::move(status));
    executor_.RunReady();
  }
  void Establish() {
    Connect();
    Welcome(false);
    Snapshot(5, SampleState());
    ASSERT_TRUE(session_->status().connected);
  }
  // What was written of one kind on the present stream.
  std::vector<v1::AgentMessage> Written(v1::AgentMessage::BodyCase kind) const {
    std::vector<v1::AgentMessage> found;
    for (const auto& message : streams_.written) {
      if (message.body_case() == kind) found.push_back(message);
    }
    return found;
  }

  TempDir directory_;
  ManualExecutor executor_;
  double random_ = 0.999;
  datapath::FakeDatapath datapath_;
  std::unique_ptr<LocalStore> store_;
  std::unique_ptr<Reconciler> reconciler_;
  ScriptedStreams streams_;
  std::unique_ptr<ControllerSession> session_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_TESTS_AGENT_SESSION_FIXTURE_H_
