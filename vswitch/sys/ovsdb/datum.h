// Values of OVSDB columns (RFC 7047, 3.2 and 5.1): atoms, and sets and maps of them. Values; any
// thread.
#ifndef OUTRIDER_VSWITCH_SYS_OVSDB_DATUM_H_
#define OUTRIDER_VSWITCH_SYS_OVSDB_DATUM_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "vswitch/sys/ovsdb/uuid.h"

namespace outrider::ovsdb {

// In the order of Atom's alternatives.
enum class AtomType : uint8_t { kInteger, kReal, kBoolean, kString, kUuid };

// "integer", "real", "boolean", "string", "uuid".
const char* ToString(AtomType type);

// Strings are UTF-8 without NUL; reals are finite. Atoms of one column are of one type, and `<` is
// a strict order among them: numbers by value, false before true, strings by byte.
using Atom = std::variant<int64_t, double, bool, std::string, Uuid>;

inline AtomType TypeOf(const Atom& atom) { return static_cast<AtomType>(atom.index()); }
Atom DefaultAtom(AtomType type);

// A set (`values` empty) or a map (`values[i]` belongs to `keys[i]`). Keys are in order, each once.
// A scalar is a set of one.
struct Datum {
  std::vector<Atom> keys;
  std::vector<Atom> values;

  static Datum Of(Atom atom) { return Datum{{std::move(atom)}, {}}; }

  size_t size() const { return keys.size(); }
  bool empty() const { return keys.empty(); }
  // Position of a key, nullopt when it is not there.
  std::optional<size_t> Find(const Atom& key) const;
  // The value of a key of a map; nullptr when it is not there.
  const Atom* ValueOf(const Atom& key) const;
  // Adds a member to a set.
  void Put(Atom key);
  // Adds a pair to a map, or gives its key the value.
  void Put(Atom key, Atom value);
  // Whether it was there.
  bool Erase(const Atom& key);

  // Orders by size first, then keys, then values.
  bool operator==(const Datum&) const = default;
  bool operator<(const Datum& other) const;
};

// Sorts pairs by key. False when a key is there twice; of two the first stays.
bool Normalize(Datum* datum);

}  // namespace outrider::ovsdb

#endif  // OUTRIDER_VSWITCH_SYS_OVSDB_DATUM_H_
