// The operator's API over the unix socket: the same calls for every kind, errors as gRPC carries
// them, and the verbs that are not those.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/controller/service/controller_harness.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;
using AdminApiTest = ControllerHarness;

v1::Segment Segment(const std::string& name, uint32_t vni) {
  v1::Segment segment;
  segment.mutable_meta()->set_name(name);
  segment.set_vni(vni);
  return segment;
}

v1::GetRequest Named(const std::string& name) {
  v1::GetRequest request;
  request.set_name(name);
  return request;
}

TEST_F(AdminApiTest, TheSocketIsTheOwnersOnly) {
  struct stat info {};
  ASSERT_EQ(stat(daemon_->admin_socket().c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(AdminApiTest, CreateGetListUpdateDelete) {
  auto stub = AdminStub<v1::SegmentService>();
  v1::Segment created, got, updated;
  grpc::ClientContext c1, c2, c3, c4, c5, c6, c7;
  ASSERT_TRUE(stub->Create(&c1, Segment("blue", 100), &created).ok());
  EXPECT_EQ(created.mtu(), 0u) << "derived";
  EXPECT_EQ(created.mtu_in_force(), 1450u) << "while no host is known";
  EXPECT_NE(created.meta().revision(), 0u);
  ASSERT_TRUE(stub->Get(&c2, Named("blue"), &got).ok());
  EXPECT_EQ(got.SerializeAsString(), created.SerializeAsString());
  got.set_mtu(1300);
  ASSERT_TRUE(stub->Update(&c3, got, &updated).ok());
  EXPECT_GT(updated.meta().revision(), created.meta().revision());
  EXPECT_EQ(updated.mtu_in_force(), 1300u) << "not the 1450 of the request";
  v1::Segment odd = updated;
  odd.set_mtu_in_force(9000);
  v1::Segment same;
  grpc::ClientContext c8;
  ASSERT_TRUE(stub->Update(&c8, odd, &same).ok());
  EXPECT_EQ(same.SerializeAsString(), updated.SerializeAsString()) << "nothing is changed";
  // The revision it was read at is stale now.
  EXPECT_EQ(stub->Update(&c4, got, &updated).error_code(), grpc::StatusCode::ABORTED);
  v1::ListSegmentsResponse list;
  ASSERT_TRUE(stub->List(&c5, {}, &list).ok());
  ASSERT_EQ(list.items_size(), 1);
  EXPECT_EQ(list.items(0).mtu(), 1300u);
  EXPECT_EQ(list.items(0).mtu_in_force(), 1300u);
  EXPECT_EQ(list.revision(), list.items(0).meta().revision());
  v1::DeleteRequest erase;
  erase.set_name("blue");
  v1::DeleteResponse erased;
  ASSERT_TRUE(stub->Delete(&c6, erase, &erased).ok());
  EXPECT_EQ(erased.revision(), list.revision() + 1);
  const grpc::Status gone = stub->Get(&c7, Named("blue"), &got);
  EXPECT_EQ(gone.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(gone.error_message(), HasSubstr("segment \"blue\""));
}

TEST_F(AdminApiTest, WhatIsWrongIsSaidWithCodeAndRemedy) {
  auto stub = AdminStub<v1::SegmentService>();
  v1::Segment response;
  grpc::ClientContext c1, c2, c3, c4;
  const grpc::Status zero = stub->Create(&c1, Segment("blue", 0), &response);
  EXPECT_EQ(zero.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(zero.error_message(), HasSubstr("segment \"blue\""));
  EXPECT_THAT(zero.error_message(), HasSubstr("vni"));
  ASSERT_TRUE(stub->Create(&c2, Segment("blue", 100), &response).ok());
  EXPECT_EQ(stub->Create(&c3, Segment("green", 100), &response).error_code(),
            grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(stub->Update(&c4, Segment("red", 5), &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminApiTest, ProfilesHaveRevisions) {
  MakeProfile();
  auto stub = AdminStub<v1::ProfileService>();
  v1::Profile profile;
  grpc::ClientContext c1, c2, c3, c4;
  ASSERT_TRUE(stub->Get(&c1, Named("web"), &profile).ok());
  profile.mutable_meta()->clear_revision();
  profile.set_description("second");
  ASSERT_TRUE(stub->Apply(&c2, profile, &profile).ok());
  EXPECT_EQ(profile.profile_revision(), 2u);
  v1::ListProfileRevisionsRequest request;
  request.set_name("web");
  v1::ListProfileRevisionsResponse revisions;
  ASSERT_TRUE(stub->ListRevisions(&c3, request, &revisions).ok());
  ASSERT_EQ(revisions.revisions_size(), 2);
  EXPECT_EQ(revisions.revisions(0).state(), v1::Profile::STATE_RETIRED);
  EXPECT_EQ(revisions.revisions(1).state(), v1::Profile::STATE_ACTIVE);
  request.set_name("nothing");
  EXPECT_EQ(stub->ListRevisions(&c4, request, &revisions).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminApiTest, ProfilesLive) {
  MakeProfile();
  auto stub = AdminStub<v1::ProfileService>();
  v1::Profile profile, answer;
  v1::ProfileRevisionRequest web;
  web.set_name("web");
  grpc::ClientContext c1, c2, c3, c4, c5, c6, c7, c8, c9;
  ASSERT_TRUE(stub->Get(&c1, Named("web"), &profile).ok());
  profile.mutable_qos()->mutable_ingress_policer()->set_rate_kbps(8000);
  ASSERT_TRUE(stub->SaveDraft(&c2, profile, &answer).ok());
  EXPECT_EQ(answer.state(), v1::Profile::STATE_DRAFT);
  ASSERT_TRUE(stub->Activate(&c3, web, &answer).ok());
  EXPECT_EQ(answer.profile_revision(), 2u);
  EXPECT_EQ(answer.qos().ingress_policer().rate_kbps(), 8000u);
  EXPECT_EQ(stub->Activate(&c4, web, &answer).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  ASSERT_TRUE(stub->Rollback(&c5, web, &answer).ok());
  EXPECT_EQ(answer.profile_revision(), 3u);
  EXPECT_FALSE(answer.has_qos());
  v1::Profile child;
  child.mutable_meta()->set_name("child");
  child.set_parent("web");
  ASSERT_TRUE(stub->Apply(&c6, child, &answer).ok());
  ASSERT_TRUE(stub->GetEffective(&c7, Named("child"), &answer).ok());
  EXPECT_EQ(answer.vlan().segment(), "blue");
  const grpc::Status used = stub->Retire(&c8, Named("web"), &answer);
  EXPECT_EQ(used.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(used.error_message(), HasSubstr("in use by profile \"child\""));
  ASSERT_TRUE(stub->Retire(&c9, Named("child"), &answer).ok());
  grpc::ClientContext gone, history;
  EXPECT_EQ(stub->GetEffective(&gone, Named("child"), &answer).error_code(),
            grpc::StatusCode::NOT_FOUND);
  v1::ListProfileRevisionsRequest request;
  request.set_name("child");
  v1::ListProfileRevisionsResponse revisions;
  ASSERT_TRUE(stub->ListRevisions(&history, request, &revisions).ok());
  EXPECT_EQ(revisions.revisions_size(), 1);
}

TEST_F(AdminApiTest, DryRunSaysWhatWouldChange) {
  MakeProfile();
  v1::Port port;
  port.mutable_meta()->set_name("00000000-0000-0000-0000-000000000001");
  port.set_mac("52:54:00:00:00:01");
  port.set_profile("web");
  grpc::ClientContext c1, c2, c3;
  ASSERT_TRUE(AdminStub<v1::PortService>()->Create(&c1, port, &port).ok());
  auto stub = AdminStub<v1::ProfileService>();
  v1::Profile profile;
  ASSERT_TRUE(stub->Get(&c2, Named("web"), &profile).ok());
  profile.mutable_qos()->mutable_ingress_policer()->set_rate_kbps(8000);
  v1::DryRunProfileResponse response;
  ASSERT_TRUE(stub->DryRun(&c3, profile, &response).ok());
  ASSERT_EQ(response.ports_size(), 1);
  EXPECT_EQ(response.ports(0).port_id(), port.meta().name());
  EXPECT_EQ(response.ports(0).sections(0), "qos");
}

TEST_F(AdminApiTest, PortGroupsAreObjects) {
  v1::PortGroup group;
  group.mutable_meta()->set_name("servers");
  group.add_ports("00000000-0000-0000-0000-000000000001");
  auto stub = AdminStub<v1::PortGroupService>();
  grpc::ClientContext c1, c2, c3, c4;
  const grpc::Status missing = stub->Create(&c1, group, &group);
  EXPECT_EQ(missing.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(missing.error_message(), HasSubstr("port group \"servers\": port "));
  group.clear_ports();
  ASSERT_TRUE(stub->Create(&c2, group, &group).ok());
  v1::ListPortGroupsResponse list;
  ASSERT_TRUE(stub->List(&c3, {}, &list).ok());
  EXPECT_EQ(list.items_size(), 1);
  v1::WatchRequest watch;
  auto reader = stub->Watch(&c4, watch);
  v1::PortGroupChange change;
  ASSERT_TRUE(reader->Read(&change));
  EXPECT_EQ(change.kind(), v1::WATCH_KIND_PUT);
  EXPECT_EQ(change.object().meta().name(), "servers");
  c4.TryCancel();
}

TEST_F(AdminApiTest, CountersAreThoseTheHostReportedLast) {
  MakeProfile();
  const std::string port_id = "00000000-0000-0000-0000-000000000001";
  v1::PortCountersRequest request;
  request.set_name(port_id);
  v1::PortCountersResponse counters;
  auto ports = AdminStub<v1::PortService>();
  grpc::ClientContext c1, c2;
  EXPECT_EQ(ports->GetCounters(&c1, request, &counters).error_code(), grpc::StatusCode::NOT_FOUND);
  AgentStream stream(Tls(Join("h1")));
  v1::Hello hello = HelloOf("h1", "10.0.1.1");
  v1::PortAttachment* attachment = hello.add_attachments();
  attachment->set_port_id(port_id);
  attachment->set_device("tap0");
  attachment->set_mac("52:54:00:00:00:01");
  ASSERT_TRUE(stream.SendHello(hello));
  ASSERT_TRUE(stream.Read().has_value());
  const grpc::Status none = ports->GetCounters(&c2, request, &counters);
  EXPECT_EQ(none.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(none.error_message(), HasSubstr("host \"h1\" has reported no counters yet"));
  v1::AgentMessage message;
  message.mutable_counters()->add_ports()->set_port_id(port_id);
  message.mutable_counters()->mutable_ports(0)->set_rx_packets(7);
  ASSERT_TRUE(stream.Send(message));
  // The agent is heard in order: once the controller has read to the end, the counters are there.
  EXPECT_TRUE(stream.Finish().ok());
  grpc::ClientContext c3;
  ASSERT_TRUE(ports->GetCounters(&c3, request, &counters).ok());
  EXPECT_EQ(counters.rx_packets(), 7u);
  EXPECT_EQ(counters.host(), "h1");
}

TEST_F(AdminApiTest, StatusCountsWhatIsThere) {
  MakeProfile();
  AgentStream stream(Tls(Join("h1")));
  Join("h2");
  ASSERT_TRUE(stream.SendHello(HelloOf("h1", "10.0.1.1")));
  ASSERT_TRUE(stream.Read().has_value());
  v1::ControllerStatus status;
  grpc::ClientContext context;
  ASSERT_TRUE(AdminStub<v1::ControllerService>()->GetStatus(&context, {}, &status).ok());
  EXPECT_EQ(status.hosts(), 2u);
  EXPECT_EQ(status.hosts_connected(), 1u);
  EXPECT_EQ(status.segments(), 1u);
  EXPECT_EQ(status.profiles(), 1u);
  EXPECT_EQ(status.ports(), 0u);
  EXPECT_EQ(status.sessions_snapshot(), 1u);
  EXPECT_EQ(status.trust_domain(), "outrider.test");
  EXPECT_FALSE(status.store_id().empty());
  EXPECT_FALSE(status.version().empty());
  EXPECT_GT(status.ca_expires_us(), status.started_us());
}

TEST_F(AdminApiTest, AHostIsSeenConnected) {
  AgentStream stream(Tls(Join("h1")));
  ASSERT_TRUE(stream.SendHello(HelloOf("h1", "10.0.1.1")));
  ASSERT_TRUE(stream.Read().has_value());
  v1::Host host;
  grpc::ClientContext context;
  ASSERT_TRUE(AdminStub<v1::HostService>()->Get(&context, Named("h1"), &host).ok());
  EXPECT_EQ(host.state(), v1::Host::STATE_CONNECTED);
  EXPECT_EQ(host.vteps(0), "10.0.1.1");
  EXPECT_NE(host.certificate_expires_us(), 0);
  EXPECT_NE(host.last_seen_us(), 0);
}

}  // namespace
}  // namespace outrider::controller
