// A port that is about to leave this host, over the reconciler's fixture.
#ifndef OUTRIDER_TESTS_AGENT_DEPARTING_FIXTURE_H_
#define OUTRIDER_TESTS_AGENT_DEPARTING_FIXTURE_H_

#include <gtest/gtest.h>

#include "tests/agent/reconciler_fixture.h"

namespace outrider::agent {

// Port 1 on tap1, with a migration to 192.0.2.2 armed.
class Departing : public ReconcilerTest {
 protected:
  void SetUp() override {
    ReconcilerTest::SetUp();
    Attach(1);
    ASSERT_TRUE(Snapshot(5, SampleState()).ok());
    ASSERT_TRUE(Snapshot(6, Armed()).ok());
    observer_.Clear();
  }

  static state::HostState Armed() {
    state::HostState state = SampleState();
    state.departures[kPort] = {.migration_id = "m-1",
                               .vtep = *IpAddress::Parse("192.0.2.2"),
                               .epoch = Epoch{2},
                               .label = 77,
                               .host = "h2",
                               .peer = "192.0.2.2:7444"};
    return state;
  }
  static state::HostState Moved() {
    state::HostState state = Armed();
    state.ports[kPort].phase = state::PortPhase::kDeparted;
    return state;
  }

  // A frame for the guest, now; its device takes it, if the guest runs, and so does its card.
  datapath::FrameFate Deliver() { return Deliver(MakeMac(1)); }
  datapath::FrameFate Deliver(const MacAddress& destination) {
    const datapath::FrameFate fate = datapath_->InjectDelivery(
        kPort, static_cast<uint64_t>(executor_.now().count()) * 1000, destination);
    if (fate == datapath::FrameFate::kDelivered && guest_runs_) {
      ++device_.read;
      if (destination == MakeMac(1)) ++used_;
    }
    return fate;
  }
  // A QEMU that tells, from now on, what the guest has received.
  void TellUsed() {
    reconciler_->SetUsedIndexQuestion([this](const PortId& id, const UsedIndexDone& done) {
      EXPECT_EQ(id, kPort);
      executor_.Post([this, done] { done(used_); });
    });
    for (int n = 0; n < UsedCalibration::kAgreeing; ++n) {
      Deliver();
      executor_.Advance(Departures::kSampleInterval);
    }
  }
  GuestWord Stopped(bool tells_used) const {
    GuestWord word{kQmpTrigger, executor_.Wall()};
    if (tells_used) word.used[MakeMac(1)] = used_;
    return word;
  }
  datapath::MoveMode Mode() { return datapath_->ReadMove(kPort)->mode; }

  bool guest_runs_ = true;
  // Of the guest's receive queue.
  uint16_t used_ = 65'530;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_TESTS_AGENT_DEPARTING_FIXTURE_H_
