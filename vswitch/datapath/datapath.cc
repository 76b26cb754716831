#include "vswitch/datapath/datapath.h"

namespace outrider::datapath {

std::string ToString(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kRuleSet:
      return "rule-set";
    case ObjectKind::kSegment:
      return "segment";
    case ObjectKind::kNeighbor:
      return "neighbor";
    case ObjectKind::kPort:
      return "port";
    case ObjectKind::kFdb:
      return "fdb";
  }
  return "unknown";
}

}  // namespace outrider::datapath
