// What a stateful port should do, as plain code over std::map: the judge of the eBPF programs in
// the property test. Knows one guest A and one outside B. Of TCP it knows what two honest ends say
// to each other; what a third one makes up is never of the connection.
#ifndef OUTRIDER_TESTS_BPF_CONNECTION_MODEL_H_
#define OUTRIDER_TESTS_BPF_CONNECTION_MODEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>

namespace outrider::tests {

enum class Proto { kUdp, kEcho, kTcp };
enum class Verdict { kPass, kAcl, kInvalid, kFull };
enum class Action { kDeny, kAllow, kRelate };

// One rule for each direction and protocol.
struct ModelRules {
  // [from the guest][protocol]
  std::array<std::array<Action, 3>, 2> actions{};
  bool keep = false;
};

// What a TCP segment is, seen from the end that sends it.
enum class Say { kSyn, kSynAck, kAck, kData, kFin, kReset, kRefuse, kForged };

struct ModelFrame {
  Proto proto = Proto::kUdp;
  bool from_a = true;
  uint16_t a_port = 0;
  // Of echo: a reply.
  bool reply = false;
  Say say = Say::kSyn;
  uint32_t length = 0;  // of kData
};

// The two ends of a TCP connection. Index 1: A.
struct ModelTcp {
  enum class Phase { kSyn, kSynAck, kOpen, kClosed };
  Phase phase = Phase::kSyn;
  std::array<uint32_t, 2> next{};
  std::array<uint32_t, 2> acked{};  // highest acknowledgement it has sent
  std::array<bool, 2> fin{};

  bool Over() const;
};

struct ModelConnection {
  bool from_a = true;
  uint64_t revision = 0;
  ModelTcp tcp;
};

class ConnectionModel {
 public:
  explicit ConnectionModel(uint32_t share) : share_(share) {}

  void Edit(const ModelRules& rules) {
    rules_ = rules;
    ++revision_;
  }
  void Forget() { connections_.clear(); }
  // What becomes of the frame, and of the connection by it. `isn`: where a SYN begins.
  Verdict Judge(const ModelFrame& frame, uint32_t isn);

  // nullptr: none.
  const ModelConnection* Find(const ModelFrame& frame) const;
  size_t size() const { return connections_.size(); }

 private:
  // Protocol, port of A, and of echo who asks.
  using Key = std::tuple<Proto, uint16_t, bool>;
  static Key KeyOf(const ModelFrame& frame);
  Verdict ByRule(Action action, const ModelFrame& frame, uint32_t isn);

  const uint32_t share_;
  ModelRules rules_;
  uint64_t revision_ = 0;
  std::map<Key, ModelConnection> connections_;
};

// Whether an honest end would say that now.
bool MaySay(const ModelConnection& connection, const ModelFrame& frame);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_CONNECTION_MODEL_H_
