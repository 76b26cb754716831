#include "controller/store/profile_life.h"

#include "tests/controller/store/repository_fixture.h"

namespace outrider::controller {
namespace {

using absl::StatusCode;

class ProfileLifeTest : public RepositoryFixture {
 protected:
  static v1::Profile Described(const std::string& description) {
    v1::Profile profile = MakeProfile("web", "red");
    profile.set_description(description);
    return profile;
  }
  void Apply(const std::string& description) {
    EXPECT_TRUE(ApplyProfile(repository_.get(), Described(description)).ok());
  }
  // "1 retired first, 2 active second, ...": what history shows.
  std::string Line(const std::string& name = "web") {
    std::string line;
    repository_->Read([&](const Model& model) {
      for (const auto& revision : ProfileLine(model, name)) {
        const char* const states[] = {"?", "active", "retired", "draft"};
        line += fmt::format("{}{} {} {}", line.empty() ? "" : ", ", revision->profile_revision(),
                            states[revision->state()], revision->description());
      }
    });
    return line;
  }
  // The same before and after a restart.
  void ExpectLine(const std::string& expected) {
    EXPECT_EQ(Line(), expected);
    Restart();
    EXPECT_EQ(Line(), expected) << "after a restart";
  }
  void ExpectRefused(const absl::Status& status, StatusCode code, const std::string& message) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(Message(status), message);
  }
};

TEST_F(ProfileLifeTest, ADraftIsKeptAndNotInForce) {
  Apply("first");
  const auto draft = SaveProfileDraft(repository_.get(), Described("later"));
  ASSERT_TRUE(draft.ok()) << draft.status();
  EXPECT_EQ(draft->state(), v1::Profile::STATE_DRAFT);
  EXPECT_EQ(draft->meta().revision(), store_.revision());
  EXPECT_EQ(repository_->Get<v1::Profile>("web")->description(), "first");
  ExpectLine("1 retired , 2 active first, 3 draft later");
}

TEST_F(ProfileLifeTest, ADraftReplacesTheDraft) {
  ASSERT_TRUE(SaveProfileDraft(repository_.get(), Described("a")).ok());
  const uint64_t commits = store_.commits();
  ASSERT_TRUE(SaveProfileDraft(repository_.get(), Described("a")).ok());
  EXPECT_EQ(store_.commits(), commits) << "it is saved already";
  ASSERT_TRUE(SaveProfileDraft(repository_.get(), Described("b")).ok());
  ExpectLine("1 active , 2 draft b");
}

TEST_F(ProfileLifeTest, ADraftMustBeSound) {
  ExpectRefused(SaveProfileDraft(repository_.get(), MakeProfile("web", "nil")).status(),
                StatusCode::kInvalidArgument,
                "profile \"web\": vlan segment \"nil\" does not exist; create it first");
}

TEST_F(ProfileLifeTest, ActivatePutsTheDraftInForce) {
  ExpectRefused(ActivateProfile(repository_.get(), "web", 0).status(),
                StatusCode::kFailedPrecondition,
                "profile \"web\": there is no draft; save one with: outrider profile apply --draft "
                "-f FILE");
  ASSERT_TRUE(SaveProfileDraft(repository_.get(), Described("later")).ok());
  ExpectRefused(ActivateProfile(repository_.get(), "web", 9).status(),
                StatusCode::kFailedPrecondition,
                "profile \"web\": revision 9 is no draft, the draft is revision 2; roll back to "
                "others");
  std::vector<ChangeSet> seen;
  const auto subscription =
      repository_->Subscribe([&](const ChangeSet& set) { seen.push_back(set); });
  const auto active = ActivateProfile(repository_.get(), "web", 2);
  ASSERT_TRUE(active.ok()) << active.status();
  EXPECT_EQ(active->state(), v1::Profile::STATE_ACTIVE);
  EXPECT_EQ(active->profile_revision(), 2u);
  ASSERT_EQ(seen.size(), 1u) << "one commit";
  EXPECT_TRUE(store_.Range("/drafts/").value().items.empty());
  ExpectLine("1 retired , 2 active later");
}

// Numbers are people's names for contents: none is used for two.
TEST_F(ProfileLifeTest, ADraftThatWasOvertakenGetsAnotherNumber) {
  ASSERT_TRUE(SaveProfileDraft(repository_.get(), Described("later")).ok());
  Apply("meanwhile");
  ExpectLine("1 retired , 2 draft later, 3 active meanwhile");
  EXPECT_EQ(ActivateProfile(repository_.get(), "web", 0)->profile_revision(), 4u);
  ExpectLine("1 retired , 3 retired meanwhile, 4 active later");
}

TEST_F(ProfileLifeTest, ADraftIsCheckedAgainWhenItComesInForce) {
  ASSERT_TRUE(CreateObject(repository_.get(), MakeSegment("blue", 200)).ok());
  ASSERT_TRUE(SaveProfileDraft(repository_.get(), MakeProfile("web", "blue")).ok());
  ASSERT_TRUE(DeleteObject<v1::Segment>(repository_.get(), "blue", 0).ok());
  EXPECT_EQ(ActivateProfile(repository_.get(), "web", 0).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(Line(), "1 active , 2 draft ");
}

TEST_F(ProfileLifeTest, ANewProfileMayBeginAsADraft) {
  ASSERT_TRUE(SaveProfileDraft(repository_.get(), MakeProfile("db", "red")).ok());
  EXPECT_EQ(repository_->Get<v1::Profile>("db").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(CreateObject(repository_.get(), MakePort(1, "db")).status().code(),
            StatusCode::kInvalidArgument)
      << "no port may have it yet";
  ASSERT_TRUE(ActivateProfile(repository_.get(), "db", 0).ok());
  EXPECT_TRUE(CreateObject(repository_.get(), MakePort(1, "db")).ok());
  ASSERT_TRUE(SaveProfileDraft(repository_.get(), MakeProfile("never", "red")).ok());
  ASSERT_TRUE(DeleteObject<v1::Profile>(repository_.get(), "never", 0).ok());
  EXPECT_EQ(Line("never"), "");
  EXPECT_TRUE(store_.Range("/drafts/").value().items.empty());
}

TEST_F(ProfileLifeTest, RollbackIsANewRevisionOfOldContent) {
  Apply("second");
  Apply("third");
  const auto back = RollbackProfile(repository_.get(), "web", 0);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->profile_revision(), 4u);
  EXPECT_EQ(back->description(), "second");
  EXPECT_EQ(
      back->digest(),
      repository_->Read([](const Model& model) { return model.Revisions("web")[1]; })->digest());
  ASSERT_TRUE(RollbackProfile(repository_.get(), "web", 1).ok());
  ExpectLine("1 retired , 2 retired second, 3 retired third, 4 retired second, 5 active ");
  const uint64_t commits = store_.commits();
  EXPECT_EQ(RollbackProfile(repository_.get(), "web", 1)->profile_revision(), 5u);
  EXPECT_EQ(store_.commits(), commits) << "it is in force already";
  ExpectRefused(RollbackProfile(repository_.get(), "web", 9).status(), StatusCode::kNotFound,
                "profile \"web\": there is no revision 9; see: outrider profile history web");
}

TEST_F(ProfileLifeTest, RollbackNeedsAPast) {
  ExpectRefused(RollbackProfile(repository_.get(), "web", 0).status(),
                StatusCode::kFailedPrecondition,
                "profile \"web\": there is no revision before 1; nothing to roll back to");
  EXPECT_EQ(RollbackProfile(repository_.get(), "nil", 0).status().code(), StatusCode::kNotFound);
}

TEST_F(ProfileLifeTest, RetireNamesWhoUsesTheProfile) {
  ASSERT_TRUE(CreateObject(repository_.get(), MakePort(1, "web")).ok());
  ExpectRefused(
      RetireProfile(repository_.get(), "web").status(), StatusCode::kFailedPrecondition,
      "profile \"web\": in use by port \"" + PortId(1) + "\"; give them another profile first");
  ASSERT_TRUE(DeleteObject<v1::Port>(repository_.get(), PortId(1), 0).ok());
  ASSERT_TRUE(ApplyProfile(repository_.get(), MakeChild("leaf", "web")).ok());
  ExpectRefused(RetireProfile(repository_.get(), "web").status(), StatusCode::kFailedPrecondition,
                "profile \"web\": in use by profile \"leaf\"; give them another parent first");
}

TEST_F(ProfileLifeTest, ARetiredProfileKeepsItsRevisionsAndTakesNoPorts) {
  Apply("second");
  const uint64_t before = store_.revision();
  const auto retired = RetireProfile(repository_.get(), "web");
  ASSERT_TRUE(retired.ok()) << retired.status();
  EXPECT_EQ(retired->state(), v1::Profile::STATE_RETIRED);
  EXPECT_EQ(retired->profile_revision(), 2u);
  ExpectLine("1 retired , 2 retired second");
  EXPECT_EQ(CreateObject(repository_.get(), MakePort(1, "web")).status().code(),
            StatusCode::kInvalidArgument);
  // To a watch that resumes the profile is gone.
  const auto sets = repository_->ChangesSince(before).value();
  ASSERT_EQ(sets.size(), 1u);
  ASSERT_EQ(sets[0].changes.size(), 1u);
  EXPECT_EQ(sets[0].changes[0].name, "web");
  EXPECT_EQ(sets[0].changes[0].after, nullptr);
  ExpectRefused(RetireProfile(repository_.get(), "web").status(), StatusCode::kFailedPrecondition,
                "profile \"web\": is retired already");
}

TEST_F(ProfileLifeTest, ARetiredProfileMayComeBackOrGo) {
  ASSERT_TRUE(RetireProfile(repository_.get(), "web").ok());
  ASSERT_TRUE(RollbackProfile(repository_.get(), "web", 0).ok());
  ExpectLine("1 retired , 2 active ");
  ASSERT_TRUE(RetireProfile(repository_.get(), "web").ok());
  Apply("anew");
  ExpectLine("1 retired , 2 retired , 3 active anew");
  ASSERT_TRUE(RetireProfile(repository_.get(), "web").ok());
  ASSERT_TRUE(DeleteObject<v1::Profile>(repository_.get(), "web", 0).ok());
  ExpectLine("");
  EXPECT_TRUE(store_.Range("/profiles/").value().items.empty());
}

TEST_F(ProfileLifeTest, RevisionsStayWithinTheLimitThroughRetirement) {
  for (size_t i = 2; i <= kKeptProfileRevisions; ++i) Apply(fmt::format("edit {}", i));
  ASSERT_TRUE(RetireProfile(repository_.get(), "web").ok());
  Apply("anew");
  const auto count = [&] {
    return repository_->Read([](const Model& model) { return model.Revisions("web").size(); });
  };
  EXPECT_EQ(count(), kKeptProfileRevisions);
  EXPECT_EQ(store_.Range("/profiles/").value().items.size(), kKeptProfileRevisions);
  Restart();
  EXPECT_EQ(count(), kKeptProfileRevisions);
}

// Hosts hear of an edit of the parent as one of the children.
TEST_F(ProfileLifeTest, CommitsSayWhatTheyDidToTheChildren) {
  ASSERT_TRUE(ApplyProfile(repository_.get(), MakeChild("leaf", "web")).ok());
  std::vector<ChangeSet> seen;
  const auto subscription =
      repository_->Subscribe([&](const ChangeSet& set) { seen.push_back(set); });
  Apply("second");
  ASSERT_EQ(seen.size(), 1u);
  ASSERT_EQ(seen[0].changes.size(), 1u);
  ASSERT_EQ(seen[0].changes[0].effects.size(), 2u);
  EXPECT_EQ(seen[0].changes[0].effects[0].name, "leaf");
  EXPECT_EQ(repository_->Get<v1::Profile>("leaf")->profile_revision(), 1u);
}

TEST_F(ProfileLifeTest, ChildrenSurviveARestart) {
  ASSERT_TRUE(ApplyProfile(repository_.get(), MakeProfile("z-base", "red")).ok());
  ASSERT_TRUE(ApplyProfile(repository_.get(), MakeChild("a-leaf", "z-base")).ok());
  Restart();
  EXPECT_EQ(repository_->Read([](const Model& model) { return model.Effective("a-leaf"); })
                ->vlan()
                .segment(),
            "red");
}

}  // namespace
}  // namespace outrider::controller
