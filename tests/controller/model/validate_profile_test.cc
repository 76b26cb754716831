// Profiles among profiles: who inherits from whom, and what an edit makes of the others.
#include "controller/model/validate.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

using absl::StatusCode;

class ValidateProfileTest : public testing::Test {
 protected:
  ValidateProfileTest() {
    PutAll(&model_, MakeSegment("red", 100), MakeSegment("blue", 200), MakeHost("h1", 1),
           MakeProfile("base", "red"), MakeChild("leaf", "base"));
  }
  void Expect(const v1::Profile& candidate, StatusCode code, const std::string& message) {
    const absl::Status status = Validate(model_, candidate);
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(Message(status), message);
  }
  // A line of `count` profiles, n1 at the root.
  void PutLine(int count) {
    PutAll(&model_, MakeProfile("n1", "red"));
    for (int i = 2; i <= count; ++i) {
      PutAll(&model_, MakeChild(fmt::format("n{}", i), fmt::format("n{}", i - 1)));
    }
  }
  Model model_;
};

TEST_F(ValidateProfileTest, AChildNeedsNoSectionOfItsOwn) {
  EXPECT_TRUE(Validate(model_, MakeChild("leaf", "base")).ok());
}

TEST_F(ValidateProfileTest, TheParentMustBeThere) {
  Expect(MakeChild("leaf", "nil"), StatusCode::kInvalidArgument,
         "profile \"leaf\": parent \"nil\" does not exist; apply it first");
}

TEST_F(ValidateProfileTest, NoProfileIsItsOwnAncestor) {
  Expect(MakeChild("base", "base"), StatusCode::kInvalidArgument,
         "profile \"base\": parent \"base\" makes a cycle: \"base\" -> \"base\"; name another "
         "parent");
  PutAll(&model_, MakeChild("twig", "leaf"));
  Expect(MakeChild("base", "twig"), StatusCode::kInvalidArgument,
         "profile \"base\": parent \"twig\" makes a cycle: \"base\" -> \"twig\" -> \"leaf\" -> "
         "\"base\"; name another parent");
}

TEST_F(ValidateProfileTest, ALineHasAnEnd) {
  PutLine(8);
  EXPECT_TRUE(Validate(model_, *model_.Find<v1::Profile>("n8")).ok());
  Expect(MakeChild("n9", "n8"), StatusCode::kInvalidArgument,
         "profile \"n9\": parent \"n8\" makes a line of 9 profiles, at most 8 fit; inherit from "
         "one nearer to the root");
  // What inherits from the profile counts as well.
  PutAll(&model_, MakeChild("n9", "nil"), MakeChild("n10", "n9"));
  EXPECT_TRUE(Validate(model_, MakeChild("n9", "n6")).ok());
  EXPECT_FALSE(Validate(model_, MakeChild("n9", "n7")).ok());
}

TEST_F(ValidateProfileTest, AnEditMustSuitTheChildren) {
  PutAll(&model_, MakePort(1, "leaf"), MakeProfile("other", "blue"));
  v1::Port twin = MakePort(2, "other");
  twin.set_mac(Mac(1));
  PutAll(&model_, twin);
  Expect(MakeProfile("base", "blue"), StatusCode::kAlreadyExists,
         "profile \"base\": what inherits from it: profile \"leaf\": port \"" + PortId(1) +
             "\" cannot follow into segment \"blue\": " + Mac(1) + " is taken there");
  v1::Profile own = MakeChild("leaf", "base");
  own.mutable_vlan()->set_segment("red");
  Normalize(&own);
  PutAll(&model_, own);
  EXPECT_TRUE(Validate(model_, MakeProfile("base", "blue")).ok()) << "the child has its own";
}

// Two children's ports that could not meet before move into one segment.
TEST_F(ValidateProfileTest, ChildrenThatMoveTogetherMustNotMeet) {
  v1::Profile apart = MakeChild("apart", "base");
  PutAll(&model_, apart, MakePort(1, "leaf"));
  v1::Port twin = MakePort(2, "apart");
  twin.set_mac(Mac(1));
  PutAll(&model_, twin);
  EXPECT_EQ(Validate(model_, MakeProfile("base", "blue")).code(), StatusCode::kAlreadyExists);
}

TEST_F(ValidateProfileTest, WhatInheritsKeepsTheParent) {
  const absl::Status status = ValidateDelete(model_, *model_.Find<v1::Profile>("base"));
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(status),
            "profile \"base\": in use by profile \"leaf\"; give them another parent first");
  EXPECT_TRUE(ValidateDelete(model_, *model_.Find<v1::Profile>("leaf")).ok());
}

}  // namespace
}  // namespace outrider::controller
