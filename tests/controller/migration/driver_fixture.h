// A driver over the memory store: three connected hosts, segment red, VM vm1 with ports 1 and 2 on
// h1 and a neighbour, port 3, on h2.
#ifndef OUTRIDER_TESTS_CONTROLLER_MIGRATION_DRIVER_FIXTURE_H_
#define OUTRIDER_TESTS_CONTROLLER_MIGRATION_DRIVER_FIXTURE_H_

#include <memory>
#include <string>

#include "controller/compute/compute.h"
#include "controller/migration/driver.h"
#include "proto/digest.h"
#include "tests/controller/store/repository_fixture.h"

namespace outrider::controller {

class DriverFixture : public RepositoryFixture {
 protected:
  DriverFixture() {
    for (int n = 1; n <= 2; ++n) {
      v1::PortAttachment attachment = Attachment(n);
      attachment.set_vm_id("vm1");
      EXPECT_TRUE(BindPort(repository_.get(), "h1", attachment).ok());
    }
    EXPECT_TRUE(BindPort(repository_.get(), "h2", Attachment(3)).ok());
    driver_ = std::make_unique<MigrationDriver>(repository_.get(), &clock_);
  }

  // As a controller that is killed and started: hosts have to connect again.
  void RestartDriver() {
    driver_.reset();
    Restart();
    driver_ = std::make_unique<MigrationDriver>(repository_.get(), &clock_);
  }
  // As a session that begins or ends.
  void SetConnected(const std::string& host, bool connected) {
    if (connected) driver_->OnHostConnected(host);
    const auto state = connected ? v1::Host::STATE_CONNECTED : v1::Host::STATE_ENROLLED;
    const auto change = [&](v1::Host* object) {
      object->set_state(state);
      if (connected) object->set_last_seen_us(clock_.NowUs());
    };
    EXPECT_TRUE(repository_->UpdatePresence(host, change, true).ok());
    if (connected) return;
    EXPECT_TRUE(driver_->OnHostLost(host).ok());
  }
  // As any message of the host.
  void Hear(const std::string& host) {
    const auto change = [&](v1::Host* object) { object->set_last_seen_us(clock_.NowUs()); };
    EXPECT_TRUE(repository_->UpdatePresence(host, change, false).ok());
  }
  void Tick() { EXPECT_TRUE(driver_->OnTick().ok()); }
  // Time passes for what is under way; the end, unless something else is waited for.
  void Drain() {
    clock_.AdvanceUs(kDrainUs);
    Tick();
  }

  absl::StatusOr<v1::Migration> Prepare(const std::string& destination) {
    v1::PrepareMigrationRequest request;
    request.set_vm_id("vm1");
    request.set_destination(destination);
    return driver_->Prepare(request);
  }
  std::string MustPrepare(const std::string& destination) {
    const auto migration = Prepare(destination);
    EXPECT_TRUE(migration.ok()) << migration.status();
    return migration.ok() ? migration->meta().name() : "";
  }
  v1::Migration Migration(const std::string& id) {
    return repository_->Get<v1::Migration>(id).value_or(v1::Migration());
  }
  v1::HostState State(const std::string& host) {
    return repository_->Read([&](const Model& model) { return ComputeHostState(model, host); });
  }

  // What an agent reports of a port its state has: exactly what it was told.
  v1::PortReceipt ReceiptOf(const std::string& host, int n);
  void SendReceipts(const std::string& host) {
    for (int n = 1; n <= 2; ++n) EXPECT_TRUE(driver_->OnReceipt(host, ReceiptOf(host, n)).ok());
  }
  void SendFrame(const std::string& host, int n, uint64_t epoch) {
    v1::PortEvent event;
    event.set_kind(v1::PortEvent::KIND_FIRST_FRAME);
    event.set_port_id(PortId(n));
    event.set_epoch(epoch);
    event.set_time_us(clock_.NowUs());
    EXPECT_TRUE(driver_->OnPortEvent(host, event).ok());
  }
  // With a failure of kind and key, when given.
  void SendAck(const std::string& host, uint64_t generation, const std::string& kind = "",
               const std::string& key = "") {
    v1::Ack ack;
    ack.set_generation(generation);
    if (!kind.empty()) {
      v1::ObjectFailure* failure = ack.add_failures();
      failure->set_kind(kind);
      failure->set_key(key);
      failure->set_message("no\nmemory");
    }
    Hear(host);
    EXPECT_TRUE(driver_->OnAck(host, ack).ok());
  }
  void Send(const std::string& host, v1::PortEvent::Kind kind, int n) {
    v1::PortEvent event;
    event.set_kind(kind);
    event.set_port_id(PortId(n));
    event.mutable_attachment()->set_port_id(PortId(n));
    EXPECT_TRUE(driver_->OnPortEvent(host, event).ok());
  }
  void ExpectLocated(int n, const std::string& host, uint64_t epoch) {
    EXPECT_EQ(Port(n).location().host(), host) << "port " << n;
    EXPECT_EQ(Port(n).location().epoch(), epoch) << "port " << n;
  }

  std::unique_ptr<MigrationDriver> driver_;
};

inline v1::PortReceipt DriverFixture::ReceiptOf(const std::string& host, int n) {
  v1::PortReceipt receipt;
  const v1::HostState state = State(host);
  for (const v1::PortState& port : state.ports()) {
    if (port.id() != PortId(n)) continue;
    receipt.set_port_id(port.id());
    receipt.set_host(host);
    receipt.set_profile(port.profile());
    receipt.set_profile_revision(port.profile_revision());
    receipt.set_digest(v1::PortDigest(port));
    receipt.set_phase(port.phase());
    receipt.set_epoch(port.epoch());
    receipt.set_time_us(clock_.NowUs());
  }
  return receipt;
}

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_MIGRATION_DRIVER_FIXTURE_H_
