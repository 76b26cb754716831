// What the guests of departing ports have read of their devices: samples while they run, and the
// decision of what is sent after them when they have paused.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "vswitch/agent/departures.h"

namespace outrider::agent {
namespace {

uint64_t YoungerThan(const datapath::DeliveredFrames& frames, uint64_t boot_ns) {
  const auto old = std::find_if(frames.kept.rbegin(), frames.kept.rend(),
                                [&](const auto& frame) { return frame.boot_ns <= boot_ns; });
  return static_cast<uint64_t>(old - frames.kept.rbegin());
}

}  // namespace

// Only a paused guest's frames depend on it: the answer may take its time.
void Departures::AskReader(const PortId& id, const Watch& watch) {
  if (!dependencies_.ask_reader || watch.device.empty()) return;
  dependencies_.ask_reader(
      watch.device, [this, id, migration_id = watch.migration_id](bool by_kernel) {
        const auto found = watches_.find(id);
        if (found == watches_.end() || found->second.migration_id != migration_id) return;
        found->second.read_by_kernel = by_kernel;
      });
}

void Departures::Sample(Watch* watch, const PortId& id) {
  if (!dependencies_.queue || watch->device.empty()) return;
  const auto counts = dependencies_.queue(watch->device);
  if (!counts) return;
  // A record is long to read: what has come meanwhile was not there when the device was asked.
  const uint64_t asked_ns = static_cast<uint64_t>(dependencies_.boot_clock() + 1) * 1000;
  const auto frames = dependencies_.moves->Delivered(id);
  if (frames.ok()) watch->queue.Sample(*counts, frames->total - YoungerThan(*frames, asked_ns));
}

void Departures::AskUsed(const PortId& id, const Watch& watch, int times) {
  if (!ask_used_ || !dependencies_.queue || watch.device.empty()) return;
  const auto counts = dependencies_.queue(watch.device);
  if (!counts) return;
  ask_used_(id, [this, id, migration_id = watch.migration_id, read = counts->read,
                 times](uint16_t used) { NoteUsed(id, migration_id, read, used, times); });
}

void Departures::NoteUsed(const PortId& id, const std::string& migration_id, uint64_t read_before,
                          uint16_t used, int times) {
  const auto found = watches_.find(id);
  if (found == watches_.end() || found->second.migration_id != migration_id) return;
  Watch& watch = found->second;
  if (watch.redirected || watch.guest != Guest::kRuns) return;
  const auto counts = dependencies_.queue(watch.device);
  if (!counts) return;
  watch.used.Sample(read_before, used, counts->read);
  watch.received.Add({.used = watch.used.used(), .least = read_before, .most = counts->read});
  if (times > 1 && !watch.used.IsExact()) AskUsed(id, watch, times - 1);
}

void Departures::ScheduleSamples(Executor::Duration delay) {
  if (!dependencies_.queue || std::exchange(sampling_, true)) return;
  dependencies_.executor->PostAfter(delay, [this] {
    sampling_ = false;
    bool any = false;
    const int64_t begin_us = dependencies_.boot_clock();
    for (auto& [id, watch] : watches_) {
      if (watch.redirected || watch.guest != Guest::kRuns) continue;
      Sample(&watch, id);
      AskUsed(id, watch, kMostQuestions);
      any = true;
    }
    const Executor::Duration took(dependencies_.boot_clock() - begin_us);
    if (any) ScheduleSamples(std::max(kSampleInterval, kSampleShare * took));
  });
}

absl::StatusOr<Replay> Departures::Decide(const PortId& id, const Watch& watch,
                                          const Pause& pause) const {
  const std::optional<uint64_t> read = FinalRead(watch.device);
  // After the device's count: what has come in between, the guest has not read.
  ASSIGN_OR_RETURN(const datapath::DeliveredFrames frames, dependencies_.moves->Delivered(id));
  const auto first = read ? FirstUnreceivedOf(watch, pause, *read, frames) : std::nullopt;
  if (first) {
    spdlog::info("port {}: of {} frames delivered, {} were read, its guest has {} those before {}",
                 id.ToString(), frames.total, watch.queue.SequenceAt(*read).value_or(0),
                 first->certain ? "surely" : "probably", first->sequence);
    // What is certain needs no clock.
    const uint64_t paused_ns =
        first->certain ? std::numeric_limits<uint64_t>::max() : BootNsOf(pause.time_us);
    return ReplayOf(frames, frames.total - first->sequence, paused_ns);
  }
  const std::optional<Unseen> unseen = read ? UnseenOf(watch.queue, watch.used, *read, pause.used,
                                                       frames.total, watch.read_by_kernel)
                                            : std::nullopt;
  if (!unseen) return ReplayOf(frames, 0, BootNsOf(pause.time_us - pause.margin_us));
  spdlog::info("port {}: of {} frames delivered, its guest has {} not received {}", id.ToString(),
               frames.total, unseen->certain ? "surely" : "probably", unseen->frames);
  return ReplayOf(frames, unseen->frames, BootNsOf(pause.time_us));
}

std::optional<FirstUnreceived> Departures::FirstUnreceivedOf(
    const Watch& watch, const Pause& pause, uint64_t read,
    const datapath::DeliveredFrames& frames) const {
  const auto sequence = watch.queue.SequenceAt(read);
  const bool by_kernel = watch.read_by_kernel || watch.used.ReadByKernel();
  if (!pause.used || !sequence || by_kernel) return std::nullopt;
  std::vector<ReceivedSample> samples;
  for (const ReceivedSample& sample : watch.received.kept()) {
    const auto least = watch.queue.SequenceAt(sample.least);
    const auto most = watch.queue.SequenceAt(sample.most);
    if (least && most) samples.push_back({.used = sample.used, .least = *least, .most = *most});
  }
  return FindFirstUnreceived(samples,
                             {.mac = watch.mac,
                              .used = watch.used.Unwrapped(*pause.used),
                              .read = *sequence,
                              .filter = pause.filter},
                             frames);
}

uint64_t Departures::BootNsOf(int64_t wall_us) const {
  const int64_t age_us = std::max<int64_t>(dependencies_.clock() - wall_us, 0);
  return static_cast<uint64_t>(std::max<int64_t>(dependencies_.boot_clock() - age_us, 0)) * 1000;
}

std::optional<uint64_t> Departures::FinalRead(const std::string& device) const {
  if (!dependencies_.queue || device.empty()) return std::nullopt;
  std::optional<QueueCounts> last = dependencies_.queue(device);
  for (int n = 1; last && n < kMostReads; ++n) {
    const std::optional<QueueCounts> next = dependencies_.queue(device);
    if (!next || next->read == last->read) break;
    last = next;
  }
  return last ? std::optional<uint64_t>(last->read) : std::nullopt;
}

}  // namespace outrider::agent
