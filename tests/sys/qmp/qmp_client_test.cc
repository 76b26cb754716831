#include "vswitch/sys/qmp/qmp_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/agent/temp_dir.h"
#include "tests/fakes/fake_qmp.h"

namespace outrider::qmp {
namespace {

using ::testing::ElementsAre;

class QmpClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto client = QmpClient::Connect(
        loop_.get(), path_,
        {.on_ready = [this] { ++ready_; },
         .on_event = [this](const Message& event) { events_.push_back(event); },
         .on_closed = [this](const absl::Status& why) { closed_.push_back(why); }});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }
  // Turns the loop until something is so.
  template <typename Condition>
  bool Until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < end) {
      loop_->RunOnce(std::chrono::milliseconds(50));
    }
    return condition();
  }

  const agent::TempDir directory_;
  const std::string path_ = directory_ / "qmp";
  FakeQmp qemu_{path_};
  std::unique_ptr<stream::PollLoop> loop_ = *stream::PollLoop::Create();
  int ready_ = 0;
  std::vector<Message> events_;
  std::vector<absl::Status> closed_;
  std::unique_ptr<QmpClient> client_;
};

TEST_F(QmpClientTest, GreetsAsksAndHears) {
  ASSERT_TRUE(Until([this] { return ready_ == 1; }));
  std::vector<Message> answers;
  qemu_.SetStatus("postmigrate", "completed");
  client_->Execute({.name = "query-status"},
                   [&](const Message& answer) { answers.push_back(answer); });
  client_->Execute({.name = "query-migrate"},
                   [&](const Message& answer) { answers.push_back(answer); });
  ASSERT_TRUE(Until([&] { return answers.size() == 2; }));
  EXPECT_EQ(answers[0].status, "postmigrate");
  EXPECT_EQ(answers[1].status, "completed");
  EXPECT_THAT(qemu_.WaitForCommands(3),
              ElementsAre("qmp_capabilities", "query-status", "query-migrate"));
  qemu_.Emit("STOP", 1'000'005);
  ASSERT_TRUE(Until([this] { return !events_.empty(); }));
  EXPECT_EQ(events_[0],
            (Message{.kind = Message::Kind::kEvent, .event = "STOP", .time_us = 1'000'005}));
}

TEST_F(QmpClientTest, HearsItsEnd) {
  ASSERT_TRUE(Until([this] { return ready_ == 1; }));
  qemu_.HangUp();
  ASSERT_TRUE(Until([this] { return !closed_.empty(); }));
  EXPECT_EQ(closed_.size(), 1u);
}

TEST_F(QmpClientTest, WhoDoesNotSpeakQmpIsLeft) {
  ASSERT_TRUE(Until([this] { return ready_ == 1; }));
  qemu_.Say("220 mail.example.com ESMTP\r\n");
  ASSERT_TRUE(Until([this] { return !closed_.empty(); }));
  EXPECT_EQ(closed_[0].code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(QmpClientTest, ASocketNobodyListensOnIsAnError) {
  std::vector<absl::Status> ends;
  auto client =
      QmpClient::Connect(loop_.get(), directory_ / "none",
                         {.on_ready = [] {},
                          .on_event = [](const Message&) {},
                          .on_closed = [&](const absl::Status& why) { ends.push_back(why); }});
  EXPECT_TRUE(!client.ok() || Until([&] { return !ends.empty(); }));
  EXPECT_FALSE(client.ok() && ends.at(0).ok());
}

}  // namespace
}  // namespace outrider::qmp
