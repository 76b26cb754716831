#include "controller/model/model.h"

#include "tests/controller/model/random_model.h"

namespace outrider::controller {
namespace {

TEST(ModelTest, PortsAreFoundByWhatTheyReferTo) {
  Model model;
  v1::Port port = MakePort(1, "web", "h1");
  port.set_vm_id("vm1");
  PutAll(&model, MakeSegment("red", 100), MakeProfile("web", "red"), port);
  const Index& index = model.index();
  const NameSet just_it{PortId(1)};
  EXPECT_EQ(index.ports_located_at.Get("h1"), just_it);
  EXPECT_EQ(index.ports_of_profile.Get("web"), just_it);
  EXPECT_EQ(index.ports_of_vm.Get("vm1"), just_it);
  EXPECT_EQ(index.ports_with_mac.Get(PairKey("red", Mac(1))), just_it);
  EXPECT_EQ(index.hosts_of_segment.Get("red"), NameSet{"h1"});
}

TEST(ModelTest, PortsFollowTheirProfileIntoAnotherSegment) {
  Model model;
  PutAll(&model, MakeProfile("web", "red"), MakePort(1, "web", "h1"));
  v1::Profile moved = MakeProfile("web", "blue");
  moved.set_profile_revision(2);
  PutAll(&model, moved);
  EXPECT_TRUE(model.index().ports_with_mac.Get(PairKey("red", Mac(1))).empty());
  EXPECT_TRUE(model.index().hosts_of_segment.Get("red").empty());
  EXPECT_EQ(model.index().hosts_of_segment.Get("blue"), NameSet{"h1"});
}

TEST(ModelTest, DestinationsOfMigrationsAreInTheSegment) {
  Model model;
  PutAll(&model, MakeProfile("web", "red"), MakePort(1, "web", "h1"),
         MakeMigration("m1", {1}, "h1", "h2", v1::MIGRATION_PHASE_PREPARING));
  EXPECT_EQ(model.index().hosts_of_segment.Get("red"), (NameSet{"h1", "h2"}));
  EXPECT_EQ(model.index().ports_expected_at.Get("h2"), NameSet{PortId(1)});
  EXPECT_EQ(model.RunningMigrationOf(PortId(1))->meta().name(), "m1");
  PutAll(&model, MakeMigration("m1", {1}, "h1", "h2", v1::MIGRATION_PHASE_ABORTED));
  EXPECT_EQ(model.index().hosts_of_segment.Get("red"), NameSet{"h1"});
  EXPECT_EQ(model.RunningMigrationOf(PortId(1)), nullptr);
}

TEST(ModelTest, FinishedMigrationsAreFoundByPortAndHost) {
  Model model;
  PutAll(&model, MakeMigration("m1", {1}, "h1", "h2", v1::MIGRATION_PHASE_SWITCHING),
         MakeMigration("m1", {1}, "h1", "h2", v1::MIGRATION_PHASE_COMMITTED));
  const Relation& moves = model.index().moves_of_port_at;
  EXPECT_EQ(moves.Get(PairKey(PortId(1), "h1")), NameSet{"m1"});
  EXPECT_EQ(moves.Get(PairKey(PortId(1), "h2")), NameSet{"m1"});
  EXPECT_TRUE(moves.Get(PairKey(PortId(1), "h3")).empty());
  Erase<v1::Migration>(&model, "m1");
  EXPECT_TRUE(moves.Get(PairKey(PortId(1), "h1")).empty());
}

TEST(ModelTest, ReplacedProfileRevisionsAreKeptUntilTheProfileGoes) {
  Model model;
  for (uint32_t revision = 1; revision <= 3; ++revision) {
    v1::Profile profile = MakeProfile("web", "red");
    profile.set_profile_revision(revision);
    PutAll(&model, profile);
  }
  const auto revisions = model.Revisions("web");
  ASSERT_EQ(revisions.size(), 3u);
  EXPECT_EQ(revisions[0]->state(), v1::Profile::STATE_RETIRED);
  EXPECT_EQ(revisions[1]->profile_revision(), 2u);
  EXPECT_EQ(revisions[2]->state(), v1::Profile::STATE_ACTIVE);
  Erase<v1::Profile>(&model, "web");
  EXPECT_TRUE(model.Revisions("web").empty());
}

TEST(ModelTest, AWithdrawnProfileKeepsItsRevisions) {
  Model model;
  PutAll(&model, MakeProfile("web", "red"), MakePort(1, "web", "h1"));
  Change change = MakeErase<v1::Profile>(model, "web");
  change.withdraws = true;
  model.Apply(9, change);
  EXPECT_EQ(model.Find<v1::Profile>("web"), nullptr);
  EXPECT_EQ(model.Effective("web"), nullptr);
  EXPECT_TRUE(model.index().hosts_of_segment.Get("red").empty());
  ASSERT_EQ(model.Revisions("web").size(), 1u);
  EXPECT_EQ(model.Revisions("web")[0]->state(), v1::Profile::STATE_RETIRED);
  EXPECT_EQ(model.Revisions("web")[0]->meta().revision(), 9u);
}

TEST(ModelTest, DraftsAreInForceNowhere) {
  Model model;
  const auto draft = std::make_shared<const v1::Profile>(MakeProfile("web", "red"));
  model.Apply(1, Change{Kind::kDraft, "web", nullptr, draft});
  EXPECT_EQ(model.Draft("web"), draft);
  EXPECT_EQ(model.Find<v1::Profile>("web"), nullptr);
  EXPECT_TRUE(model.index() == Index());
  model.Apply(2, Change{Kind::kDraft, "web", draft, nullptr});
  EXPECT_EQ(model.Draft("web"), nullptr);
}

TEST(ModelTest, GroupsAreFoundByWhatUsesThem) {
  Model model;
  const std::string acl =
      "ingress { match { src_group: 'g' dst_port_group: 'pg' } action: ACL_ACTION_DROP }";
  PutAll(&model, MakePortGroup("pg", {1, 2}), MakeProfile("web", "red", acl),
         MakeChild("web-a", "web"), MakeChild("web-b", "web", "default_action: ACL_ACTION_DROP"));
  EXPECT_EQ(model.index().profiles_of_group.Get("address/g"), (NameSet{"web", "web-a"}));
  EXPECT_EQ(model.index().profiles_of_group.Get("port/pg"), (NameSet{"web", "web-a"}));
  EXPECT_EQ(model.index().groups_of_port.Get(PortId(2)), NameSet{"pg"});
}

// A model with the same objects, put in one by one: what indices must equal however they came to
// be.
template <typename... T>
Model Rebuilt(const Model& model) {
  Model fresh;
  const auto copy = [&](const auto& table) {
    for (const auto& [name, object] : table) fresh.Apply(model.revision(), MakePut(fresh, object));
  };
  (copy(model.All<T>()), ...);
  return fresh;
}

class ModelPropertyTest : public testing::TestWithParam<uint32_t> {};

TEST_P(ModelPropertyTest, IndicesEqualThoseOfAFreshModel) {
  RandomModel random(GetParam());
  for (int step = 0; step < 600; ++step) {
    random.Step();
    if (step % 20 != 0) continue;
    const Model& model = random.model();
    // Ports before and after what they refer to.
    const auto first = Rebuilt<v1::Port, v1::Migration, v1::Profile, v1::Segment, v1::AddressGroup,
                               v1::PortGroup, v1::Gateway, v1::Host>(model);
    ASSERT_TRUE(first.index() == model.index()) << "step " << step;
    const auto last = Rebuilt<v1::Host, v1::Segment, v1::AddressGroup, v1::PortGroup, v1::Gateway,
                              v1::Profile, v1::Port, v1::Migration>(model);
    ASSERT_TRUE(last.index() == model.index()) << "step " << step;
    for (const auto& [name, profile] : model.All<v1::Profile>()) {
      ASSERT_TRUE(Equal(*model.Effective(name), *last.Effective(name))) << "step " << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelPropertyTest, testing::Range(1u, 9u));

}  // namespace
}  // namespace outrider::controller
