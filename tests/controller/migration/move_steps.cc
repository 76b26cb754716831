#include "tests/controller/migration/move_steps.h"

#include <fmt/format.h>

#include <algorithm>

namespace outrider::controller::move_model {

namespace {

constexpr const char* kActionNames[kActions] = {"the controller hears",
                                                "the agent starts",
                                                "connects",
                                                "is sent its state",
                                                "applies its state",
                                                "the guest pauses",
                                                "port data is shown at the destination",
                                                "the guest is loaded at the destination",
                                                "Switchover is called",
                                                "the guest arrives",
                                                "RESUME at the destination",
                                                "the guest sends at the destination",
                                                "the guest sends at the source",
                                                "the source's device goes",
                                                "the move fails, the guest runs at the source",
                                                "the hypervisor tries again",
                                                "the hypervisor gives up and cleans up",
                                                "the hypervisor gives up",
                                                "time to settle passes",
                                                "the drain's time passes",
                                                "the time to reroute passes",
                                                "the commit's grace passes",
                                                "the destination stays away",
                                                "the lease ends",
                                                "a word comes twice",
                                                "a word overtakes another",
                                                "loses its session",
                                                "the agent crashes",
                                                "the host dies",
                                                "the controller crashes",
                                                "the operator aborts"};

// These are of a session; all others are kept until they have come through.
void ForgetSession(Host* host) {
  for (int i = host->queued - 1; i >= 0; --i) {
    const Word word = host->queue[i].word;
    if (word == Word::kAck) TakeOut(host, i);
  }
  host->coming_generation = 0;
  host->coming = {};
}

uint8_t ConnectedMask(const World& world) {
  uint8_t mask = 0;
  for (int host = 0; host < kHosts; ++host) {
    if (world.hosts[host].connected != 0) mask |= static_cast<uint8_t>(1 << host);
  }
  return mask;
}

// Every word of a connected host has been heard.
bool Heard(const World& world) {
  return std::all_of(world.hosts.begin(), world.hosts.end(),
                     [](const Host& host) { return host.connected == 0 || host.queued == 0; });
}

}  // namespace

std::string Describe(const Step& step) {
  const char* const name = kActionNames[static_cast<int>(step.action)];
  const bool of_host = step.action <= Action::kApply ||
                       (step.action >= Action::kRepeat && step.action <= Action::kCrashHost);
  return of_host ? fmt::format("h{}: {}", step.host + 1, name) : std::string(name);
}

// A host's own state, as ComputeHostState makes it.
Wanted Steps::WantedAt(const World& world, int host) const {
  const RecordView& record = View(world);
  const bool under_way = record.switching() || record.phase == v1::MIGRATION_PHASE_ARMED;
  if (host == kOther) {
    const bool there = world.place == kDestination && (record.rerouted || record.ended());
    return {there ? Hold::kActive : Hold::kNothing, 0, 0};
  }
  if (world.place == host) {
    const bool departing = host == kSource && under_way;
    return {Hold::kActive, world.epoch, static_cast<uint8_t>(departing)};
  }
  if (host == kSource && record.switching()) return {Hold::kDeparted, 1, 1};
  if (host == kDestination && record.expecting()) return {Hold::kArmed, 2, 0};
  return {};
}

bool Steps::Feed(Draft* draft, Input input) const {
  World& world = draft->world;
  input.connected = ConnectedMask(world);
  input.revision = world.revision;
  const RecordView before = View(world);
  const Fed fed = records_->Feed(world.record, input);
  if (!fed.changed) return false;
  if (!rules_.durable) world.forgotten = world.record;
  world.record = fed.record;
  if (fed.commits) ++world.revision;
  if (fed.relocation == Relocation::kToDestination) {
    world.place = kDestination;
    world.epoch = 2;
  }
  const RecordView& after = View(world);
  if (fed.relocation == Relocation::kToSource) {
    world.place = after.source_let_go ? kNowhere : kSource;
    world.epoch = rules_.newer_epoch ? 3 : 2;
  }
  if (before.ended() && after.phase != before.phase) draft->violation = "what has ended goes on";
  const bool aborts = after.phase == v1::MIGRATION_PHASE_ABORTED && !before.ended();
  if (aborts && !draft->operators && world.guest == Guest::kAtDestination) {
    draft->violation = "aborted although the guest runs at the destination";
  }
  const auto lacks = [&](const Host& host) {
    return host.alive != 0 && host.generation < after.move_revision;
  };
  if (after.phase == v1::MIGRATION_PHASE_COMMITTED && !before.ended() && !draft->timer) {
    draft->violation = "committed while frames may be under way";
  }
  const Host& source = world.hosts[kSource];
  const bool in_order = !lacks(source) && !lacks(world.hosts[kDestination]);
  const bool waits = before.switching() && after.switching() && !before.rerouted && !draft->timer;
  if (waits && after.rerouted && source.connected != 0 && !in_order) {
    draft->violation = "the others are rerouted before the two have the move";
  }
  return true;
}

bool Steps::Deliver(Draft* draft, int number, int position, bool keep) const {
  Host& host = draft->at(number);
  if (host.connected == 0 || host.queued <= position) return false;
  const Message message = host.queue[position];
  if (!keep) TakeOut(&host, position);
  const bool lost = message.word == Word::kResumed && !rules_.hears_resumed;
  Input input;
  input.host = static_cast<uint8_t>(number);
  input.message = message;
  if (!lost) Feed(draft, input);
  World& world = draft->world;
  if (message.word == Word::kDetached && world.place == number) {
    world.place = kNowhere;
    ++world.revision;
  }
  return true;
}

// With each session an agent says what it has in force; one that has started anew also how it finds
// guest and devices.
bool Steps::Connect(Draft* draft, int number) const {
  Host& host = draft->at(number);
  if (host.alive == 0 || host.agent == 0 || host.connected != 0) return false;
  host.connected = 1;
  if (host.fresh != 0 && number != kOther) {
    if (host.device == 0) Say(&host, Word::kDetached);
    const Guest guest = draft->world.guest;
    const bool moved = number == kSource && host.wanted.departing != 0 && host.device != 0;
    if (moved && guest == Guest::kPaused) Say(&host, Word::kPaused, ++draft->world.source_clock);
    const bool back = host.redirected != 0 || host.wanted.hold == Hold::kDeparted;
    if (moved && guest == Guest::kAtSource && back && rules_.finds_guest) {
      Say(&host, Word::kResumed, ++draft->world.source_clock);
      if (host.wanted.hold == Hold::kActive) host.redirected = 0;
    }
    if (host.wanted.hold == Hold::kOpened) {
      Say(&host, Word::kOpened, static_cast<uint8_t>(Trigger::kUnknown));
    }
  }
  host.fresh = 0;
  Say(&host, Word::kAck, InForce(host.generation, host.wanted.hold));
  return true;
}

bool Steps::Send(Draft* draft, int number) const {
  World& world = draft->world;
  Host& host = draft->at(number);
  if (host.connected == 0 || host.coming_generation != 0) return false;
  const Wanted wanted = WantedAt(world, number);
  // A port that was opened is as it should be until the controller has heard of it.
  const bool opened = host.wanted.hold == Hold::kOpened && wanted.hold == Hold::kArmed;
  const bool same = wanted == host.wanted || opened;
  const bool owed = View(world).owes[number] && host.generation < world.revision;
  if (same && !owed) return false;
  host.coming_generation = world.revision;
  host.coming = opened ? host.wanted : wanted;
  // How long it takes the other host is of no interest to anybody.
  return number != kOther || Apply(draft, number);
}

bool Steps::Apply(Draft* draft, int number) const {
  Host& host = draft->at(number);
  if (host.agent == 0 || host.coming_generation == 0) return false;
  const bool armed_again = host.wanted.hold == Hold::kOpened && host.coming.hold == Hold::kArmed;
  if (!armed_again) host.wanted = host.coming;
  host.generation = host.coming_generation;
  host.coming_generation = 0;
  host.coming = {};
  const bool departs = host.wanted.hold == Hold::kDeparted && host.redirected == 0;
  if (host.wanted.hold == Hold::kDeparted) host.redirected = 1;
  // A guest that came back before the agent knew that it was to go.
  World& world = draft->world;
  const bool runs = number == kSource && world.guest == Guest::kAtSource && host.device != 0;
  if (departs && runs && rules_.finds_guest) Say(&host, Word::kResumed, ++world.source_clock);
  const bool stays = host.wanted.departing != 0 && host.wanted.epoch == 1;
  if (!stays) host.redirected = 0;
  // Others nobody waits for.
  const bool counts =
      View(world).owes[number] || (number == kDestination && View(world).expecting());
  if (counts) Say(&host, Word::kAck, InForce(host.generation, host.wanted.hold));
  return true;
}

bool Steps::Disconnect(Draft* draft, int number) const {
  Host& host = draft->at(number);
  if (host.connected == 0) return false;
  host.connected = 0;
  ForgetSession(&host);
  Input input;
  input.kind = Input::Kind::kHostLost;
  input.host = static_cast<uint8_t>(number);
  Feed(draft, input);
  return true;
}

bool Steps::HappenAtHost(Draft* draft, const Step& step) const {
  Host& host = draft->at(step.host);
  switch (step.action) {
    case Action::kDeliver:
      return Deliver(draft, step.host, 0, false);
    case Action::kStart:
      if (host.alive == 0 || host.agent != 0) return false;
      host.agent = 1;
      host.fresh = 1;
      return true;
    case Action::kConnect:
      return Connect(draft, step.host);
    case Action::kSend:
      return Send(draft, step.host);
    default:
      return Apply(draft, step.host);
  }
}

bool Steps::Pass(Draft* draft, Action action) const {
  const World& world = draft->world;
  draft->timer = true;
  Input input;
  input.kind = Input::Kind::kTick;
  switch (action) {
    case Action::kSettle:
      input.lapse = Lapse::kSettle;
      break;
    case Action::kDrain:
      input.lapse = Lapse::kDrain;
      break;
    case Action::kReroute:
      input.lapse = Lapse::kReroute;
      break;
    case Action::kGrace:
      // No guest stands still for so long.
      if (world.guest == Guest::kPaused) return false;
      input.lapse = Lapse::kGrace;
      break;
    case Action::kAbsence:
      // A host that lives comes back before.
      if (world.hosts[kDestination].alive != 0) return false;
      input.lapse = Lapse::kAbsence;
      break;
    default:
      if (!rules_.lease) return false;
      input.lapse = Lapse::kLease;
      break;
  }
  return Heard(world) && Feed(draft, input);
}

bool Steps::Happen(Draft* draft, const Step& step) const {
  if (step.action <= Action::kApply) return HappenAtHost(draft, step);
  if (step.action <= Action::kGiveUpSilently) return Move(draft, step.action);
  if (step.action == Action::kLease) {
    // The last that happens: whatever is faster has been done.
    const auto due = FairStep(draft->world);
    if (!due || due->action != Action::kLease) return false;
  }
  if (step.action <= Action::kLease) return Pass(draft, step.action);
  return GoWrong(draft, step);
}

bool Steps::GoWrong(Draft* draft, const Step& step) const {
  World& world = draft->world;
  Host& host = draft->at(step.host);
  if (world.faults == 0) return false;
  --world.faults;
  switch (step.action) {
    case Action::kRepeat:
      return Deliver(draft, step.host, 0, true);
    case Action::kOvertake:
      return Deliver(draft, step.host, 1, false);
    case Action::kDisconnect:
      return Disconnect(draft, step.host);
    case Action::kCrashAgent:
      if (host.agent == 0) return false;
      Disconnect(draft, step.host);
      host.agent = 0;
      while (host.queued > 0) TakeOut(&host, 0);
      return true;
    case Action::kCrashHost:
      if (step.host != kDestination || host.alive == 0) return false;
      Disconnect(draft, step.host);
      host = Host();
      host.alive = host.agent = host.connected = 0;
      if (world.guest == Guest::kAtDestination) world.guest = Guest::kDead;
      return true;
    case Action::kCrashController:
      for (Host& each : world.hosts) {
        each.connected = 0;
        ForgetSession(&each);
      }
      if (!rules_.durable) world.record = world.forgotten;
      return true;
    default:
      break;
  }
  const bool may = world.hypervisor != Hypervisor::kArrived &&
                   world.hypervisor != Hypervisor::kDone && world.cancelled == 0;
  if (!may) return false;
  Input input;
  input.kind = Input::Kind::kAbort;
  draft->operators = true;
  world.cancelled = 1;
  return Feed(draft, input);
}

// What no longer makes a difference, so that worlds that are alike are one.
void Steps::Normalize(World* world) const {
  const RecordView& record = View(*world);
  for (Host& host : world->hosts) {
    if (!record.switching() || host.generation < record.move_revision) host.generation = 0;
    if (!record.switching() && host.coming_generation != 0) host.coming_generation = 1;
    for (int i = 0; i < host.queued && !record.switching(); ++i) {
      Message& message = host.queue[i];
      if (message.word == Word::kAck) message.argument = InForce(0, HoldOf(message.argument));
    }
  }
  if (record.ended()) world->revision = 20;
  if (world->hypervisor != Hypervisor::kPaused) world->shown_port_data = world->loaded = 0;
  if (world->hypervisor == Hypervisor::kDone) world->attempts = world->cancelled = 0;
}

std::optional<Taken> Steps::Take(const World& world, const Step& step) const {
  Draft draft{world, {}, false, false};
  if (!Happen(&draft, step)) return std::nullopt;
  Normalize(&draft.world);
  if (draft.violation.empty() && draft.world == world) return std::nullopt;
  return Taken{draft.world, draft.violation};
}

std::optional<Step> Steps::FairStep(const World& world) const {
  static constexpr Action kPerHost[] = {Action::kDeliver, Action::kStart, Action::kConnect,
                                        Action::kApply, Action::kSend};
  for (const Action action : kPerHost) {
    for (uint8_t host = 0; host < kHosts; ++host) {
      Draft draft{world, {}, false, false};
      if (HappenAtHost(&draft, {action, host})) return Step{action, host};
    }
  }
  static constexpr Action kOnce[] = {Action::kPause,         Action::kArrive,  Action::kFrame,
                                     Action::kFrameAtSource, Action::kRelease, Action::kFail,
                                     Action::kGiveUp};
  for (const Action action : kOnce) {
    // It goes on copying as long as the move may succeed.
    const bool copies = action == Action::kGiveUp && world.hypervisor == Hypervisor::kCopying &&
                        world.cancelled == 0 && View(world).expecting() &&
                        world.hosts[kDestination].alive != 0;
    Draft draft{world, {}, false, false};
    if (!copies && Move(&draft, action)) return Step{action, 0};
  }
  for (const Action action : {Action::kSettle, Action::kDrain, Action::kReroute, Action::kGrace,
                              Action::kAbsence, Action::kLease}) {
    Draft draft{world, {}, false, false};
    if (Pass(&draft, action)) return Step{action, 0};
  }
  return std::nullopt;
}

}  // namespace outrider::controller::move_model
