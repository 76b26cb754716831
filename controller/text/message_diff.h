// What differs between two objects of one type, field by field, for people. Bookkeeping and
// output-only fields are not compared. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_TEXT_MESSAGE_DIFF_H_
#define OUTRIDER_CONTROLLER_TEXT_MESSAGE_DIFF_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

namespace outrider::controller {

struct FieldChange {
  // "qos.ingress_policer.rate_kbps", "acl.ingress[2]" (counted from 0: in the new list for what was
  // added, in the old one for what was removed).
  std::string path;
  // Inline YAML; empty: not there.
  std::string from;
  std::string to;
};

// `from` and `to` are of the same type. Elements of lists are matched by the longest run of equal
// ones, so that one rule put in front does not make all others differ. Its time grows with the
// elements, not with their square.
std::vector<FieldChange> DiffMessages(const google::protobuf::Message& from,
                                      const google::protobuf::Message& to);

// "  path: from -> to" lines, "+" for what was added and "-" for what was removed; "  no
// difference" when there are none.
std::string DiffText(const std::vector<FieldChange>& changes);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_TEXT_MESSAGE_DIFF_H_
