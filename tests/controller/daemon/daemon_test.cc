// The whole controller: what it keeps over a restart, and what it refuses to start with.
#include "controller/daemon/daemon.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "proto/digest.h"
#include "tests/controller/service/controller_harness.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DaemonTest : public ControllerHarness {
 protected:
  std::string DatabasePath() const { return directory_ + "/state/controller.db"; }
  std::string ReadDatabase() const {
    std::ifstream in(DatabasePath(), std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  template <typename Service, typename Listing>
  Listing List() {
    Listing listing;
    grpc::ClientContext context;
    EXPECT_TRUE(AdminStub<Service>()->List(&context, {}, &listing).ok());
    return listing;
  }
};

TEST_F(DaemonTest, EverythingAcknowledgedIsThereAfterARestartAndAgentsResume) {
  MakeProfile();
  const HostIdentity h1 = Join("h1");
  v1::Hello hello = HelloOf("h1", "10.0.1.1");
  v1::PortAttachment* attachment = hello.add_attachments();
  attachment->set_port_id("00000000-0000-0000-0000-000000000001");
  attachment->set_device("tap0");
  attachment->set_mac("52:54:00:00:00:01");
  attachment->set_profile("web");
  auto stream = std::make_unique<AgentStream>(Tls(h1));
  ASSERT_TRUE(stream->SendHello(hello));
  const std::string store_id = stream->Read()->welcome().store_id();
  const v1::Snapshot snapshot = stream->Read()->snapshot();
  ASSERT_TRUE(stream->Ack(snapshot.generation()));
  stream.reset();
  const auto segments = List<v1::SegmentService, v1::ListSegmentsResponse>();
  const auto profiles = List<v1::ProfileService, v1::ListProfilesResponse>();
  const auto ports = List<v1::PortService, v1::ListPortsResponse>();

  Stop();
  Start();
  EXPECT_EQ((List<v1::SegmentService, v1::ListSegmentsResponse>().SerializeAsString()),
            segments.SerializeAsString());
  EXPECT_EQ((List<v1::ProfileService, v1::ListProfilesResponse>().SerializeAsString()),
            profiles.SerializeAsString());
  EXPECT_EQ((List<v1::PortService, v1::ListPortsResponse>().SerializeAsString()),
            ports.SerializeAsString());

  // The certificate is still good, and the agent's state still the present one.
  AgentStream again(Tls(h1));
  hello.set_store_id(store_id);
  hello.set_generation(snapshot.generation());
  hello.set_state_digest(v1::HostStateDigest(snapshot.state()));
  ASSERT_TRUE(again.SendHello(hello));
  const auto welcome = again.Read();
  ASSERT_TRUE(welcome.has_value());
  EXPECT_TRUE(welcome->welcome().resume());
  EXPECT_EQ(welcome->welcome().store_id(), store_id);
}

TEST_F(DaemonTest, ADamagedDatabaseIsRefusedAndNotTouched) {
  MakeProfile();
  Stop();
  {
    std::fstream file(DatabasePath(), std::ios::in | std::ios::out | std::ios::binary);
    file << "this is no database any more";
  }
  const std::string before = ReadDatabase();
  const auto daemon = Daemon::Start(TestOptions());
  ASSERT_EQ(daemon.status().code(), absl::StatusCode::kDataLoss) << daemon.status();
  EXPECT_THAT(Message(daemon.status()), HasSubstr("controller.db"));
  EXPECT_EQ(ReadDatabase(), before);
}

TEST_F(DaemonTest, ASecondControllerOnTheSameStateIsRefused) {
  Options options = TestOptions();
  options.admin_socket = directory_ + "/second.sock";
  const auto second = Daemon::Start(options);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition) << second.status();
}

TEST_F(DaemonTest, AUsedAddressIsRefused) {
  Options options = TestOptions();
  options.state_dir = directory_ + "/second";
  options.admin_socket = directory_ + "/second.sock";
  options.listen = daemon_->agent_address();
  const auto second = Daemon::Start(options);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(second.status()), HasSubstr(options.listen));
}

TEST_F(DaemonTest, AServedAdminSocketIsRefused) {
  Options options = TestOptions();
  options.state_dir = directory_ + "/second";
  const auto second = Daemon::Start(options);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  // And the first still serves it.
  grpc::ClientContext context;
  v1::ControllerStatus status;
  EXPECT_TRUE(AdminStub<v1::ControllerService>()->GetStatus(&context, {}, &status).ok());
}

TEST_F(DaemonTest, TheConfiguredAddressIsInTheToken) {
  Stop();
  Options options = TestOptions();
  options.advertise = "controller.example.net:7443";
  daemon_ = Daemon::Start(options).value();
  v1::EnrollHostRequest request;
  request.set_host_id("h1");
  v1::EnrollHostResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(AdminStub<v1::HostService>()->Enroll(&context, request, &response).ok());
  Stop();
  options.advertise = "";
  options.listen = "0.0.0.0:0";
  daemon_ = Daemon::Start(options).value();
  grpc::ClientContext again;
  const grpc::Status status = AdminStub<v1::HostService>()->Enroll(&again, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("--advertise"));
}

TEST_F(DaemonTest, MetricsAreServedWhereAskedFor) {
  EXPECT_EQ(daemon_->metrics_address(), "");
  Stop();
  Options options = TestOptions();
  options.metrics_listen = "127.0.0.1:0";
  daemon_ = Daemon::Start(options).value();
  EXPECT_THAT(daemon_->metrics_address(), ::testing::StartsWith("127.0.0.1:"));
  EXPECT_THAT(log_.text(), HasSubstr("metrics at http://" + daemon_->metrics_address()));
  EXPECT_THAT(log_.text(), Not(HasSubstr("without TLS")));

  options.state_dir = directory_ + "/second";
  options.admin_socket = directory_ + "/second.sock";
  options.metrics_listen = daemon_->metrics_address();
  const auto second = Daemon::Start(options);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(Message(second.status()), HasSubstr("the port is in use; choose another"));
  options.metrics_listen = "0.0.0.0:0";
  EXPECT_TRUE(Daemon::Start(options).ok());
  EXPECT_THAT(log_.text(), HasSubstr("without TLS or a password"));
}

TEST_F(DaemonTest, TicksAreHarmless) {
  for (int i = 0; i < 25; ++i) daemon_->Tick();
  grpc::ClientContext context;
  v1::ControllerStatus status;
  EXPECT_TRUE(AdminStub<v1::ControllerService>()->GetStatus(&context, {}, &status).ok());
}

}  // namespace
}  // namespace outrider::controller
