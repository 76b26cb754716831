#include "vswitch/datapath/ebpf/acl/classes.h"

#include <array>

namespace outrider::datapath::ebpf {
namespace {

// A rule begins or ceases to accept keys.
struct Turn {
  FieldKey at;
  uint32_t rule = 0;
  bool begins = false;
};

void Append(FieldKey first, uint32_t record, std::vector<Interval>* classes) {
  if (!classes->empty() && classes->back().record == record) return;
  classes->push_back({first, record});
}

std::vector<Turn> TurnsOf(const std::vector<Claim>& claims) {
  std::vector<Turn> turns;
  turns.reserve(2 * claims.size());
  for (const Claim& claim : claims) {
    turns.push_back({claim.first, claim.rule, true});
    if (claim.last != absl::Uint128Max()) turns.push_back({claim.last + 1, claim.rule, false});
  }
  return turns;
}

// By counting: 16-bit keys, and the one behind them.
void SortNarrow(std::vector<Turn>* turns) {
  std::vector<uint32_t> place(65536 + 2);
  for (const Turn& turn : *turns) ++place[absl::Uint128Low64(turn.at) + 1];
  for (size_t key = 1; key < place.size(); ++key) place[key] += place[key - 1];
  std::vector<Turn> sorted(turns->size());
  for (const Turn& turn : *turns) sorted[place[absl::Uint128Low64(turn.at)]++] = turn;
  *turns = std::move(sorted);
}

uint8_t ByteOf(FieldKey key, int place) {
  const uint64_t half = place < 8 ? absl::Uint128Low64(key) : absl::Uint128High64(key);
  return static_cast<uint8_t>(half >> (place % 8 * 8));
}

// By counting, byte after byte from the lowest on; those that are alike in all keys, of IPv4
// addresses most, cost nothing.
void SortWide(std::vector<Turn>* turns) {
  if (turns->empty()) return;
  FieldKey differ = 0;
  for (const Turn& turn : *turns) differ |= turn.at ^ turns->front().at;
  std::vector<Turn> sorted(turns->size());
  for (int place = 0; place < 16; ++place) {
    if (ByteOf(differ, place) == 0) continue;
    std::array<uint32_t, 257> begin{};
    for (const Turn& turn : *turns) ++begin[ByteOf(turn.at, place) + 1u];
    for (size_t value = 1; value < begin.size(); ++value) begin[value] += begin[value - 1];
    for (const Turn& turn : *turns) sorted[begin[ByteOf(turn.at, place)]++] = turn;
    turns->swap(sorted);
  }
}

// The ranges of one rule must not touch: of turns at one key the order is not told.
std::vector<Interval> Sweep(const std::vector<Turn>& turns, Image* image) {
  std::vector<Interval> classes;
  RuleBitmap accepting;
  if (turns.empty() || turns.front().at != 0) Append(0, image->Record(accepting), &classes);
  for (size_t i = 0; i < turns.size();) {
    const FieldKey at = turns[i].at;
    for (; i < turns.size() && turns[i].at == at; ++i) {
      if (turns[i].begins) {
        accepting.Add(turns[i].rule);
      } else {
        accepting.Remove(turns[i].rule);
      }
    }
    Append(at, image->Record(accepting), &classes);
  }
  return classes;
}

std::vector<Interval> Enumerate(const std::vector<SmallMatch>& matches, abi::or_acl_field field,
                                Image* image) {
  std::vector<Interval> classes;
  for (uint32_t key = 0; key < SmallKeys(field); ++key) {
    RuleBitmap accepting;
    for (const SmallMatch& match : matches) {
      if (AcceptsSmallKey(match, field, key)) accepting.Add(match.rule);
    }
    Append(key, image->Record(accepting), &classes);
  }
  return classes;
}

}  // namespace

std::vector<Interval> FindClasses(const std::vector<state::AclRule>& rules,
                                  const std::vector<RuleTraits>& traits, abi::or_acl_field field,
                                  Image* image) {
  std::vector<SmallMatch> matches;
  std::vector<Claim> claims;
  claims.reserve(rules.size());
  for (uint32_t i = 0; i < rules.size(); ++i) {
    if (!traits[i].names(field)) continue;
    if (SmallKeys(field) != 0) {
      matches.push_back(SmallMatchOf(rules[i], i));
    } else {
      AppendClaims(rules[i], i, field, &claims);
    }
  }
  if (SmallKeys(field) != 0) return Enumerate(matches, field, image);
  std::vector<Turn> turns = TurnsOf(claims);
  if (HasWideKeys(field)) {
    SortWide(&turns);
  } else {
    SortNarrow(&turns);
  }
  return Sweep(turns, image);
}

}  // namespace outrider::datapath::ebpf
