#include "tests/fakes/fake_qmp.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace outrider::qmp {

FakeQmp::FakeQmp(const std::string& path) {
  auto loop = stream::PollLoop::Create();
  if (!loop.ok()) throw std::runtime_error(outrider::Message(loop.status()));
  loop_ = *std::move(loop);
  stream::StreamListener::Options options;
  options.address = {.kind = stream::StreamAddress::Kind::kUnix, .passive = true, .path = path};
  auto listener = stream::StreamListener::Create(
      loop_.get(), options, [this](std::unique_ptr<stream::StreamConnection> connection) {
        client_ = std::move(connection);
        splitter_ = {};
        (void)client_->Start(this);
        client_->Send(R"({"QMP": {"version": {"qemu": {"major": 7}}, "capabilities": ["oob"]}})"
                      "\r\n");
      });
  if (!listener.ok()) throw std::runtime_error(outrider::Message(listener.status()));
  listener_ = *std::move(listener);
  loop_->Start("fake-qmp");
}

FakeQmp::~FakeQmp() {
  loop_->RunOn([this] {
    client_.reset();
    listener_.reset();
  });
  loop_->Stop();
}

void FakeQmp::SetStatus(const std::string& run_state, const std::string& migration) {
  const std::lock_guard lock(mutex_);
  run_state_ = run_state;
  migration_ = migration;
}

void FakeQmp::Emit(const std::string& event, int64_t time_us, const std::string& status) {
  const std::string data =
      status.empty() ? "" : fmt::format(R"("data": {{"status": "{}"}}, )", status);
  Say(fmt::format(R"({{"timestamp": {{"seconds": {}, "microseconds": {}}}, {}"event": "{}"}})"
                  "\r\n",
                  time_us / 1'000'000, time_us % 1'000'000, data, event));
}

void FakeQmp::Say(const std::string& text) {
  loop_->RunOn([&] {
    if (client_ != nullptr) client_->Send(text);
  });
}

void FakeQmp::HangUp() {
  loop_->RunOn([this] { client_.reset(); });
}

std::vector<std::string> FakeQmp::WaitForCommands(size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::seconds(20), [&] { return commands_.size() >= count; });
  return commands_;
}

void FakeQmp::OnData(const char* data, size_t size) {
  splitter_.Add(data, size);
  while (true) {
    const auto text = splitter_.Next();
    if (!text.ok() || !*text) return;
    Answer(**text);
  }
}

void FakeQmp::Answer(const std::string& text) {
  const auto command = nlohmann::json::parse(text);
  const std::string name = command.at("execute");
  nlohmann::json result = nlohmann::json::object();
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(name);
    if (name == "query-status") result["status"] = run_state_;
    if (name == "query-migrate" && !migration_.empty()) result["status"] = migration_;
  }
  changed_.notify_all();
  const nlohmann::json answer = {{"return", result}, {"id", command.at("id")}};
  client_->Send(answer.dump() + "\r\n");
}

void FakeQmp::OnClosed(const absl::Status&) { client_.reset(); }

}  // namespace outrider::qmp
