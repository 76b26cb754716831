#include "vswitch/ovs/switch_view.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "vswitch/ovs/row_reader.h"

namespace outrider::ovs {
namespace {

constexpr char kPortData[] = "PortData";
constexpr auto kMinStatisticsInterval = std::chrono::milliseconds(1000);

std::string NameOf(const RowChange& change) {
  return RowReader(change.after != nullptr ? *change.after : *change.before).Text("name");
}

// Tables whose rows the configuration is read from.
bool IsConfiguration(const std::string& table) {
  return table == "Open_vSwitch" || table == "Bridge" || table == "Port" || table == "Interface" ||
         table == "QoS" || table == "Queue";
}

std::chrono::milliseconds IntervalOf(const Tables& tables) {
  const auto rows = tables.find("Open_vSwitch");
  if (rows == tables.end() || rows->second.empty()) return SwitchView::kStatisticsInterval;
  const auto text =
      RowReader(*rows->second.begin()->second).ValueOf("other_config", "stats-update-interval");
  int64_t interval = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), interval);
  if (interval <= 0) return SwitchView::kStatisticsInterval;
  return std::max(std::chrono::milliseconds(interval), kMinStatisticsInterval);
}

// First failure among the results of a transaction; empty: none.
std::string FailureIn(const ovsdb::Json& results) {
  for (const ovsdb::Json& result : results) {
    if (result.is_object() && result.contains("error")) return ovsdb::ToText(result);
  }
  return "";
}

}  // namespace

SwitchView::SwitchView(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

SwitchView::~SwitchView() {
  *alive_ = false;
  dependencies_.ports->SetObserver(nullptr);
  if (observer_ != 0) dependencies_.database->RemoveObserver(observer_);
}

absl::Status SwitchView::Start(const SwitchIdentity& identity) {
  const Outcome outcome = dependencies_.database->Transact(
      IdentityOperations(*dependencies_.database, identity), {.trusted = true});
  if (const std::string failure = FailureIn(outcome.results); !failure.empty()) {
    return absl::InternalError("the Open_vSwitch row cannot be written: " + failure);
  }
  observer_ =
      dependencies_.database->AddObserver([this](const Changes& changes) { OnCommit(changes); });
  dependencies_.ports->SetObserver([this, alive = alive_](SwitchReport report) {
    dependencies_.post([this, alive, report = std::move(report)]() mutable {
      if (*alive) OnReport(std::move(report));
    });
  });
  config_ = ReadConfig(dependencies_.database->tables());
  config_.serial = 1;
  dependencies_.ports->Apply(config_);
  statistics_due_ = dependencies_.clock();
  return absl::OkStatus();
}

void SwitchView::OnCommit(const Changes& changes) {
  if (writing_) return;
  touched_.clear();
  counted_ = false;
  const bool relevant = std::any_of(changes.begin(), changes.end(), [](const RowChange& change) {
    return IsConfiguration(change.table);
  });
  if (!relevant) return;
  const SwitchConfig before = std::exchange(config_, ReadConfig(dependencies_.database->tables()));
  config_.serial = before.serial;
  counted_ = before.next_cfg != config_.next_cfg;
  for (const RowChange& change : changes) NoteInterface(change);
  if (before == config_) return;
  if (before.bridges == config_.bridges && report_.serial == config_.serial) {
    // The host has nothing to do: libvirt's words inside a guest's blackout end here.
    report_.next_cfg = config_.next_cfg;
    dependencies_.post([this, alive = alive_] {
      if (*alive) Write(CurCfgOperations(*dependencies_.database, report_.next_cfg));
    });
    return;
  }
  ++config_.serial;
  dependencies_.ports->Apply(config_);
}

// The rows of Port and Interface have their names in common.
void SwitchView::NoteInterface(const RowChange& change) {
  if (change.table != "Interface" && change.table != "Port") return;
  touched_.insert(NameOf(change));
  if (change.table != "Interface" || change.after == nullptr) return;
  const auto data = RowReader(*change.after).ValueOf("external_ids", kPortData);
  if (!data || data->empty()) return;
  if (change.before != nullptr &&
      RowReader(*change.before).ValueOf("external_ids", kPortData) == data) {
    return;
  }
  const std::string name = NameOf(change);
  for (const auto& [bridge_name, bridge] : config_.bridges) {
    const auto interface = bridge.interfaces.find(name);
    if (interface == bridge.interfaces.end()) continue;
    return dependencies_.ports->TakePortData(interface->second.Id(), *data);
  }
}

void SwitchView::AnswerWhenInForce(std::function<void()> answer) {
  Held held{next_token_++, config_.serial, std::exchange(touched_, {}), std::move(answer)};
  if (!std::exchange(counted_, false) || IsSettled(held)) return held.answer();
  dependencies_.post_after(kPatience, [this, alive = alive_, token = held.token] {
    if (*alive) ReleaseLate(token);
  });
  held_.push_back(std::move(held));
}

void SwitchView::ReleaseLate(uint64_t token) {
  const auto late =
      std::find_if(held_.begin(), held_.end(), [&](const Held& one) { return one.token == token; });
  if (late == held_.end()) return;
  const auto answer = std::move(late->answer);
  held_.erase(late);
  answer();
}

bool SwitchView::IsSettled(const Held& held) const {
  if (report_.serial < held.serial) return false;
  return std::none_of(held.interfaces.begin(), held.interfaces.end(), [&](const std::string& name) {
    const auto found = report_.interfaces.find(name);
    return found != report_.interfaces.end() && found->second.pending;
  });
}

void SwitchView::OnReport(SwitchReport report) {
  // What the view has settled by itself since stays so.
  if (report.serial == report_.serial) report.next_cfg = report_.next_cfg;
  report_ = std::move(report);
  const auto now = dependencies_.clock();
  const bool with_statistics = now >= statistics_due_;
  if (with_statistics) statistics_due_ = now + IntervalOf(dependencies_.database->tables());
  Write(StatusOperations(*dependencies_.database, config_, report_, with_statistics));
  ReleaseHeld();
}

void SwitchView::Write(const ovsdb::Json& operations) {
  if (operations.empty()) return;
  writing_ = true;
  const Outcome outcome = dependencies_.database->Transact(operations, {.trusted = true});
  writing_ = false;
  if (const std::string failure = FailureIn(outcome.results); !failure.empty()) {
    spdlog::warn("the Open_vSwitch database's status columns cannot be written: {}", failure);
  }
}

void SwitchView::ReleaseHeld() {
  std::list<Held> ready;
  for (auto it = held_.begin(); it != held_.end();) {
    const auto next = std::next(it);
    if (IsSettled(*it)) ready.splice(ready.end(), held_, it);
    it = next;
  }
  for (const Held& held : ready) held.answer();
}

}  // namespace outrider::ovs
