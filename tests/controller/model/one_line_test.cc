// What of a peer's text reaches a log.
#include "controller/model/one_line.h"

#include <gtest/gtest.h>

namespace outrider::controller {
namespace {

TEST(OneLineTest, PrintableTextStays) {
  EXPECT_EQ(OneLine(""), "");
  EXPECT_EQ(OneLine("host \"h1\" ~"), "host \"h1\" ~");
  EXPECT_EQ(OneLine("M\xc3\xbcller \xe2\x82\xac"), "M\xc3\xbcller \xe2\x82\xac");
}

TEST(OneLineTest, ControlCharactersDoNot) {
  EXPECT_EQ(OneLine(std::string("a\nb\rc\0d\x1b[2Je\x7f", 13)), "a?b?c?d?[2Je?");
  // U+009B is ESC [ in one character.
  EXPECT_EQ(OneLine("a\xc2\x9b"
                    "2J"),
            "a??2J");
}

TEST(OneLineTest, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(OneLine(std::string(200, 'a')), std::string(200, 'a'));
  EXPECT_EQ(OneLine(std::string(201, 'a')), std::string(200, 'a') + "...");
  EXPECT_EQ(OneLine("ab\xe2\x82\xac", 4), "ab...");
  EXPECT_EQ(OneLine("ab\xe2\x82\xac"
                    "c",
                    5),
            "ab\xe2\x82\xac...");
}

}  // namespace
}  // namespace outrider::controller
