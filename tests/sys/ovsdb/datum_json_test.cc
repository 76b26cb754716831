#include "vswitch/sys/ovsdb/datum_json.h"

#include <gtest/gtest.h>

#include <string>

namespace outrider::ovsdb {
namespace {

constexpr char kUuid[] = "11111111-2222-3333-4444-555555555555";

ColumnType TypeFrom(const char* text) {
  const Json json = {{"name", "D"},
                     {"tables", {{"T", {{"columns", {{"c", {{"type", Json::parse(text)}}}}}}}}}};
  const auto schema = SchemaFromJson(json);
  EXPECT_TRUE(schema.ok()) << schema.status() << text;
  return schema->tables.at("T").columns.at("c").type;
}

// The value read and written again, or its error as the wire has it.
std::string Through(const char* type_text, const std::string& text) {
  const ColumnType type = TypeFrom(type_text);
  const NamedUuids names = [](const std::string& name) -> absl::StatusOr<Uuid> {
    if (name == "known") return *Uuid::Parse(kUuid);
    return OvsdbError("syntax error", "no " + name);
  };
  const auto datum = DatumFromJson(type, Json::parse(text), names);
  return ToText(datum.ok() ? ToJson(type, *datum) : ErrorJson(datum.status()));
}

struct Case {
  const char* type;
  const char* value;
  const char* result;
};

constexpr char kOptionalInt[] =
    R"j({"key":{"type":"integer","minInteger":-10,"maxInteger":10},"min":0})j";
constexpr char kInts[] =
    R"j({"key":{"type":"integer","minInteger":0,"maxInteger":1000},"min":0,"max":"unlimited"})j";
constexpr char kReal[] = R"j({"key":{"type":"real","minReal":-1.5,"maxReal":1.5},"min":0})j";
constexpr char kReals[] = R"j({"key":"real","min":0,"max":"unlimited"})j";
constexpr char kShort[] = R"j({"key":{"type":"string","minLength":2,"maxLength":4},"min":0})j";
constexpr char kColour[] =
    R"j({"key":{"type":"string","enum":["set",["red","green","true"]]},"min":0})j";
constexpr char kStrings[] = R"j({"key":"string","min":0,"max":"unlimited"})j";
constexpr char kMap[] = R"j({"key":"string","value":"string","min":0,"max":"unlimited"})j";
constexpr char kDigits[] =
    R"j({"key":"string","value":{"type":"integer","minInteger":0,"maxInteger":9},"min":0,"max":2})j";

void Expect(std::initializer_list<Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(Through(c.type, c.value), c.result) << c.type << c.value;
}

// What Open vSwitch 3.1 answers to the same values, but for the order of members.
TEST(DatumFromJsonTest, Integers) {
  Expect({
      {kOptionalInt, "5", "5"},
      {kOptionalInt, "1.0", "1"},
      {kOptionalInt, "[\"set\",[]]", "[\"set\",[]]"},
      {kOptionalInt, "[\"set\",[7]]", "7"},
      {"\"integer\"", "-9223372036854775808", "-9223372036854775808"},
      {"\"integer\"", "9223372036854775807", "9223372036854775807"},
      {"\"integer\"", "9007199254740992.0", "9007199254740992"},
      {kOptionalInt, "11",
       R"j({"details":"11 is not in the valid range -10 to 10 (inclusive)","error":"constraint violation"})j"},
      {R"({"key":{"type":"integer","minInteger":5}})", "4",
       R"j({"details":"4 is less than minimum allowed value 5","error":"constraint violation"})j"},
      {R"({"key":{"type":"integer","maxInteger":5}})", "6",
       R"j({"details":"6 is greater than maximum allowed value 5","error":"constraint violation"})j"},
      {kOptionalInt, "\"x\"",
       R"j({"details":"expected integer","error":"syntax error","syntax":"\"x\""})j"},
      {kOptionalInt, "1.5",
       R"j({"details":"expected integer","error":"syntax error","syntax":"1.5"})j"},
      {kOptionalInt, "true",
       R"j({"details":"expected integer","error":"syntax error","syntax":"true"})j"},
      {kOptionalInt, "null",
       R"j({"details":"expected integer","error":"syntax error","syntax":"null"})j"},
      {kOptionalInt, "{}",
       R"j({"details":"expected integer","error":"syntax error","syntax":"{}"})j"},
      {kOptionalInt, "[]",
       R"j({"details":"expected integer","error":"syntax error","syntax":"[]"})j"},
      {kOptionalInt, "1e+30",
       R"j({"details":"expected integer","error":"syntax error","syntax":"1e+30"})j"},
      {kOptionalInt, "[\"uuid\",\"x\"]",
       R"j({"details":"expected integer","error":"syntax error","syntax":"[\"uuid\",\"x\"]"})j"},
      {R"({"key":{"type":"integer","enum":["set",[3,1,2]]}})", "7",
       R"j({"details":"7 is not one of the allowed values ([1, 2, 3])","error":"constraint violation"})j"},
  });
  EXPECT_NE(Through("\"integer\"", "9223372036854775808").find("expected integer"),
            std::string::npos);
  EXPECT_NE(Through("\"integer\"", "9223372036854775808.0").find("expected integer"),
            std::string::npos);
}

TEST(DatumFromJsonTest, RealsAndBooleans) {
  Expect({
      {kReal, "1.5", "1.5"},
      {kReal, "1", "1"},
      {kReals, "[\"set\",[3,2.5,0.1,-0.0]]", "[\"set\",[0,0.1,2.5,3]]"},
      {kReals, "1e-300", "1e-300"},
      {kReal, "2.5",
       R"j({"details":"2.5 is not in the valid range -1.5 to 1.5 (inclusive)","error":"constraint violation"})j"},
      {R"({"key":{"type":"real","minReal":-1.5}})", "-2",
       R"j({"details":"-2 is less than minimum allowed value -1.5","error":"constraint violation"})j"},
      {R"({"key":{"type":"real","maxReal":1.5}})", "2",
       R"j({"details":"2 is greater than maximum allowed value 1.5","error":"constraint violation"})j"},
      {kReal, "\"x\"", R"j({"details":"expected real","error":"syntax error","syntax":"\"x\""})j"},
      {kReal, "true", R"j({"details":"expected real","error":"syntax error","syntax":"true"})j"},
      {kReals, "[\"set\",[1,1.0]]",
       R"j({"details":"set contains duplicate","error":"ovsdb error"})j"},
      {"\"boolean\"", "true", "true"},
      {"\"boolean\"", "1",
       R"j({"details":"expected boolean","error":"syntax error","syntax":"1"})j"},
  });
}

TEST(DatumFromJsonTest, Strings) {
  Expect({
      {kShort, "\"\u00e4\u00f6\u00fc\u00e9\"", "\"\u00e4\u00f6\u00fc\u00e9\""},
      {kShort, "\"\u00e4\u00f6\u00fc\u00e9x\"",
       "{\"details\":\"\\\"\u00e4\u00f6\u00fc\u00e9x\\\" length 5 is greater than maximum allowed "
       "length 4\",\"error\":\"constraint violation\"}"},
      {kShort, "\"\"",
       R"j({"details":"\"\" length 0 is less than minimum allowed length 2","error":"constraint violation"})j"},
      {kShort, "5", R"j({"details":"expected string","error":"syntax error","syntax":"5"})j"},
      {kColour, "\"red\"", "\"red\""},
      {kColour, "\"blue\"",
       R"j({"details":"blue is not one of the allowed values ([green, red, \"true\"])","error":"constraint violation"})j"},
      {R"({"key":{"type":"string","enum":"only"}})", "\"x\"",
       R"j({"details":"x is not one of the allowed values ([only])","error":"constraint violation"})j"},
      {kShort, "\"a\\u0000b\"",
       R"j({"details":"null bytes not supported in quoted strings","error":"syntax error","syntax":"\"a\\u0000b\""})j"},
  });
}

TEST(DatumFromJsonTest, Uuids) {
  const std::string uuid = std::string("[\"uuid\",\"") + kUuid + "\"]";
  Expect({
      {"\"uuid\"", uuid.c_str(), uuid.c_str()},
      {"\"uuid\"", "[\"named-uuid\",\"known\"]", uuid.c_str()},
      {"\"uuid\"", "[\"named-uuid\",\"other\"]",
       R"j({"details":"no other","error":"syntax error"})j"},
      {"\"uuid\"", "\"x\"",
       R"j({"details":"expected [\"uuid\", <string>]","error":"syntax error","syntax":"\"x\""})j"},
      {"\"uuid\"", "[\"uuid\",\"x\"]",
       R"j({"details":"\"x\" is not a valid UUID","error":"syntax error","syntax":"[\"uuid\",\"x\"]"})j"},
      {"\"uuid\"", "[\"uuid\",5]",
       R"j({"details":"expected [\"uuid\", <string>]","error":"syntax error","syntax":"[\"uuid\",5]"})j"},
      {"\"uuid\"", "[\"uuid\"]",
       R"j({"details":"expected [\"uuid\", <string>]","error":"syntax error","syntax":"[\"uuid\"]"})j"},
      {"\"uuid\"", "[\"named-uuid\",\"0bad\"]",
       R"j({"details":"named-uuid string is not a valid <id>","error":"syntax error","syntax":"[\"named-uuid\",\"0bad\"]"})j"},
      {"\"uuid\"", "[\"named-uuid\",\"a-b\"]",
       R"j({"details":"named-uuid string is not a valid <id>","error":"syntax error","syntax":"[\"named-uuid\",\"a-b\"]"})j"},
  });
  const auto unnamed =
      AtomFromJson(TypeFrom("\"uuid\"").key, Json::parse("[\"named-uuid\",\"known\"]"), nullptr);
  EXPECT_EQ(Message(unnamed.status()), "syntax error: expected [\"uuid\", <string>]");
}

TEST(DatumFromJsonTest, Sets) {
  Expect({
      {kInts, "5", "5"},
      {kStrings, "[\"set\",[\"b\",\"a\"]]", "[\"set\",[\"a\",\"b\"]]"},
      {kStrings, "[\"set\",[\"b\",\"a\",\"b\"]]",
       R"j({"details":"set contains duplicate","error":"ovsdb error"})j"},
      {kInts, "[\"set\",[1,2000]]",
       R"j({"details":"2000 is not in the valid range 0 to 1000 (inclusive)","error":"constraint violation"})j"},
      {kInts, "[\"set\",[1,\"a\"]]",
       R"j({"details":"expected integer","error":"syntax error","syntax":"\"a\""})j"},
      {kOptionalInt, "[\"set\",[1,2]]",
       R"j({"details":"set must have 0 to 1 members but 2 are present","error":"syntax error","syntax":"[\"set\",[1,2]]"})j"},
      {kOptionalInt, "[\"set\"]",
       R"j({"details":"expected [\"set\", <array>]","error":"syntax error","syntax":"[\"set\"]"})j"},
      {kOptionalInt, "[\"set\",1]",
       R"j({"details":"expected [\"set\", <array>]","error":"syntax error","syntax":"[\"set\",1]"})j"},
      {kOptionalInt, "[\"set\",[1],2]",
       R"j({"details":"expected [\"set\", <array>]","error":"syntax error","syntax":"[\"set\",[1],2]"})j"},
      {kInts, "[\"map\",[]]",
       R"j({"details":"expected integer","error":"syntax error","syntax":"[\"map\",[]]"})j"},
      {"\"integer\"", "[\"set\",[]]",
       R"j({"details":"set must have exactly one member but 0 are present","error":"syntax error","syntax":"[\"set\",[]]"})j"},
      {R"({"key":"string","min":1,"max":"unlimited"})", "[\"set\",[]]",
       R"j({"details":"set must have 1 to 4294967295 members but 0 are present","error":"syntax error","syntax":"[\"set\",[]]"})j"},
  });
}

TEST(DatumFromJsonTest, Maps) {
  Expect({
      {kMap, "[\"map\",[[\"b\",\"1\"],[\"a\",\"2\"]]]", R"j(["map",[["a","2"],["b","1"]]])j"},
      {kMap, "[\"map\",[]]", R"j(["map",[]])j"},
      {kMap, "[\"map\",[[\"a\",\"b\"],[\"a\",\"c\"]]]",
       R"j({"details":"map contains duplicate key","error":"ovsdb error"})j"},
      {kMap, "[\"map\",[[\"a\"]]]",
       R"j({"details":"expected 2-element array","error":"syntax error","syntax":"[\"a\"]"})j"},
      {kMap, "[\"map\",[\"a\"]]",
       R"j({"details":"expected 2-element array","error":"syntax error","syntax":"\"a\""})j"},
      {kMap, "[\"map\",[[\"a\",1]]]",
       R"j({"details":"expected string","error":"syntax error","syntax":"1"})j"},
      {kMap, "[\"set\",[]]",
       R"j({"details":"expected [\"map\", <array>]","error":"syntax error","syntax":"[\"set\",[]]"})j"},
      {kMap, "{}",
       R"j({"details":"expected [\"map\", <array>]","error":"syntax error","syntax":"{}"})j"},
      {kMap, "[\"map\",{}]",
       R"j({"details":"expected [\"map\", <array>]","error":"syntax error","syntax":"[\"map\",{}]"})j"},
      {kDigits, "[\"map\",[[\"a\",10]]]",
       R"j({"details":"10 is not in the valid range 0 to 9 (inclusive)","error":"constraint violation"})j"},
      {kDigits, "[\"map\",[[\"a\",1],[\"b\",2],[\"c\",3]]]",
       R"j({"details":"map must have 0 to 2 members but 3 are present","error":"syntax error","syntax":"[\"map\",[[\"a\",1],[\"b\",2],[\"c\",3]]]"})j"},
  });
}

TEST(LooseDatumFromJsonTest, LooksAtNotationOnly) {
  const ColumnType type = TypeFrom(kOptionalInt);
  const auto many = LooseDatumFromJson(type, Json::parse("[\"set\",[4000,1,2]]"), nullptr);
  ASSERT_TRUE(many.ok()) << many.status();
  EXPECT_EQ(ToText(ToJson(type, *many)), "[\"set\",[1,2,4000]]");
  EXPECT_FALSE(LooseDatumFromJson(type, Json("x"), nullptr).ok());
  const absl::Status broken = CheckConstraints(type, *many);
  EXPECT_EQ(Message(broken),
            "constraint violation: 4000 is not in the valid range -10 to 10 (inclusive)");
}

TEST(DisplayTextTest, QuotesWhatIsNoWord) {
  const auto text = [](const char* type_text, const char* json) {
    const ColumnType type = TypeFrom(type_text);
    return DisplayText(type, *DatumFromJson(type, Json::parse(json), nullptr));
  };
  EXPECT_EQ(text("\"string\"", "\"br-0.x_\""), "br-0.x_");
  EXPECT_EQ(text("\"string\"", "\"\""), "\"\"");
  EXPECT_EQ(text("\"string\"", "\"0a\""), "\"0a\"");
  EXPECT_EQ(text("\"string\"", "\"true\""), "\"true\"");
  EXPECT_EQ(text("\"string\"", "\"a b\""), "\"a b\"");
  EXPECT_EQ(text(kOptionalInt, "5"), "5");
  EXPECT_EQ(text(kOptionalInt, "[\"set\",[]]"), "[]");
  EXPECT_EQ(text(kReals, "[\"set\",[2.5,1]]"), "[1, 2.5]");
  EXPECT_EQ(text(kStrings, "\"a\""), "[a]");
  EXPECT_EQ(text(kMap, "[\"map\",[[\"k\",\"1\"],[\"a\",\"b\"]]]"), "{a=b, k=\"1\"}");
  EXPECT_EQ(text("\"boolean\"", "true"), "true");
}

TEST(OvsdbErrorTest, StatusOfAnotherIsAnInternalError) {
  EXPECT_EQ(ToText(ErrorJson(absl::UnavailableError("gone"))),
            R"({"details":"gone","error":"internal error"})");
  const absl::Status ours = OvsdbError("timed out", "why");
  EXPECT_EQ(ours.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ToText(ErrorJson(ours)), R"({"details":"why","error":"timed out"})");
}

}  // namespace
}  // namespace outrider::ovsdb
