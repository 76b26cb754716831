#include "tests/controller/migration/move_records.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>

namespace outrider::controller::move_model {
namespace {

constexpr char kPort[] = "1";
constexpr int64_t kLeaseUs = 600'000'000;

std::string Name(int host) { return "h" + std::to_string(host + 1); }

template <typename T>
std::string BytesOf(const T& value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

std::string Serialized(const v1::Migration& migration) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    migration.SerializeToCodedStream(&coded);
  }
  return bytes;
}

// What the state machine looks at again; the rest of a timeline is for people.
bool Matters(const v1::MigrationEvent& event) {
  static const std::set<std::string> kKinds{"attached",   "detached", "activated", "first-frame",
                                            "switchover", "paused",   "resumed"};
  return kKinds.contains(event.kind());
}

// A record that differs from this one in nothing that the state machine can see: with so many
// orders of events, most lead to the same.
v1::Migration Canonical(const v1::Migration& given) {
  v1::Migration migration = given;
  migration.clear_timeline();
  migration.clear_converge_p50_us();
  migration.clear_converge_p99_us();
  migration.clear_converge_max_us();
  if (migration.rerouted_us() != 0) migration.set_rerouted_us(1);
  for (auto& [host, generation] : *migration.mutable_peers()) generation = generation != 0;
  std::map<std::string, v1::MigrationEvent> events;
  bool switched = false;
  for (const v1::MigrationEvent& event : given.timeline()) {
    if (!Matters(event)) continue;
    v1::MigrationEvent kept = event;
    if (event.kind() == "switchover") switched = true;
    kept.set_recorded_us(event.kind() == "switchover" ? 2 : (switched ? 3 : 1));
    const bool word = event.kind() == "paused" || event.kind() == "resumed";
    if (!word && event.kind() != "switchover") kept.set_recorded_us(0);
    // Of the source's words the newest counts.
    const std::string key = event.kind() + event.host() + (word ? std::string() : event.detail());
    const auto known = events.find(key);
    if (word && known != events.end() && known->second.time_us() > event.time_us()) continue;
    events[key] = kept;
  }
  // What came before the switchover stays before it.
  for (const int64_t recorded_us : {0, 1, 2, 3}) {
    for (const auto& [key, event] : events) {
      if (event.recorded_us() == recorded_us) *migration.add_timeline() = event;
    }
  }
  return migration;
}

Peers ConnectedOf(const Input& input) {
  Peers peers;
  for (int host = 0; host < kHosts; ++host) {
    if ((input.connected >> host & 1) != 0) peers.push_back(Name(host));
  }
  return peers;
}

// Later than all that is in a record, whose times say no more than what came first.
int64_t NowUs(const Input& input) {
  const int64_t now_us = 10;
  if (input.kind != Input::Kind::kTick) return now_us;
  switch (input.lapse) {
    case Lapse::kSettle:
      return now_us + kRollbackSettleUs;
    case Lapse::kDrain:
      return now_us + kDrainUs;
    case Lapse::kReroute:
      return now_us + kRerouteGraceUs;
    case Lapse::kGrace:
      return now_us + kCommitGraceUs;
    case Lapse::kAbsence:
      return now_us + kAbsenceUs;
    case Lapse::kLease:
      return kLeaseUs + kLeaseGraceUs;
  }
  return now_us;
}

ReceiptEvent Receipt(const std::string& host, Hold hold) {
  ReceiptEvent event;
  event.receipt.set_host(host);
  event.receipt.set_port_id(kPort);
  event.receipt.set_digest("digest");
  event.receipt.set_epoch(2);
  event.receipt.set_phase(hold == Hold::kArmed ? v1::PORT_PHASE_ARMED : v1::PORT_PHASE_ACTIVE);
  return event;
}

MigrationInput Said(const Input& input) {
  const std::string host = Name(input.host);
  const uint8_t argument = input.message.argument;
  const Peers peers = ConnectedOf(input);
  switch (input.message.word) {
    case Word::kAck:
      return AckEvent{host, GenerationOf(argument), 0, 0, ""};
    case Word::kPaused:
      return SourceEvent{SourceEvent::Kind::kPaused, host, kPort, "m1", argument, "qmp"};
    case Word::kResumed:
      return SourceEvent{SourceEvent::Kind::kResumed, host, kPort, "m1", argument, "qmp"};
    case Word::kOpened: {
      static const char* const kTriggers[] = {"", kPortDataTrigger, "qmp", "first-frame"};
      return ActivationEvent{host, kPort, 2, 0, false, peers, kTriggers[argument]};
    }
    case Word::kLoaded:
      return LoadedEvent{host, kPort, "m1", 0, "tap-features", peers};
    case Word::kFrame:
      return ActivationEvent{host, kPort, 2, 0, true, peers};
    default:
      return DetachedEvent{host, kPort, 0, peers};
  }
}

MigrationInput InputOf(const Input& input, int64_t now_us) {
  switch (input.kind) {
    case Input::Kind::kWord:
      return Said(input);
    case Input::Kind::kSwitchover:
      return SwitchoverEvent{0, ConnectedOf(input)};
    case Input::Kind::kAbort:
      return AbortEvent{"operator"};
    case Input::Kind::kHostLost:
      return HostLostEvent{Name(input.host)};
    case Input::Kind::kTick:
      break;
  }
  const auto presence = [&](int host) {
    const bool connected = (input.connected >> host & 1) != 0;
    return HostPresence{connected, 0, connected ? now_us : 0};
  };
  return TickEvent{presence(kDestination), 0, presence(kSource)};
}

}  // namespace

Records::Records() {
  v1::Migration first;
  first.mutable_meta()->set_name("m1");
  first.mutable_meta()->set_revision(1);
  first.set_source(Name(kSource));
  first.set_destination(Name(kDestination));
  first.set_phase(v1::MIGRATION_PHASE_PREPARING);
  first.set_lease_expires_us(kLeaseUs);
  first.add_port_ids(kPort);
  (*first.mutable_source_epochs())[kPort] = 1;
  (*first.mutable_expected_digests())[kPort] = "digest";
  AddEvent(&first, 0, 0, Name(kDestination), "attached", kPort, "");
  Intern(first);
}

uint32_t Records::Intern(const v1::Migration& given) {
  const v1::Migration migration = Canonical(given);
  const auto [found, fresh] =
      ids_.emplace(Serialized(migration), static_cast<uint32_t>(records_.size()));
  if (!fresh) return found->second;
  records_.push_back(migration);
  RecordView view;
  view.phase = migration.phase();
  view.rerouted = migration.rerouted_us() != 0;
  view.source_let_go = SourceLetGo(migration, kPort);
  view.move_revision = MoveRevision(migration);
  for (int host = 0; host < kHosts; ++host) {
    const auto peer = migration.peers().find(Name(host));
    view.owes[host] = view.switching() && peer != migration.peers().end() && peer->second == 0;
  }
  views_.push_back(view);
  return found->second;
}

Fed Records::Feed(uint32_t record, const Input& input) {
  const std::string key = BytesOf(record) + BytesOf(input);
  if (const auto known = fed_.find(key); known != fed_.end()) return known->second;
  const Fed fed = Compute(record, input);
  fed_.emplace(key, fed);
  return fed;
}

Fed Records::Compute(uint32_t record, const Input& input) {
  v1::Migration migration = records_.at(record);
  const int64_t now_us = NowUs(input);
  std::vector<MigrationInput> inputs;
  const bool ack = input.kind == Input::Kind::kWord && input.message.word == Word::kAck;
  const Hold hold = HoldOf(input.message.argument);
  if (ack && input.host == kDestination && hold != Hold::kNothing) {
    inputs.push_back(Receipt(Name(input.host), hold));
  }
  inputs.push_back(InputOf(input, now_us));
  if (views_.at(record).switching() && !views_.at(record).rerouted) {
    inputs.push_back(RerouteEvent{ConnectedOf(input)});
  }
  Fed fed;
  fed.record = record;
  for (const MigrationInput& each : inputs) {
    auto outcome = Advance(migration, each, now_us);
    // A refused switchover or abort changes nothing.
    if (!outcome.ok()) return Fed{.record = record};
    fed.changed |= outcome->changed;
    if (outcome->relocation != Relocation::kNone) fed.relocation = outcome->relocation;
    migration = std::move(outcome->next);
  }
  if (!fed.changed) return fed;
  const bool told = migration.phase() != views_.at(record).phase ||
                    (migration.rerouted_us() != 0) != views_.at(record).rerouted;
  fed.commits = told;
  migration.mutable_meta()->set_revision(input.revision + (told ? 1u : 0u));
  fed.record = Intern(migration);
  return fed;
}

}  // namespace outrider::controller::move_model
