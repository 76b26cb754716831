// The hypervisor's and the guest's part of the model.
#include "tests/controller/migration/move_steps.h"

namespace outrider::controller::move_model {
namespace {

// The datapath lets the guest of an armed port out, agent or none.
bool Open(Host* host) {
  if (host->wanted.hold != Hold::kArmed) return false;
  host->wanted.hold = Hold::kOpened;
  return true;
}

void Opened(Host* host, Trigger trigger) {
  Say(host, Word::kOpened, static_cast<uint8_t>(trigger));
}

// The source's agent, if it runs, sees its guest pause and run again.
void Pause(World* world) {
  Host& source = world->hosts[kSource];
  world->guest = Guest::kPaused;
  world->hypervisor = Hypervisor::kPaused;
  world->shown_port_data = 0;
  world->loaded = 0;
  ++world->source_clock;
  if (source.agent == 0 || source.wanted.departing == 0) return;
  source.redirected = 1;
  Say(&source, Word::kPaused, world->source_clock);
}

void ComeBack(World* world) {
  Host& source = world->hosts[kSource];
  world->guest = Guest::kAtSource;
  world->hypervisor = Hypervisor::kFailed;
  ++world->source_clock;
  if (source.agent == 0 || source.wanted.departing == 0) return;
  if (source.wanted.hold == Hold::kActive) source.redirected = 0;
  Say(&source, Word::kResumed, world->source_clock);
}

bool FrameAtSource(World* world) {
  Host& source = world->hosts[kSource];
  const bool takes_back = world->guest == Guest::kAtSource && source.wanted.hold == Hold::kActive &&
                          source.redirected != 0;
  if (!takes_back) return false;
  source.redirected = 0;
  Say(&source, Word::kResumed, world->source_clock);
  return true;
}

bool GiveUp(World* world, bool cleans_up) {
  if (world->hypervisor != Hypervisor::kFailed && world->hypervisor != Hypervisor::kCopying) {
    return false;
  }
  world->hypervisor = Hypervisor::kDone;
  Host& destination = world->hosts[kDestination];
  if (!cleans_up || destination.device == 0) return true;
  destination.device = 0;
  Say(&destination, Word::kDetached);
  return true;
}

}  // namespace

bool Steps::Move(Draft* draft, Action action) const {
  World& world = draft->world;
  switch (action) {
    case Action::kPause: {
      const Host& destination = world.hosts[kDestination];
      const bool armed = View(world).phase == v1::MIGRATION_PHASE_ARMED &&
                         destination.device != 0 && destination.wanted.hold != Hold::kNothing;
      if (world.hypervisor != Hypervisor::kCopying || !armed || world.cancelled != 0) return false;
      Pause(&world);
      return true;
    }
    case Action::kFrameAtSource:
      return FrameAtSource(&world);
    case Action::kGiveUp:
    case Action::kGiveUpSilently:
      return GiveUp(&world, action == Action::kGiveUp);
    case Action::kFail:
    case Action::kRetry:
      return Failed(draft, action);
    default:
      return Arrived(draft, action);
  }
}

bool Steps::Failed(Draft* draft, Action action) const {
  World& world = draft->world;
  if (action == Action::kFail) {
    if (world.hypervisor != Hypervisor::kPaused) return false;
    ComeBack(&world);
    return true;
  }
  if (world.hypervisor != Hypervisor::kFailed || world.attempts == 0) return false;
  --world.attempts;
  world.hypervisor = Hypervisor::kCopying;
  return true;
}

bool Steps::Arrived(Draft* draft, Action action) const {
  World& world = draft->world;
  Host& destination = draft->at(kDestination);
  const bool paused = world.hypervisor == Hypervisor::kPaused && world.cancelled == 0;
  switch (action) {
    case Action::kShowPortData:
      if (!paused || destination.agent == 0 || world.shown_port_data != 0) return false;
      world.shown_port_data = 1;
      if (Open(&destination)) Opened(&destination, Trigger::kPortData);
      return true;
    case Action::kLoad:
      if (!paused || destination.agent == 0 || world.loaded != 0) return false;
      world.loaded = 1;
      if (destination.wanted.hold != Hold::kNothing) Say(&destination, Word::kLoaded);
      return true;
    case Action::kSwitchover: {
      Input input;
      input.kind = Input::Kind::kSwitchover;
      return paused && Feed(draft, input);
    }
    case Action::kArrive:
      if (!paused || destination.alive == 0) return false;
      world.hypervisor = Hypervisor::kArrived;
      world.guest = Guest::kAtDestination;
      return true;
    case Action::kResumeEvent:
      if (world.guest != Guest::kAtDestination || destination.agent == 0) return false;
      if (!Open(&destination)) return false;
      Opened(&destination, Trigger::kQmp);
      return true;
    case Action::kFrame: {
      const bool passes = world.guest == Guest::kAtDestination && world.guest_sent == 0 &&
                          destination.wanted.hold != Hold::kNothing;
      if (!passes) return false;
      world.guest_sent = 1;
      if (Open(&destination)) Opened(&destination, Trigger::kFrame);
      Say(&destination, Word::kFrame);
      return true;
    }
    default:
      break;
  }
  // kRelease: what the guest has left behind goes.
  if (world.hypervisor != Hypervisor::kArrived) return false;
  world.hypervisor = Hypervisor::kDone;
  draft->at(kSource).device = 0;
  Say(&draft->at(kSource), Word::kDetached);
  return true;
}

}  // namespace outrider::controller::move_model
