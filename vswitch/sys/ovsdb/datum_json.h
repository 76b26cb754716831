// Column values in OVSDB's JSON notation (RFC 7047, 5.1) with the checks of their types, and errors
// as the protocol has them. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_SYS_OVSDB_DATUM_JSON_H_
#define OUTRIDER_VSWITCH_SYS_OVSDB_DATUM_JSON_H_

#include <functional>
#include <optional>
#include <string>

#include "vswitch/sys/ovsdb/datum.h"
#include "vswitch/sys/ovsdb/json.h"
#include "vswitch/sys/ovsdb/schema.h"

namespace outrider::ovsdb {

// An <error> of RFC 7047 as a Status: `error` ("constraint violation"), `details` for people, and
// the text of the JSON that was wrong, if one was. The message is "error: details" and the code
// InvalidArgument; ErrorJson gives {"details":..,"error":..,"syntax":..} back. Of a Status that
// was not made here: {"details": message, "error": "internal error"}.
absl::Status OvsdbError(const std::string& error, const std::string& details,
                        const std::optional<std::string>& syntax = std::nullopt);
Json ErrorJson(const absl::Status& status);

// Row of a ["named-uuid", name]; a Status says what is wrong with the name.
using NamedUuids = std::function<absl::StatusOr<Uuid>(const std::string& name)>;

// With `names` null a named-uuid is an error. Constraints of the base type are checked: "constraint
// violation"; wrong notation is "syntax error". Texts are those of Open vSwitch 3.1.
absl::StatusOr<Atom> AtomFromJson(const BaseType& type, const Json& json, const NamedUuids& names);
// Also the number of members is checked ("set must have 0 to 1 members but 2 are present"), and
// that none is there twice.
absl::StatusOr<Datum> DatumFromJson(const ColumnType& type, const Json& json,
                                    const NamedUuids& names);
// The same for the arguments of mutations and conditions: any number of members, constraints
// unchecked.
absl::StatusOr<Datum> LooseDatumFromJson(const ColumnType& type, const Json& json,
                                         const NamedUuids& names);

// "constraint violation" when the atom, or one of the datum's, breaks a constraint of its type. The
// number of members is not looked at.
absl::Status CheckConstraints(const BaseType& type, const Atom& atom);
absl::Status CheckConstraints(const ColumnType& type, const Datum& datum);

// As Open vSwitch's messages show values to people: strings bare where they are plain words, sets
// in
// [], maps in {k=v}, one optional value alone.
std::string DisplayText(const Atom& atom);
std::string DisplayText(const ColumnType& type, const Datum& datum);

Json ToJson(const Atom& atom);
// A set of one is the bare atom; others are ["set", [...]] and ["map", [[k, v], ...]].
Json ToJson(const ColumnType& type, const Datum& datum);

}  // namespace outrider::ovsdb

#endif  // OUTRIDER_VSWITCH_SYS_OVSDB_DATUM_JSON_H_
