// Watches of hosts, whose presence is not stored: what comes last is what is so.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "controller/service/host_service.h"
#include "tests/fakes/controller_clock.h"
#include "tests/fakes/memory_store.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;

// Long enough for a loaded machine, short enough to fail rather than hang.
constexpr std::chrono::seconds kDeadline{20};

// One watch of hosts, as a client has it.
class HostWatch {
 public:
  HostWatch(grpc::Server* server, uint64_t from_revision)
      : stub_(v1::HostService::NewStub(server->InProcessChannel({}))) {
    context_.set_deadline(std::chrono::system_clock::now() + kDeadline);
    v1::WatchRequest request;
    request.set_from_revision(from_revision);
    reader_ = stub_->Watch(&context_, request);
  }
  ~HostWatch() { context_.TryCancel(); }
  // "<host> <state> <agent version>", "synced", or "end".
  std::string Next() {
    v1::HostChange change;
    if (!reader_->Read(&change)) return "end";
    if (change.kind() == v1::WATCH_KIND_SYNCED) return "synced";
    const v1::Host& host = change.object();
    return host.meta().name() + " " + v1::Host::State_Name(host.state()) + " " +
           host.agent_version();
  }
  grpc::Status Finish() { return reader_->Finish(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::HostService::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<v1::HostChange>> reader_;
};

class HostWatchTest : public ::testing::Test {
 protected:
  HostWatchTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    Put("h1", "v1");
  }
  ~HostWatchTest() override { server_->Shutdown(); }

  void Put(const std::string& name, const std::string& version) {
    const auto put = [&](const Model& model, Transaction* transaction) {
      const v1::Host* present = model.Find<v1::Host>(name);
      v1::Host host = present == nullptr ? v1::Host() : *present;
      host.mutable_meta()->set_name(name);
      if (present == nullptr) host.set_state(v1::Host::STATE_ENROLLED);
      host.set_agent_version(version);
      transaction->Put(std::move(host));
      return absl::OkStatus();
    };
    ASSERT_TRUE(repository_->Transact(put).ok());
  }
  void Connect(const std::string& name) {
    const auto connect = [](v1::Host* host) { host->set_state(v1::Host::STATE_CONNECTED); };
    ASSERT_TRUE(repository_->UpdatePresence(name, connect, /*publish=*/true).ok());
  }

  MemoryStore store_;
  FakeClock clock_;
  std::unique_ptr<Repository> repository_ = Repository::Create(&store_, &clock_).value();
  StopFlag stopping_ = false;
  HostService service_{repository_.get(), &stopping_, nullptr, nullptr, ""};
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(HostWatchTest, NothingOlderComesAfterThePresentObjects) {
  std::unique_ptr<HostWatch> watch;
  // In a callback, changes are in the model at once and published only when it returns.
  const auto subscription = repository_->Subscribe([&](const ChangeSet&) {
    if (watch != nullptr) return;
    Connect("h1");
    Put("h1", "v2");
    watch = std::make_unique<HostWatch>(server_.get(), 0);
    EXPECT_EQ(watch->Next(), "h1 STATE_CONNECTED v2");
    EXPECT_EQ(watch->Next(), "h2 STATE_ENROLLED v1");
    EXPECT_EQ(watch->Next(), "synced");
  });
  Put("h2", "v1");
  Put("h1", "v3");
  EXPECT_EQ(watch->Next(), "h1 STATE_CONNECTED v3");
}

TEST_F(HostWatchTest, AResumedWatchKnowsWhoIsConnected) {
  const uint64_t before = repository_->revision();
  Put("h1", "v2");
  Connect("h1");
  HostWatch watch(server_.get(), before);
  EXPECT_EQ(watch.Next(), "h1 STATE_ENROLLED v2") << "as it is stored";
  EXPECT_EQ(watch.Next(), "h1 STATE_CONNECTED v2");
  Put("h1", "v3");
  EXPECT_EQ(watch.Next(), "h1 STATE_CONNECTED v3");
}

TEST_F(HostWatchTest, AStoppingServerEndsItWithAReason) {
  HostWatch watch(server_.get(), repository_->revision());
  EXPECT_EQ(watch.Next(), "h1 STATE_ENROLLED v1");
  stopping_ = true;
  EXPECT_EQ(watch.Next(), "end");
  const grpc::Status status = watch.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("the controller is stopping"));
}

}  // namespace
}  // namespace outrider::controller
