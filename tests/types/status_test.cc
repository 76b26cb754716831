#include "vswitch/types/status.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace outrider {
namespace {

absl::StatusOr<int> Halve(int value) {
  if (value % 2 != 0) return absl::InvalidArgumentError("odd");
  return value / 2;
}

absl::StatusOr<int> Quarter(int value) {
  ASSIGN_OR_RETURN(const int half, Halve(value));
  return Halve(half);
}

absl::Status CheckQuarter(int value) {
  RETURN_IF_ERROR(Annotate(Quarter(value).status(), "quarter"));
  return absl::OkStatus();
}

TEST(StatusTest, MacrosReturnTheFirstError) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_TRUE(CheckQuarter(8).ok());
  EXPECT_EQ(CheckQuarter(6), absl::InvalidArgumentError("quarter: odd"));
}

TEST(StatusTest, ErrnoKeepsNameAndTextAndPicksACode) {
  const absl::Status full = ErrnoStatus(E2BIG, "map update or_fdb");
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Message(full), "map update or_fdb: E2BIG (Argument list too long)");
  EXPECT_TRUE(absl::IsNotFound(ErrnoStatus(ENODEV, "x")));
  EXPECT_TRUE(absl::IsPermissionDenied(ErrnoStatus(EPERM, "x")));
  EXPECT_TRUE(absl::IsUnavailable(ErrnoStatus(EAGAIN, "x")));
  EXPECT_EQ(ErrnoStatus(99999, "x"), absl::InternalError("x: errno 99999"));
}

}  // namespace
}  // namespace outrider
