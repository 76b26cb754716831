#include "vswitch/sys/ovsdb/json_rpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace outrider::ovsdb {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> ReadAll(JsonStream* stream) {
  std::vector<std::string> read;
  while (true) {
    const auto next = stream->Next();
    if (!next.ok()) {
      read.push_back(Message(next.status()));
      return read;
    }
    if (!*next) return read;
    read.push_back(ToText(**next));
  }
}

TEST(JsonTest, TextIsOneLineWithKeysInOrder) {
  const auto json = ParseJson(" {\"b\": [1, 2.5, true, null],\n \"a\": \"\\u00e4\\n\"} ");
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(ToText(*json), "{\"a\":\"\xc3\xa4\\n\",\"b\":[1,2.5,true,null]}");
  EXPECT_EQ(ToText(Json("a\xff z")), "\"a\xef\xbf\xbd z\"");
}

TEST(JsonTest, ErrorsSayWhere) {
  EXPECT_THAT(Message(ParseJson("{\"a\": }").status()), HasSubstr("column 7"));
  EXPECT_THAT(Message(ParseJson("[1] x").status()), HasSubstr("column 5"));
  for (const char* text : {"", "[", "]", "[1,]", "{\"a\"}", "\"\xff\"", "nul", "1e999", "'a'"}) {
    EXPECT_EQ(ParseJson(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(JsonTest, DepthIsBounded) {
  const std::string deepest = std::string(100, '[') + std::string(100, ']');
  EXPECT_TRUE(ParseJson(deepest).ok());
  EXPECT_EQ(Message(ParseJson("[" + deepest + "]").status()), "JSON nested deeper than 100 levels");
  EXPECT_FALSE(ParseJson(std::string(1000000, '[')).ok());
  EXPECT_TRUE(ParseJson("\"" + std::string(1000, '[') + "\\\"[\"").ok()) << "brackets in strings";
}

TEST(JsonStreamTest, CutsWhateverTheChunks) {
  const std::string bytes = " {\"a\":\"}\\\"\\\\\"}[1,[2]]\n\t{\"b\":{}}  [\"[\"]";
  for (size_t chunk = 1; chunk <= bytes.size(); ++chunk) {
    JsonStream stream(100);
    std::vector<std::string> read;
    for (size_t at = 0; at < bytes.size(); at += chunk) {
      stream.Feed(bytes.data() + at, std::min(chunk, bytes.size() - at));
      for (const std::string& text : ReadAll(&stream)) read.push_back(text);
    }
    EXPECT_EQ(read, (std::vector<std::string>{"{\"a\":\"}\\\"\\\\\"}", "[1,[2]]", "{\"b\":{}}",
                                              "[\"[\"]"}))
        << chunk;
    EXPECT_EQ(stream.buffered(), 0u) << chunk;
  }
}

TEST(JsonStreamTest, AValueThatIsTooLargeIsRefusedBeforeItsEnd) {
  JsonStream stream(10);
  stream.Feed("[1,2,3,45]", 10);
  EXPECT_EQ(ReadAll(&stream), (std::vector<std::string>{"[1,2,3,45]"}));
  stream.Feed("[1,2,3,4,5", 10);
  const auto failed = stream.Next();
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Message(failed.status()), "JSON value larger than 10 bytes");
  EXPECT_EQ(stream.buffered(), 0u) << "what cannot be read is not kept";
  stream.Feed("{}", 2);
  EXPECT_EQ(stream.buffered(), 0u);
  EXPECT_EQ(stream.Next().status(), failed.status()) << "an error is for good";
}

TEST(JsonStreamTest, AValueOfTooManyMembersIsRefusedBeforeItsEnd) {
  JsonStream stream(1000, 4);
  const std::string most = "[1,{},2][\",,[{\\\",,\"]";
  stream.Feed(most.data(), most.size());
  EXPECT_EQ(ReadAll(&stream), (std::vector<std::string>{"[1,{},2]", "[\",,[{\\\",,\"]"}));
  stream.Feed("[1,2,3,4,5", 10);
  const auto failed = stream.Next();
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Message(failed.status()), "JSON value of more than 4 members");
  EXPECT_EQ(stream.buffered(), 0u) << "what cannot be read is not kept";
}

TEST(JsonStreamTest, OfWhoIsTrustedAnyNumberOfMembersIsRead) {
  JsonStream stream(100 << 20);
  std::string bytes = "[0";
  for (int i = 1; i < 1'000'000; ++i) bytes += ",0";
  bytes += "]";
  stream.Feed(bytes.data(), bytes.size());
  const auto next = stream.Next();
  ASSERT_TRUE(next.ok()) << next.status();
  ASSERT_TRUE(next->has_value());
  EXPECT_EQ((*next)->size(), 1'000'000u);
  EXPECT_EQ(stream.last_bytes(), bytes.size());
}

TEST(JsonStreamTest, BoundIsForOneValueNotForWhatWaits) {
  JsonStream stream(10);
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += "[123456]";
  stream.Feed(bytes.data(), bytes.size());
  EXPECT_EQ(ReadAll(&stream).size(), 100u);
}

TEST(JsonStreamTest, RefusesWhatIsNoJson) {
  for (const char* bytes : {"x", "5 ", "\"a\"", "]", "{\"a\"]", "[}", "{]", "[1 2]"}) {
    JsonStream stream(100);
    stream.Feed(bytes, std::strlen(bytes));
    EXPECT_EQ(stream.Next().status().code(), absl::StatusCode::kInvalidArgument) << bytes;
  }
  JsonStream deep(1 << 20);
  const std::string open(200, '[');
  deep.Feed(open.data(), open.size());
  EXPECT_EQ(Message(deep.Next().status()), "JSON nested deeper than 100 levels");
}

TEST(JsonStreamTest, ALargeValueInSmallPiecesTakesLinearTime) {
  // 8 MB byte by byte: a scan from the beginning each time would take 3 * 10^13 steps.
  const std::string bytes = "[\"" + std::string(8 << 20, 'a') + "\"]";
  JsonStream stream(16 << 20);
  for (const char byte : bytes.substr(0, bytes.size() - 1)) {
    stream.Feed(&byte, 1);
    const auto next = stream.Next();
    ASSERT_TRUE(next.ok());
    ASSERT_FALSE(next->has_value());
  }
  stream.Feed("]", 1);
  const auto next = stream.Next();
  ASSERT_TRUE(next.ok());
  ASSERT_TRUE(next->has_value());
}

TEST(JsonRpcTest, MessagesGoThereAndBack) {
  const Json id = 7;
  const Json reason = {{"error", "unknown database"}};
  const std::pair<JsonRpcMessage, const char*> cases[] = {
      {Request("echo", {1, 2}, id), R"({"id":7,"method":"echo","params":[1,2]})"},
      {Notification("update", Json::array()), R"({"id":null,"method":"update","params":[]})"},
      {Reply({{"a", 1}}, "x"), R"({"error":null,"id":"x","result":{"a":1}})"},
      {Reply(nullptr, id), R"({"error":null,"id":7,"result":null})"},
      {ErrorReply(reason, id), R"({"error":{"error":"unknown database"},"id":7,"result":null})"},
  };
  for (const auto& [message, text] : cases) {
    EXPECT_EQ(ToText(ToJson(message)), text);
    const auto back = FromJson(ToJson(message));
    ASSERT_TRUE(back.ok()) << text << back.status();
    EXPECT_EQ(back->kind, message.kind) << text;
    EXPECT_EQ(ToJson(*back), ToJson(message));
  }
}

TEST(JsonRpcTest, AMemberMayBeLeftOutWhereItIsNull) {
  EXPECT_EQ(FromJson(Json::parse(R"({"method":"a","params":[]})"))->kind,
            JsonRpcMessage::Kind::kNotification);
  EXPECT_EQ(FromJson(Json::parse(R"({"id":1,"error":"no"})"))->kind, JsonRpcMessage::Kind::kError);
  EXPECT_EQ(FromJson(Json::parse(R"({"id":1,"result":{}})"))->kind, JsonRpcMessage::Kind::kReply);
}

// They may be megabytes.
TEST(JsonRpcTest, ParametersAreNotCopied) {
  Json json = {{"method", "a"}, {"params", Json::array({std::string(100, 'x')})}, {"id", 1}};
  const char* const text = json["params"][0].get_ref<const std::string&>().data();
  const auto message = FromJson(std::move(json));
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->params[0].get_ref<const std::string&>().data(), text);
}

TEST(JsonRpcTest, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "JSON-RPC message is not an object"},
      {"{}", "JSON-RPC message must have \"method\""},
      {R"({"method":5,"params":[],"id":1})",
       "JSON-RPC message has a \"method\" that is not a string"},
      {R"({"method":"a","id":1})", "JSON-RPC message request must have \"params\""},
      {R"({"method":"a","params":{},"id":1})",
       "JSON-RPC message request has \"params\" that are not an array"},
      {R"({"method":"a","params":[],"id":1,"x":1})",
       "JSON-RPC message has unexpected member \"x\""},
      {R"({"method":"a","params":[],"id":1,"result":1})",
       "JSON-RPC message request must not have \"result\""},
      {R"({"result":1,"error":1,"id":1})", "JSON-RPC message has both \"result\" and \"error\""},
      {R"({"result":1})", "JSON-RPC message reply must have \"id\""},
      {R"({"error":1})", "JSON-RPC message error must have \"id\""},
      {R"({"result":1,"id":1,"params":[]})", "JSON-RPC message reply must not have \"params\""},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_EQ(Message(FromJson(Json::parse(text)).status()), message) << text;
  }
}

}  // namespace
}  // namespace outrider::ovsdb
