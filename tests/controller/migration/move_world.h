// One world of the model of a move: what the controller, three hosts, the guest and its hypervisor
// have come to, and which messages are on their way. Of one port, "1", which moves from the source
// to the destination; the other host sends to it.
//
// Plain values: equal worlds have equal bytes.
#ifndef OUTRIDER_TESTS_CONTROLLER_MIGRATION_MOVE_WORLD_H_
#define OUTRIDER_TESTS_CONTROLLER_MIGRATION_MOVE_WORLD_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace outrider::controller::move_model {

enum class Guest : uint8_t { kAtSource, kPaused, kAtDestination, kDead };

// What moves the guest.
enum class Hypervisor : uint8_t {
  kCopying,
  kPaused,   // the guest stands still; it arrives, or the move fails
  kArrived,  // it runs at the destination
  kFailed,   // it runs at the source again
  kDone,
};

// What a host has in force for the port. The other host: where it sends to, kActive for the
// destination.
enum class Hold : uint8_t { kNothing, kArmed, kOpened, kActive, kDeparted };

// What a host says.
enum class Word : uint8_t {
  kNone,
  kAck,     // InForce: acknowledgement, and the destination's receipt
  kPaused,  // source's clock
  kResumed,
  kOpened,  // Trigger
  kFrame,
  kLoaded,  // the tap's features
  kDetached,
};

// What a host acknowledges: generation and Hold.
constexpr uint8_t InForce(uint8_t generation, Hold hold) {
  return static_cast<uint8_t>(generation | static_cast<uint8_t>(hold) << 5);
}
constexpr uint8_t GenerationOf(uint8_t in_force) { return in_force & 31; }
constexpr Hold HoldOf(uint8_t in_force) { return static_cast<Hold>(in_force >> 5); }

// What opened a port that was armed.
enum class Trigger : uint8_t { kUnknown, kPortData, kQmp, kFrame };

struct Message {
  Word word = Word::kNone;
  uint8_t argument = 0;
};

inline constexpr int kSource = 0;
inline constexpr int kDestination = 1;
inline constexpr int kOther = 2;
inline constexpr int kHosts = 3;
// The port is on none of them.
inline constexpr int kNowhere = 3;

// A host's state as the controller computes it.
struct Wanted {
  Hold hold = Hold::kNothing;
  uint8_t epoch = 0;
  // The source knows where the port is to go.
  uint8_t departing = 0;

  bool operator==(const Wanted&) const = default;
};

struct Host {
  uint8_t alive = 1;
  uint8_t agent = 1;
  uint8_t connected = 1;
  // The agent has started anew since it was last connected.
  uint8_t fresh = 0;
  uint8_t device = 0;
  uint8_t redirected = 0;
  // In force, as of the generation.
  Wanted wanted;
  uint8_t generation = 0;
  // On its way to the host; 0: nothing is.
  uint8_t coming_generation = 0;
  Wanted coming;
  // From the host to the controller, in this order.
  std::array<Message, 6> queue;
  uint8_t queued = 0;
};

struct World {
  // Of Records.
  uint32_t record = 0;
  // With a controller that forgets: the record before.
  uint32_t forgotten = 0;
  // Commits so far that hosts may be told of.
  uint8_t revision = 1;
  uint8_t place = kSource;
  uint8_t epoch = 1;
  Guest guest = Guest::kAtSource;
  Hypervisor hypervisor = Hypervisor::kCopying;
  uint8_t shown_port_data = 0;
  uint8_t loaded = 0;
  uint8_t guest_sent = 0;
  uint8_t cancelled = 0;
  // Ticks with each pause and each coming back.
  uint8_t source_clock = 0;
  // What may still go wrong.
  uint8_t attempts = 0;
  uint8_t faults = 0;
  // So that the bytes are the value.
  std::array<uint8_t, 3> padding = {};
  std::array<Host, kHosts> hosts;

  std::string_view Bytes() const { return {reinterpret_cast<const char*>(this), sizeof(World)}; }
  bool operator==(const World& other) const { return Bytes() == other.Bytes(); }
};
static_assert(std::has_unique_object_representations_v<World>);

// What cannot be said now is said with the next session, or never.
void Say(Host* host, Word word, uint8_t argument = 0);
void TakeOut(Host* host, int position);

// One line, for traces.
std::string Describe(const World& world);

}  // namespace outrider::controller::move_model

#endif  // OUTRIDER_TESTS_CONTROLLER_MIGRATION_MOVE_WORLD_H_
