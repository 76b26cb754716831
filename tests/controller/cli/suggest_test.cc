#include "controller/cli/suggest.h"

#include <gtest/gtest.h>

namespace outrider::controller::cli {
namespace {

TEST(EditDistance, CountsEdits) {
  EXPECT_EQ(EditDistance("", ""), 0U);
  EXPECT_EQ(EditDistance("", "abc"), 3U);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3U);
  EXPECT_EQ(EditDistance("vlan", "vlna"), 1U) << "a swap is one edit";
  EXPECT_EQ(EditDistance("flaw", "lawn"), 2U);
}

TEST(Suggest, FindsTheNearestOrNothing) {
  const std::vector<std::string> fields = {"src_prefix", "src_port", "dst_port", "protocol"};
  EXPECT_EQ(Suggest("src_prot", fields), "src_port");
  EXPECT_EQ(Suggest("portt", fields), "src_port") << "by its part, the earlier one on a tie";
  EXPECT_EQ(Suggest("dst-port", fields), "dst_port");
  EXPECT_EQ(Suggest("proto", fields), "protocol") << "cut short";
  EXPECT_EQ(Suggest("rate", {"rate_kbps", "burst_kb"}), "rate_kbps");
  EXPECT_EQ(Suggest("zzz", fields), "");
  EXPECT_EQ(Suggest(std::string(100'000, 'p'), fields), "");
}

}  // namespace
}  // namespace outrider::controller::cli
