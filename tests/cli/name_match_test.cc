#include "vswitch/cli/name_match.h"

#include <gtest/gtest.h>

namespace outrider::cli {
namespace {

const ovsdb::DatabaseSchema& Schema() { return ovsdb::OpenVSwitchSchema(); }

TEST(NameMatchTest, CaseDashesAndUniquePrefixes) {
  for (const char* const text : {"Open_vSwitch", "open-vswitch", "OPEN", "o", "open_v"}) {
    EXPECT_EQ(*MatchTable(Schema(), text), "Open_vSwitch") << text;
  }
  EXPECT_EQ(*MatchTable(Schema(), "int"), "Interface");
  EXPECT_EQ(*MatchTable(Schema(), "qos"), "QoS");
  EXPECT_EQ(*MatchColumn(Schema(), "Port", "trunk"), "trunks");
  EXPECT_EQ(*MatchColumn(Schema(), "Port", "External-IDs"), "external_ids");
}

TEST(NameMatchTest, AnExactNameWinsOverLongerOnes) {
  EXPECT_EQ(*MatchColumn(Schema(), "Interface", "mac"), "mac");
  EXPECT_EQ(*MatchColumn(Schema(), "Interface", "MTU"), "mtu");
}

TEST(NameMatchTest, SeveralAreListed) {
  EXPECT_EQ(Message(MatchColumn(Schema(), "Bridge", "s").status()),
            "Bridge contains more than one column whose name matches \"s\": sflow, status, "
            "stp_enable");
  EXPECT_EQ(Message(MatchTable(Schema(), "s").status()),
            "\"s\" matches multiple table names: SSL, sFlow");
}

TEST(NameMatchTest, NoneIsNotFound) {
  EXPECT_EQ(MatchTable(Schema(), "Foo").status(), absl::NotFoundError("unknown table \"Foo\""));
  EXPECT_EQ(MatchColumn(Schema(), "Bridge", "").status(),
            absl::NotFoundError("Bridge does not contain a column whose name matches \"\""));
}

TEST(NameMatchTest, ListsOfColumns) {
  EXPECT_EQ(*MatchColumns(Schema(), "Port", "name, _UUID,tag", false),
            (std::vector<std::string>{"name", "_uuid", "tag"}));
  EXPECT_EQ(MatchColumns(Schema(), "SSL", "", true)->front(), "_uuid");
  EXPECT_EQ(Message(MatchColumns(Schema(), "Port", ", ", false).status()),
            "must specify at least one column name");
}

}  // namespace
}  // namespace outrider::cli
