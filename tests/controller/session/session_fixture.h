// A session hub over the real repository and migration driver, a store in memory, streams the test
// holds, and an executor that runs when the test says so.
#ifndef OUTRIDER_TESTS_CONTROLLER_SESSION_SESSION_FIXTURE_H_
#define OUTRIDER_TESTS_CONTROLLER_SESSION_SESSION_FIXTURE_H_

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/session/session_hub.h"
#include "controller/store/objects.h"
#include "proto/digest.h"
#include "tests/controller/compute/apply_delta.h"
#include "tests/controller/pki/log_capture.h"
#include "tests/fakes/controller_clock.h"
#include "tests/fakes/memory_store.h"

namespace outrider::controller {

class ManualExecutor : public Executor {
 public:
  void Post(std::function<void()> work) override { queue_.push_back(std::move(work)); }
  // Runs what is posted, and what that posts.
  void RunAll() {
    while (!queue_.empty()) {
      const auto work = std::move(queue_.front());
      queue_.pop_front();
      work();
    }
  }

 private:
  std::deque<std::function<void()>> queue_;
};

class FakeStream : public HostStream {
 public:
  void Write(const v1::ControllerMessage& message) override {
    EXPECT_FALSE(writing) << "a second write before the first was taken";
    writing = true;
    written.push_back(message);
  }
  void ReadNext() override { ++reads; }
  void Close(const absl::Status& status) override {
    if (!closed) closed = status;
  }

  std::vector<v1::ControllerMessage> written;
  bool writing = false;
  int reads = 0;
  std::optional<absl::Status> closed;
};

// An agent as far as the wire goes: takes messages, keeps the state they lead to, acknowledges.
class FakeAgent {
 public:
  FakeAgent(std::string host, std::string instance) : host_(host), instance_(instance) {
    hello_.set_host_id(host);
    hello_.set_agent_version("0.1.0");
    hello_.set_datapath("ebpf");
    hello_.set_underlay_mtu(1500);
    hello_.set_instance_id(instance);
    // h1 -> 10.0.1.1
    hello_.add_vteps("10.0." + host.substr(1) + ".1");
  }

  v1::Hello& hello() { return hello_; }
  FakeStream& stream() { return *stream_; }
  const v1::HostState& state() const { return state_; }
  uint64_t generation() const { return generation_; }

  void Connect(SessionHub* hub, ManualExecutor* executor, int64_t not_after_us = INT64_MAX) {
    hub_ = hub;
    executor_ = executor;
    stream_ = std::make_shared<FakeStream>();
    seen_ = 0;
    // Issued in the far future, as far as the age of the host goes.
    id_ = hub->Open({host_, "sha", INT64_MAX / 2, not_after_us}, "ipv4:" + host_, stream_);
    executor->RunAll();
  }
  // Connects and says Hello with what it holds.
  void Join(SessionHub* hub, ManualExecutor* executor) {
    Connect(hub, executor);
    SayHello();
  }
  void SayHello() {
    hello_.set_store_id(store_id_);
    hello_.set_generation(generation_);
    if (generation_ != 0) hello_.set_state_digest(v1::HostStateDigest(state_));
    v1::AgentMessage message;
    *message.mutable_hello() = hello_;
    Send(message);
  }
  void Send(const v1::AgentMessage& message) {
    hub_->OnMessage(id_, message);
    executor_->RunAll();
  }
  void Leave() {
    hub_->OnClosed(id_);
    executor_->RunAll();
  }

  // Takes everything the controller sends, until it has nothing more. Returns what came.
  std::vector<v1::ControllerMessage> TakeAll() {
    std::vector<v1::ControllerMessage> taken;
    while (seen_ < stream_->written.size()) {
      taken.push_back(stream_->written[seen_++]);
      Apply(taken.back());
      stream_->writing = false;
      hub_->OnWritten(id_);
      executor_->RunAll();
    }
    return taken;
  }
  void Ack(uint64_t generation) {
    v1::AgentMessage message;
    message.mutable_ack()->set_generation(generation);
    message.mutable_ack()->set_time_us(1);
    Send(message);
  }
  // That one object is not in force.
  void AckWithFailure(const std::string& kind, const std::string& key, const std::string& text) {
    v1::AgentMessage message;
    message.mutable_ack()->set_generation(generation_);
    v1::ObjectFailure* failure = message.mutable_ack()->add_failures();
    failure->set_kind(kind);
    failure->set_key(key);
    failure->set_message(text);
    Send(message);
  }
  // Takes everything and acknowledges the newest.
  std::vector<v1::ControllerMessage> Settle() {
    auto taken = TakeAll();
    if (generation_ != 0) Ack(generation_);
    return taken;
  }

  void SendEvent(v1::PortEvent::Kind kind, const std::string& port_id, uint64_t epoch = 0) {
    v1::AgentMessage message;
    message.mutable_port_event()->set_kind(kind);
    message.mutable_port_event()->set_port_id(port_id);
    message.mutable_port_event()->set_epoch(epoch);
    message.mutable_port_event()->set_time_us(2);
    Send(message);
  }
  void SendAttached(const v1::PortAttachment& attachment) {
    v1::AgentMessage message;
    message.mutable_port_event()->set_kind(v1::PortEvent::KIND_ATTACHED);
    message.mutable_port_event()->set_port_id(attachment.port_id());
    *message.mutable_port_event()->mutable_attachment() = attachment;
    Send(message);
  }
  // A receipt for a port of the state it holds.
  void SendReceipt(const std::string& port_id) {
    QueueReceipt(port_id);
    executor_->RunAll();
  }
  // The same, not dealt with yet.
  void QueueReceipt(const std::string& port_id) {
    const v1::PortState* port = Port(port_id);
    ASSERT_NE(port, nullptr) << port_id;
    v1::AgentMessage message;
    v1::PortReceipt* receipt = message.mutable_receipt();
    receipt->set_port_id(port_id);
    receipt->set_profile(port->profile());
    receipt->set_profile_revision(port->profile_revision());
    receipt->set_digest(v1::PortDigest(*port));
    receipt->set_phase(port->phase());
    receipt->set_epoch(port->epoch());
    receipt->set_generation(generation_);
    hub_->OnMessage(id_, message);
  }
  const v1::PortState* Port(const std::string& port_id) const {
    for (const v1::PortState& port : state_.ports()) {
      if (port.id() == port_id) return &port;
    }
    return nullptr;
  }
  // Where the host would send a frame to `mac`; empty when it does not know.
  std::string VtepOf(const std::string& mac) const {
    for (const v1::FdbEntry& entry : state_.fdb()) {
      if (entry.mac() == mac) return entry.vtep();
    }
    return "";
  }

 private:
  void Apply(const v1::ControllerMessage& message) {
    if (message.has_welcome()) {
      store_id_ = message.welcome().store_id();
    } else if (message.has_snapshot()) {
      state_ = message.snapshot().state();
      generation_ = message.snapshot().generation();
    } else if (message.has_delta()) {
      EXPECT_EQ(message.delta().from_generation(), generation_);
      state_ = ApplyDelta(state_, message.delta().delta());
      generation_ = message.delta().to_generation();
    }
  }

  const std::string host_;
  const std::string instance_;
  v1::Hello hello_;
  SessionHub* hub_ = nullptr;
  ManualExecutor* executor_ = nullptr;
  std::shared_ptr<FakeStream> stream_;
  size_t seen_ = 0;
  SessionHub::SessionId id_ = 0;
  std::string store_id_;
  uint64_t generation_ = 0;
  v1::HostState state_;
};

inline constexpr char kPortA[] = "00000000-0000-0000-0000-00000000000a";
inline constexpr char kPortB[] = "00000000-0000-0000-0000-00000000000b";
inline constexpr char kMacA[] = "52:54:00:00:00:0a";
inline constexpr char kMacB[] = "52:54:00:00:00:0b";

inline v1::PortAttachment Attachment(const std::string& port_id, const std::string& mac,
                                     const std::string& profile = "web") {
  v1::PortAttachment attachment;
  attachment.set_port_id(port_id);
  attachment.set_device("tap0");
  attachment.set_mac(mac);
  attachment.set_profile(profile);
  return attachment;
}

// Segment "blue" (VNI 100), profile "web" in it, hosts h1, h2, h3 enrolled.
class SessionFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    Restart();
    v1::Segment segment;
    segment.mutable_meta()->set_name("blue");
    segment.set_vni(100);
    ASSERT_TRUE(CreateObject(repository_.get(), segment).ok());
    v1::Profile profile;
    profile.mutable_meta()->set_name("web");
    profile.mutable_vlan()->set_segment("blue");
    ASSERT_TRUE(ApplyProfile(repository_.get(), profile).ok());
    for (const char* host : {"h1", "h2", "h3"}) PutHost(host);
    executor_->RunAll();
  }
  void TearDown() override { hub_.reset(); }

  void PutHost(const std::string& name) {
    const auto put = [&](const Model&, Transaction* transaction) {
      v1::Host host;
      host.mutable_meta()->set_name(name);
      host.set_state(v1::Host::STATE_ENROLLED);
      transaction->Put(host);
      return absl::OkStatus();
    };
    ASSERT_TRUE(repository_->Transact(put).ok());
  }

  // A controller that begins anew over the same store.
  void Restart() {
    hub_.reset();
    driver_.reset();
    repository_ = Repository::Create(&store_, &clock_).value();
    driver_ = std::make_unique<MigrationDriver>(repository_.get(), &clock_);
    auto executor = std::make_unique<ManualExecutor>();
    executor_ = executor.get();
    hub_ = std::make_unique<SessionHub>(repository_.get(), driver_.get(), &clock_,
                                        std::move(executor));
  }

  // Time passes for what is under way to ports that have moved.
  void Drain() {
    clock_.AdvanceUs(kDrainUs);
    EXPECT_TRUE(driver_->OnTick().ok());
    executor_->RunAll();
  }

  void Join(FakeAgent* agent) { agent->Join(hub_.get(), executor_); }
  v1::Host GetHost(const std::string& name) { return repository_->Get<v1::Host>(name).value(); }
  v1::Port GetPort(const std::string& id) { return repository_->Get<v1::Port>(id).value(); }

  LogCapture log_;
  FakeClock clock_;
  MemoryStore store_;
  std::unique_ptr<Repository> repository_;
  std::unique_ptr<MigrationDriver> driver_;
  ManualExecutor* executor_ = nullptr;
  std::unique_ptr<SessionHub> hub_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_SESSION_SESSION_FIXTURE_H_
