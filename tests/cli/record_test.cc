#include "vswitch/cli/record.h"

#include <gtest/gtest.h>

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::Datum;

class RecordTest : public testing::Test {
 protected:
  RecordTest() : view_(&ovsdb::OpenVSwitchSchema()) {
    Add("Port", "aaaa1111-1111-4111-8111-111111111111", "p0");
    Add("Port", "aaaa2222-2222-4222-8222-222222222222", "p1");
  }

  ViewRow* Add(const std::string& table, const char* uuid, const char* name) {
    ViewRow* const row = view_.Insert(table, *ovsdb::Uuid::Parse(uuid));
    view_.Write(row, "name", Datum::Of(Atom(std::string(name))));
    return row;
  }

  std::string Found(const std::string& record) {
    const auto row = RequireRecord(&view_, "Port", record);
    return row.ok() ? DatumBareText(view_.Read(**row, "name")) : Message(row.status());
  }

  std::string Meeting(const std::string& condition) {
    RowNames names;
    std::string found;
    for (const ViewRow* const row : view_.Rows("Port")) {
      const auto meets = Meets(view_, *row, condition, &names);
      if (!meets.ok()) return Message(meets.status());
      if (*meets) found += DatumBareText(view_.Read(*row, "name")) + " ";
    }
    return found;
  }

  View view_;
};

TEST_F(RecordTest, ByNameUuidAndItsBeginning) {
  EXPECT_EQ(Found("p0"), "p0");
  EXPECT_EQ(Found("aaaa2222-2222-4222-8222-222222222222"), "p1");
  EXPECT_EQ(Found("aaaa2"), "p1");
  EXPECT_EQ(Found("aaa"), "no row \"aaa\" in table Port");
  EXPECT_EQ(Found("aaaa"),
            "Port contains 2 or more rows whose UUIDs begin with aaaa: at least "
            "aaaa1111-1111-4111-8111-111111111111 and aaaa2222-2222-4222-8222-222222222222");
  EXPECT_EQ(Found("."), "no row \".\" in table Port");
  view_.Delete(view_.Rows("Port").at(0));
  EXPECT_EQ(Found("."), "p1");
  EXPECT_EQ(Found("aaaa"), "p1");
}

TEST_F(RecordTest, ConditionsOnSets) {
  RowNames names;
  ASSERT_TRUE(SetColumn(&view_, view_.Rows("Port")[0], "trunks=1,2", false, &names).ok());
  ASSERT_TRUE(SetColumn(&view_, view_.Rows("Port")[0], "tag=7", false, &names).ok());
  EXPECT_EQ(Meeting("trunks=1,2"), "p0 ");
  EXPECT_EQ(Meeting("trunks{<=}1,2,3"), "p0 p1 ");
  EXPECT_EQ(Meeting("trunks{<}1,2"), "p1 ");
  EXPECT_EQ(Meeting("trunks{>=}2"), "p0 ");
  EXPECT_EQ(Meeting("trunks{not-in}2"), "p1 ");
  EXPECT_EQ(Meeting("tag>6"), "p0 ");
  EXPECT_EQ(Meeting("tag{=}[]"), "p1 ");
}

TEST_F(RecordTest, AMissingKeyMeetsSetOperatorsOnly) {
  RowNames names;
  ASSERT_TRUE(SetColumn(&view_, view_.Rows("Port")[0], "external_ids:a=1", false, &names).ok());
  EXPECT_EQ(Meeting("external_ids:a=1"), "p0 ");
  EXPECT_EQ(Meeting("external_ids:a!=2"), "p0 ");
  EXPECT_EQ(Meeting("external_ids:a{!=}2"), "p0 p1 ");
  EXPECT_EQ(Meeting("external_ids:a{=}[]"), "p1 ");
  EXPECT_EQ(Meeting("tag:a=1"), "cannot specify key to check for non-map column tag");
  EXPECT_EQ(Meeting("name="),
            "name=: argument does not end in \"=\", \"!=\", \"<\", \">\", \"<=\", \">=\", \"{=}\", "
            "\"{!=}\", \"{<}\", \"{>}\", \"{<=}\", \"{>=}\", \"{in}\", or \"{not-in}\" followed by "
            "a value.");
}

TEST_F(RecordTest, SettingSaysWhatIsWrong) {
  RowNames names;
  const auto error = [&](const char* argument) {
    return Message(SetColumn(&view_, view_.Rows("Port")[0], argument, false, &names));
  };
  EXPECT_EQ(error("tag"), "tag: argument does not end in \"=\" followed by a value.");
  EXPECT_EQ(error("tag:1=2"), "cannot specify key to set for non-map column tag");
  EXPECT_EQ(error("=1"), "=1: missing column name");
  EXPECT_EQ(error("vlan_mode=foo"),
            "constraint violation: foo is not one of the allowed values ([access, dot1q-tunnel, "
            "native-tagged, native-untagged, trunk])");
}

}  // namespace
}  // namespace outrider::cli
