// Names of OpenFlow's errors (1.0.0, 5.4.4; 1.3.5, 7.5.4) as Open vSwitch's tools say them.
#include <fmt/format.h>

#include "vswitch/cli/ofctl_text.h"

namespace outrider::cli {
namespace {

using openflow::ErrorCode;

struct NamedError {
  // 0: both versions.
  uint8_t version;
  ErrorCode code;
  const char* name;
};
constexpr NamedError kErrors[] = {
    {0, {0, 0}, "OFPHFC_INCOMPATIBLE"},
    {0, {0, 1}, "OFPHFC_EPERM"},
    {0, {1, 0}, "OFPBRC_BAD_VERSION"},
    {0, {1, 1}, "OFPBRC_BAD_TYPE"},
    {0, {1, 2}, "OFPBRC_BAD_STAT"},
    {0, {1, 3}, "OFPBRC_BAD_VENDOR"},
    {0, {1, 4}, "OFPBRC_BAD_SUBTYPE"},
    {0, {1, 5}, "OFPBRC_EPERM"},
    {0, {1, 6}, "OFPBRC_BAD_LEN"},
    {0, {1, 7}, "OFPBRC_BUFFER_EMPTY"},
    {0, {1, 8}, "OFPBRC_BUFFER_UNKNOWN"},
    {4, {1, 9}, "OFPBRC_BAD_TABLE_ID"},
    {4, {1, 10}, "OFPBRC_IS_SLAVE"},
    {4, {1, 11}, "OFPBRC_BAD_PORT"},
    {4, {1, 12}, "OFPBRC_BAD_PACKET"},
    {4, {1, 13}, "OFPBRC_MULTIPART_BUFFER_OVERFLOW"},
    {0, {2, 0}, "OFPBAC_BAD_TYPE"},
    {0, {2, 1}, "OFPBAC_BAD_LEN"},
    {0, {2, 4}, "OFPBAC_BAD_OUT_PORT"},
    {0, {2, 5}, "OFPBAC_BAD_ARGUMENT"},
    {0, {2, 6}, "OFPBAC_EPERM"},
    {4, {2, 9}, "OFPBAC_BAD_OUT_GROUP"},
    {4, {2, 10}, "OFPBAC_MATCH_INCONSISTENT"},
    {1, {3, 0}, "OFPFMFC_TABLE_FULL"},
    {1, {3, 1}, "OFPFMFC_OVERLAP"},
    {1, {3, 2}, "OFPFMFC_EPERM"},
    {1, {4, 0}, "OFPPMFC_BAD_PORT"},
    {1, {4, 1}, "OFPPMFC_BAD_HW_ADDR"},
    {1, {5, 0}, "OFPQOFC_BAD_PORT"},
    {1, {5, 1}, "OFPQOFC_BAD_QUEUE"},
    {1, {5, 2}, "OFPQOFC_EPERM"},
    {4, {4, 6}, "OFPBMC_BAD_FIELD"},
    {4, {5, 1}, "OFPFMFC_TABLE_FULL"},
    {4, {5, 2}, "OFPFMFC_BAD_TABLE_ID"},
    {4, {5, 3}, "OFPFMFC_OVERLAP"},
    {4, {5, 4}, "OFPFMFC_EPERM"},
    {4, {6, 14}, "OFPGMFC_EPERM"},
    {4, {7, 0}, "OFPPMFC_BAD_PORT"},
    {4, {7, 4}, "OFPPMFC_EPERM"},
    {4, {8, 2}, "OFPTMFC_EPERM"},
    {4, {9, 0}, "OFPQOFC_BAD_PORT"},
    {4, {9, 1}, "OFPQOFC_BAD_QUEUE"},
    {4, {9, 2}, "OFPQOFC_EPERM"},
    {4, {10, 2}, "OFPSCFC_EPERM"},
    {4, {11, 1}, "OFPRRFC_UNSUP"},
    {4, {12, 3}, "OFPMMFC_UNKNOWN_METER"},
    {4, {13, 5}, "OFPTFFC_EPERM"},
};

}  // namespace

std::string ErrorName(const ErrorCode& code, uint8_t version) {
  for (const NamedError& error : kErrors) {
    if (error.code == code && (error.version == 0 || error.version == version)) return error.name;
  }
  return fmt::format("error type {} code {}", code.type, code.code);
}

}  // namespace outrider::cli
