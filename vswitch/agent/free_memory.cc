#include "vswitch/agent/free_memory.h"

#include <malloc.h>

#include <utility>

namespace outrider::agent {

FreeMemory::FreeMemory(Executor* executor, std::function<void()> give_back)
    : executor_(executor), give_back_(std::move(give_back)) {}

void FreeMemory::Follow(const state::HostState&, const state::HostState&) {
  again_ = waiting_;
  if (!waiting_) Wait();
}

void FreeMemory::GiveBack() { malloc_trim(0); }

void FreeMemory::Wait() {
  waiting_ = true;
  executor_->PostAfter(kQuiet, [this] {
    waiting_ = false;
    if (std::exchange(again_, false)) return Wait();
    give_back_();
  });
}

}  // namespace outrider::agent
