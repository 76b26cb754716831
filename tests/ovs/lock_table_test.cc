#include "vswitch/ovs/lock_table.h"

#include <gtest/gtest.h>

namespace outrider::ovs {
namespace {

struct Holder final : LockHolder {
  void OnLocked(const std::string& lock) override { told += "locked " + lock + ";"; }
  void OnStolen(const std::string& lock) override { told += "stolen " + lock + ";"; }
  std::string told;
};

TEST(LockTableTest, WhoWaitsGetsItInTurn) {
  LockTable locks;
  Holder a, b, c;
  EXPECT_TRUE(locks.Lock("L", &a));
  EXPECT_FALSE(locks.Lock("L", &b));
  EXPECT_FALSE(locks.Lock("L", &c));
  EXPECT_TRUE(locks.Lock("M", &b));
  locks.Unlock("L", &b);
  locks.Unlock("L", &a);
  EXPECT_TRUE(locks.Holds("L", &c));
  EXPECT_FALSE(locks.Holds("L", &a));
  EXPECT_EQ(a.told + b.told, "");
  EXPECT_EQ(c.told, "locked L;");
}

TEST(LockTableTest, WhoIsStolenFromIsNextInTurn) {
  LockTable locks;
  Holder a, b, c;
  locks.Lock("L", &a);
  locks.Lock("L", &b);
  locks.Steal("L", &c);
  EXPECT_TRUE(locks.Holds("L", &c));
  EXPECT_EQ(a.told, "stolen L;");
  locks.Unlock("L", &c);
  EXPECT_EQ(a.told, "stolen L;locked L;");
  locks.Unlock("L", &a);
  EXPECT_EQ(b.told, "locked L;");
  locks.Unlock("L", &b);
  EXPECT_FALSE(locks.Holds("L", &b));
}

TEST(LockTableTest, StealingWhatIsFreeTellsNobody) {
  LockTable locks;
  Holder a;
  locks.Steal("L", &a);
  EXPECT_TRUE(locks.Holds("L", &a));
  EXPECT_EQ(a.told, "");
}

}  // namespace
}  // namespace outrider::ovs
