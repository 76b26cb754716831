// A host that fails, is evacuated, and comes back, with agents on real streams.
#include <gmock/gmock.h>

#include "tests/controller/service/controller_harness.h"

namespace outrider::controller {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kPort[] = "00000000-0000-0000-0000-000000000001";

class HostEvacuationTest : public ControllerHarness {
 protected:
  void SetUp() override {
    ControllerHarness::SetUp();
    MakeProfile();
    first_ = Join("h1");
    second_ = Join("h2");
  }

  static v1::PortAttachment Device(bool claim) {
    v1::PortAttachment attachment;
    attachment.set_port_id(kPort);
    attachment.set_device("tap0");
    attachment.set_mac("52:54:00:00:00:01");
    attachment.set_profile("web");
    attachment.set_claim(claim);
    return attachment;
  }
  // A session of the host that holds the device of the port, up to its state.
  std::unique_ptr<AgentStream> Connect(const HostIdentity& identity, const std::string& vtep,
                                       bool claim) {
    auto stream = std::make_unique<AgentStream>(Tls(identity));
    v1::Hello hello = HelloOf(identity.host, vtep);
    *hello.add_attachments() = Device(claim);
    EXPECT_TRUE(stream->SendHello(hello));
    const auto welcome = stream->Read();
    EXPECT_TRUE(welcome.has_value() && welcome->has_welcome());
    return stream;
  }
  grpc::Status Evacuate(const std::string& host, bool force, v1::EvacuateHostResponse* response) {
    v1::EvacuateHostRequest request;
    request.set_name(host);
    request.set_force(force);
    grpc::ClientContext context;
    return AdminStub<v1::HostService>()->Evacuate(&context, request, response);
  }
  v1::Port Port() {
    v1::GetRequest request;
    request.set_name(kPort);
    v1::Port port;
    grpc::ClientContext context;
    EXPECT_TRUE(AdminStub<v1::PortService>()->Get(&context, request, &port).ok());
    return port;
  }
  // Reads until the agent is told that its attachment is refused; returns why.
  static std::string ReadRefusal(AgentStream* stream) {
    while (const auto message = stream->Read()) {
      if (message->has_refused()) return message->refused().reason();
    }
    ADD_FAILURE() << "the stream ended";
    return "";
  }
  // Reads until the agent is told that it has the port, and returns the port's epoch.
  static uint64_t ReadEpoch(AgentStream* stream) {
    while (const auto message = stream->Read()) {
      const v1::HostState& state = message->has_snapshot() ? message->snapshot().state()
                                                           : message->delta().delta().upserts();
      for (const v1::PortState& port : state.ports()) return port.epoch();
    }
    ADD_FAILURE() << "the stream ended";
    return 0;
  }

  HostIdentity first_;
  HostIdentity second_;
};

TEST_F(HostEvacuationTest, AHostThatIsThereIsRefusedWithoutForce) {
  const auto stream = Connect(first_, "10.0.1.1", true);
  EXPECT_EQ(ReadEpoch(stream.get()), 1u);
  v1::EvacuateHostResponse response;
  const grpc::Status status = Evacuate("h1", false, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("host \"h1\" is connected"));
  EXPECT_EQ(Evacuate("h9", true, &response).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Port().location().host(), "h1");
}

TEST_F(HostEvacuationTest, ByForceItIsToldThatItsPortIsGone) {
  const auto stream = Connect(first_, "10.0.1.1", true);
  EXPECT_EQ(ReadEpoch(stream.get()), 1u);
  v1::EvacuateHostResponse response;
  ASSERT_TRUE(Evacuate("h1", true, &response).ok());
  EXPECT_THAT(response.ports(), ElementsAre(kPort));
  EXPECT_EQ(response.migrations_size(), 0);
  EXPECT_THAT(ReadRefusal(stream.get()), HasSubstr("was taken from host \"h1\""));
  EXPECT_EQ(Port().location().host(), "") << "the device that is left there claims nothing";
  EXPECT_THAT(log_.text(), HasSubstr("audit: granted: evacuation of host \"h1\" by force"));
}

TEST_F(HostEvacuationTest, AnotherHostClaimsThePortAndTheFirstComesBackToNothing) {
  Connect(first_, "10.0.1.1", true);  // and its stream ends
  v1::EvacuateHostResponse response;
  ASSERT_TRUE(Evacuate("h1", true, &response).ok());
  // Back before anybody has claimed it.
  auto back = Connect(first_, "10.0.1.1", false);
  EXPECT_THAT(ReadRefusal(back.get()), HasSubstr("in epoch 2; if its guest is to run here"));
  const auto other = Connect(second_, "10.0.2.1", true);
  EXPECT_EQ(ReadEpoch(other.get()), 3u);
  EXPECT_EQ(Port().location().host(), "h2");
  // And after.
  EXPECT_THAT(ReadRefusal(back.get()), HasSubstr("is on host \"h2\""));
}

}  // namespace
}  // namespace outrider::controller
