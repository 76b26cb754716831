#include "vswitch/ovs/manager_remotes.h"

#include <filesystem>

#include "tests/ovs/server_fixture.h"
#include "tests/sys/stream/recording_handler.h"
#include "tests/sys/stream/test_certificates.h"
#include "vswitch/ovs/manager_remote.h"

namespace outrider::ovs {
namespace {

using ovsdb::Json;
using ovsdb::ToText;

class ManagerRemotesTest : public ServerTest {
 protected:
  void SetUp() override { Start(); }

  // A root row with one manager, and with `ssl` (columns of an SSL row) where given.
  void Configure(const std::string& manager, const Json& ssl = nullptr) {
    Json operations = ovsdb::ParseJson(R"([{"op":"insert","table":"Manager","row":)" + manager +
                                       R"(,"uuid-name":"m"},
          {"op":"insert","table":"Open_vSwitch","row":{"manager_options":["named-uuid","m"]}}])")
                          .value();
    if (!ssl.is_null()) {
      operations.push_back({{"op", "insert"}, {"table", "SSL"}, {"row", ssl}, {"uuid-name", "s"}});
      operations[1]["row"]["ssl"] = Json::array({"named-uuid", "s"});
    }
    Transact(ToText(operations));
  }
  std::string Status(const std::string& key) const {
    const RowPtr row = OnlyRow("Manager");
    const ovsdb::Atom* const value = row->columns.at("status").ValueOf(key);
    return value == nullptr ? "" : std::get<std::string>(*value);
  }
  bool IsConnected() const {
    return OnlyRow("Manager")->columns.at("is_connected") == ovsdb::Datum::Of(true);
  }
  uint16_t WaitForPort() {
    EXPECT_TRUE(DriveUntil([&] { return !Status("bound_port").empty(); }));
    return static_cast<uint16_t>(std::stoi("0" + Status("bound_port")));
  }
  void ListenWithTls(const stream::TlsFiles& files) {
    Configure(R"({"target":"pssl:0:127.0.0.1"})", {{"private_key", files.private_key},
                                                   {"certificate", files.certificate},
                                                   {"ca_cert", files.ca_cert}});
  }
  // Whether a client with these files is served on the port of the only manager.
  bool ServesWithTls(const stream::TlsFiles& files) {
    auto connection =
        stream::StreamConnection::Connect(loop_.get(),
                                          {.kind = stream::StreamAddress::Kind::kTls,
                                           .passive = false,
                                           .path = {},
                                           .host = "127.0.0.1",
                                           .port = WaitForPort()},
                                          stream::TlsContext::Load(files).value(), {});
    if (!connection.ok()) return false;
    stream::RecordingHandler client(std::move(*connection));
    EXPECT_TRUE(client.Start().ok());
    client.connection()->Send(R"({"method":"list_dbs","params":[],"id":1})");
    const auto served = [&] { return client.received.find("Open_vSwitch") != std::string::npos; };
    EXPECT_TRUE(DriveUntil([&] { return served() || client.closed.has_value(); }));
    return served();
  }
};

TEST_F(ManagerRemotesTest, ListensAsARowSaysAndShowsWhoIsThere) {
  Configure(R"({"target":"ptcp:0:127.0.0.1"})");
  const uint16_t port = WaitForPort();
  EXPECT_EQ(Status("state"), "ACTIVE");
  EXPECT_FALSE(IsConnected());
  SocketClient client = SocketClient::To("tcp:127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(ToText(Ask(&client, "list_dbs", "[]")), R"(["Open_vSwitch","_Server"])");
  EXPECT_TRUE(DriveUntil([&] { return IsConnected(); }));
  EXPECT_NE(Status("sec_since_connect"), "");
  // Gone with the row.
  Transact(
      R"([{"op":"update","table":"Open_vSwitch","where":[],"row":{"manager_options":["set",[]]}}])");
  EXPECT_TRUE(DriveUntil([&] {
    client.Hear();
    return client.closed();
  }));
  EXPECT_EQ(server_->remotes().size(), 0u);
}

TEST_F(ManagerRemotesTest, AnotherProbeIntervalKeepsNobodyWaiting) {
  Configure(R"({"target":"ptcp:0:127.0.0.1","inactivity_probe":30})");
  SocketClient client = SocketClient::To("tcp:127.0.0.1:" + std::to_string(WaitForPort()));
  Json probe;
  ASSERT_TRUE(DriveUntil([&] {
    if (auto heard = client.Hear()) probe = *heard;
    return !probe.is_null();
  }));
  EXPECT_EQ(ToText(probe), R"({"id":"echo","method":"echo","params":[]})");
  // It stays as long as it answers, and no longer.
  for (int i = 0; i < 3; ++i) {
    client.Say(R"({"id":"echo","result":[],"error":null})");
    Json again;
    ASSERT_TRUE(DriveUntil([&] {
      if (auto heard = client.Hear()) again = *heard;
      return !again.is_null() || client.closed();
    }));
    ASSERT_FALSE(client.closed());
  }
  EXPECT_TRUE(DriveUntil([&] {
    client.Hear();
    return client.closed();
  }));
}

TEST_F(ManagerRemotesTest, AnotherIntervalIsForThoseWhoAreThereToo) {
  Configure(R"({"target":"ptcp:0:127.0.0.1","inactivity_probe":0})");
  SocketClient client = SocketClient::To("tcp:127.0.0.1:" + std::to_string(WaitForPort()));
  Ask(&client, "echo", "[]");
  Transact(R"([{"op":"update","table":"Manager","where":[],"row":{"inactivity_probe":20}}])");
  Json probe;
  ASSERT_TRUE(DriveUntil([&] {
    if (auto heard = client.Hear()) probe = *heard;
    return !probe.is_null() || client.closed();
  }));
  EXPECT_EQ(ToText(probe), R"({"id":"echo","method":"echo","params":[]})");
}

TEST_F(ManagerRemotesTest, TlsNeedsTheSslTable) {
  const stream::TestAuthority authority(folder_.path(), "ca");
  const stream::TlsFiles files = authority.Issue("switch");
  ListenWithTls(files);
  EXPECT_TRUE(ServesWithTls(authority.Issue("client")));
}

TEST_F(ManagerRemotesTest, TlsBeginsWhenItsFilesCome) {
  const stream::TestAuthority authority(folder_.path(), "ca");
  const stream::TlsFiles files = authority.Issue("switch");
  std::filesystem::rename(files.private_key, files.private_key + ".away");
  ListenWithTls(files);
  ASSERT_TRUE(DriveUntil([&] { return Status("state") == "BACKOFF"; }));
  EXPECT_NE(Status("last_error").find("set-ssl"), std::string::npos);
  std::filesystem::rename(files.private_key + ".away", files.private_key);
  EXPECT_TRUE(ServesWithTls(authority.Issue("client")));
  EXPECT_TRUE(DriveUntil([&] { return Status("state") == "ACTIVE"; }));
  EXPECT_EQ(Status("last_error"), "");
}

TEST_F(ManagerRemotesTest, OtherKeysAreInForceWhenAllOfThemAreThere) {
  const stream::TestAuthority authority(folder_.path(), "ca");
  const stream::TlsFiles files = authority.Issue("switch");
  const stream::TestAuthority other(folder_.path(), "ca2");
  const stream::TlsFiles fresh = other.Issue("switch2");
  const auto replace = [](const std::string& from, const std::string& to) {
    std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
  };
  ListenWithTls(files);
  const uint16_t port = WaitForPort();
  // Does not fit the certificate: several looks at the files later nothing has changed.
  replace(fresh.private_key, files.private_key);
  const auto looked = stream::PollLoop::Clock::now() + std::chrono::milliseconds(200);
  ASSERT_TRUE(DriveUntil([&] { return stream::PollLoop::Clock::now() > looked; }));
  const stream::TlsFiles client = authority.Issue("client");
  EXPECT_TRUE(ServesWithTls(client));
  EXPECT_EQ(WaitForPort(), port);
  replace(fresh.certificate, files.certificate);
  replace(fresh.ca_cert, files.ca_cert);
  const stream::TlsFiles fresh_client = other.Issue("client2");
  EXPECT_TRUE(DriveUntil([&] { return ServesWithTls(fresh_client); }));
  EXPECT_FALSE(ServesWithTls(client));
}

TEST_F(ManagerRemotesTest, APortThatBecomesFreeIsListenedOn) {
  auto taken =
      stream::StreamListener::Create(
          loop_.get(), {.address = stream::StreamAddress::Parse("ptcp:0:127.0.0.1", 0).value()},
          [](std::unique_ptr<stream::StreamConnection>) {})
          .value();
  const uint16_t port = taken->address().port;
  Configure(R"({"target":"ptcp:)" + std::to_string(port) + R"(:127.0.0.1","max_backoff":1000})");
  ASSERT_TRUE(DriveUntil([&] { return !Status("last_error").empty(); }));
  taken.reset();
  EXPECT_EQ(WaitForPort(), port);
  EXPECT_EQ(Status("state"), "ACTIVE");
  EXPECT_EQ(Status("last_error"), "");
}

TEST_F(ManagerRemotesTest, WithoutKeysTlsSaysWhatIsMissing) {
  Configure(R"({"target":"pssl:0:127.0.0.1"})");
  EXPECT_TRUE(DriveUntil([&] { return Status("state") == "BACKOFF"; }));
  EXPECT_NE(Status("last_error").find("set-ssl"), std::string::npos);
}

TEST_F(ManagerRemotesTest, ConnectsToAManagerAndTriesAgain) {
  std::vector<std::unique_ptr<stream::RecordingHandler>> accepted;
  const auto listener =
      stream::StreamListener::Create(
          loop_.get(), {.address = stream::StreamAddress::Parse("ptcp:0:127.0.0.1", 0).value()},
          [&](std::unique_ptr<stream::StreamConnection> connection) {
            accepted.push_back(std::make_unique<stream::RecordingHandler>(std::move(connection)));
            EXPECT_TRUE(accepted.back()->Start().ok());
            accepted.back()->connection()->Send(R"({"method":"list_dbs","params":[],"id":1})");
          })
          .value();
  Configure(R"({"target":"tcp:127.0.0.1:)" + std::to_string(listener->address().port) +
            R"(","max_backoff":1000})");
  ASSERT_TRUE(DriveUntil([&] {
    return accepted.size() == 1 && accepted[0]->received.find("_Server") != std::string::npos;
  }));
  EXPECT_TRUE(DriveUntil([&] { return IsConnected() && Status("state") == "ACTIVE"; }));
  accepted[0]->connection()->Close();
  EXPECT_TRUE(DriveUntil([&] { return accepted.size() == 2; }));
}

TEST_F(ManagerRemotesTest, ATargetThatIsNoneIsVoid) {
  Configure(R"({"target":"tcp:example.org:1"})");
  EXPECT_TRUE(DriveUntil([&] { return Status("state") == "VOID"; }));
  EXPECT_NE(Status("last_error").find("is not an IPv4 or IPv6 address"), std::string::npos);
}

}  // namespace
}  // namespace outrider::ovs
