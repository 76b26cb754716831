// Links to other agents that a test answers by hand. Thread rule: one thread, the test's.
#ifndef OUTRIDER_TESTS_AGENT_FAKE_PEER_LINKS_H_
#define OUTRIDER_TESTS_AGENT_FAKE_PEER_LINKS_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vswitch/agent/peer_link.h"

namespace outrider::agent {

class FakePeerLinks final : public PeerLinks {
 public:
  std::unique_ptr<PeerLink> Open(const std::string& address, const std::string& host) override {
    opened.push_back(host + " at " + address);
    ++open;
    return std::make_unique<Link>(this);
  }

  // The request that waits for its answer; taken away.
  std::optional<v1::PutPortMemoryRequest> Take() {
    auto taken = std::move(waiting_);
    waiting_.reset();
    return taken;
  }
  // Of the request taken last.
  void Answer(uint64_t incarnation = 1) {
    v1::PutPortMemoryResponse response;
    response.set_incarnation(incarnation);
    std::exchange(done_, nullptr)(response);
  }
  void Fail(const absl::Status& status) { std::exchange(done_, nullptr)(status); }

  std::vector<std::string> opened;
  int open = 0;

 private:
  class Link final : public PeerLink {
   public:
    explicit Link(FakePeerLinks* links) : links_(links) {}
    ~Link() override { --links_->open; }
    void PutPortMemory(const v1::PutPortMemoryRequest& request, Done done) override {
      links_->waiting_ = request;
      links_->done_ = std::move(done);
    }

   private:
    FakePeerLinks* const links_;
  };

  std::optional<v1::PutPortMemoryRequest> waiting_;
  PeerLink::Done done_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_TESTS_AGENT_FAKE_PEER_LINKS_H_
