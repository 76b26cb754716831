// Captures of real frames between real ports: each point, tags, drops with their reasons, and that
// nothing is left when a capture ends, however it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "tests/datapath/ebpf/traffic_fixture.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tests::Bytes;
using tests::MakeDigest;
using tests::MakePortId;

class Recorder {
 public:
  PacketCapture::Sink sink() {
    return [this](const CapturedFrame& frame) {
      const std::lock_guard lock(mutex_);
      frames_.push_back(frame);
      arrived_.notify_all();
    };
  }
  // Once there are so many, or after 5 s.
  std::vector<CapturedFrame> Await(size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, std::chrono::seconds(5), [&] { return frames_.size() >= count; });
    return frames_;
  }
  bool Has(const std::function<bool(const CapturedFrame&)>& predicate) {
    const std::lock_guard lock(mutex_);
    return std::any_of(frames_.begin(), frames_.end(), predicate);
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<CapturedFrame> frames_;
};

class PacketCaptureTest : public ::testing::Test {
 protected:
  PacketCaptureTest() {
    host_.Start();
    one_ = MakeGuest(GuestKind::kVeth, &host_, "port1");
    two_ = MakeGuest(GuestKind::kVeth, &host_, "port2");
    host_.Become(TwoPorts());
  }

  static HostState TwoPorts() {
    HostState state = EmptySegment();
    AddPort(1, "port1", &state);
    AddPort(2, "port2", &state);
    return state;
  }
  // Guest 2 gets no UDP to port 5000, and sends none.
  static HostState NoPort5000() {
    HostState state = TwoPorts();
    state::AclRule drop;
    drop.protocol = 17;
    drop.dst_port = state::PortRange{5000, 5000};
    drop.number = 1;
    state.rule_sets[MakeDigest(1)] = {.rules = {drop}, .default_action = state::AclAction::kAllow};
    state.ports.at(MakePortId(2)).egress_rule_set = MakeDigest(1);
    state.ports.at(MakePortId(2)).ingress_rule_set = MakeDigest(1);
    return state;
  }

  std::unique_ptr<CaptureSession> Capture(const CaptureRequest& request) {
    return host_.datapath().StartCapture(request, recorder_.sink()).value();
  }
  // What the programs see of captures.
  abi::or_capture Announced() {
    const auto maps =
        sys::KernelBpfMaps::OpenPinned(PinnedMapsDir(host_.options().bpffs),
                                       {"or_capture", "or_capture_ports", "or_capture_ring"});
    const auto row = sys::TypedMap<uint32_t, abi::or_capture>(maps->get(), "or_capture").Lookup(0);
    EXPECT_THAT((*maps)->Keys("or_capture_ports").value(), IsEmpty());
    return row.value();
  }
  void Pass(int from, int to, uint16_t port) {
    (from == 1 ? one_ : two_)->Send(UdpFrame(from, to, port));
    EXPECT_EQ((to == 1 ? one_ : two_)->Receive(), UdpFrame(from, to, port));
  }

  EbpfHost host_;
  std::unique_ptr<Guest> one_;
  std::unique_ptr<Guest> two_;
  Recorder recorder_;
};

std::string Text(const CapturedFrame& frame) {
  constexpr const char* kPoints[] = {"from", "from-out", "to", "to-out"};
  const auto point = static_cast<size_t>(frame.point);
  return std::string(kPoints[point]) + " " + std::to_string(frame.port.bytes()[15]) +
         (frame.drop_reason.empty() ? "" : " " + frame.drop_reason);
}

std::vector<std::string> Texts(const std::vector<CapturedFrame>& frames) {
  std::vector<std::string> texts;
  for (const CapturedFrame& frame : frames) texts.push_back(Text(frame));
  return texts;
}

TEST_F(PacketCaptureTest, SeesAFrameAtEachPoint) {
  const auto session = Capture({});
  Pass(1, 2, 4000);
  const std::vector<CapturedFrame> frames = recorder_.Await(4);
  EXPECT_THAT(Texts(frames), ElementsAre("from 1", "from-out 1", "to 2", "to-out 2"));
  for (const CapturedFrame& frame : frames) {
    EXPECT_EQ(frame.data, UdpFrame(1, 2, 4000));
    EXPECT_EQ(frame.length, frame.data.size());
    EXPECT_EQ(frame.missed, 0u);
  }
  EXPECT_EQ(frames[0].vni, 0u);
  EXPECT_EQ(frames[3].vni, 7u);
  EXPECT_LE(frames[0].time_ns, frames[3].time_ns);
}

TEST_F(PacketCaptureTest, SaysWhyAFrameEnded) {
  host_.Become(NoPort5000());
  const auto session = Capture({.port = MakePortId(2)});
  one_->Send(UdpFrame(1, 2, 5000));
  EXPECT_THAT(Texts(recorder_.Await(1)), ElementsAre("to 2 acl_egress"));
  two_->Send(UdpFrame(2, 1, 5000));
  EXPECT_THAT(Texts(recorder_.Await(2)), ElementsAre("to 2 acl_egress", "from 2 acl_ingress"));
}

TEST_F(PacketCaptureTest, KeepsToThePortAndTheLengthThatWereAskedFor) {
  const auto of_one = Capture({.port = MakePortId(1), .snap_length = 20});
  Recorder whole;
  const auto of_two = host_.datapath().StartCapture({.port = MakePortId(2)}, whole.sink()).value();
  Pass(1, 2, 4000);
  const std::vector<CapturedFrame> cut = recorder_.Await(2);
  EXPECT_THAT(Texts(cut), ElementsAre("from 1", "from-out 1"));
  EXPECT_EQ(cut[0].data.size(), 20u);
  EXPECT_EQ(cut[0].length, UdpFrame(1, 2, 4000).size());
  const std::vector<CapturedFrame> other = whole.Await(2);
  EXPECT_THAT(Texts(other), ElementsAre("to 2", "to-out 2"));
  EXPECT_EQ(other[0].data, UdpFrame(1, 2, 4000));
}

TEST_F(PacketCaptureTest, ShowsTheTagsThatAGuestSendsAndGets) {
  HostState state = TwoPorts();
  state::Port& trunk = state.ports.at(MakePortId(2));
  trunk.vni = std::nullopt;
  trunk.vlans = {.mode = state::VlanMode::kTrunk, .trunk = {{10, kSegment}}};
  host_.Become(state);
  const auto session = Capture({.port = MakePortId(2)});
  one_->Send(UdpFrame(1, 2, 4000));
  const std::vector<CapturedFrame> in = recorder_.Await(2);
  ASSERT_EQ(in.size(), 2u);
  EXPECT_EQ(in[0].data, UdpFrame(1, 2, 4000));
  Bytes tagged = UdpFrame(1, 2, 4000);
  const Bytes tag = {0x81, 0x00, 0x00, 0x0a};
  tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  EXPECT_EQ(in[1].data, tagged);
  EXPECT_EQ(in[1].length, tagged.size());
  Bytes answer = UdpFrame(2, 1, 4000);
  answer.insert(answer.begin() + 12, tag.begin(), tag.end());
  two_->Send(answer);
  const std::vector<CapturedFrame> out = recorder_.Await(4);
  ASSERT_EQ(out.size(), 4u);
  EXPECT_EQ(out[2].data, answer);
  EXPECT_EQ(out[3].data, UdpFrame(2, 1, 4000));
}

TEST_F(PacketCaptureTest, LeavesNothingWhenItEnds) {
  auto session = Capture({.port = MakePortId(1)});
  session.reset();
  EXPECT_EQ(Announced().until_ns, 0u);
  Pass(1, 2, 4000);
  EXPECT_THAT(recorder_.Await(0), IsEmpty());
  // And can begin again.
  session = Capture({});
  Pass(1, 2, 4001);
  EXPECT_EQ(recorder_.Await(4).size(), 4u);
}

// An agent that was killed has said until when, and the next one takes it away.
TEST_F(PacketCaptureTest, EndsByItselfWithoutAnAgent) {
  const auto maps =
      sys::KernelBpfMaps::OpenPinned(PinnedMapsDir(host_.options().bpffs), {"or_capture"}).value();
  const sys::TypedMap<uint32_t, abi::or_capture> announced(maps.get(), "or_capture");
  const auto session = Capture({});
  abi::or_capture over = announced.Lookup(0).value();
  EXPECT_GT(over.until_ns, 1u);
  over.until_ns = 1;
  ASSERT_TRUE(announced.Update(0, over).ok());
  Pass(1, 2, 4000);
  ASSERT_TRUE(announced.Update(0, {.until_ns = UINT64_MAX, .keep = OR_CAPTURE_MAX, .all = 1}).ok());
  Pass(1, 2, 4001);
  EXPECT_EQ(recorder_.Await(4).front().data, UdpFrame(1, 2, 4001));
}

TEST_F(PacketCaptureTest, AnAgentThatStartsEndsWhatWasLeft) {
  {
    const auto maps = sys::KernelBpfMaps::OpenPinned(PinnedMapsDir(host_.options().bpffs),
                                                     {"or_capture", "or_capture_ports"})
                          .value();
    ASSERT_TRUE((sys::TypedMap<uint32_t, abi::or_capture>(maps.get(), "or_capture")
                     .Update(0, {.until_ns = UINT64_MAX, .keep = 100, .all = 0})
                     .ok()));
    ASSERT_TRUE(
        (sys::TypedMap<uint32_t, uint32_t>(maps.get(), "or_capture_ports").Update(1, 1).ok()));
  }
  host_.Stop();
  host_.Start();
  EXPECT_EQ(Announced().until_ns, 0u);
}

TEST_F(PacketCaptureTest, CountsWhatFoundNoRoom) {
  std::mutex hold;
  std::unique_lock held(hold);
  const auto slow = [&hold, sink = recorder_.sink()](const CapturedFrame& frame) {
    const std::lock_guard wait(hold);
    sink(frame);
  };
  const auto session = host_.datapath().StartCapture({.port = MakePortId(1)}, slow).value();
  // More than the ring holds, while nobody reads; the first ones fit.
  for (int i = 0; i < 6000; ++i) one_->Send(UdpFrame(1, 2, 4000, 1200));
  held.unlock();
  EXPECT_EQ(recorder_.Await(1000).front().missed, 0u);
  // What comes behind the gap says how many did not.
  const auto tells = [](const CapturedFrame& frame) { return frame.missed > 0; };
  for (int i = 0; i < 100 && !recorder_.Has(tells); ++i) {
    one_->Send(UdpFrame(1, 2, 4001));
    recorder_.Await(1000 + 2 * static_cast<size_t>(i));
  }
  EXPECT_TRUE(recorder_.Has(tells));
}

// The tunnel device is made anew, and the programs with it.
TEST_F(PacketCaptureTest, GoesOnBesideAnotherOneAfterARepair) {
  const auto session = Capture({});
  host_.RemoveDevice("or-vxlan");
  host_.Read();
  Recorder second;
  auto other = host_.datapath().StartCapture({}, second.sink()).value();
  Pass(1, 2, 4000);
  EXPECT_EQ(second.Await(4).size(), 4u);
  EXPECT_EQ(recorder_.Await(4).size(), 4u);
  other.reset();
  Pass(1, 2, 4001);
  EXPECT_EQ(recorder_.Await(8).size(), 8u);
}

// A port that comes back has another index, and its former one may be another port's.
TEST_F(PacketCaptureTest, FollowsThePortNotItsIndex) {
  const auto session = Capture({.port = MakePortId(2)});
  HostState without = TwoPorts();
  without.ports.erase(MakePortId(2));
  std::erase_if(without.fdb, [](const auto& row) {
    return row.second.where == decltype(row.second.where)(MakePortId(2));
  });
  host_.Become(without);
  host_.Become(TwoPorts());
  const auto any = [](const CapturedFrame&) { return true; };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!recorder_.Has(any) && std::chrono::steady_clock::now() < deadline) Pass(1, 2, 4000);
  ASSERT_TRUE(recorder_.Has(any));
  EXPECT_EQ(recorder_.Await(1).front().port, MakePortId(2));
}

TEST_F(PacketCaptureTest, RefusesAPortThatIsNotHere) {
  EXPECT_TRUE(absl::IsNotFound(
      host_.datapath().StartCapture({.port = MakePortId(9)}, recorder_.sink()).status()));
}

}  // namespace
}  // namespace outrider::datapath::ebpf
