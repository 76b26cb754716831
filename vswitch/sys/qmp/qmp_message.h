// QEMU's machine protocol on the wire, as far as a client reads it that only wants to know how a
// guest does (QEMU, "QEMU Machine Protocol Specification"): JSON objects, one after the other.
// Knows no socket.
//
// Thread rule: values; one thread.
#ifndef OUTRIDER_VSWITCH_SYS_QMP_QMP_MESSAGE_H_
#define OUTRIDER_VSWITCH_SYS_QMP_QMP_MESSAGE_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace outrider::qmp {

// A virtio device of the guest, as "x-query-virtio" lists it.
struct VirtioDevice {
  // "virtio-net", ...
  std::string name;
  // In QEMU's object model.
  std::string path;
  bool operator==(const VirtioDevice&) const = default;
};

// What a network card of the guest takes, as "query-rx-filter" lists it.
struct ReceiveFilter {
  // The card's own address.
  std::string mac;
  bool promiscuous = false;
  // All frames for groups, besides those listed.
  bool all_groups = false;
  std::vector<std::string> groups = {};
  bool operator==(const ReceiveFilter&) const = default;
};

struct Message {
  enum class Kind { kGreeting, kEvent, kReturn, kError };
  Kind kind = Kind::kGreeting;
  // Of an event: "STOP", "RESUME", "MIGRATION", ...
  std::string event = {};
  // Of an event: the host's wall clock, microseconds since the Unix epoch; 0: it has none.
  int64_t time_us = 0;
  // Of a return or an error: the command's; 0: none that this client gave.
  uint64_t id = 0;
  // `status` of an event's data or of what a command returned; empty: it has none.
  std::string status = {};
  // What a command returned, if that is a text.
  std::string text = {};
  // `used-idx` of what "x-query-virtio-queue-status" returned.
  std::optional<uint16_t> used_index = {};
  // What "x-query-virtio" returned.
  std::vector<VirtioDevice> devices = {};
  // What "query-rx-filter" returned.
  std::vector<ReceiveFilter> filters = {};
  // Of an error.
  std::string description = {};
  bool operator==(const Message&) const = default;
};

// InvalidArgument: no JSON object, or of none of the four kinds.
absl::StatusOr<Message> ParseMessage(const std::string& text);

struct Command {
  std::string name;
  // Arguments, by name.
  std::map<std::string, std::string> texts = {};
  std::map<std::string, int64_t> numbers = {};
};

// As it goes over the wire. `id` is not 0.
std::string CommandText(const Command& command, uint64_t id);

// Cuts what comes into objects, however the bytes were split and whatever stands between them.
class MessageSplitter {
 public:
  // Of one object; QEMU's greeting and events have a few hundred bytes.
  static constexpr size_t kMaxMessage = 1 << 20;

  void Add(const char* data, size_t size) { buffer_.append(data, size); }
  // The next whole object; nullopt: more must come. InvalidArgument: what came is no object.
  // ResourceExhausted: it has more than kMaxMessage bytes. Either is for good.
  absl::StatusOr<std::optional<std::string>> Next();

 private:
  std::string buffer_;
  // How far the object at the buffer's begin has been looked at, and what was found.
  size_t scanned_ = 0;
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace outrider::qmp

#endif  // OUTRIDER_VSWITCH_SYS_QMP_QMP_MESSAGE_H_
