#include "vswitch/agent/qmp_guest.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace outrider::agent {
namespace {

// qapi/run-state.json: "finish-migrate" while the last state is sent, "postmigrate" afterwards.
constexpr char kFinishMigrate[] = "finish-migrate";
bool StandsForMigration(const std::string& run_state) {
  return run_state == kFinishMigrate || run_state == "postmigrate";
}

// qapi/migration.json: states in which the source's guest stands still until it runs elsewhere, or
// the move fails. Not "completed", which QEMU also says of the move by which the guest came here.
bool HasSwitched(const std::string& migration) {
  return migration == "pre-switchover" || migration == "device" || migration == "postcopy-active";
}

}  // namespace

QmpGuest::QmpGuest(stream::PollLoop* loop, std::string path, Tell tell, WallClock clock)
    : loop_(loop), path_(std::move(path)), tell_(std::move(tell)), clock_(std::move(clock)) {
  Connect();
}

QmpGuest::~QmpGuest() { loop_->Cancel(retry_); }

void QmpGuest::Connect() {
  auto client = qmp::QmpClient::Connect(
      loop_, path_,
      {.on_ready =
           [this] {
             backoff_ = kFirstBackoff;
             ready_ = true;
             spdlog::debug("QMP {}: connected", path_);
             Ask();
           },
       .on_event = [this](const qmp::Message& event) { OnEvent(event); },
       .on_closed =
           [this](const absl::Status& why) {
             spdlog::debug("QMP {}: {}", path_, why.ok() ? "closed by QEMU" : Message(why));
             ConnectLater();
           }});
  if (!client.ok()) {
    spdlog::debug("QMP {}: {}", path_, Message(client.status()));
    return ConnectLater();
  }
  client_ = *std::move(client);
}

void QmpGuest::ConnectLater() {
  client_.reset();
  ready_ = false;
  if (paused_) TellPaused();
  BeginAnew();
  stopped_us_.reset();
  cards_.clear();
  absent_.clear();
  retry_ = loop_->PostAfter(backoff_, [this] { Connect(); });
  backoff_ = std::min(2 * backoff_, kLastBackoff);
}

void QmpGuest::OnEvent(const qmp::Message& event) {
  if (event.event == "STOP") {
    stopped_us_ = event.time_us;
    Ask();
  } else if (event.event == "RESUME") {
    TellRuns(event.time_us);
  } else if (event.event == "MIGRATION" && stopped_us_ && HasSwitched(event.status)) {
    NotePaused();
  }
}

void QmpGuest::AskAnew() {
  if (ready_ && !asking_) Ask(/*moved=*/true);
}

// One after the other without waiting: QEMU answers in order, and has little time now.
void QmpGuest::Ask(bool moved) {
  BeginAnew();
  asking_ = true;
  if (stopped_us_) {
    for (const auto& [mac, card] : cards_) {
      ++awaited_;
      QueryUsed(card.path, [this, asked = question_, mac = mac](std::optional<uint16_t> used) {
        if (asked != question_) return;
        --awaited_;
        if (used) used_[mac] = *used;
        if (paused_) NotePaused();
      });
    }
    if (!cards_.empty()) QueryFilters();
  }
  client_->Execute({.name = "query-status"}, [this, asked = question_, asked_us = clock_(),
                                              moved](const qmp::Message& answer) {
    if (asked != question_) return;
    asking_ = false;
    Judge(answer.status, asked_us, moved);
  });
}

void QmpGuest::QueryFilters() {
  ++awaited_;
  client_->Execute({.name = "query-rx-filter"}, [this, asked = question_](const auto& answer) {
    if (asked != question_) return;
    --awaited_;
    for (const qmp::ReceiveFilter& filter : answer.filters) NoteFilter(filter);
    if (paused_) NotePaused();
  });
}

void QmpGuest::NoteFilter(const qmp::ReceiveFilter& told) {
  const auto mac = MacAddress::Parse(told.mac);
  if (!mac.ok()) return;
  CardFilter& filter = filters_[*mac];
  filter.promiscuous = told.promiscuous;
  filter.all_groups = told.all_groups;
  for (const std::string& text : told.groups) {
    if (const auto group = MacAddress::Parse(text); group.ok()) filter.groups.insert(*group);
  }
}

void QmpGuest::BeginAnew() {
  ++question_;
  asking_ = false;
  used_.clear();
  filters_.clear();
  awaited_ = 0;
  paused_ = false;
}

void QmpGuest::AskUsedIndex(const MacAddress& mac, UsedIndexDone done) {
  if (!ready_ || stopped_us_) return;
  const auto card = cards_.find(mac);
  if (card == cards_.end()) return LearnCards(mac);
  if (std::exchange(card->second.asked, true)) return;
  QueryUsed(card->second.path, [this, mac, done = std::move(done)](std::optional<uint16_t> used) {
    // Unplugged, it may have been plugged again elsewhere.
    if (!used) return void(cards_.erase(mac));
    cards_[mac].asked = false;
    if (!stopped_us_) done(*used);
  });
}

void QmpGuest::LearnCards(const MacAddress& wanted) {
  if (!absent_.insert(wanted).second) return;
  client_->Execute({.name = "x-query-virtio"}, [this](const qmp::Message& answer) {
    for (const qmp::VirtioDevice& device : answer.devices) {
      if (device.name == "virtio-net") LearnCard(device.path);
    }
  });
}

void QmpGuest::LearnCard(const std::string& path) {
  client_->Execute({.name = "qom-get", .texts = {{"path", path}, {"property", "mac"}}},
                   [this, path](const qmp::Message& answer) {
                     const auto mac = MacAddress::Parse(answer.text);
                     if (!mac.ok()) return;
                     cards_.try_emplace(*mac).first->second.path = path;
                     absent_.erase(*mac);
                   });
}

// The receive queue of a card's first pair, which is all of most.
void QmpGuest::QueryUsed(const std::string& path,
                         std::function<void(std::optional<uint16_t>)> done) {
  client_->Execute(
      {.name = "x-query-virtio-queue-status", .texts = {{"path", path}}, .numbers = {{"queue", 0}}},
      [done = std::move(done)](const qmp::Message& answer) { done(answer.used_index); });
}

void QmpGuest::Judge(const std::string& run_state, int64_t asked_us, bool moved) {
  // It is said before the guest quite stands still; the STOP is still to come.
  if (moved && run_state == kFinishMigrate && !stopped_us_) return;
  if (StandsForMigration(run_state)) return NotePaused();
  if (run_state == "running") return TellRuns(asked_us);
  if (run_state != "paused") return;
  if (moved) return NotePaused();
  client_->Execute({.name = "query-migrate"},
                   [this, asked = question_](const qmp::Message& answer) {
                     if (asked == question_ && HasSwitched(answer.status)) NotePaused();
                   });
}

void QmpGuest::NotePaused() {
  paused_ = true;
  if (awaited_ == 0) TellPaused();
}

void QmpGuest::TellPaused() {
  const GuestWord word{.trigger = kQmpTrigger,
                       .time_us = std::exchange(stopped_us_, std::nullopt).value_or(0),
                       .used = used_,
                       .filters = filters_};
  BeginAnew();
  tell_(false, word);
}

void QmpGuest::TellRuns(int64_t time_us) {
  BeginAnew();
  stopped_us_.reset();
  tell_(true, {kQmpTrigger, time_us});
}

}  // namespace outrider::agent
