// A repository over the memory store, with two hosts, a segment and a profile in it.
#ifndef OUTRIDER_TESTS_CONTROLLER_STORE_REPOSITORY_FIXTURE_H_
#define OUTRIDER_TESTS_CONTROLLER_STORE_REPOSITORY_FIXTURE_H_

#include <memory>
#include <string>

#include "controller/store/objects.h"
#include "controller/store/port_location.h"
#include "controller/store/repository.h"
#include "tests/controller/model/build.h"
#include "tests/fakes/controller_clock.h"
#include "tests/fakes/memory_store.h"

namespace outrider::controller {

class RepositoryFixture : public testing::Test {
 protected:
  RepositoryFixture() {
    Restart();
    EXPECT_TRUE(CreateObject(repository_.get(), MakeSegment("red", 100)).ok());
    EXPECT_TRUE(ApplyProfile(repository_.get(), MakeProfile("web", "red")).ok());
    for (int k = 1; k <= 3; ++k) PutHost(k);
  }

  // Loads the store anew, as a controller that starts.
  void Restart() {
    repository_.reset();
    auto repository = Repository::Create(&store_, &clock_);
    ASSERT_TRUE(repository.ok()) << repository.status();
    repository_ = std::move(*repository);
  }

  void PutHost(int k) {
    const auto put = [&](const Model&, Transaction* transaction) {
      transaction->Put(MakeHost(fmt::format("h{}", k), k));
      return absl::OkStatus();
    };
    EXPECT_TRUE(repository_->Transact(put).ok());
  }

  static v1::PortAttachment Attachment(int n, const std::string& profile = "web") {
    v1::PortAttachment attachment;
    attachment.set_port_id(PortId(n));
    attachment.set_device(fmt::format("tap{}", n));
    attachment.set_mac(Mac(n));
    attachment.set_profile(profile);
    return attachment;
  }

  v1::Port Port(int n) { return repository_->Get<v1::Port>(PortId(n)).value_or(v1::Port()); }

  MemoryStore store_;
  FakeClock clock_;
  std::unique_ptr<Repository> repository_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_STORE_REPOSITORY_FIXTURE_H_
