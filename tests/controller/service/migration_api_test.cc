// Migrations as an operator starts and follows them, with two agents on real streams.
#include <gmock/gmock.h>

#include <thread>

#include "proto/digest.h"
#include "tests/controller/service/controller_harness.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;

constexpr char kPort[] = "00000000-0000-0000-0000-000000000001";

class MigrationApiTest : public ControllerHarness {
 protected:
  void SetUp() override {
    ControllerHarness::SetUp();
    MakeProfile();
    source_ = std::make_unique<AgentStream>(Tls(Join("h1")));
    v1::Hello hello = HelloOf("h1", "10.0.1.1");
    v1::PortAttachment* attachment = hello.add_attachments();
    attachment->set_port_id(kPort);
    attachment->set_device("tap0");
    attachment->set_mac("52:54:00:00:00:01");
    attachment->set_profile("web");
    Begin(source_.get(), hello);
    destination_ = std::make_unique<AgentStream>(Tls(Join("h2")));
    Begin(destination_.get(), HelloOf("h2", "10.0.2.1"));
  }
  void TearDown() override {
    source_.reset();
    destination_.reset();
    ControllerHarness::TearDown();
  }

  void Begin(AgentStream* stream, const v1::Hello& hello) {
    ASSERT_TRUE(stream->SendHello(hello));
    ASSERT_TRUE(stream->Read().has_value());
    const auto snapshot = stream->Read();
    ASSERT_TRUE(snapshot.has_value());
    ASSERT_TRUE(stream->Ack(snapshot->snapshot().generation()));
  }

  grpc::Status Prepare(uint32_t wait_ms, v1::Migration* migration) {
    v1::PrepareMigrationRequest request;
    request.set_port_id(kPort);
    request.set_destination("h2");
    request.set_wait_armed_ms(wait_ms);
    grpc::ClientContext context;
    return AdminStub<v1::MigrationService>()->Prepare(&context, request, migration);
  }

  // The destination's agent reads until it is sent the expected port, and answers with its receipt.
  void AnswerReceipt() {
    while (const auto message = destination_->Read()) {
      for (const v1::PortState& port : message->delta().delta().upserts().ports()) {
        if (port.phase() != v1::PORT_PHASE_ARMED) continue;
        v1::AgentMessage answer;
        v1::PortReceipt* receipt = answer.mutable_receipt();
        receipt->set_port_id(port.id());
        receipt->set_digest(v1::PortDigest(port));
        receipt->set_phase(v1::PORT_PHASE_ARMED);
        receipt->set_epoch(port.epoch());
        destination_->Send(answer);
        return;
      }
    }
    ADD_FAILURE() << "the stream ended";
  }

  std::unique_ptr<AgentStream> source_;
  std::unique_ptr<AgentStream> destination_;
};

TEST_F(MigrationApiTest, PrepareWaitsUntilArmed) {
  std::thread agent([this] { AnswerReceipt(); });
  v1::Migration migration;
  const grpc::Status status = Prepare(20'000, &migration);
  agent.join();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(migration.phase(), v1::MIGRATION_PHASE_ARMED);
  EXPECT_EQ(migration.receipts().at(kPort).host(), "h2");

  v1::SwitchoverRequest request;
  request.set_name(migration.meta().name());
  grpc::ClientContext context;
  ASSERT_TRUE(AdminStub<v1::MigrationService>()->Switchover(&context, request, &migration).ok());
  EXPECT_EQ(migration.phase(), v1::MIGRATION_PHASE_SWITCHING);
  grpc::ClientContext get;
  v1::GetRequest named;
  named.set_name(kPort);
  v1::Port port;
  ASSERT_TRUE(AdminStub<v1::PortService>()->Get(&get, named, &port).ok());
  EXPECT_EQ(port.location().host(), "h2");
  EXPECT_EQ(port.location().epoch(), 2u);
}

TEST_F(MigrationApiTest, PrepareThatWaitsInVainSaysForWhatAndLeavesTheMigration) {
  v1::Migration migration;
  const grpc::Status status = Prepare(50, &migration);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(status.error_message(), HasSubstr("host \"h2\" owes receipts of ports"));
  EXPECT_THAT(status.error_message(), HasSubstr(kPort));
  v1::ListMigrationsResponse list;
  grpc::ClientContext context;
  ASSERT_TRUE(AdminStub<v1::MigrationService>()->List(&context, {}, &list).ok());
  ASSERT_EQ(list.items_size(), 1);
  EXPECT_EQ(list.items(0).phase(), v1::MIGRATION_PHASE_PREPARING);
}

TEST_F(MigrationApiTest, WithoutWaitingItReturnsAtOnce) {
  v1::Migration migration;
  ASSERT_TRUE(Prepare(0, &migration).ok());
  EXPECT_EQ(migration.phase(), v1::MIGRATION_PHASE_PREPARING);
  grpc::ClientContext switch_context, abort_context;
  v1::SwitchoverRequest early;
  early.set_name(migration.meta().name());
  EXPECT_EQ(AdminStub<v1::MigrationService>()
                ->Switchover(&switch_context, early, &migration)
                .error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
  v1::AbortMigrationRequest abort;
  abort.set_name(early.name());
  abort.set_reason("enough");
  ASSERT_TRUE(AdminStub<v1::MigrationService>()->Abort(&abort_context, abort, &migration).ok());
  EXPECT_EQ(migration.phase(), v1::MIGRATION_PHASE_ABORTED);
  EXPECT_EQ(migration.reason(), "enough");
}

}  // namespace
}  // namespace outrider::controller
