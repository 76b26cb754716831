#include "vswitch/cli/value_text.h"

#include <gtest/gtest.h>

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::AtomType;
using ovsdb::ColumnType;
using ovsdb::Datum;

const ColumnType kInteger = {{AtomType::kInteger}};
const ColumnType kVlans = {{AtomType::kInteger, {}, 0, 4095}, {}, 0, 4096};
const ColumnType kMap = {
    {AtomType::kString}, ovsdb::BaseType{AtomType::kString}, 0, ColumnType::kUnlimited};
const ColumnType kOptional = {{AtomType::kString}, {}, 0, 1};

std::string Error(const ColumnType& type, const std::string& text) {
  RowNames names;
  return Message(DatumFromText(type, text, &names).status());
}

std::string RoundTrip(const ColumnType& type, const std::string& text) {
  RowNames names;
  const auto datum = DatumFromText(type, text, &names);
  return datum.ok() ? DatumText(type, *datum) : Message(datum.status());
}

TEST(ValueTextTest, SetsInEveryNotation) {
  for (const char* const text : {"3,1,2", "3 1 2", "[1, 2,3]", " [ 3,2 ,1] ", "1-3", "1,2,3,"}) {
    EXPECT_EQ(RoundTrip(kVlans, text), "[1, 2, 3]") << text;
  }
  EXPECT_EQ(RoundTrip(kVlans, "[]"), "[]");
  EXPECT_EQ(RoundTrip(kOptional, "[]"), "[]");
  EXPECT_EQ(RoundTrip(kOptional, "x"), "x");
}

TEST(ValueTextTest, MapsInEveryNotation) {
  for (const char* const text : {"b=2,a=1", "{a=1, b=2}", "a=1 b=2", "a = 1, b= 2"}) {
    EXPECT_EQ(RoundTrip(kMap, text), "{a=\"1\", b=\"2\"}") << text;
  }
  EXPECT_EQ(RoundTrip(kMap, "{}"), "{}");
  EXPECT_EQ(RoundTrip(kMap, R"("a b"="c\"d\\")"), R"({"a b"="c\"d\\"})");
  EXPECT_EQ(RoundTrip(kMap, R"(a\:b\=c=1)"), R"({"a:b=c"="1"})");
}

TEST(ValueTextTest, WhatIsNoValueIsSaidAsTheRealToolDoes) {
  EXPECT_EQ(Error(kVlans, ""), "use \"[]\" to specify the empty set");
  EXPECT_EQ(Error(kMap, " "), "use \"{}\" to specify the empty map");
  EXPECT_EQ(Error(kVlans, "1,x"), "\"x\" is not a valid integer or range");
  EXPECT_EQ(Error(kVlans, "5-1"),
            "\"5-1\" is not a valid range. Range end cannot be before start.");
  EXPECT_EQ(Error(kVlans, "1,1"), "1,1: set contains duplicate value");
  EXPECT_EQ(Error(kVlans, "1,,2"), "1,,2: unexpected \",\" parsing set of up to 4096 integers");
  EXPECT_EQ(Error(kVlans, "[1"), "[1: missing \"]\" at end of data");
  EXPECT_EQ(Error(kVlans, "[1]2"), "[1]2: trailing garbage after \"]\"");
  EXPECT_EQ(Error(kMap, "{a}"), "a}: syntax error at \"}\" expecting \"=\"");
  EXPECT_EQ(Error(kMap, "{a=1,a=2}"), "{a=1,a=2}: map contains duplicate key");
  EXPECT_EQ(Error(kInteger, "1,2"), "1,2: 2 value(s) specified but the maximum number is 1");
  EXPECT_EQ(Error(kInteger, "[]"), "[]: 0 value(s) specified but the minimum number is 1");
  EXPECT_EQ(Error(kOptional, "\"a"), "\"a: quoted string extends past end of argument");
  EXPECT_EQ(Error(kOptional, "a\\"), "a\\: backslash at end of argument");
  EXPECT_EQ(Error(kOptional, "\"\\q\""), "\"\\q\": bad escape \\q");
  EXPECT_EQ(Error(kVlans, "4000-5000"),
            "constraint violation: 5000 is not in the valid range 0 to 4095 (inclusive)");
}

TEST(ValueTextTest, RangesOfAnySizeEnd) {
  const ColumnType any = {{AtomType::kInteger}, {}, 0, ColumnType::kUnlimited};
  EXPECT_EQ(Error(any, "-9223372036854775808-9223372036854775807"),
            "constraint violation: Range \"-9223372036854775808-9223372036854775807\" is too big. "
            "Maximum allowed size is 4096.");
  EXPECT_EQ(RoundTrip(any, "9223372036854775806-9223372036854775807"),
            "[9223372036854775806, 9223372036854775807]");
}

TEST(ValueTextTest, StringsAreQuotedUnlessPlainWords) {
  const auto text = [](const char* string) { return AtomText(Atom(std::string(string))); };
  for (const char* const plain : {"a", "_a-b.c9", "web", "True", "truely"}) {
    EXPECT_EQ(text(plain), plain);
  }
  for (const char* const quoted :
       {"", "9", "true", "false", "a b", "a:b", "-a", "a2345678-1234-1234-1234-123456789abc"}) {
    EXPECT_EQ(text(quoted), "\"" + std::string(quoted) + "\"");
  }
  EXPECT_EQ(text("\xc3\xa9\n"), "\"\xc3\xa9\\n\"");
}

TEST(ValueTextTest, BareHasNeitherQuotesNorBrackets) {
  RowNames names;
  EXPECT_EQ(DatumBareText(*DatumFromText(kMap, "{b=\"x y\",a=1}", &names)), "a=1 b=x y");
  EXPECT_EQ(DatumBareText(*DatumFromText(kVlans, "[2,1]", &names)), "1 2");
  EXPECT_EQ(DatumBareText(Datum()), "");
}

TEST(ValueTextTest, NamesOfRowsKeepTheirUuid) {
  const ColumnType reference = {
      {.type = AtomType::kUuid, .ref = ovsdb::RefKind::kStrong, .ref_table = "QoS"}, {}, 0, 1};
  RowNames names;
  const auto first = DatumFromText(reference, "@q", &names);
  const auto second = DatumFromText(reference, "@q", &names);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(*first, *second);
  EXPECT_TRUE(names.Of("@q").strong);
  EXPECT_FALSE(names.Of("@q").created);
  EXPECT_EQ(Message(DatumFromText(reference, "1234", &names).status()),
            "\"1234\" is not a valid UUID");
}

TEST(ValueTextTest, BeginningsOfUuids) {
  EXPECT_EQ(UuidPrefixLength("12ab"), 4U);
  EXPECT_EQ(UuidPrefixLength("12345678-1234-1234-1234-123456789abc"), 36U);
  EXPECT_EQ(UuidPrefixLength("12345678-1"), 10U);
  EXPECT_EQ(UuidPrefixLength("123456781"), 0U);
  EXPECT_EQ(UuidPrefixLength("vnet0"), 0U);
  EXPECT_EQ(UuidPrefixLength("12345678-1234-1234-1234-123456789abcd"), 0U);
}

TEST(ValueTextTest, ArgumentsAsOneLine) {
  EXPECT_EQ(QuotedArguments({"set", "a b", "c\"d\\", ""}), "set \"a b\" \"c\\\"d\\\\\" ");
}

}  // namespace
}  // namespace outrider::cli
