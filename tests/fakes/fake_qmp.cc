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

void FakeQmp::SetCard(const std::string& path, const std::string& mac, uint16_t used) {
  const std::lock_guard lock(mutex_);
  cards_[path] = {.mac = mac, .used = used};
}

void FakeQmp::RemoveCard(const std::string& path) {
  const std::lock_guard lock(mutex_);
  cards_.erase(path);
}

void FakeQmp::SetFilter(const std::string& members) {
  const std::lock_guard lock(mutex_);
  filter_ = members;
}

void FakeQmp::HoldAnswers(bool hold) {
  loop_->RunOn([&] {
    hold_ = hold;
    if (!hold_) AnswerHeld();
  });
}

void FakeQmp::AnswerHeld() {
  for (const std::string& text : std::exchange(held_, {})) {
    if (client_ != nullptr) client_->Send(text);
  }
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
  loop_->RunOn([this] {
    client_.reset();
    held_.clear();
  });
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

std::optional<std::string> FakeQmp::ResultOf(const std::string& name,
                                             const std::string& path) const {
  if (name == "query-status") return fmt::format(R"({{"status": "{}"}})", run_state_);
  if (name == "query-migrate" && !migration_.empty()) {
    return fmt::format(R"({{"status": "{}"}})", migration_);
  }
  if (name == "x-query-virtio") {
    std::string devices = R"({"name": "virtio-rng", "path": "/rng"})";
    for (const auto& [card, unused] : cards_) {
      devices += fmt::format(R"(, {{"name": "virtio-net", "path": "{}"}})", card);
    }
    return "[" + devices + "]";
  }
  if (name == "query-rx-filter") return Filters();
  if (path.empty()) return "{}";
  const auto card = cards_.find(path);
  if (card == cards_.end()) return std::nullopt;
  if (name == "qom-get") return "\"" + card->second.mac + "\"";
  return fmt::format(R"({{"used-idx": {}}})", card->second.used);
}

std::optional<std::string> FakeQmp::Filters() const {
  if (filter_.empty()) return std::nullopt;
  std::string filters;
  for (const auto& [path, card] : cards_) {
    if (!filters.empty()) filters += ", ";
    filters += fmt::format(R"({{"main-mac": "{}", {}}})", card.mac, filter_);
  }
  return "[" + filters + "]";
}

void FakeQmp::Answer(const std::string& text) {
  const auto command = nlohmann::json::parse(text);
  const std::string name = command.at("execute");
  const auto arguments = command.value("arguments", nlohmann::json::object());
  std::optional<std::string> result;
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(name);
    result = ResultOf(name, arguments.value("path", ""));
  }
  changed_.notify_all();
  const std::string said =
      result ? R"("return": )" + *result : R"("error": {"class": "GenericError", "desc": "no"})";
  held_.push_back(fmt::format("{{\"id\": {}, {}}}\r\n", command.at("id").get<uint64_t>(), said));
  if (!hold_) AnswerHeld();
}

void FakeQmp::OnClosed(const absl::Status&) { client_.reset(); }

}  // namespace outrider::qmp
