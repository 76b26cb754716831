// The counters hosts reported last, by port. Kept in memory only: counters are of the hosts, and
// come again. Thread-safe.
#ifndef OUTRIDER_CONTROLLER_SESSION_COUNTER_BOARD_H_
#define OUTRIDER_CONTROLLER_SESSION_COUNTER_BOARD_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "outrider/v1/api.pb.h"
#include "outrider/v1/session.pb.h"

namespace outrider::controller {

class CounterBoard {
 public:
  // `host` reported `counters` at `time_us` (controller's clock). The caller has checked that the
  // host may speak of the port.
  void Put(const std::string& host, const v1::PortCounters& counters, int64_t time_us);
  void Erase(const std::string& port_id);
  // nullopt when no host reported any.
  std::optional<v1::PortCountersResponse> Get(const std::string& port_id) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, v1::PortCountersResponse> ports_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SESSION_COUNTER_BOARD_H_
