#include "vswitch/sys/ovsdb/datum.h"

#include <gtest/gtest.h>

namespace outrider::ovsdb {
namespace {

Atom Int(int64_t number) { return number; }
Atom Str(const char* text) { return std::string(text); }

TEST(DatumTest, ASetHasEachMemberOnceInOrder) {
  Datum set;
  set.Put(Int(5));
  set.Put(Int(-3));
  set.Put(Int(9));
  set.Put(Int(5));
  EXPECT_EQ(set, (Datum{{Int(-3), Int(5), Int(9)}, {}}));
  EXPECT_EQ(set.Find(Int(9)), 2u);
  EXPECT_EQ(set.Find(Int(4)), std::nullopt);
  EXPECT_EQ(set.ValueOf(Int(9)), nullptr);
  EXPECT_TRUE(set.Erase(Int(5)));
  EXPECT_FALSE(set.Erase(Int(5)));
  EXPECT_EQ(set, (Datum{{Int(-3), Int(9)}, {}}));
}

TEST(DatumTest, AMapKeepsValuesBesideTheirKeys) {
  Datum map;
  map.Put(Str("b"), Str("2"));
  map.Put(Str("a"), Str("1"));
  map.Put(Str("c"), Str("3"));
  map.Put(Str("b"), Str("two"));
  EXPECT_EQ(map, (Datum{{Str("a"), Str("b"), Str("c")}, {Str("1"), Str("two"), Str("3")}}));
  ASSERT_NE(map.ValueOf(Str("b")), nullptr);
  EXPECT_EQ(*map.ValueOf(Str("b")), Str("two"));
  EXPECT_EQ(map.ValueOf(Str("d")), nullptr);
  EXPECT_TRUE(map.Erase(Str("a")));
  EXPECT_EQ(map, (Datum{{Str("b"), Str("c")}, {Str("two"), Str("3")}}));
}

TEST(DatumTest, NormalizeSortsPairsAndTellsOfDuplicates) {
  Datum map{{Int(3), Int(1), Int(2)}, {Str("c"), Str("a"), Str("b")}};
  EXPECT_TRUE(Normalize(&map));
  EXPECT_EQ(map, (Datum{{Int(1), Int(2), Int(3)}, {Str("a"), Str("b"), Str("c")}}));

  Datum twice{{Int(3), Int(1), Int(3)}, {Str("first"), Str("a"), Str("second")}};
  EXPECT_FALSE(Normalize(&twice));
  EXPECT_EQ(twice, (Datum{{Int(1), Int(3)}, {Str("a"), Str("first")}}));

  Datum sorted{{Int(1), Int(1)}, {}};
  EXPECT_FALSE(Normalize(&sorted));
  EXPECT_EQ(sorted, Datum::Of(Int(1)));
}

TEST(DatumTest, OrderIsBySizeThenKeysThenValues) {
  const Datum small = Datum::Of(Int(100));
  const Datum large{{Int(1), Int(2)}, {}};
  EXPECT_LT(small, large);
  EXPECT_LT(Datum::Of(Int(1)), small);
  const Datum one{{Int(1)}, {Str("a")}};
  const Datum other{{Int(1)}, {Str("b")}};
  EXPECT_LT(one, other);
  EXPECT_FALSE(other < one);
  EXPECT_FALSE(one < one);
}

TEST(DatumTest, AtomsOfOneTypeAreInOrder) {
  EXPECT_LT(Atom(false), Atom(true));
  EXPECT_LT(Atom(-1.5), Atom(0.0));
  EXPECT_LT(Int(-5), Int(4));
  EXPECT_LT(Str("Z"), Str("a"));
  EXPECT_LT(Str("ab"), Str("b"));
}

}  // namespace
}  // namespace outrider::ovsdb
