// Watches: present objects, then changes; from a revision; by name; of a client that leaves.
#include <gmock/gmock.h>

#include "tests/controller/service/controller_harness.h"

namespace outrider::controller {
namespace {

class WatchTest : public ControllerHarness {
 protected:
  uint64_t Create(const std::string& name, uint32_t vni) {
    v1::Segment segment;
    segment.mutable_meta()->set_name(name);
    segment.set_vni(vni);
    grpc::ClientContext context;
    EXPECT_TRUE(AdminStub<v1::SegmentService>()->Create(&context, segment, &segment).ok());
    return segment.meta().revision();
  }
  uint64_t Delete(const std::string& name) {
    v1::DeleteRequest request;
    request.set_name(name);
    v1::DeleteResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(AdminStub<v1::SegmentService>()->Delete(&context, request, &response).ok());
    return response.revision();
  }
};

// A watch of segments, as a client has it.
class SegmentWatch {
 public:
  SegmentWatch(std::unique_ptr<v1::SegmentService::Stub> stub, uint64_t from_revision,
               const std::string& name = "")
      : stub_(std::move(stub)) {
    v1::WatchRequest request;
    request.set_from_revision(from_revision);
    request.set_name(name);
    reader_ = stub_->Watch(&context_, request);
  }
  ~SegmentWatch() { context_.TryCancel(); }
  // "put blue", "delete blue", "synced", or "end".
  std::string Next() {
    if (!reader_->Read(&event_)) return "end";
    switch (event_.kind()) {
      case v1::WATCH_KIND_PUT:
        return "put " + event_.object().meta().name();
      case v1::WATCH_KIND_DELETE:
        return "delete " + event_.object().meta().name();
      default:
        return "synced";
    }
  }
  uint64_t revision() const { return event_.revision(); }
  grpc::Status Finish() { return reader_->Finish(); }
  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::SegmentService::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<v1::SegmentChange>> reader_;
  v1::SegmentChange event_;
};

TEST_F(WatchTest, PresentObjectsThenChanges) {
  Create("blue", 1);
  const uint64_t before = Create("green", 2);
  SegmentWatch watch(AdminStub<v1::SegmentService>(), 0);
  EXPECT_EQ(watch.Next(), "put blue");
  EXPECT_EQ(watch.Next(), "put green");
  EXPECT_EQ(watch.Next(), "synced");
  EXPECT_EQ(watch.revision(), before);
  const uint64_t created = Create("red", 3);
  EXPECT_EQ(watch.Next(), "put red");
  EXPECT_EQ(watch.revision(), created);
  const uint64_t erased = Delete("blue");
  EXPECT_EQ(watch.Next(), "delete blue");
  EXPECT_EQ(watch.revision(), erased);
}

TEST_F(WatchTest, FromARevisionNothingIsLostOrTwice) {
  const uint64_t from = Create("blue", 1);
  Create("green", 2);
  Delete("green");
  SegmentWatch watch(AdminStub<v1::SegmentService>(), from);
  EXPECT_EQ(watch.Next(), "put green");
  EXPECT_EQ(watch.Next(), "delete green");
  Create("red", 3);
  EXPECT_EQ(watch.Next(), "put red");
}

TEST_F(WatchTest, OneName) {
  Create("blue", 1);
  SegmentWatch watch(AdminStub<v1::SegmentService>(), 0, "green");
  EXPECT_EQ(watch.Next(), "synced");
  Create("red", 3);
  Create("green", 2);
  EXPECT_EQ(watch.Next(), "put green");
}

TEST_F(WatchTest, ARevisionThatHasNotBeenIsOutOfRange) {
  SegmentWatch watch(AdminStub<v1::SegmentService>(), Create("blue", 1) + 1000);
  EXPECT_EQ(watch.Next(), "end");
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::OUT_OF_RANGE);
}

TEST_F(WatchTest, ALeavingClientEndsIt) {
  SegmentWatch watch(AdminStub<v1::SegmentService>(), 0);
  EXPECT_EQ(watch.Next(), "synced");
  watch.Cancel();
  EXPECT_EQ(watch.Next(), "end");
}

TEST_F(WatchTest, AControllerThatStopsSaysSo) {
  SegmentWatch watch(AdminStub<v1::SegmentService>(), 0);
  EXPECT_EQ(watch.Next(), "synced");
  Stop();
  EXPECT_EQ(watch.Next(), "end");
  const grpc::Status status = watch.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(),
            "the controller is stopping and ended the watch; watch again when it runs");
}

TEST_F(WatchTest, AHostsPresenceIsAChange) {
  const HostIdentity h1 = Join("h1");
  grpc::ClientContext context;
  v1::WatchRequest request;
  auto stub = AdminStub<v1::HostService>();
  auto reader = stub->Watch(&context, request);
  v1::HostChange change;
  ASSERT_TRUE(reader->Read(&change));
  EXPECT_EQ(change.object().state(), v1::Host::STATE_ENROLLED);
  ASSERT_TRUE(reader->Read(&change));
  EXPECT_EQ(change.kind(), v1::WATCH_KIND_SYNCED);
  AgentStream stream(Tls(h1));
  ASSERT_TRUE(stream.SendHello(HelloOf("h1", "10.0.1.1")));
  // First the vteps are recorded, then the host is connected.
  ASSERT_TRUE(reader->Read(&change));
  ASSERT_TRUE(reader->Read(&change));
  EXPECT_EQ(change.object().state(), v1::Host::STATE_CONNECTED);
  context.TryCancel();
}

}  // namespace
}  // namespace outrider::controller
