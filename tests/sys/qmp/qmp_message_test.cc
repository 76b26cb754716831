#include "vswitch/sys/qmp/qmp_message.h"

#include <gtest/gtest.h>

#include <vector>

namespace outrider::qmp {
namespace {

using Kind = Message::Kind;

TEST(ParseMessageTest, KnowsTheFourKinds) {
  EXPECT_EQ(*ParseMessage(R"({"QMP": {"version": {}, "capabilities": []}})"), Message{});
  EXPECT_EQ(*ParseMessage(R"({"timestamp": {"seconds": 1700000000, "microseconds": 123},
                              "event": "STOP"})"),
            (Message{.kind = Kind::kEvent, .event = "STOP", .time_us = 1'700'000'000'000'123}));
  EXPECT_EQ(
      *ParseMessage(R"({"timestamp": {"seconds": 1, "microseconds": 2}, "event": "MIGRATION",
                              "data": {"status": "device"}})"),
      (Message{
          .kind = Kind::kEvent, .event = "MIGRATION", .time_us = 1'000'002, .status = "device"}));
  EXPECT_EQ(*ParseMessage(R"({"return": {"running": false, "status": "postmigrate"}, "id": 7})"),
            (Message{.kind = Kind::kReturn, .id = 7, .status = "postmigrate"}));
  EXPECT_EQ(*ParseMessage(R"({"return": [], "id": 7})"), (Message{.kind = Kind::kReturn, .id = 7}));
  EXPECT_EQ(*ParseMessage(R"({"id": 8, "error": {"class": "GenericError", "desc": "no"}})"),
            (Message{.kind = Kind::kError, .id = 8, .description = "no"}));
}

TEST(ParseMessageTest, WhatIsMissingOrStrangeCountsAsNone) {
  EXPECT_EQ(*ParseMessage(R"({"event": "RESUME"})"),
            (Message{.kind = Kind::kEvent, .event = "RESUME"}));
  for (const char* seconds : {"-5", "99999999999999999", "1.5", "\"1\"", "null"}) {
    const std::string text = std::string(R"({"event": "STOP", "timestamp": {"seconds": )") +
                             seconds + R"(, "microseconds": 5}})";
    EXPECT_EQ(ParseMessage(text)->time_us, 0) << text;
  }
  EXPECT_EQ(*ParseMessage(R"({"return": {"status": 5}, "id": "mine"})"),
            (Message{.kind = Kind::kReturn}));
  EXPECT_EQ(*ParseMessage(R"({"event": 5, "data": []})"), (Message{.kind = Kind::kEvent}));
}

TEST(ParseMessageTest, NothingElseIsTaken) {
  for (const char* text : {"", "{", "[]", "5", "null", "{}", R"({"id": 5})", "{\"event\""}) {
    EXPECT_EQ(ParseMessage(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ParseMessageTest, ReadsWhatCommandsReturn) {
  EXPECT_EQ(*ParseMessage(R"({"return": "52:54:00:aa:bb:01", "id": 7})"),
            (Message{.kind = Kind::kReturn, .id = 7, .text = "52:54:00:aa:bb:01"}));
  EXPECT_EQ(*ParseMessage(R"({"return": {"name": "virtio-net", "used-idx": 65535}, "id": 7})"),
            (Message{.kind = Kind::kReturn, .id = 7, .used_index = uint16_t{65535}}));
  EXPECT_EQ(*ParseMessage(R"({"return": [{"name": "virtio-rng", "path": "/machine/a"},
                              {"path": "/machine/b"}, {"name": "virtio-net"}, "c"], "id": 7})"),
            (Message{.kind = Kind::kReturn,
                     .id = 7,
                     .devices = {{"virtio-rng", "/machine/a"}, {"", "/machine/b"}}}));
  for (const char* index : {"65536", "-1", "1.5", "\"1\"", "null"}) {
    const std::string text = std::string(R"({"return": {"used-idx": )") + index + R"(}, "id": 7})";
    EXPECT_FALSE(ParseMessage(text)->used_index) << text;
  }
}

TEST(ParseMessageTest, WhatCardsTake) {
  const auto filters = [](const std::string& list) {
    return ParseMessage(R"({"return": )" + list + R"(, "id": 9})")->filters;
  };
  EXPECT_EQ(filters(R"([{"name": "net0", "promiscuous": false, "multicast": "normal",
                         "multicast-overflow": false, "main-mac": "52:54:00:00:00:01",
                         "multicast-table": ["33:33:00:00:00:01", "01:00:5e:00:00:01", 7]},
                        {"promiscuous": true, "main-mac": "52:54:00:00:00:02"}])"),
            (std::vector<ReceiveFilter>{
                {.mac = "52:54:00:00:00:01", .groups = {"33:33:00:00:00:01", "01:00:5e:00:00:01"}},
                {.mac = "52:54:00:00:00:02", .promiscuous = true}}));
  EXPECT_EQ(filters(R"([{"main-mac": "a", "multicast": "all"},
                        {"main-mac": "b", "multicast-overflow": true},
                        {"main-mac": "c", "multicast": "none", "multicast-table": 7}])"),
            (std::vector<ReceiveFilter>{
                {.mac = "a", .all_groups = true}, {.mac = "b", .all_groups = true}, {.mac = "c"}}));
  EXPECT_TRUE(filters(R"([7, {"path": "/machine/a"}])").empty());
}

TEST(CommandTextTest, IsOneLine) {
  EXPECT_EQ(CommandText({.name = "query-status"}, 3),
            "{\"execute\":\"query-status\",\"id\":3}\r\n");
  EXPECT_EQ(CommandText({.name = "x-query-virtio-queue-status",
                         .texts = {{"path", "/machine/\"a\""}},
                         .numbers = {{"queue", 0}}},
                        4),
            "{\"arguments\":{\"path\":\"/machine/\\\"a\\\"\",\"queue\":0},"
            "\"execute\":\"x-query-virtio-queue-status\",\"id\":4}\r\n");
}

std::vector<std::string> Split(MessageSplitter* splitter) {
  std::vector<std::string> objects;
  while (true) {
    const auto next = splitter->Next();
    EXPECT_TRUE(next.ok()) << next.status();
    if (!next.ok() || !*next) return objects;
    objects.push_back(**next);
  }
}

TEST(MessageSplitterTest, CutsAtAnyByte) {
  const std::string first = R"({"a": {"b": "}{\"\\"}})";
  const std::string second = R"({"c": "\\"})";
  const std::string stream = "\r\n" + first + "\r\n" + second + first + " ";
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    MessageSplitter splitter;
    splitter.Add(stream.data(), cut);
    std::vector<std::string> objects = Split(&splitter);
    splitter.Add(stream.data() + cut, stream.size() - cut);
    const std::vector<std::string> rest = Split(&splitter);
    objects.insert(objects.end(), rest.begin(), rest.end());
    EXPECT_EQ(objects, (std::vector<std::string>{first, second, first})) << cut;
  }
}

TEST(MessageSplitterTest, RefusesWhatIsNoObject) {
  for (const std::string text : {"x", "\"a\"", "}", "[{}]"}) {
    MessageSplitter splitter;
    splitter.Add(text.data(), text.size());
    EXPECT_EQ(splitter.Next().status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(MessageSplitterTest, AnObjectWithoutEndIsGivenUp) {
  MessageSplitter splitter;
  const std::string begin = "{\"a\": \"";
  splitter.Add(begin.data(), begin.size());
  const std::string more(MessageSplitter::kMaxMessage, 'x');
  splitter.Add(more.data(), more.size());
  EXPECT_EQ(splitter.Next().status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace outrider::qmp
