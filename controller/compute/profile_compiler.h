// Compiles each profile once, however many hosts and ports have it: a large rule set costs
// milliseconds, and one change of a segment has the states of all its hosts computed.
//
// Thread-safe.
#ifndef OUTRIDER_CONTROLLER_COMPUTE_PROFILE_COMPILER_H_
#define OUTRIDER_CONTROLLER_COMPUTE_PROFILE_COMPILER_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "controller/compute/compile_profile.h"

namespace outrider::controller {

class ProfileCompiler {
 public:
  // `effective` as the model has it (Model::Effective): another object is another content.
  std::shared_ptr<const CompiledProfile> Compile(
      const std::shared_ptr<const v1::Profile>& effective);

 private:
  struct Entry {
    // Held, so that no other object can have its address.
    std::shared_ptr<const v1::Profile> effective;
    std::shared_ptr<const CompiledProfile> compiled;
  };
  std::mutex mutex_;
  // By name.
  std::map<std::string, Entry> entries_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_COMPUTE_PROFILE_COMPILER_H_
