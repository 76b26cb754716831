#include "controller/session/executor.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace outrider::controller {
namespace {

TEST(SerialExecutorTest, RunsInOrderOnOneOtherThread) {
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  {
    SerialExecutor executor;
    for (int i = 0; i < 100; ++i) {
      executor.Post([&, i] {
        order.push_back(i);
        threads.push_back(std::this_thread::get_id());
      });
    }
  }
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(order[i], i);
    EXPECT_EQ(threads[i], threads[0]);
  }
  EXPECT_NE(threads[0], std::this_thread::get_id());
}

TEST(SerialExecutorTest, WorkMayPostWork) {
  int runs = 0;
  {
    SerialExecutor executor;
    executor.Post([&] {
      ++runs;
      executor.Post([&] { ++runs; });
      EXPECT_EQ(runs, 1);
    });
  }
  EXPECT_EQ(runs, 2);
}

TEST(SerialExecutorTest, TakesWorkFromManyThreads) {
  int sum = 0;  // only the executor's thread touches it
  {
    SerialExecutor executor;
    std::vector<std::thread> posters;
    for (int t = 0; t < 8; ++t) {
      posters.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) executor.Post([&] { ++sum; });
      });
    }
    for (std::thread& poster : posters) poster.join();
  }
  EXPECT_EQ(sum, 8000);
}

}  // namespace
}  // namespace outrider::controller
