#include "controller/compute/profile_compiler.h"

namespace outrider::controller {

std::shared_ptr<const CompiledProfile> ProfileCompiler::Compile(
    const std::shared_ptr<const v1::Profile>& effective) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[effective->meta().name()];
  if (entry.effective == effective) return entry.compiled;
  entry = {effective, std::make_shared<const CompiledProfile>(CompileProfile(*effective))};
  const auto compiled = entry.compiled;
  // Nobody but us has them: their profiles are in force no more.
  std::erase_if(entries_, [](const auto& each) { return each.second.effective.use_count() == 1; });
  return compiled;
}

}  // namespace outrider::controller
