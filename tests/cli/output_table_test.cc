#include "vswitch/cli/output_table.h"

#include <gtest/gtest.h>

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::AtomType;
using ovsdb::ColumnType;
using ovsdb::Datum;

const ColumnType kString = {{AtomType::kString}};
const ColumnType kSet = {{AtomType::kInteger}, {}, 0, ColumnType::kUnlimited};

OutputTable Sample() {
  OutputTable table;
  table.headings = {"name", "a_heading_of_more_than_20"};
  table.rows.push_back({{kString, Datum::Of(Atom(std::string("a,\"b\"")))},
                        {kSet, Datum{{Atom(int64_t{1}), Atom(int64_t{2})}, {}}}});
  table.rows.push_back({{kString, Datum::Of(Atom(std::string("c")))}, {kSet, Datum()}});
  return table;
}

std::string Printed(TableStyle::Format format, TableStyle::Cell cell = TableStyle::Cell::kString,
                    bool headings = true, bool first = true) {
  return Print(Sample(), {.format = format, .cell = cell, .headings = headings}, first);
}

TEST(OutputTableTest, List) {
  EXPECT_EQ(Printed(TableStyle::Format::kList),
            "name                : \"a,\\\"b\\\"\"\n"
            "a_heading_of_more_than_20: [1, 2]\n"
            "\n"
            "name                : c\n"
            "a_heading_of_more_than_20: []\n");
  EXPECT_EQ(Printed(TableStyle::Format::kList, TableStyle::Cell::kBare, false, false),
            "\na,\"b\"\n1 2\n\nc\n\n");
}

TEST(OutputTableTest, TableTrimsTheEndsOfLines) {
  EXPECT_EQ(Printed(TableStyle::Format::kTable),
            "name      a_heading_of_more_than_20\n"
            "--------- -------------------------\n"
            "\"a,\\\"b\\\"\" [1, 2]\n"
            "c         []\n");
  EXPECT_EQ(
      Print(Sample(),
            {.format = TableStyle::Format::kTable, .headings = false, .max_column_width = 3}, true),
      "\"a, [1,\nc   []\n");
}

TEST(OutputTableTest, CsvQuotesWhatNeedsIt) {
  EXPECT_EQ(Printed(TableStyle::Format::kCsv, TableStyle::Cell::kBare),
            "name,a_heading_of_more_than_20\n\"a,\"\"b\"\"\",1 2\nc,\n");
}

TEST(OutputTableTest, JsonIsOneLine) {
  EXPECT_EQ(Printed(TableStyle::Format::kJson),
            R"({"data":[["a,\"b\"",["set",[1,2]]],["c",["set",[]]]],)"
            R"("headings":["name","a_heading_of_more_than_20"]})"
            "\n");
}

TEST(OutputTableTest, HtmlEscapes) {
  EXPECT_EQ(Printed(TableStyle::Format::kHtml, TableStyle::Cell::kJson, false),
            "<table border=1>\n"
            "  <tr>\n    <td>&quot;a,\\&quot;b\\&quot;&quot;</td>\n"
            "    <td>[&quot;set&quot;,[1,2]]</td>\n  </tr>\n"
            "  <tr>\n    <td>&quot;c&quot;</td>\n"
            "    <td>[&quot;set&quot;,[]]</td>\n  </tr>\n"
            "</table>\n");
}

TEST(OutputTableTest, UnknownFormats) {
  EXPECT_EQ(Message(TableFormatFromText("xml").status()), "unknown output format \"xml\"");
  EXPECT_EQ(Message(CellFormatFromText("foo").status()), "unknown data format \"foo\"");
}

}  // namespace
}  // namespace outrider::cli
