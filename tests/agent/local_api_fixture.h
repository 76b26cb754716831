// A running agent's local API, over a fake datapath and a real socket.
#ifndef OUTRIDER_TESTS_AGENT_LOCAL_API_FIXTURE_H_
#define OUTRIDER_TESTS_AGENT_LOCAL_API_FIXTURE_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "outrider/v1/agent.grpc.pb.h"
#include "tests/agent/running_agent.h"
#include "tests/fakes/fake_connection_table.h"
#include "tests/fakes/fake_packet_capture.h"
#include "tests/fakes/fake_packet_tracer.h"
#include "tests/fakes/fake_station_table.h"
#include "vswitch/agent/local_api.h"

namespace outrider::agent {

class LocalApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(agent_.started.ok());
    auto api = Create();
    ASSERT_TRUE(api.ok()) << api.status();
    api_ = *std::move(api);
    stub_ = v1::AgentLocalService::NewStub(
        grpc::CreateChannel("unix:" + socket_, grpc::InsecureChannelCredentials()));
  }
  absl::StatusOr<std::unique_ptr<LocalApi>> Create() {
    v1::AgentStatus self;
    self.set_host_id("h1");
    return LocalApi::Create(
        socket_, {.ports = agent_.ports.get(),
                  .reconciler_executor = &agent_.loop,
                  .reconciler = agent_.reconciler.get(),
                  .counters = &agent_.datapath,
                  .connections = &connections_,
                  .stations = &stations_,
                  .tracer = &tracer_,
                  .capture = &capture_,
                  .session =
                      [] {
                        return SessionStatus{
                            .connected = true, .detail = "since now", .resumed = 2, .snapshots = 1};
                      },
                  .certificate_expiry = [] { return int64_t{77}; },
                  .self = self});
  }
  grpc::Status Attach(const v1::PortAttachment& attachment, uint32_t wait_ms,
                      v1::AttachPortResponse* response) {
    grpc::ClientContext context;
    v1::AttachPortRequest request;
    *request.mutable_attachment() = attachment;
    request.set_wait_ms(wait_ms);
    return stub_->AttachPort(&context, request, response);
  }
  static v1::PortAttachment Attachment() {
    v1::PortAttachment attachment;
    attachment.set_port_id(MakePortId(1).ToString());
    attachment.set_device("tap1");
    attachment.set_mac("52:54:00:00:00:01");
    attachment.set_profile("web");
    return attachment;
  }

  RunningAgent agent_;
  datapath::FakeConnectionTable connections_;
  datapath::FakeStationTable stations_;
  datapath::FakePacketTracer tracer_;
  datapath::FakePacketCapture capture_;
  const std::string socket_ = agent_.directory / "agent.sock";
  std::unique_ptr<LocalApi> api_;
  std::unique_ptr<v1::AgentLocalService::Stub> stub_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_TESTS_AGENT_LOCAL_API_FIXTURE_H_
