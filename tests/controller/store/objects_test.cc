#include "controller/store/objects.h"

#include "tests/controller/store/repository_fixture.h"

namespace outrider::controller {
namespace {

using absl::StatusCode;

class ObjectsTest : public RepositoryFixture {};

TEST_F(ObjectsTest, CreateFillsInMetaAndDefaults) {
  v1::Segment segment;
  segment.mutable_meta()->set_name("blue");
  segment.set_vni(200);
  const auto created = CreateObject(repository_.get(), segment);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->arp_suppression(), v1::Segment::ARP_SUPPRESSION_ON);
  EXPECT_EQ(created->meta().revision(), store_.revision());
  EXPECT_EQ(created->meta().created_us(), clock_.NowUs());
  EXPECT_EQ(created->meta().uuid().size(), 36u);
  EXPECT_TRUE(Equal(*repository_->Get<v1::Segment>("blue"), *created));
  EXPECT_EQ(Message(CreateObject(repository_.get(), segment).status()),
            "segment \"blue\" exists already; update it instead");
}

TEST_F(ObjectsTest, UpdateKeepsIdentity) {
  const auto before = repository_->Get<v1::Segment>("red");
  clock_.AdvanceUs(5);
  const auto after = UpdateObject(repository_.get(), MakeSegment("red", 100, 1400));
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->meta().uuid(), before->meta().uuid());
  EXPECT_EQ(after->meta().created_us(), before->meta().created_us());
  EXPECT_EQ(after->meta().updated_us(), before->meta().created_us() + 5);
  EXPECT_EQ(after->mtu(), 1400u);
  EXPECT_EQ(UpdateObject(repository_.get(), MakeSegment("nil", 1)).status().code(),
            StatusCode::kNotFound);
}

TEST_F(ObjectsTest, StaleRevisionIsAborted) {
  v1::Segment mine = *repository_->Get<v1::Segment>("red");
  ASSERT_TRUE(UpdateObject(repository_.get(), MakeSegment("red", 100, 1400)).ok());
  mine.set_mtu(1300);
  const absl::Status status = UpdateObject(repository_.get(), mine).status();
  EXPECT_EQ(status.code(), StatusCode::kAborted);
  EXPECT_EQ(Message(status),
            fmt::format("segment \"red\" has moved on from revision {} to {}; read it "
                        "again and repeat the change",
                        mine.meta().revision(), store_.revision()));
  EXPECT_EQ(repository_->Get<v1::Segment>("red")->mtu(), 1400u);
  EXPECT_EQ(
      DeleteObject<v1::Segment>(repository_.get(), "red", mine.meta().revision()).status().code(),
      StatusCode::kAborted);
}

TEST_F(ObjectsTest, RefusedWriteLeavesEverything) {
  const uint64_t commits = store_.commits();
  EXPECT_EQ(CreateObject(repository_.get(), MakeSegment("blue", 100)).status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(ApplyProfile(repository_.get(), MakeProfile("web", "nil")).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(store_.commits(), commits);
  EXPECT_EQ(repository_->Get<v1::Profile>("web")->vlan().segment(), "red");
}

TEST_F(ObjectsTest, ApplyMakesRevisionsOnlyOfNewContent) {
  const std::string acl = "ingress { match { protocol: 'tcp' } action: ACL_ACTION_ALLOW }";
  const auto second = ApplyProfile(repository_.get(), MakeProfile("web", "red", acl));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->profile_revision(), 2u);
  const uint64_t commits = store_.commits();
  const auto again = ApplyProfile(repository_.get(), MakeProfile("web", "red", acl));
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(Equal(*again, *second));
  EXPECT_EQ(store_.commits(), commits);
  const auto back = ApplyProfile(repository_.get(), MakeProfile("web", "red"));
  EXPECT_EQ(back->profile_revision(), 3u);
}

TEST_F(ObjectsTest, WhatIsInForceIsNotWrittenAgain) {
  v1::Gateway gateway;
  gateway.mutable_meta()->set_name("gw");
  gateway.set_vtep("192.0.2.9");
  gateway.add_segments("red");
  gateway.add_stations()->set_segment("red");
  gateway.mutable_stations(0)->set_mac("52-54-00-AA-00-01");
  v1::AddressGroup group;
  group.mutable_meta()->set_name("clients");
  group.add_prefixes("10.0.0.1");
  const v1::Segment segment = MakeSegment("blue", 200);
  const v1::Port port = MakePort(1, "web");
  const auto twice = [&](const auto& object) {
    ASSERT_TRUE(CreateObject(repository_.get(), object).ok());
    const uint64_t commits = store_.commits();
    clock_.AdvanceUs(5);
    const auto stored = UpdateObject(repository_.get(), object);
    ASSERT_TRUE(stored.ok()) << stored.status();
    EXPECT_EQ(store_.commits(), commits) << stored->meta().name();
    EXPECT_EQ(stored->meta().revision(), commits);
    EXPECT_EQ(stored->meta().updated_us(), stored->meta().created_us());
  };
  twice(gateway);
  twice(group);
  twice(segment);
  twice(port);
  twice(MakePortGroup("web-servers", {1}));
  // Groups are sets.
  group.add_prefixes("10.0.0.0");
  ASSERT_TRUE(UpdateObject(repository_.get(), group).ok());
  const uint64_t commits = store_.commits();
  group.mutable_prefixes()->SwapElements(0, 1);
  ASSERT_TRUE(UpdateObject(repository_.get(), group).ok());
  EXPECT_EQ(store_.commits(), commits);
}

TEST_F(ObjectsTest, OldRevisionsSurviveARestart) {
  for (int i = 2; i <= 12; ++i) {
    v1::Profile profile = MakeProfile("web", "red");
    profile.set_description(fmt::format("edit {}", i));
    ASSERT_TRUE(ApplyProfile(repository_.get(), profile).ok());
  }
  Restart();
  const auto revisions =
      repository_->Read([](const Model& model) { return model.Revisions("web"); });
  ASSERT_EQ(revisions.size(), 12u);
  for (size_t i = 0; i < revisions.size(); ++i) {
    EXPECT_EQ(revisions[i]->profile_revision(), i + 1);
    EXPECT_EQ(revisions[i]->state(),
              i == 11 ? v1::Profile::STATE_ACTIVE : v1::Profile::STATE_RETIRED);
  }
  EXPECT_EQ(repository_->Get<v1::Profile>("web")->description(), "edit 12");
  ASSERT_TRUE(DeleteObject<v1::Profile>(repository_.get(), "web", 0).ok());
  EXPECT_TRUE(store_.Range("/profiles/").value().items.empty());
}

TEST_F(ObjectsTest, TheOldestRevisionsGo) {
  const int kEdits = static_cast<int>(kKeptProfileRevisions) + 5;
  for (int i = 2; i <= kEdits; ++i) {
    v1::Profile profile = MakeProfile("web", "red");
    profile.set_description(fmt::format("edit {}", i));
    ASSERT_TRUE(ApplyProfile(repository_.get(), profile).ok());
  }
  for (const bool restarted : {false, true}) {
    SCOPED_TRACE(restarted);
    if (restarted) Restart();
    const auto revisions =
        repository_->Read([](const Model& model) { return model.Revisions("web"); });
    ASSERT_EQ(revisions.size(), kKeptProfileRevisions);
    EXPECT_EQ(revisions.front()->profile_revision(), 6u);
    EXPECT_EQ(revisions.back()->description(), fmt::format("edit {}", kEdits));
  }
  EXPECT_EQ(store_.Range("/profiles/").value().items.size(), kKeptProfileRevisions);
  // To a watch that resumes, the profile changed and was not deleted.
  const auto last = repository_->ChangesSince(store_.revision() - 1);
  ASSERT_TRUE(last.ok()) << last.status();
  ASSERT_EQ(last->size(), 1u);
  ASSERT_EQ(last->front().changes.size(), 1u);
  EXPECT_NE(last->front().changes.front().After<v1::Profile>(), nullptr);
  // What is left goes on, and goes whole.
  ASSERT_TRUE(ApplyProfile(repository_.get(), MakeProfile("web", "red")).ok());
  ASSERT_TRUE(DeleteObject<v1::Profile>(repository_.get(), "web", 0).ok());
  EXPECT_TRUE(store_.Range("/profiles/").value().items.empty());
}

TEST_F(ObjectsTest, OutputOnlyFieldsOfPortsAreIgnored) {
  v1::Port port = MakePort(1, "web", "h2", 9);
  port.set_problem("mine");
  const auto created = CreateObject(repository_.get(), port);
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->location().host(), "");
  EXPECT_EQ(created->phase(), v1::PORT_PHASE_UNBOUND);
  EXPECT_EQ(created->problem(), "");
  EXPECT_EQ(created->meta().uuid(), PortId(1));
}

TEST_F(ObjectsTest, InUseIsRefused) {
  EXPECT_EQ(DeleteObject<v1::Segment>(repository_.get(), "red", 0).status().code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(DeleteObject<v1::Segment>(repository_.get(), "nil", 0).status().code(),
            StatusCode::kNotFound);
  ASSERT_TRUE(DeleteObject<v1::Profile>(repository_.get(), "web", 0).ok());
  const auto deleted = DeleteObject<v1::Segment>(repository_.get(), "red", 0);
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(*deleted, store_.revision());
}

TEST_F(ObjectsTest, TokenGoesWithItsHost) {
  ASSERT_TRUE(repository_
                  ->Transact([](const Model&, Transaction* transaction) {
                    v1::EnrollmentToken token;
                    token.mutable_meta()->set_name("h1");
                    transaction->Put(token);
                    return absl::OkStatus();
                  })
                  .ok());
  const auto leave = [](v1::Host* host) { host->set_state(v1::Host::STATE_ENROLLED); };
  ASSERT_TRUE(repository_->UpdatePresence("h1", leave, false).ok());
  ASSERT_TRUE(DeleteObject<v1::Host>(repository_.get(), "h1", 0).ok());
  EXPECT_TRUE(store_.Range("/tokens/").value().items.empty());
}

}  // namespace
}  // namespace outrider::controller
