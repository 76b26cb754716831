// Two agents' ends of a link over real TLS on loopback: who is let in, and who is taken for whom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>

#include "tests/agent/manual_executor.h"
#include "tests/agent/sample_states.h"
#include "tests/agent/temp_dir.h"
#include "tests/agent/test_authority.h"
#include "tests/fakes/fake_port_memory.h"
#include "vswitch/agent/peer_certificate.h"
#include "vswitch/agent/peer_client.h"
#include "vswitch/agent/peer_messages.h"
#include "vswitch/agent/peer_server.h"

namespace outrider::agent {
namespace {

using ::testing::HasSubstr;

const PortId kPort = MakePortId(1);

std::string Uri(const std::string& host, const std::string& domain = "outrider.local") {
  return "spiffe://" + domain + "/host/" + host;
}

Identity IdentityOf(TestAuthority* authority, const std::string& uri, int begin_s = -10,
                    int end_s = 3000) {
  const std::string key = *GenerateKey();
  return {.key_pem = key,
          .certificate_pem = authority->Sign(*MakeSigningRequest(key), uri, begin_s, end_s),
          .ca_pem = authority->ca_pem()};
}

// Host h2, which awaits port 1 from h1.
class PeerLinkTest : public ::testing::Test {
 protected:
  PeerLinkTest() {
    memory_.AddPort(kPort);
    state::HostState state = SampleState(state::PortPhase::kArmed, 2);
    state.ports.at(kPort).migration_id = "m-1";
    state.ports.at(kPort).arrival = {
        .vtep = *IpAddress::Parse("192.0.2.1"), .label = 5, .host = "h1"};
    receiver_.Follow(state, state);
    std::ofstream(directory_ / "host.crt") << server_identity_.certificate_pem;
    std::ofstream(directory_ / "host.key") << server_identity_.key_pem;
    auto server = PeerServer::Create({.addresses = VtepPair(*IpAddress::Parse("127.0.0.1")),
                                      .port = 0,
                                      .certificate_file = directory_ / "host.crt",
                                      .key_file = directory_ / "host.key"},
                                     {.receiver = &receiver_,
                                      .identity = [this] { return server_identity_; },
                                      .clock = WallMicros});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::string Address() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  static v1::PutPortMemoryRequest Request(int connections = 1) {
    v1::PutPortMemoryRequest request;
    request.set_port_id(kPort.ToString());
    request.set_migration_id("m-1");
    request.set_epoch(2);
    request.set_sequence(1);
    request.set_abi_version(1);
    for (int i = 0; i < connections; ++i) {
      v1::PortConnection* connection = request.add_connections();
      connection->set_key(std::string(44, 'k') + std::to_string(10'000 + i).substr(1));
      connection->set_entry(std::string(72, 'e'));
    }
    return request;
  }
  // What a host with this identity hears that means to speak to `host`.
  absl::StatusOr<v1::PutPortMemoryResponse> Say(const Identity& identity,
                                                const v1::PutPortMemoryRequest& request,
                                                const std::string& host = "h2") {
    GrpcPeerLinks links([identity] { return identity; }, WallMicros);
    const auto link = links.Open(Address(), host);
    std::promise<absl::StatusOr<v1::PutPortMemoryResponse>> answer;
    link->PutPortMemory(request, [&](auto given) { answer.set_value(std::move(given)); });
    return answer.get_future().get();
  }
  bool IsUntouched() const { return memory_.Look(kPort).connections.empty(); }

  TempDir directory_;
  TestAuthority authority_;
  Identity server_identity_ = IdentityOf(&authority_, Uri("h2"));
  ManualExecutor executor_;
  datapath::FakePortMemory memory_;
  MemoryReceiver receiver_{
      {.executor = &executor_, .memory = &memory_, .random = [] { return 41; }}};
  std::unique_ptr<PeerServer> server_;
};

TEST_F(PeerLinkTest, TheSourceIsHeard) {
  const auto answer = Say(IdentityOf(&authority_, Uri("h1")), Request());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->incarnation(), 41u);
  EXPECT_EQ(answer->taken(), 1u);
  EXPECT_EQ(memory_.Look(kPort).connections.size(), 1u);
}

TEST_F(PeerLinkTest, TheLargestRequestPasses) {
  const auto answer = Say(IdentityOf(&authority_, Uri("h1")), Request(kMaxConnectionsPerRequest));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->taken(), static_cast<uint64_t>(kMaxConnectionsPerRequest));
}

TEST_F(PeerLinkTest, AnotherHostIsRefused) {
  const auto answer = Say(IdentityOf(&authority_, Uri("h3")), Request());
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kPermissionDenied) << answer.status();
  EXPECT_THAT(Message(answer.status()), HasSubstr("\"h3\""));
  EXPECT_TRUE(IsUntouched());
}

TEST_F(PeerLinkTest, SoIsAnythingElseThatIsNotTheSource) {
  TestAuthority other;
  Identity stranger = IdentityOf(&other, Uri("h1"));
  stranger.ca_pem = authority_.ca_pem();
  const std::pair<const char*, Identity> cases[] = {
      {"of another authority", stranger},
      {"expired", IdentityOf(&authority_, Uri("h1"), -100, -10)},
      {"not valid yet", IdentityOf(&authority_, Uri("h1"), 1000, 2000)},
      {"of nobody", IdentityOf(&authority_, "https://outrider.local/host/h1")},
      {"a path too deep", IdentityOf(&authority_, Uri("h1/x"))},
  };
  for (const auto& [name, identity] : cases) {
    const auto status = IdentifyHost(identity.certificate_pem, server_identity_, WallMicros());
    EXPECT_EQ(status.status().code(), absl::StatusCode::kPermissionDenied) << name;
    const auto answer = Say(identity, Request());
    EXPECT_FALSE(answer.ok()) << name;
    EXPECT_TRUE(IsUntouched()) << name;
  }
}

TEST_F(PeerLinkTest, AnotherTrustDomainIsRefusedByBothSides) {
  const Identity other = IdentityOf(&authority_, Uri("h1", "else.where"));
  EXPECT_EQ(IdentifyHost(other.certificate_pem, server_identity_, WallMicros()).status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_FALSE(Say(other, Request()).ok());
  EXPECT_TRUE(IsUntouched());
}

TEST_F(PeerLinkTest, WhoListensMustBeTheHostThatIsMeant) {
  const auto answer = Say(IdentityOf(&authority_, Uri("h1")), Request(), "h5");
  EXPECT_FALSE(answer.ok());
  EXPECT_THAT(Message(answer.status()), HasSubstr("h2"));
  EXPECT_TRUE(IsUntouched());
}

TEST_F(PeerLinkTest, ARequestThatIsTooLongHasNoEffect) {
  v1::PutPortMemoryRequest request = Request();
  request.mutable_connections(0)->set_entry(std::string(kMaxPeerMessageBytes, 'x'));
  const auto answer = Say(IdentityOf(&authority_, Uri("h1")), request);
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kResourceExhausted) << answer.status();
  EXPECT_TRUE(IsUntouched());
}

TEST_F(PeerLinkTest, NobodyThereIsSaidAtOnce) {
  const std::string address = Address();
  server_.reset();
  const Identity identity = IdentityOf(&authority_, Uri("h1"));
  GrpcPeerLinks links([&] { return identity; }, WallMicros);
  const auto link = links.Open(address, "h2");
  std::promise<absl::Status> answer;
  link->PutPortMemory(Request(), [&](const auto& given) { answer.set_value(given.status()); });
  EXPECT_EQ(answer.get_future().get().code(), absl::StatusCode::kUnavailable);
}

TEST_F(PeerLinkTest, LinksComeAndGo) {
  server_.reset();
  const Identity identity = IdentityOf(&authority_, Uri("h1"));
  GrpcPeerLinks links([&] { return identity; }, WallMicros);
  for (int n = 0; n < 200; ++n) {
    const auto link = links.Open("127.0.0.1:1", "h2");
    std::promise<absl::Status> answer;
    link->PutPortMemory(Request(), [&](const auto& given) { answer.set_value(given.status()); });
    EXPECT_EQ(answer.get_future().get().code(), absl::StatusCode::kUnavailable);
  }
}

TEST_F(PeerLinkTest, ALinkThatGoesEndsItsCall) {
  const Identity identity = IdentityOf(&authority_, Uri("h1"));
  GrpcPeerLinks links([&] { return identity; }, WallMicros);
  std::promise<void> ended;
  auto link = links.Open(Address(), "h2");
  link->PutPortMemory(Request(), [&](const auto&) { ended.set_value(); });
  link.reset();
  // It has been called when the link is gone.
  EXPECT_EQ(ended.get_future().wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

TEST_F(PeerLinkTest, TwoServersDoNotShareAPort) {
  const auto second = PeerServer::Create({.addresses = VtepPair(*IpAddress::Parse("127.0.0.1")),
                                          .port = server_->port(),
                                          .certificate_file = directory_ / "host.crt",
                                          .key_file = directory_ / "host.key"},
                                         {.receiver = &receiver_,
                                          .identity = [this] { return server_identity_; },
                                          .clock = WallMicros});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(second.status()), HasSubstr("--peer-port"));
}

TEST(PeerCertificate, NamesItsHost) {
  TestAuthority authority;
  const Identity own = IdentityOf(&authority, Uri("h2"));
  const auto host =
      IdentifyHost(IdentityOf(&authority, Uri("h1")).certificate_pem, own, WallMicros());
  ASSERT_TRUE(host.ok()) << host.status();
  EXPECT_EQ(*host, "h1");
  for (const char* pem : {"", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"}) {
    EXPECT_EQ(IdentifyHost(pem, own, WallMicros()).status().code(),
              absl::StatusCode::kPermissionDenied);
  }
}

}  // namespace
}  // namespace outrider::agent
