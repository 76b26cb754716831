#include "controller/model/change.h"

namespace outrider::controller {

std::string KindName(Kind kind) {
  switch (kind) {
    case Kind::kSegment:
      return "segment";
    case Kind::kAddressGroup:
      return "address group";
    case Kind::kPortGroup:
      return "port group";
    case Kind::kGateway:
      return "gateway";
    case Kind::kProfile:
      return "profile";
    case Kind::kPort:
      return "port";
    case Kind::kHost:
      return "host";
    case Kind::kMigration:
      return "migration";
    case Kind::kToken:
      return "enrolment token";
    case Kind::kDraft:
      return "draft of profile";
  }
  return "object";
}

}  // namespace outrider::controller
