// A PacketTracer that says what a test told it. Thread rule: any thread, once it is told.
#ifndef OUTRIDER_TESTS_FAKES_FAKE_PACKET_TRACER_H_
#define OUTRIDER_TESTS_FAKES_FAKE_PACKET_TRACER_H_

#include "vswitch/datapath/packet_tracer.h"

namespace outrider::datapath {

class FakePacketTracer final : public PacketTracer {
 public:
  absl::StatusOr<Trace> TraceFrame(const TraceRequest& request) override {
    asked = request;
    return answer;
  }

  absl::StatusOr<Trace> answer = Trace();
  TraceRequest asked;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_TESTS_FAKES_FAKE_PACKET_TRACER_H_
