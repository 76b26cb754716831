// Whether a destination has room: each refusal names what is short.
#include "controller/migration/capacity.h"

#include "tests/controller/migration/driver_fixture.h"
#include "tests/controller/model/build.h"
#include "vswitch/abi/or_abi.h"

namespace outrider::controller {
namespace {

// Ports 1 and 2 are to move from h1 to h2.
class CapacityTest : public testing::Test {
 protected:
  CapacityTest() {
    PutAll(&model_, MakeSegment("red", 100), MakeProfile("web", "red"), MakeHost("h1", 1),
           MakeHost("h2", 2), MakeHost("h3", 3), MakePort(1, "web", "h1"), MakePort(2, "web", "h1"),
           MakePort(3, "web", "h1"));
  }
  std::string Refusal(const HostRoom& room) {
    const absl::Status status = CheckRoom(model_, {PortId(1), PortId(2)}, "h2", room);
    EXPECT_TRUE(status.ok() || status.code() == absl::StatusCode::kFailedPrecondition) << status;
    return Message(status);
  }

  Model model_;
};

TEST_F(CapacityTest, RoomIsThatOfTheDatapath) {
  v1::Host host = MakeHost("h2", 2);
  EXPECT_EQ(RoomOf(host, 7).ports, 0u) << "unknown";
  EXPECT_EQ(RoomOf(host, 7).guaranteed_kbps, 7u);
  host.set_datapath("ebpf");
  EXPECT_EQ(RoomOf(host, 0).ports, OR_MAX_PORTS - 1u);
  EXPECT_EQ(RoomOf(host, 0).segments, uint64_t{OR_MAX_SEGMENTS});
  EXPECT_EQ(RoomOf(host, 0).stations, uint64_t{OR_MAX_FDB});
}

// All that move count, and so do those that are on their way already.
TEST_F(CapacityTest, Ports) {
  EXPECT_EQ(Refusal({.ports = 2}), "");
  PutAll(&model_, MakePort(4, "web", "h2"));
  EXPECT_EQ(Refusal({.ports = 3}), "");
  PutAll(&model_, MakeMigration("m0", {3}, "h1", "h2", v1::MIGRATION_PHASE_ARMED));
  EXPECT_EQ(Refusal({.ports = 3}),
            "host \"h2\" has room for 3 ports, and has 2; with the ports that are to move there it "
            "would have 4; move others away first");
  EXPECT_EQ(Refusal({}), "") << "unknown";
}

TEST_F(CapacityTest, SegmentsAndStations) {
  PutAll(&model_, MakeSegment("blue", 101), MakeProfile("db", "blue"), MakePort(4, "db", "h2"),
         MakePort(5, "web", "h3"));
  EXPECT_EQ(Refusal({.segments = 1}),
            "host \"h2\" has room for 1 segments, and has 1; with the ports that are to move there "
            "it would have 2; move others away first");
  // Those of the segment on all hosts, 1, 2, 3 and 5, beside 4.
  EXPECT_EQ(Refusal({.segments = 2, .stations = 4}),
            "host \"h2\" has room for 4 stations, and has 1; with the ports that are to move there "
            "it would have 5; move others away first");
  EXPECT_EQ(Refusal({.segments = 2, .stations = 5}), "");
  // One that has the segment gets no station more.
  PutAll(&model_, MakePort(6, "web", "h2"));
  EXPECT_EQ(Refusal({.segments = 2, .stations = 4}), "");
}

TEST_F(CapacityTest, GuaranteedBandwidth) {
  v1::Profile gold = MakeProfile("gold", "red");
  gold.mutable_qos()->mutable_shaper()->set_min_kbps(4000);
  gold.mutable_qos()->mutable_shaper()->set_max_kbps(9000);
  PutAll(&model_, gold, MakePort(2, "gold", "h1"), MakePort(4, "gold", "h2"));
  EXPECT_EQ(Refusal({.guaranteed_kbps = 7000}),
            "host \"h2\" may guarantee 7000 kbit/s to its ports, and guarantees 4000; those that "
            "are to move there are guaranteed 4000 more (qos shaper min_kbps); lower that, or move "
            "others away first");
  EXPECT_EQ(Refusal({.guaranteed_kbps = 8000}), "");
  EXPECT_EQ(Refusal({}), "");
  PutAll(&model_, MakePort(2, "web", "h1"));
  EXPECT_EQ(Refusal({.guaranteed_kbps = 3000}), "") << "they need none";
}

// By whoever asks: the operator, or a device that is attached.
class DriverCapacityTest : public DriverFixture {
 protected:
  DriverCapacityTest() {
    v1::Profile profile = MakeProfile("web", "red");
    profile.mutable_qos()->mutable_shaper()->set_min_kbps(3000);
    profile.mutable_qos()->mutable_shaper()->set_max_kbps(9000);
    EXPECT_TRUE(ApplyProfile(repository_.get(), profile).ok());
    driver_ =
        std::make_unique<MigrationDriver>(repository_.get(), &clock_, true, MigrationTimes(), 8000);
  }
};

TEST_F(DriverCapacityTest, NothingOfTheVmMoves) {
  const std::string refusal =
      "host \"h2\" may guarantee 8000 kbit/s to its ports, and guarantees 3000; those that are to "
      "move there are guaranteed 6000 more (qos shaper min_kbps); lower that, or move others away "
      "first";
  const uint64_t commits = store_.commits();
  const absl::Status status = Prepare("h2").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(status), refusal);
  EXPECT_EQ(Message(driver_->OnClaim("h2", Attachment(1), 0).status()), refusal);
  EXPECT_EQ(store_.commits(), commits);
  EXPECT_TRUE(Prepare("h3").ok());
}

}  // namespace
}  // namespace outrider::controller
