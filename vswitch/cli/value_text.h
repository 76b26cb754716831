// The notation of values on ovs-vsctl's command line and in its output: tokens, atoms, sets and
// maps. Texts of errors are those of Open vSwitch 3.1. Knows no table, row or connection.
//
// Thread rule: pure but for RowNames, which belongs to one thread.
#ifndef OUTRIDER_VSWITCH_CLI_VALUE_TEXT_H_
#define OUTRIDER_VSWITCH_CLI_VALUE_TEXT_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/sys/ovsdb/datum.h"
#include "vswitch/sys/ovsdb/schema.h"
#include "vswitch/types/status.h"

namespace outrider::cli {

// What "@name" stands for within one command line. A name may be used before the row it means is
// made, so each has a uuid from its first mention on.
class RowNames {
 public:
  struct Name {
    ovsdb::Uuid uuid;
    // A row has been made, or found, for it.
    bool created = false;
    // A strong or weak reference to it was written.
    bool strong = false;
    bool weak = false;
  };
  bool Has(const std::string& name) const { return names_.count(name) > 0; }
  Name& Of(const std::string& name);
  const std::map<std::string, Name>& all() const { return names_; }

 private:
  std::map<std::string, Name> names_;
};

// Cuts a token off the front of `rest`: up to one of ":=, []{}!<>" outside double quotes; a
// backslash takes the next character as it is. Quotes stay in the token.
absl::StatusOr<std::string> TakeToken(const char** rest);

// `names` null: "@name" is not understood. Constraints of the type are checked.
absl::StatusOr<ovsdb::Atom> AtomFromText(const ovsdb::BaseType& type, const std::string& text,
                                         RowNames* names);
// "a, b", "[a, b]", "k=v, ..", "{k=v}"; integers also as ranges "10-14".
absl::StatusOr<ovsdb::Datum> DatumFromText(const ovsdb::ColumnType& type, const std::string& text,
                                           RowNames* names);

// Strings that are no plain word are in JSON's quotes; AtomFromText reads it back.
std::string AtomText(const ovsdb::Atom& atom);
// "[]", "a", "[a, b]", "{k=v}".
std::string DatumText(const ovsdb::ColumnType& type, const ovsdb::Datum& datum);
// Without quotes and brackets, members apart by a space.
std::string DatumBareText(const ovsdb::Datum& datum);

// How many leading characters of the text could begin a uuid; 0 when some could not.
size_t UuidPrefixLength(const std::string& text);

// Arguments as one line, those with blanks and quotes in quotes.
std::string QuotedArguments(const std::vector<std::string>& arguments);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_VALUE_TEXT_H_
