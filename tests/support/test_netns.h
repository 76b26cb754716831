// A network namespace for one test process, and tap devices in it as a guest would hold them.
// Nothing has a name outside: both vanish with the process, however it ends.
//
// Thread rule: the namespace is that of the thread that enters it.
#ifndef OUTRIDER_TESTS_SUPPORT_TEST_NETNS_H_
#define OUTRIDER_TESTS_SUPPORT_TEST_NETNS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/types/status.h"

namespace outrider::tests {

// Moves the calling thread to a new network namespace with loopback up and IPv6 off (so that nobody
// speaks unasked). Needs CAP_SYS_ADMIN.
absl::Status EnterNewNetns();

// Sets a device up or down.
absl::Status SetLinkUp(const std::string& name, bool up);

// Segmentation that a sender leaves to the kernel, as in struct virtio_net_hdr. TCP over IPv4 only.
struct TapOffload {
  uint16_t gso_size = 0;       // 0: none
  uint16_t header_length = 0;  // Ethernet to TCP
};

// A tap with segmentation offloads, as QEMU opens it: what is sent is what the guest sends, what is
// received is what the guest gets.
class Tap {
 public:
  // Creates the device, up, in the calling thread's namespace. At most 15 bytes.
  static absl::StatusOr<std::unique_ptr<Tap>> Create(const std::string& name);
  ~Tap();
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  const std::string& name() const { return name_; }
  int ifindex() const { return ifindex_; }

  absl::Status Send(const std::vector<uint8_t>& frame, const TapOffload& offload = {});
  // The same in two steps, for who sends a frame many times.
  static std::vector<uint8_t> WithHeader(const std::vector<uint8_t>& frame,
                                         const TapOffload& offload = {});
  absl::Status Write(const std::vector<uint8_t>& bytes);

  struct Received {
    std::vector<uint8_t> frame;
    uint16_t gso_size = 0;
  };
  // The next frame, or nullopt when none came within `timeout_ms`.
  std::optional<Received> ReceiveWithOffload(int timeout_ms = 0);
  std::optional<std::vector<uint8_t>> Receive(int timeout_ms = 0);
  // The same, of the frame only whether there was one.
  bool Discard(int timeout_ms = 0);

 private:
  Tap(std::string name, int fd) : name_(std::move(name)), fd_(fd) {}

  std::string name_;
  int fd_;
  int ifindex_ = 0;
};

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_SUPPORT_TEST_NETNS_H_
