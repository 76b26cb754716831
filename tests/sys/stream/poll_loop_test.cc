#include "vswitch/sys/stream/poll_loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>

namespace outrider::stream {
namespace {

using std::chrono::milliseconds;

std::unique_ptr<PollLoop> NewLoop() { return PollLoop::Create().value(); }

TEST(PollLoopTest, PostedWorkRunsInOrderOnTheLoopsThread) {
  auto loop = NewLoop();
  loop->Start("test-loop");
  std::string order;
  bool in_loop = false;
  loop->Post([&] { order += "a"; });
  loop->Post([&] { order += "b"; });
  EXPECT_TRUE(loop->RunOn([&] {
    order += "c";
    in_loop = loop->InLoop();
  }));
  EXPECT_EQ(order, "abc");
  EXPECT_TRUE(in_loop);
  EXPECT_FALSE(loop->InLoop());
}

TEST(PollLoopTest, RunOnAStoppedLoopSaysSo) {
  auto loop = NewLoop();
  loop->Start("test-loop");
  loop->Stop();
  bool ran = false;
  EXPECT_FALSE(loop->RunOn([&] { ran = true; }));
  EXPECT_FALSE(ran);
}

TEST(PollLoopTest, RunOnEndsWhenTheLoopStopsMeanwhile) {
  auto loop = NewLoop();
  loop->Start("test-loop");
  loop->Post([&] { loop->Stop(); });
  // Either it was before the stop, or it is dropped: it returns.
  loop->RunOn([] {});
}

TEST(PollLoopTest, TimersRunByTimeAndCanBeCancelled) {
  auto loop = NewLoop();
  std::string order;
  loop->PostAfter(milliseconds(20), [&] { order += "later "; });
  loop->PostAfter(milliseconds(1), [&] { order += "soon "; });
  const auto never = loop->PostAfter(milliseconds(2), [&] { order += "never "; });
  loop->Cancel(never);
  loop->Cancel(0);
  while (order.size() < 11) loop->RunOnce(milliseconds(1000));
  EXPECT_EQ(order, "soon later ");
}

TEST(PollLoopTest, ATimerMayCancelAnotherThatIsDue) {
  auto loop = NewLoop();
  std::string order;
  PollLoop::TimerId second = 0;
  loop->PostAfter(milliseconds(0), [&] {
    order += "first";
    loop->Cancel(second);
  });
  second = loop->PostAfter(milliseconds(0), [&] { order += "second"; });
  while (order.empty()) loop->RunOnce(milliseconds(1000));
  // One that comes later is run: the second has had its turn.
  bool later = false;
  loop->PostAfter(milliseconds(0), [&] { later = true; });
  while (!later) loop->RunOnce(milliseconds(1000));
  EXPECT_EQ(order, "first");
}

TEST(PollLoopTest, AStaleEventDoesNotReachTheNextOwnerOfANumber) {
  auto loop = NewLoop();
  int first[2], second[2];
  ASSERT_EQ(pipe(first), 0);
  ASSERT_EQ(pipe(second), 0);
  int wrong = 0;
  // Whichever is served first replaces the other's watch while its event is already in hand.
  for (const int fd : {first[0], second[0]}) {
    const int other = fd == first[0] ? second[0] : first[0];
    ASSERT_TRUE(loop->Watch(fd, EPOLLIN,
                            [&, other](uint32_t) {
                              loop->Unwatch(other);
                              ASSERT_TRUE(loop->Watch(other, 0, [&](uint32_t) { ++wrong; }).ok());
                            })
                    .ok());
  }
  ASSERT_EQ(write(first[1], "x", 1), 1);
  ASSERT_EQ(write(second[1], "x", 1), 1);
  loop->RunOnce(milliseconds(100));
  EXPECT_EQ(wrong, 0);
  for (const int fd : {first[0], first[1], second[0], second[1]}) close(fd);
}

}  // namespace
}  // namespace outrider::stream
