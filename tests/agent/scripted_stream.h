// A controller's end of streams, played by a test: what the agent wrote, what it is told, when the
// stream breaks. Thread rule: the test's thread.
#ifndef OUTRIDER_TESTS_AGENT_SCRIPTED_STREAM_H_
#define OUTRIDER_TESTS_AGENT_SCRIPTED_STREAM_H_

#include <memory>
#include <utility>
#include <vector>

#include "vswitch/agent/controller_stream.h"

namespace outrider::agent {

class ScriptedStreams final : public ControllerStreamFactory {
 public:
  std::unique_ptr<ControllerStream> Open(ControllerStream::Callbacks callbacks) override {
    ++opened;
    written.clear();
    reads = 1;
    callbacks_ = std::move(callbacks);
    return std::make_unique<Stream>(this);
  }

  // ---- The controller's moves; run the executor afterwards. ----
  void Say(const v1::ControllerMessage& message) {
    --reads;
    callbacks_.on_message(message);
  }
  void FinishWrite() { callbacks_.on_written(); }
  void Break(absl::Status status) { callbacks_.on_closed(std::move(status)); }

  // Streams opened so far; messages written to the last; whether it is still open; how many more
  // messages the agent is ready to read.
  int opened = 0;
  std::vector<v1::AgentMessage> written;
  bool open = false;
  int reads = 0;
  // Whether writes finish by themselves.
  bool finish_writes = true;

 private:
  class Stream final : public ControllerStream {
   public:
    explicit Stream(ScriptedStreams* owner) : owner_(owner) { owner_->open = true; }
    ~Stream() override { owner_->open = false; }
    void Write(const v1::AgentMessage& message) override {
      owner_->written.push_back(message);
      if (owner_->finish_writes) owner_->callbacks_.on_written();
    }
    void ReadNext() override { ++owner_->reads; }

   private:
    ScriptedStreams* owner_;
  };

  ControllerStream::Callbacks callbacks_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_TESTS_AGENT_SCRIPTED_STREAM_H_
