// JSON-RPC 1.0 as OVSDB and unixctl speak it: messages one after the other on a stream, nothing
// between them. Owns bounds on what a peer sends. Knows no socket.
//
// Thread rule: an object belongs to one thread.
#ifndef OUTRIDER_VSWITCH_SYS_OVSDB_JSON_RPC_H_
#define OUTRIDER_VSWITCH_SYS_OVSDB_JSON_RPC_H_

#include <cstddef>
#include <limits>
#include <optional>
#include <string>

#include "vswitch/sys/ovsdb/json.h"

namespace outrider::ovsdb {

// Cuts a byte stream into JSON values, in time linear in the bytes.
class JsonStream {
 public:
  static constexpr size_t kUnbounded = std::numeric_limits<size_t>::max();

  // Of one value: most bytes, and most members of all its arrays and objects with those themselves.
  // What takes three bytes as text may take a hundred as a value.
  explicit JsonStream(size_t max_bytes, size_t max_members = kUnbounded)
      : max_bytes_(max_bytes), max_members_(max_members) {}

  // What came from the peer.
  void Feed(const char* data, size_t size);
  // The next value, nullopt while it is not all there. InvalidArgument: not JSON, or nested deeper
  // than kMaxJsonDepth; ResourceExhausted: larger than max_bytes or of more than max_members (said
  // as soon as that much came). After an error nothing can be read any more: every later call gives
  // the same error.
  absl::StatusOr<std::optional<Json>> Next();
  // Bytes held.
  size_t buffered() const { return buffer_.size() - begin_; }
  // Of the value that Next gave last.
  size_t last_bytes() const { return last_bytes_; }

 private:
  // Position after the value that begins at begin_, if it is all there.
  std::optional<size_t> FindEnd();
  // Of a value that breaks a bound.
  absl::Status TooLarge() const;
  // Gives back the room of what was read.
  void DropRead();

  size_t max_bytes_;
  size_t max_members_;
  std::string buffer_;
  size_t begin_ = 0;
  // How far FindEnd has looked, and what it knows there.
  size_t scanned_ = 0;
  size_t depth_ = 0;
  size_t members_ = 0;
  size_t last_bytes_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  absl::Status failure_;
};

struct JsonRpcMessage {
  enum class Kind { kRequest, kNotification, kReply, kError };
  Kind kind = Kind::kRequest;
  // Of requests and notifications.
  std::string method = {};
  // An array.
  Json params = Json::array();
  Json result = nullptr;
  Json error = nullptr;
  // Null in a notification only.
  Json id = nullptr;
};

// InvalidArgument says which member is missing, wrong or too many.
absl::StatusOr<JsonRpcMessage> FromJson(Json json);
Json ToJson(const JsonRpcMessage& message);

JsonRpcMessage Request(const std::string& method, Json params, Json id);
JsonRpcMessage Notification(const std::string& method, Json params);
JsonRpcMessage Reply(Json result, Json id);
JsonRpcMessage ErrorReply(Json error, Json id);

}  // namespace outrider::ovsdb

#endif  // OUTRIDER_VSWITCH_SYS_OVSDB_JSON_RPC_H_
