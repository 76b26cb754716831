// Metrics as text, and served over HTTP.
#include "proto/metrics.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <prometheus/histogram.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "proto/metrics_server.h"

namespace outrider {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(MetricPageTest, SamplesOfOneNameAreTogether) {
  MetricPage page;
  page.Gauge("ports", "Ports.", 3, {{"phase", "active"}});
  page.Counter("drops_total", "Drops.", 5);
  page.Gauge("ports", "another help", 0, {{"phase", "a \"quoted\"\\\n"}});
  page.Gauge("time_seconds", "When.", MetricSeconds(1'700'000'000'250'000));
  EXPECT_EQ(MetricText(std::move(page).Take()),
            "# HELP ports Ports.\n"
            "# TYPE ports gauge\n"
            "ports{phase=\"active\"} 3\n"
            "ports{phase=\"a \\\"quoted\\\"\\\\\\n\"} 0\n"
            "# HELP drops_total Drops.\n"
            "# TYPE drops_total counter\n"
            "drops_total 5\n"
            "# HELP time_seconds When.\n"
            "# TYPE time_seconds gauge\n"
            "time_seconds 1700000000.25\n");
}

TEST(MetricPageTest, Histograms) {
  prometheus::Histogram histogram(prometheus::Histogram::BucketBoundaries{0.5, 2});
  histogram.Observe(0.25);
  histogram.Observe(2);
  histogram.Observe(8);
  MetricPage page;
  page.Histogram("took_seconds", "How long.", histogram.Collect());
  EXPECT_EQ(MetricText(std::move(page).Take()),
            "# HELP took_seconds How long.\n"
            "# TYPE took_seconds histogram\n"
            "took_seconds_count 3\n"
            "took_seconds_sum 10.25\n"
            "took_seconds_bucket{le=\"0.5\"} 1\n"
            "took_seconds_bucket{le=\"2\"} 2\n"
            "took_seconds_bucket{le=\"+Inf\"} 3\n");
}

// The whole answer to a GET at a server of this machine.
std::string Get(const std::string& address, const std::string& path) {
  const std::string port = address.substr(address.rfind(':') + 1);
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<uint16_t>(std::stoi(port)));
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    if (write(fd, request.data(), request.size()) < 0) answer = "cannot write";
    char buffer[4096];
    for (ssize_t size; (size = read(fd, buffer, sizeof(buffer))) > 0;) {
      answer.append(buffer, static_cast<size_t>(size));
    }
  }
  close(fd);
  return answer;
}

MetricFamilies OnePage(double value) {
  MetricPage page;
  page.Gauge("value", "A value.", value);
  return std::move(page).Take();
}

TEST(MetricsServerTest, MakesAPageForEachThatAsks) {
  std::atomic<int> asked = 0;
  const auto server = MetricsServer::Start("127.0.0.1:0", [&] { return OnePage(++asked); });
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT((*server)->address(), StartsWith("127.0.0.1:"));
  EXPECT_THAT((*server)->address(), Not(EndsWith(":0")));
  const std::string first = Get((*server)->address(), "/metrics");
  EXPECT_THAT(first, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(first, HasSubstr("text/plain"));
  EXPECT_THAT(first, HasSubstr("# TYPE value gauge\nvalue 1\n"));
  EXPECT_THAT(Get((*server)->address(), "/metrics"), HasSubstr("\nvalue 2\n"));
  EXPECT_THAT(Get((*server)->address(), "/etc/passwd"), StartsWith("HTTP/1.1 404"));
  EXPECT_EQ(asked, 2);
}

TEST(MetricsServerTest, APortInUseIsRefusedByName) {
  const auto first = MetricsServer::Start("127.0.0.1:0", [] { return OnePage(1); });
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string address = (*first)->address();
  const auto second = MetricsServer::Start(address, [] { return OnePage(2); });
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(std::string(second.status().message()),
            "metrics at " + address +
                ": the port is in use; choose another --metrics-listen, or \"\" for no metrics");
  EXPECT_THAT(Get(address, "/metrics"), HasSubstr("\nvalue 1\n")) << "the first serves on";
}

TEST(MetricsServerTest, ThePortIsFreeWhenItHasGone) {
  auto first = MetricsServer::Start("127.0.0.1:0", [] { return OnePage(1); });
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string address = (*first)->address();
  EXPECT_NE(Get(address, "/metrics"), "");
  first->reset();
  EXPECT_EQ(Get(address, "/metrics"), "");
  EXPECT_TRUE(MetricsServer::Start(address, [] { return OnePage(2); }).ok());
}

TEST(MetricsServerTest, AnAddressThatIsNotThisMachinesIsRefused) {
  const auto server = MetricsServer::Start("192.0.2.1:0", [] { return OnePage(1); });
  EXPECT_EQ(server.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(server.status().message()),
              StartsWith("metrics at 192.0.2.1:0: cannot listen there: "));
}

TEST(MetricsServerTest, Addresses) {
  for (const char* good : {"127.0.0.1:9464", "0.0.0.0:0", "10.0.0.1:65535"}) {
    EXPECT_TRUE(CheckMetricsAddress(good).ok()) << good;
  }
  for (const char* bad : {"", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                          "127.0.0.1:x", "localhost:9464", "::1:9464", "[::1]:9464"}) {
    EXPECT_EQ(CheckMetricsAddress(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(std::string(CheckMetricsAddress("localhost:1").message()),
            "\"localhost:1\" is not ADDRESS:PORT of IPv4, such as 127.0.0.1:9464");
}

}  // namespace
}  // namespace outrider
