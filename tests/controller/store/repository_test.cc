#include "controller/store/repository.h"

#include <thread>

#include "tests/controller/store/repository_fixture.h"

namespace outrider::controller {
namespace {

class RepositoryTest : public RepositoryFixture {
 protected:
  absl::Status PutSegment(const std::string& name, uint32_t vni) {
    return CreateObject(repository_.get(), MakeSegment(name, vni)).status();
  }
};

TEST_F(RepositoryTest, RestartLoadsTheSameModel) {
  ASSERT_TRUE(BindPort(repository_.get(), "h1", Attachment(1)).ok());
  ASSERT_TRUE(ApplyProfile(repository_.get(), MakeProfile("web", "red",
                                                          "default_action: "
                                                          "ACL_ACTION_DROP"))
                  .ok());
  ASSERT_TRUE(CreateObject(repository_.get(), MakeGateway("gw", "10.9.0.1", {"red"})).ok());
  ASSERT_TRUE(CreateObject(repository_.get(), MakePortGroup("pg", {1})).ok());
  const auto before = repository_->Read([](const Model& model) { return model; });
  Restart();
  repository_->Read([&](const Model& after) {
    EXPECT_EQ(after.revision(), before.revision());
    EXPECT_TRUE(after.index() == before.index());
    EXPECT_TRUE(Equal(*after.Find<v1::Port>(PortId(1)), *before.Find<v1::Port>(PortId(1))));
    EXPECT_TRUE(Equal(*after.Find<v1::Profile>("web"), *before.Find<v1::Profile>("web")));
    EXPECT_TRUE(Equal(*after.Revisions("web")[0], *before.Revisions("web")[0]));
    EXPECT_TRUE(Equal(*after.Find<v1::Gateway>("gw"), *before.Find<v1::Gateway>("gw")));
    EXPECT_TRUE(Equal(*after.Find<v1::PortGroup>("pg"), *before.Find<v1::PortGroup>("pg")));
  });
}

TEST_F(RepositoryTest, RevisionOfAStoreEmptiedAgainIsKept) {
  MemoryStore store;
  ASSERT_TRUE(store.Commit({{}, {{Op::Kind::kPut, "/segments/a", ""}}}).ok());
  ASSERT_TRUE(store.Commit({{}, {{Op::Kind::kDelete, "/segments/a", ""}}}).ok());
  EXPECT_EQ(Repository::Create(&store, &clock_).value()->revision(), 2u);
}

TEST_F(RepositoryTest, UnreadableObjectIsDataLoss) {
  ASSERT_TRUE(store_.Commit({{}, {{Op::Kind::kPut, "/ports/x", "\xff\xff"}}}).ok());
  EXPECT_EQ(Repository::Create(&store_, &clock_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(RepositoryTest, OneCommitForManyObjects) {
  const uint64_t before = store_.commits();
  std::vector<ChangeSet> seen;
  const auto subscription =
      repository_->Subscribe([&](const ChangeSet& set) { seen.push_back(set); });
  const auto revision = repository_->Transact([](const Model&, Transaction* transaction) {
    transaction->Put(MakeSegment("blue", 200));
    transaction->Put(MakeProfile("db", "blue"));
    transaction->Erase<v1::Host>("h3");
    transaction->Erase<v1::Host>("h9");
    return absl::OkStatus();
  });
  ASSERT_TRUE(revision.ok()) << revision.status();
  EXPECT_EQ(store_.commits(), before + 1);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].revision, *revision);
  ASSERT_EQ(seen[0].changes.size(), 3u);
  EXPECT_EQ(seen[0].changes[0].After<v1::Segment>()->meta().revision(), *revision);
  EXPECT_EQ(seen[0].changes[0].Before<v1::Segment>(), nullptr);
  EXPECT_EQ(seen[0].changes[2].Before<v1::Host>()->meta().name(), "h3");
  EXPECT_EQ(seen[0].changes[2].After<v1::Host>(), nullptr);
}

TEST_F(RepositoryTest, NothingStagedIsNoCommit) {
  const uint64_t before = store_.commits();
  const auto revision =
      repository_->Transact([](const Model&, Transaction*) { return absl::OkStatus(); });
  EXPECT_EQ(*revision, before);
  EXPECT_EQ(store_.commits(), before);
}

TEST_F(RepositoryTest, RefusedCommitLeavesTheModelAndTellsNobody) {
  int calls = 0;
  const auto subscription = repository_->Subscribe([&](const ChangeSet&) { ++calls; });
  store_.RefuseCommits(absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(PutSegment("blue", 200).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(repository_->Get<v1::Segment>("blue").ok());
  store_.RefuseCommits(absl::OkStatus());
  EXPECT_TRUE(PutSegment("blue", 200).ok());
  EXPECT_EQ(calls, 1);
}

TEST_F(RepositoryTest, AnotherWriterOfTheStoreIsNoticed) {
  const KeyValue item = store_.Range("/segments/red").value().items.at(0);
  ASSERT_TRUE(store_.Commit({{}, {{Op::Kind::kPut, item.key, item.value}}}).ok());
  EXPECT_EQ(UpdateObject(repository_.get(), MakeSegment("red", 100, 1400)).status().code(),
            absl::StatusCode::kAborted);
}

TEST_F(RepositoryTest, SubscribersSeeEveryRevisionInOrder) {
  std::vector<uint64_t> seen;
  auto subscription =
      repository_->Subscribe([&](const ChangeSet& set) { seen.push_back(set.revision); });
  const uint64_t first = repository_->revision() + 1;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        EXPECT_TRUE(PutSegment(fmt::format("s{}-{}", t, i), 1000 + t * 100 + i).ok());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_EQ(seen.size(), 100u);
  for (size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], first + i);
  subscription.reset();
  ASSERT_TRUE(PutSegment("late", 5000).ok());
  EXPECT_EQ(seen.size(), 100u);
}

TEST_F(RepositoryTest, SubscribersMayWriteAndUnsubscribe) {
  std::vector<std::string> seen;
  std::unique_ptr<Subscription> subscription;
  subscription = repository_->Subscribe([&](const ChangeSet& set) {
    seen.push_back(set.changes[0].name);
    if (set.changes[0].name == "a") {
      EXPECT_TRUE(PutSegment("b", 202).ok());
      EXPECT_EQ(seen.size(), 1u) << "published after the callback returns";
    } else {
      subscription.reset();
    }
  });
  ASSERT_TRUE(PutSegment("a", 201).ok());
  ASSERT_TRUE(PutSegment("c", 203).ok());
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b"}));
}

TEST_F(RepositoryTest, ChangesSinceARevision) {
  const uint64_t start = repository_->revision();
  ASSERT_TRUE(
      ApplyProfile(repository_.get(), MakeProfile("web", "red", "default_action: ACL_ACTION_DROP"))
          .ok());
  ASSERT_TRUE(DeleteObject<v1::Profile>(repository_.get(), "web", 0).ok());
  const auto sets = repository_->ChangesSince(start).value();
  ASSERT_EQ(sets.size(), 2u);
  ASSERT_EQ(sets[0].changes.size(), 1u) << "the retired revision is no change of its own";
  EXPECT_EQ(sets[0].changes[0].After<v1::Profile>()->profile_revision(), 2u);
  EXPECT_EQ(sets[0].changes[0].After<v1::Profile>()->meta().revision(), start + 1);
  ASSERT_EQ(sets[1].changes.size(), 1u) << "all revisions are one profile";
  EXPECT_EQ(sets[1].changes[0].after, nullptr);
  EXPECT_EQ(sets[1].changes[0].name, "web");
  EXPECT_EQ(repository_->ChangesSince(start + 99).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(RepositoryTest, PresenceIsNotStored) {
  const uint64_t commits = store_.commits();
  std::vector<ChangeSet> seen;
  const auto subscription =
      repository_->Subscribe([&](const ChangeSet& set) { seen.push_back(set); });
  const auto report = [](v1::Host* host) { host->set_applied_generation(7); };
  ASSERT_TRUE(repository_->UpdatePresence("h1", report, false).ok());
  EXPECT_TRUE(seen.empty());
  ASSERT_TRUE(repository_->UpdatePresence("h1", report, true).ok());
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_FALSE(seen[0].durable);
  EXPECT_EQ(seen[0].revision, commits);
  EXPECT_EQ(store_.commits(), commits);
  EXPECT_EQ(repository_->Get<v1::Host>("h1")->applied_generation(), 7u);
  EXPECT_EQ(repository_->UpdatePresence("h9", report, true).code(), absl::StatusCode::kNotFound);
  Restart();
  EXPECT_EQ(repository_->Get<v1::Host>("h1")->state(), v1::Host::STATE_ENROLLED);
}

}  // namespace
}  // namespace outrider::controller
