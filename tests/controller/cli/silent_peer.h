// A listener on a unix socket that never takes a connection: what is left of a daemon that was
// stopped (SIGSTOP). For tests; one thread.
#ifndef OUTRIDER_TESTS_CONTROLLER_CLI_SILENT_PEER_H_
#define OUTRIDER_TESTS_CONTROLLER_CLI_SILENT_PEER_H_

#include <string>
#include <vector>

namespace outrider::controller::cli {

class SilentPeer {
 public:
  // Listens on `path` until destruction. `full`: so many have come that no more can wait there.
  SilentPeer(const std::string& path, bool full);
  ~SilentPeer();
  SilentPeer(const SilentPeer&) = delete;
  SilentPeer& operator=(const SilentPeer&) = delete;

  // Why it does not listen as it should; empty: it does.
  const std::string& problem() const { return problem_; }

 private:
  // The listener, and those that wait.
  std::vector<int> descriptors_;
  std::string problem_;
};

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_TESTS_CONTROLLER_CLI_SILENT_PEER_H_
