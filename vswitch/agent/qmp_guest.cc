#include "vswitch/agent/qmp_guest.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace outrider::agent {
namespace {

// qapi/run-state.json: "finish-migrate" while the last state is sent, "postmigrate" afterwards.
bool StandsForMigration(const std::string& run_state) {
  return run_state == "finish-migrate" || run_state == "postmigrate";
}

// qapi/migration.json: states in which the source's guest stands still until it runs elsewhere, or
// the move fails. Not "completed", which QEMU also says of the move by which the guest came here.
bool HasSwitched(const std::string& migration) {
  return migration == "pre-switchover" || migration == "device" || migration == "postcopy-active";
}

}  // namespace

QmpGuest::QmpGuest(stream::PollLoop* loop, std::string path, Tell tell)
    : loop_(loop), path_(std::move(path)), tell_(std::move(tell)) {
  Connect();
}

QmpGuest::~QmpGuest() { loop_->Cancel(retry_); }

void QmpGuest::Connect() {
  auto client = qmp::QmpClient::Connect(
      loop_, path_,
      {.on_ready =
           [this] {
             backoff_ = kFirstBackoff;
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
  ++question_;
  stopped_us_.reset();
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
    TellPaused();
  }
}

void QmpGuest::Ask() {
  client_->Execute("query-status", [this, asked = ++question_](const qmp::Message& answer) {
    if (asked == question_) Judge(answer.status);
  });
}

void QmpGuest::Judge(const std::string& run_state) {
  if (StandsForMigration(run_state)) return TellPaused();
  if (run_state == "running") return TellRuns(0);
  if (run_state != "paused") return;
  client_->Execute("query-migrate", [this, asked = question_](const qmp::Message& answer) {
    if (asked == question_ && HasSwitched(answer.status)) TellPaused();
  });
}

void QmpGuest::TellPaused() {
  ++question_;
  const int64_t time_us = std::exchange(stopped_us_, std::nullopt).value_or(0);
  tell_(false, {kQmpTrigger, time_us});
}

void QmpGuest::TellRuns(int64_t time_us) {
  ++question_;
  stopped_us_.reset();
  tell_(true, {kQmpTrigger, time_us});
}

}  // namespace outrider::agent
