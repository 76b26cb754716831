#include "tests/ovs/server_fixture.h"

#include <sys/socket.h>

#include <utility>

namespace outrider::ovs {

using ovsdb::Json;

SocketClient SocketClient::To(const std::string& address) {
  auto fd = stream::BeginConnect(stream::StreamAddress::Parse(address, 0).value());
  EXPECT_TRUE(fd.ok()) << fd.status();
  return SocketClient(fd.ok() ? std::move(*fd) : UniqueFd());
}

size_t SocketClient::Say(const std::string& bytes) {
  const ssize_t count = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count < 0 && errno != EAGAIN) closed_ = true;
  return count < 0 ? 0 : static_cast<size_t>(count);
}

std::optional<Json> SocketClient::Hear() {
  char buffer[65536];
  while (true) {
    auto value = stream_.Next();
    EXPECT_TRUE(value.ok()) << value.status();
    if (value.ok() && *value) return **value;
    const ssize_t count = recv(fd_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN)) closed_ = true;
    if (count <= 0 || !value.ok()) return std::nullopt;
    stream_.Feed(buffer, static_cast<size_t>(count));
  }
}

void ServerTest::Start(size_t max_connections) {
  OvsdbServer::Options options;
  options.socket_path = path_;
  options.max_connections = max_connections;
  options.manager_status_interval = std::chrono::milliseconds(20);
  auto server = OvsdbServer::Create(loop_.get(), database_.get(), options);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = std::move(*server);
}

Json ServerTest::Ask(SocketClient* client, const std::string& method, const std::string& params) {
  const std::string request = R"({"method":")" + method + R"(","params":)" + params + R"(,"id":1})";
  EXPECT_EQ(client->Say(request), request.size());
  Json answer;
  rounds_ = 0;
  DriveUntil([&] {
    ++rounds_;
    while (auto heard = client->Hear()) {
      if ((*heard)["id"] == 1) {
        answer = (*heard)["result"];
        return true;
      }
    }
    return client->closed();
  });
  return answer;
}

void ServerTest::Transact(const std::string& operations) {
  const Outcome outcome = database_->Transact(ovsdb::ParseJson(operations).value(), {});
  EXPECT_TRUE(outcome.committed) << ovsdb::ToText(outcome.results);
}

bool ServerTest::DriveUntil(const std::function<bool()>& so) {
  const auto deadline = stream::PollLoop::Clock::now() + std::chrono::seconds(20);
  while (!so()) {
    if (stream::PollLoop::Clock::now() > deadline) return false;
    loop_->RunOnce(std::chrono::milliseconds(5));
  }
  return true;
}

RowPtr ServerTest::OnlyRow(const std::string& table) const {
  const Table& rows = database_->tables().at(table);
  return rows.size() == 1 ? rows.begin()->second : nullptr;
}

}  // namespace outrider::ovs
