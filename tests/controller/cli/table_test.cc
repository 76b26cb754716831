#include "controller/cli/table.h"

#include <gtest/gtest.h>

namespace outrider::controller::cli {
namespace {

TEST(Table, AlignsColumnsAndLeavesTheLastUnpadded) {
  Table table({"NAME", "VNI", "NOTE"});
  table.AddRow({"blue", "100", "x"});
  table.AddRow({"a-long-name", "", "long note"});
  EXPECT_EQ(table.Render(),
            "NAME         VNI  NOTE\n"
            "blue         100  x\n"
            "a-long-name  -    long note\n");
}

TEST(Table, CountsCharactersNotBytes) {
  Table table({"NAME", "X"});
  table.AddRow({"M\xc3\xbcnchen", "1"});
  table.AddRow({"Bonn123", "2"});
  EXPECT_EQ(table.Render(2), "  NAME     X\n  M\xc3\xbcnchen  1\n  Bonn123  2\n");
}

TEST(Table, ShowsTheHeaderOfNothing) { EXPECT_EQ(Table({"A", "B"}).Render(), "A  B\n"); }

TEST(Table, MakesControlCharactersHarmless) {
  EXPECT_EQ(Cell("a\x1b[31mb\nc\x7f"), "a?[31mb?c?");
  EXPECT_EQ(Cell(""), "-");
}

TEST(Fields, AlignsValues) {
  Fields fields;
  fields.Add("ID", "h1");
  fields.Add("Underlay MTU", "");
  EXPECT_EQ(fields.Render(2), "  ID:            h1\n  Underlay MTU:  -\n");
}

}  // namespace
}  // namespace outrider::controller::cli
