#include "vswitch/agent/local_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/agent/local_api_fixture.h"

namespace outrider::agent {
namespace {

using ::testing::HasSubstr;

TEST_F(LocalApiTest, AttachesListsAndDetaches) {
  ASSERT_TRUE(agent_.Snapshot(4, SampleState()).ok());
  agent_.datapath.SetCounters(
      MakePortId(1), {.rx_packets = 5,
                      .rx_bytes = 0,
                      .tx_packets = 0,
                      .tx_bytes = 0,
                      .drops = {{"acl_ingress", 2}},
                      .rules = {{{datapath::Direction::kIngress, 3}, {.packets = 2, .bytes = 120}}},
                      .connections = 3});
  v1::AttachPortResponse attached;
  const grpc::Status status = Attach(Attachment(), 10000, &attached);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_GT(attached.in_force_us(), 0);
  EXPECT_EQ(attached.port().phase(), v1::PORT_PHASE_ACTIVE);
  EXPECT_EQ(attached.port().vni(), 7u);
  EXPECT_EQ(attached.port().digest().size(), 64u);
  EXPECT_EQ(attached.port().problem(), "");
  EXPECT_GT(attached.port().ifindex(), 0u);
  EXPECT_EQ(attached.port().counters().drops().at("acl_ingress"), 2u);
  ASSERT_EQ(attached.port().counters().rules_size(), 1);
  const v1::RuleCounter& rule = attached.port().counters().rules(0);
  EXPECT_EQ(rule.direction(), v1::RuleCounter::DIRECTION_INGRESS);
  EXPECT_EQ(rule.number(), 3u);
  EXPECT_EQ(rule.packets(), 2u);
  EXPECT_EQ(rule.bytes(), 120u);
  EXPECT_EQ(attached.port().counters().connections(), 3u);

  grpc::ClientContext list_context;
  v1::ListLocalPortsResponse list;
  ASSERT_TRUE(stub_->ListPorts(&list_context, {}, &list).ok());
  ASSERT_EQ(list.ports_size(), 1);
  EXPECT_EQ(list.ports(0).attachment().device(), "tap1");

  grpc::ClientContext detach_context;
  v1::DetachPortRequest detach;
  detach.set_port_id(MakePortId(1).ToString());
  v1::DetachPortResponse detached;
  EXPECT_TRUE(stub_->DetachPort(&detach_context, detach, &detached).ok());
  EXPECT_TRUE(agent_.store->LoadAttachments()->empty());
}

TEST_F(LocalApiTest, ErrorsKeepCodeAndText) {
  v1::AttachPortResponse response;
  v1::PortAttachment bad = Attachment();
  bad.set_mac("nonsense");
  grpc::Status status = Attach(bad, 0, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("mac"));
  bad = Attachment();
  bad.set_device("tap9");
  status = Attach(bad, 0, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("tap9"));
}

TEST_F(LocalApiTest, ShowsPortsOfBridgesByTheirDevices) {
  ASSERT_TRUE(agent_.Snapshot(4, SampleState()).ok());
  LocalState local;
  const Vni segment = Vni::Local(0).value();
  local.segments[segment] = MakeLocalSegment(9000);
  state::Port& port = local.ports[MakePortId(9)];
  port = MakeLocalPort("tap3", std::nullopt);
  port.vni = segment;
  RunOn(&agent_.loop, [&] { agent_.reconciler->SetLocal(local); });
  grpc::ClientContext context;
  v1::ListLocalPortsResponse ports;
  ASSERT_TRUE(stub_->ListPorts(&context, {}, &ports).ok());
  const v1::LocalPort& shown = ports.ports(ports.ports_size() - 1);
  EXPECT_EQ(shown.attachment().port_id(), MakePortId(9).ToString());
  EXPECT_EQ(shown.attachment().device(), "tap3");
  EXPECT_GT(shown.ifindex(), 0u);
  EXPECT_EQ(shown.vni(), 0u) << "it is in no segment of a controller's";
}

TEST_F(LocalApiTest, ShowsAndTakesPortData) {
  state::HostState state = SampleState(state::PortPhase::kArmed, 2);
  state.ports[MakePortId(1)].migration_id = "m-1";
  state.departures[MakePortId(1)] = {.migration_id = "m-0", .vtep = {}, .epoch = Epoch{1}};
  ASSERT_TRUE(agent_.Snapshot(4, state).ok());
  ASSERT_TRUE(agent_.ports->Attach(MakePortId(1), SampleAttachment(1), {}).ok());
  grpc::ClientContext list_context;
  v1::ListLocalPortsResponse ports;
  ASSERT_TRUE(stub_->ListPorts(&list_context, {}, &ports).ok());
  EXPECT_EQ(ports.ports(0).port_data(), "outrider-1.m-0.1");
  const auto take = [this](const std::string& id, const std::string& data) {
    grpc::ClientContext context;
    v1::TakePortDataRequest request;
    request.set_port_id(id);
    request.set_port_data(data);
    v1::TakePortDataResponse response;
    return stub_->TakePortData(&context, request, &response).error_code();
  };
  const std::string id = MakePortId(1).ToString();
  EXPECT_EQ(take("web", "outrider-1.m-1.2"), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(take(MakePortId(9).ToString(), "outrider-1.m-1.2"), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(take(id, "{}"), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(take(id, "outrider-1.m-0.1"), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(take(id, "outrider-1.m-1.2"), grpc::StatusCode::OK);
}

TEST_F(LocalApiTest, ShowsStatusAndStates) {
  ASSERT_TRUE(agent_.Snapshot(4, SampleState()).ok());
  agent_.datapath.SetHostDrops({{"not_a_member", 9}});
  grpc::ClientContext context;
  v1::AgentStatus status;
  ASSERT_TRUE(stub_->GetStatus(&context, {}, &status).ok());
  EXPECT_EQ(status.host_id(), "h1");
  EXPECT_EQ(status.generation(), 4u);
  EXPECT_TRUE(status.connected());
  EXPECT_EQ(status.sessions_resumed(), 2u);
  EXPECT_EQ(status.certificate_expires_us(), 77);
  EXPECT_EQ(status.objects_written(), 3u);
  EXPECT_EQ(status.host_drops().at("not_a_member"), 9u);

  for (const auto view :
       {v1::GetHostStateRequest::VIEW_DESIRED, v1::GetHostStateRequest::VIEW_APPLIED}) {
    grpc::ClientContext state_context;
    v1::GetHostStateRequest request;
    request.set_view(view);
    v1::GetHostStateResponse response;
    ASSERT_TRUE(stub_->GetHostState(&state_context, request, &response).ok());
    EXPECT_EQ(response.generation(), 4u);
    EXPECT_EQ(response.state().segments_size(), 1);
    EXPECT_EQ(response.state().ports_size(), 1);
  }
  grpc::ClientContext bad_context;
  v1::GetHostStateResponse response;
  EXPECT_EQ(stub_->GetHostState(&bad_context, {}, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

datapath::Connection ConnectionOf(uint8_t port, uint16_t src_port) {
  return {.port = MakePortId(port),
          .vni = *Vni::Create(7),
          .src = *IpAddress::Parse("10.0.0.1"),
          .dst = *IpAddress::Parse("10.0.0.2"),
          .protocol = 6,
          .src_port = src_port,
          .dst_port = 80,
          .from_guest = true,
          .state = "established",
          .expires_s = 432000};
}

TEST_F(LocalApiTest, ListsAndFlushesConnections) {
  connections_.Put({ConnectionOf(1, 1000), ConnectionOf(1, 1001), ConnectionOf(2, 1000)});
  const auto list = [this](const std::string& port, uint32_t limit,
                           v1::ListConnectionsResponse* response) {
    grpc::ClientContext context;
    v1::ListConnectionsRequest request;
    request.set_port_id(port);
    request.set_limit(limit);
    return stub_->ListConnections(&context, request, response).error_code();
  };
  v1::ListConnectionsResponse all;
  ASSERT_EQ(list("", 0, &all), grpc::StatusCode::OK);
  EXPECT_EQ(all.total(), 3u);
  ASSERT_EQ(all.connections_size(), 3);
  EXPECT_EQ(all.connections(1).ShortDebugString(),
            "port_id: \"" + MakePortId(1).ToString() +
                "\" vni: 7 protocol: 6 src: \"10.0.0.1\" dst: \"10.0.0.2\" src_port: 1001 "
                "dst_port: 80 from_guest: true state: \"established\" expires_s: 432000");
  v1::ListConnectionsResponse one;
  ASSERT_EQ(list(MakePortId(1).ToString(), 1, &one), grpc::StatusCode::OK);
  EXPECT_EQ(one.total(), 2u);
  EXPECT_EQ(one.connections_size(), 1);
  EXPECT_EQ(list(MakePortId(3).ToString(), 0, &one), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(list("nonsense", 0, &one), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(list("", 20'001, &one), grpc::StatusCode::INVALID_ARGUMENT);

  grpc::ClientContext context;
  v1::FlushConnectionsRequest flush;
  flush.set_port_id(MakePortId(1).ToString());
  v1::FlushConnectionsResponse flushed;
  ASSERT_TRUE(stub_->FlushConnections(&context, flush, &flushed).ok());
  EXPECT_EQ(flushed.flushed(), 2u);
  grpc::ClientContext all_context;
  ASSERT_TRUE(stub_->FlushConnections(&all_context, {}, &flushed).ok());
  EXPECT_EQ(flushed.flushed(), 1u);
}

TEST_F(LocalApiTest, ListsStations) {
  const auto station = [](uint32_t vni, uint8_t number) {
    return datapath::Station{.vni = MakeVni(vni),
                             .mac = MakeMac(number),
                             .provider = {.uplink = "physnet1", .vlan = 100},
                             .heard_s = 17};
  };
  stations_.stations = {station(7, 1), station(7, 2), station(8, 1)};
  const auto list = [this](uint32_t vni, uint32_t limit, v1::ListStationsResponse* response) {
    grpc::ClientContext context;
    v1::ListStationsRequest request;
    request.set_vni(vni);
    request.set_limit(limit);
    return stub_->ListStations(&context, request, response).error_code();
  };
  v1::ListStationsResponse all;
  ASSERT_EQ(list(0, 0, &all), grpc::StatusCode::OK);
  EXPECT_EQ(all.total(), 3u);
  ASSERT_EQ(all.stations_size(), 3);
  EXPECT_EQ(
      all.stations(1).ShortDebugString(),
      "vni: 7 mac: \"" + MakeMac(2).ToString() + "\" uplink: \"physnet1\" vlan: 100 heard_s: 17");
  stations_.stations.push_back({.vni = tests::MakeLocalVni(10),
                                .mac = MakeMac(3),
                                .provider = {},
                                .heard_s = 4,
                                .port = MakePortId(9),
                                .device = "vnet9"});
  ASSERT_EQ(list(0, 0, &all), grpc::StatusCode::OK);
  EXPECT_EQ(all.stations(3).ShortDebugString(),
            "vni: 16777226 mac: \"" + MakeMac(3).ToString() + "\" heard_s: 4 port_id: \"" +
                MakePortId(9).ToString() + "\" device: \"vnet9\"");
  v1::ListStationsResponse one;
  ASSERT_EQ(list(7, 1, &one), grpc::StatusCode::OK);
  EXPECT_EQ(one.total(), 2u);
  EXPECT_EQ(one.stations_size(), 1);
  EXPECT_EQ(list(9, 0, &one), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(list(1u << 24, 0, &one), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(list(0, 20'001, &one), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(LocalApiTest, Traces) {
  tracer_.answer = datapath::Trace{
      .steps = {{.stage = "drop", .text = "at no port", .fields = {{"reason", "not_a_member"}}}},
      .verdict = "dropped",
      .drop_reason = "not_a_member"};
  v1::TraceRequest request;
  request.set_port_id(MakePortId(1).ToString());
  request.set_frame("abc");
  request.set_from_vtep("10.0.1.9");
  request.set_vni(7);
  v1::TraceResponse response;
  const auto trace = [&] {
    grpc::ClientContext context;
    return stub_->Trace(&context, request, &response);
  };
  ASSERT_TRUE(trace().ok());
  EXPECT_EQ(response.ShortDebugString(),
            "steps { stage: \"drop\" text: \"at no port\" fields { key: \"reason\" value: "
            "\"not_a_member\" } } verdict: \"dropped\" drop_reason: \"not_a_member\"");
  EXPECT_EQ(tracer_.asked.port, MakePortId(1));
  EXPECT_EQ(tracer_.asked.frame, (std::vector<uint8_t>{'a', 'b', 'c'}));
  EXPECT_EQ(tracer_.asked.from_vtep, *IpAddress::Parse("10.0.1.9"));
  EXPECT_EQ(tracer_.asked.vni, 7u);

  tracer_.answer = absl::FailedPreconditionError("no device");
  EXPECT_EQ(trace().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  request.set_from_vtep("10.0.1");
  EXPECT_EQ(trace().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  request.set_port_id("nonsense");
  EXPECT_EQ(trace().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(LocalApiTest, StreamsACaptureUntilItsReaderLeaves) {
  v1::CaptureRequest request;
  request.set_port_id(MakePortId(1).ToString());
  request.set_snap_length(64);
  grpc::ClientContext context;
  const auto reader = stub_->Capture(&context, request);
  capture_.AwaitSessions(1);
  EXPECT_EQ(capture_.asked().port, MakePortId(1));
  EXPECT_EQ(capture_.asked().snap_length, 64u);
  capture_.Deliver({.point = datapath::CapturePoint::kToGuest,
                    .port = MakePortId(1),
                    .time_ns = 5,
                    .data = {'a', 'b'},
                    .length = 100,
                    .vni = 7,
                    .drop_reason = "acl_egress",
                    .missed = 3});
  v1::CapturedFrame frame;
  ASSERT_TRUE(reader->Read(&frame));
  EXPECT_EQ(frame.ShortDebugString(),
            "point: POINT_TO_GUEST port_id: \"" + MakePortId(1).ToString() +
                "\" time_ns: 5 data: \"ab\" length: 100 vni: 7 drop_reason: \"acl_egress\" "
                "missed: 3");
  context.TryCancel();
  capture_.AwaitSessions(0);
  EXPECT_FALSE(reader->Finish().ok());
}

// A guest of two ports, one of which an armed migration takes away.
TEST_F(LocalApiTest, AGuestThatPausesToRunElsewhereIsSentAfter) {
  state::HostState state = SampleState();
  state.ports[MakePortId(2)] = SamplePort(2, state::PortPhase::kActive, 1);
  state.departures[MakePortId(1)] = {
      .migration_id = "m-1", .vtep = *IpAddress::Parse("192.0.2.2"), .epoch = Epoch{2}, .label = 7};
  ASSERT_TRUE(agent_.Snapshot(4, state).ok());
  v1::AttachPortResponse attached;
  v1::PortAttachment attachment = Attachment();
  attachment.set_vm_id("web-1");
  attachment.set_qmp("/run/vm/web-1.qmp");
  ASSERT_TRUE(Attach(attachment, 10000, &attached).ok());
  EXPECT_EQ(attached.port().attachment().qmp(), "/run/vm/web-1.qmp");
  attachment.set_port_id(MakePortId(2).ToString());
  attachment.set_device("tap2");
  attachment.set_mac("52:54:00:00:00:02");
  ASSERT_TRUE(Attach(attachment, 10000, &attached).ok());

  v1::GuestPausedRequest pause;
  pause.set_vm_id("web-1");
  v1::GuestPausedResponse paused;
  grpc::ClientContext pausing;
  ASSERT_TRUE(stub_->GuestPaused(&pausing, pause, &paused).ok());
  ASSERT_EQ(paused.redirected_size(), 1);
  EXPECT_EQ(paused.redirected(0), MakePortId(1).ToString());
  EXPECT_EQ(agent_.datapath.ReadMove(MakePortId(1))->mode, datapath::MoveMode::kRedirected);

  v1::GuestResumedRequest resume;
  resume.set_port_id(MakePortId(1).ToString());
  v1::GuestResumedResponse resumed;
  grpc::ClientContext resuming;
  ASSERT_TRUE(stub_->GuestResumed(&resuming, resume, &resumed).ok());
  ASSERT_EQ(resumed.changed_size(), 1);
  EXPECT_EQ(resumed.changed(0), MakePortId(1).ToString());
  EXPECT_EQ(agent_.datapath.ReadMove(MakePortId(1))->mode, datapath::MoveMode::kWatched);
}

TEST_F(LocalApiTest, AGuestNobodyKnowsIsNotFound) {
  const auto pause = [this](const std::string& port, const std::string& vm, int64_t time_us) {
    v1::GuestPausedRequest request;
    request.set_port_id(port);
    request.set_vm_id(vm);
    request.set_time_us(time_us);
    v1::GuestPausedResponse response;
    grpc::ClientContext context;
    return stub_->GuestPaused(&context, request, &response);
  };
  EXPECT_EQ(pause(MakePortId(1).ToString(), "", 0).error_code(), grpc::StatusCode::NOT_FOUND);
  const grpc::Status vm = pause("", "web-9", 0);
  EXPECT_EQ(vm.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(vm.error_message(), HasSubstr("vm_id \"web-9\""));
  EXPECT_EQ(pause("", "", 0).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(pause("p", "web-9", 0).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(pause("nonsense", "", 0).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(pause("", "web-9", -1).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(LocalApiTest, AQmpSocketIsAnAbsolutePath) {
  v1::PortAttachment attachment = Attachment();
  v1::AttachPortResponse response;
  for (const std::string& path : {std::string("qmp"), "/" + std::string(107, 'x')}) {
    attachment.set_qmp(path);
    const grpc::Status status = Attach(attachment, 0, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << path;
    EXPECT_THAT(status.error_message(), HasSubstr("qmp"));
  }
}

TEST_F(LocalApiTest, ACaptureOfNobodysPortIsRefused) {
  capture_.Fail(absl::NotFoundError("port 3: not on this host"));
  grpc::ClientContext context;
  const auto reader = stub_->Capture(&context, {});
  v1::CapturedFrame frame;
  EXPECT_FALSE(reader->Read(&frame));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace outrider::agent
