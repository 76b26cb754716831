// A port that hosts have fought for, and the operator's word that ends it.
#include <gmock/gmock.h>

#include "tests/controller/service/controller_harness.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;

constexpr char kPort[] = "00000000-0000-0000-0000-000000000001";

class PortThawTest : public ControllerHarness {
 protected:
  void Freeze() {
    MakeProfile();
    Stop();
    Put();
    Start();
  }
  // A port on h1 into the store, as it is after five unplanned moves.
  void Put() {
    SystemClock clock;
    const auto store = SqliteStore::Open({.path = directory_ + "/state/controller.db"});
    ASSERT_TRUE(store.ok()) << store.status();
    const auto repository = Repository::Create(store->get(), &clock);
    ASSERT_TRUE(repository.ok()) << repository.status();
    const auto put = [](const Model&, Transaction* transaction) {
      v1::Port port;
      port.mutable_meta()->set_name(kPort);
      port.set_mac("52:54:00:00:00:01");
      port.set_profile("web");
      port.mutable_location()->set_host("h1");
      port.mutable_location()->set_epoch(6);
      port.set_phase(v1::PORT_PHASE_BLOCKED);
      for (int64_t n = 1; n <= 5; ++n) port.add_unplanned_moves_us(n);
      port.set_frozen_us(5);
      transaction->Put(std::move(port));
      return absl::OkStatus();
    };
    ASSERT_TRUE((*repository)->Transact(put).ok());
  }
  grpc::Status Thaw(const std::string& name, v1::Port* port) {
    v1::GetRequest request;
    request.set_name(name);
    grpc::ClientContext context;
    return AdminStub<v1::PortService>()->Thaw(&context, request, port);
  }
};

TEST_F(PortThawTest, AFrozenPortIsThawedOnce) {
  Freeze();
  v1::Port port;
  const grpc::Status status = Thaw(kPort, &port);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(port.meta().name(), kPort);
  EXPECT_EQ(port.frozen_us(), 0);
  EXPECT_EQ(port.unplanned_moves_us_size(), 0);
  EXPECT_EQ(port.location().host(), "h1") << "it stays where it is";
  EXPECT_GT(port.meta().revision(), 0u);
  EXPECT_THAT(log_.text(), HasSubstr(std::string("audit: granted: claims of port \"") + kPort +
                                     "\", which was frozen on host \"h1\""));

  const grpc::Status again = Thaw(kPort, &port);
  EXPECT_EQ(again.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(again.error_message(), std::string("port \"") + kPort + "\" is not frozen");
  const grpc::Status unknown = Thaw("00000000-0000-0000-0000-000000000009", &port);
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace outrider::controller
