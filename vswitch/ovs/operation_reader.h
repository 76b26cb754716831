// Reads the members of one operation's JSON object and knows what is wrong with them: missing, of
// another type, or not asked for. Of several mistakes the first counts.
//
// Thread rule: an object belongs to one thread.
#ifndef OUTRIDER_VSWITCH_OVS_OPERATION_READER_H_
#define OUTRIDER_VSWITCH_OVS_OPERATION_READER_H_

#include <set>
#include <string>

#include "vswitch/sys/ovsdb/json.h"

namespace outrider::ovs {

class OperationReader {
 public:
  enum class Kind { kId, kString, kInteger, kBoolean, kArray, kObject };

  // `json` stays where it is. `title` begins the messages: "ovsdb operation 1 of 3".
  OperationReader(const ovsdb::Json& json, std::string title);

  // nullptr when it is absent or of another kind.
  const ovsdb::Json* Required(const char* name, Kind kind);
  const ovsdb::Json* Optional(const char* name, Kind kind);
  void Fail(const std::string& details);

  // What was wrong until now.
  const absl::Status& status() const { return status_; }
  // The same, or which members nobody asked for.
  absl::Status Finish();
  const ovsdb::Json& json() const { return json_; }

 private:
  const ovsdb::Json& json_;
  const std::string title_;
  std::set<std::string> asked_;
  absl::Status status_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_OPERATION_READER_H_
