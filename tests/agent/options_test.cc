#include "vswitch/agent/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/agent/temp_dir.h"

namespace outrider::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ParsedOptions Parse(std::vector<std::string> arguments) {
  return ParseOptions(std::move(arguments), "1.2.3");
}

TEST(Options, HaveDefaults) {
  const auto parsed = Parse({"--vtep", "10.0.1.1"});
  ASSERT_TRUE(parsed.options) << parsed.text;
  EXPECT_THAT(parsed.options->vteps, ElementsAre("10.0.1.1"));
  EXPECT_EQ(parsed.options->socket, "/run/outrider/agent.sock");
  EXPECT_EQ(parsed.options->ovs_rundir, "/run/outrider/ovs");
  EXPECT_EQ(parsed.options->bpffs, "/sys/fs/bpf/outrider");
  EXPECT_EQ(parsed.options->log_level, "info");
}

TEST(Options, TakesAnEndPointOfEachFamily) {
  EXPECT_THAT(Parse({"--vtep", "10.0.1.1,fd00::1"}).options->vteps,
              ElementsAre("10.0.1.1", "fd00::1"));
  EXPECT_THAT(Parse({"--vtep", "10.0.1.1", "--vtep", "fd00::1"}).options->vteps,
              ElementsAre("10.0.1.1", "fd00::1"));
  const TempDir directory;
  std::ofstream(directory / "agent.toml") << "vtep = [\"10.0.1.1\", \"fd00::1\"]\n";
  EXPECT_THAT(Parse({"--config", directory / "agent.toml"}).options->vteps,
              ElementsAre("10.0.1.1", "fd00::1"));
}

TEST(Options, NameTheLibvirtToAsk) {
  EXPECT_EQ(Parse({"--vtep", "10.0.1.1", "--libvirt", "qemu:///session"}).options->libvirt,
            "qemu:///session");
  EXPECT_EQ(Parse({"--vtep", "10.0.1.1", "--libvirt", "none"}).options->libvirt, "");
  EXPECT_EQ(Parse({"--vtep", "10.0.1.1"}).options->libvirt, "qemu:///system");
}

TEST(Options, SayWhereMetricsAreServed) {
  EXPECT_EQ(Parse({"--vtep", "10.0.1.1"}).options->metrics_listen, "");
  EXPECT_EQ(
      Parse({"--vtep", "10.0.1.1", "--metrics-listen", "10.0.0.1:9465"}).options->metrics_listen,
      "10.0.0.1:9465");
  const TempDir directory;
  std::ofstream(directory / "agent.toml") << "vtep = \"10.0.1.1\"\nmetrics-listen = \"\"\n";
  EXPECT_EQ(Parse({"--config", directory / "agent.toml"}).options->metrics_listen, "");
  const auto refused = Parse({"--vtep", "10.0.1.1", "--metrics-listen", "localhost:9465"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.text, HasSubstr("\"localhost:9465\" is not ADDRESS:PORT"));
}

TEST(Options, NameUplinksAndTheirDevices) {
  using ::testing::Pair;
  EXPECT_THAT(
      Parse({"--vtep", "10.0.1.1", "--uplink", "b=eth2", "--uplink", "a=eth1"}).options->uplinks,
      ElementsAre(Pair("a", "eth1"), Pair("b", "eth2")));
  const TempDir directory;
  std::ofstream(directory / "agent.toml")
      << "vtep = \"10.0.1.1\"\nuplink = [\"a=eth1\", \"b=eth2\"]\n";
  EXPECT_THAT(Parse({"--config", directory / "agent.toml"}).options->uplinks,
              ElementsAre(Pair("a", "eth1"), Pair("b", "eth2")));
}

TEST(Options, RefuseUplinksThatCannotBe) {
  const auto complaint = [](const std::vector<std::string>& uplinks) {
    std::vector<std::string> arguments = {"--vtep", "10.0.1.1"};
    for (const std::string& uplink : uplinks)
      arguments.insert(arguments.end(), {"--uplink", uplink});
    const auto parsed = Parse(arguments);
    EXPECT_FALSE(parsed.options);
    EXPECT_EQ(parsed.exit_code, 2);
    return parsed.text;
  };
  EXPECT_THAT(complaint({"eth1"}), HasSubstr("--uplink eth1: is not NAME=DEVICE"));
  EXPECT_THAT(complaint({"Net=eth1"}), HasSubstr("--uplink Net=eth1: the name is not 1..63"));
  EXPECT_THAT(complaint({"=eth1"}), HasSubstr("the name is not 1..63"));
  EXPECT_THAT(complaint({"a="}), HasSubstr("a device name has 1..15 bytes"));
  EXPECT_THAT(complaint({"a=sixteen-bytes-xx"}), HasSubstr("a device name has 1..15 bytes"));
  EXPECT_THAT(complaint({"a=eth1", "a=eth2"}), HasSubstr("the name is given twice"));
  EXPECT_THAT(complaint({"a=eth1", "b=eth1"}), HasSubstr("the device has another name already"));
  EXPECT_THAT(complaint({"a=or-vxlan"}), HasSubstr("is the tunnel device"));
}

TEST(Options, ComeFromAFileAndFlagsWin) {
  const TempDir directory;
  std::ofstream(directory / "agent.toml") << "vtep = \"10.0.1.1\"\nlog-level = \"warn\"\n"
                                          << "underlay-mtu = 1500\n";
  const auto parsed = Parse({"--config", directory / "agent.toml", "--log-level", "debug"});
  ASSERT_TRUE(parsed.options) << parsed.text;
  EXPECT_THAT(parsed.options->vteps, ElementsAre("10.0.1.1"));
  EXPECT_EQ(parsed.options->underlay_mtu, 1500u);
  EXPECT_EQ(parsed.options->log_level, "debug");
}

TEST(Options, OtherAgentsAreServedUnlessToldOtherwise) {
  EXPECT_EQ(Parse({"--vtep", "10.0.1.1"}).options->peer_port, 7444);
  EXPECT_EQ(Parse({"--vtep", "10.0.1.1", "--peer-port", "0"}).options->peer_port, 0);
}

TEST(Options, MistakesAreNamed) {
  const TempDir directory;
  std::ofstream(directory / "agent.toml") << "vtepp = \"10.0.1.1\"\n";
  const struct {
    std::vector<std::string> arguments;
    const char* expected;
  } cases[] = {
      {{}, "--vtep is missing"},
      {{"--vtep", "10.0.1.1", "--vtap", "x"}, "--vtap"},
      {{"--vtep", "10.0.1.1", "--config", directory / "agent.toml"}, "vtepp"},
      {{"--vtep", "10.0.1.1", "--config", directory / "missing.toml"}, "missing.toml"},
      {{"--vtep", "10.0.1.1", "--log-level", "loud"}, "loud"},
      {{"--vtep", "10.0.1.1", "--join", "a", "--join-file", "b"}, "--join"},
      {{"--vtep", "10.0.1.1", "--tunnel-device", "a-name-of-16-byt"}, "1..15 bytes"},
      {{"--vtep", "10.0.1.1", "--underlay-mtu", "70000"}, "70000"},
      {{"--vtep", "10.0.1.1", "--peer-port", "65536"}, "65536"},
  };
  for (const auto& c : cases) {
    const auto parsed = Parse(c.arguments);
    EXPECT_FALSE(parsed.options) << c.expected;
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_THAT(parsed.text, HasSubstr(c.expected));
  }
}

TEST(Options, HelpHasExamplesAndUninstallNeedsNoVtep) {
  const auto help = Parse({"--help"});
  EXPECT_FALSE(help.options);
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.text, HasSubstr("outrider-agent --vtep 10.0.1.1 --join-file token"));
  EXPECT_THAT(Parse({"--version"}).text, HasSubstr("1.2.3"));
  EXPECT_TRUE(Parse({"--uninstall"}).options);
}

TEST(JoinFile, IsReadAndMustHoldSomething) {
  const TempDir directory;
  Options options;
  EXPECT_EQ(*ReadJoinToken(options), "");
  options.join = "or1.x";
  EXPECT_EQ(*ReadJoinToken(options), "or1.x");
  options.join.clear();
  options.join_file = directory / "token";
  EXPECT_THAT(Message(ReadJoinToken(options).status()), HasSubstr("token"));
  std::ofstream(options.join_file) << "\n";
  EXPECT_THAT(Message(ReadJoinToken(options).status()), HasSubstr("empty"));
  std::ofstream(options.join_file) << "or1.y\n";
  EXPECT_EQ(*ReadJoinToken(options), "or1.y\n");
}

TEST(OptionsTest, TheRundirIsBesideTheSocketUnlessItIsGiven) {
  const auto of = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"--vtep", "10.0.0.1"});
    return ParseOptions(more, "1").options->ovs_rundir;
  };
  EXPECT_EQ(of({"--socket", "/tmp/a/b.sock"}), "/tmp/a/ovs");
  EXPECT_EQ(of({"--ovs-rundir", "/run/openvswitch"}), "/run/openvswitch");
  EXPECT_EQ(of({"--ovs-rundir", ""}), "");
}

}  // namespace
}  // namespace outrider::agent
