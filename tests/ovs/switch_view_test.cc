#include "vswitch/ovs/switch_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "tests/ovs/sample_rows.h"
#include "vswitch/ovs/row_reader.h"

namespace outrider::ovs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

// The host as the test drives it.
class FakeSwitchPorts final : public SwitchPorts {
 public:
  void SetObserver(Observer observer) override { observer_ = std::move(observer); }
  void Apply(SwitchConfig config) override { applied.push_back(std::move(config)); }
  void TakePortData(const PortId& id, const std::string& data) override {
    port_data.emplace_back(id, data);
  }
  void Report(const SwitchReport& report) {
    if (observer_) observer_(report);
  }

  std::vector<SwitchConfig> applied;
  std::vector<std::pair<PortId, std::string>> port_data;

 private:
  Observer observer_;
};

class SwitchViewTest : public ::testing::Test {
 protected:
  SwitchViewTest() {
    rows_.AddBridge("br0");
    view_ = std::make_unique<SwitchView>(SwitchView::Dependencies{
        .database = rows_.database(),
        .ports = &ports_,
        .post = [this](std::function<void()> work) { posted_.push_back(std::move(work)); },
        .post_after = [this](std::chrono::milliseconds,
                             std::function<void()> work) { timers_.push_back(std::move(work)); },
        .clock = [this] { return now_; }});
    EXPECT_TRUE(view_->Start({.system_id = "h1", .hostname = "node", .version = "0.1.0"}).ok());
  }

  // Everything the configuration has is there and settled, but for what `adjust` changes.
  void ReportAll(const std::function<void(SwitchReport*)>& adjust = [](SwitchReport*) {}) {
    SwitchReport report;
    report.next_cfg = view_->config().next_cfg;
    report.serial = view_->config().serial;
    for (const auto& [bridge_name, bridge] : view_->config().bridges) {
      for (const auto& [name, interface] : bridge.interfaces) {
        DeviceFacts& device = report.interfaces[name].device.emplace();
        device.ifindex = 7;
        device.mtu = 1450;
        device.driver = "veth";
        device.statistics = {{"rx_bytes", 1}};
      }
    }
    adjust(&report);
    ports_.Report(report);
    RunPosted();
  }

  void RunPosted() {
    while (!posted_.empty()) {
      const auto work = std::move(posted_.front());
      posted_.pop_front();
      work();
    }
  }

  int64_t CurCfg() {
    return RowReader(*rows_.database()->tables().at("Open_vSwitch").begin()->second)
        .Integer("cur_cfg")
        .value();
  }
  RowReader Interface(const std::string& name) {
    kept_.push_back(rows_.Find("Interface", name));
    return RowReader(*kept_.back());
  }

  SampleRows rows_;
  FakeSwitchPorts ports_;
  std::deque<std::function<void()>> posted_;
  std::vector<std::function<void()>> timers_;
  std::chrono::steady_clock::time_point now_{};
  std::vector<RowPtr> kept_;
  std::unique_ptr<SwitchView> view_;
};

TEST_F(SwitchViewTest, TheStartSaysWhoAnswersAndWhatIsThere) {
  const RowPtr root = rows_.database()->tables().at("Open_vSwitch").begin()->second;
  EXPECT_EQ(RowReader(*root).Text("ovs_version"), "3.1.0");
  EXPECT_EQ(RowReader(*root).ValueOf("external_ids", "system-id"), "h1");
  ASSERT_THAT(ports_.applied, SizeIs(1));
  EXPECT_EQ(ports_.applied[0].bridges.count("br0"), 1u);
}

TEST_F(SwitchViewTest, WhatTheHostReportsIsInTheStatusColumns) {
  rows_.AddPort("br0", "vnet0");
  ReportAll();
  EXPECT_EQ(CurCfg(), 2);
  EXPECT_EQ(Interface("vnet0").Integer("ofport"), 1);
  EXPECT_EQ(Interface("br0").Integer("ofport"), 65534);
  EXPECT_EQ(Interface("vnet0").Integer("mtu"), 1450);
  EXPECT_EQ(Interface("vnet0").Integer("ifindex"), 7);
  EXPECT_EQ(Interface("vnet0").Text("link_state"), "down");
}

TEST_F(SwitchViewTest, AFailureIsInItsColumnAndTakesNoNumber) {
  rows_.AddPort("br0", "vnet0");
  ReportAll([](SwitchReport* report) {
    report->interfaces["vnet0"].device.reset();
    report->interfaces["vnet0"].error = "could not open network device vnet0 (No such device)";
  });
  EXPECT_EQ(Interface("vnet0").Integer("ofport"), -1);
  EXPECT_EQ(Interface("vnet0").Text("error"),
            "could not open network device vnet0 (No such device)");
  ReportAll();
  EXPECT_EQ(Interface("vnet0").Integer("ofport"), 1);
  EXPECT_EQ(Interface("vnet0").Text("error"), "");
}

TEST_F(SwitchViewTest, NumbersStayWhenOthersGo) {
  rows_.AddPort("br0", "a");
  rows_.AddPort("br0", "b");
  ReportAll();
  ASSERT_EQ(Interface("b").Integer("ofport"), 2);
  rows_.RemovePort("br0", "a");
  rows_.AddPort("br0", "c");
  ReportAll();
  EXPECT_EQ(Interface("b").Integer("ofport"), 2);
  EXPECT_EQ(Interface("c").Integer("ofport"), 1);
}

TEST_F(SwitchViewTest, APortThatIsThereMayAskForAnotherNumber) {
  rows_.AddPort("br0", "a");
  rows_.AddPort("br0", "b");
  ReportAll();
  rows_.Set("Interface", "a", R"({"ofport_request": 55})");
  rows_.Set("Interface", "b", R"({"ofport_request": 55})");
  ReportAll();
  EXPECT_EQ(Interface("a").Integer("ofport"), 55);
  EXPECT_EQ(Interface("b").Integer("ofport"), 2) << "it is taken";
}

TEST_F(SwitchViewTest, WhatClientsWriteIntoOfportIsNoNumber) {
  rows_.AddPort("br0", "a");
  ReportAll();
  for (const char* const row : {R"({"ofport": 65534})", R"({"ofport": 70000})"}) {
    rows_.Set("Interface", "a", row);
    ReportAll();
    EXPECT_EQ(Interface("a").Integer("ofport"), 1);
    EXPECT_EQ(Interface("br0").Integer("ofport"), 65534);
  }
}

TEST_F(SwitchViewTest, TheNumberOfTheTunnelsIsNobodys) {
  rows_.AddPort("br0", "a", "{}", R"({"ofport_request": 65279})");
  rows_.AddPort("br0", "b", "{}", R"({"ofport_request": 65278})");
  ReportAll();
  EXPECT_EQ(Interface("a").Integer("ofport"), 1);
  EXPECT_EQ(Interface("b").Integer("ofport"), 65278);
}

TEST_F(SwitchViewTest, TheSameReportWritesNothing) {
  ReportAll();
  size_t commits = 0;
  rows_.database()->AddObserver([&](const Changes&) { ++commits; });
  ReportAll();
  EXPECT_EQ(commits, 0u);
}

TEST_F(SwitchViewTest, AnAnswerWaitsUntilItsPortIsInForce) {
  ReportAll();
  rows_.AddPort("br0", "vnet0");
  bool answered = false;
  view_->AnswerWhenInForce([&] { answered = true; });
  EXPECT_FALSE(answered);
  ReportAll([](SwitchReport* report) { report->interfaces["vnet0"].pending = true; });
  EXPECT_FALSE(answered);
  // What was handed to the datapath is said at once.
  EXPECT_EQ(CurCfg(), 2);
  ReportAll();
  EXPECT_TRUE(answered);
}

TEST_F(SwitchViewTest, APortThatWaitsDelaysNobodyElse) {
  rows_.AddPort("br0", "slow");
  view_->AnswerWhenInForce([] {});
  rows_.Set("Interface", "br0", R"({"external_ids": ["map", [["a", "b"]]]})");
  bool answered = false;
  view_->AnswerWhenInForce([&] { answered = true; });
  ReportAll([](SwitchReport* report) { report->interfaces["slow"].pending = true; });
  EXPECT_TRUE(answered);
}

TEST_F(SwitchViewTest, AnAnswerIsLateAtMost) {
  rows_.AddPort("br0", "slow");
  bool answered = false;
  view_->AnswerWhenInForce([&] { answered = true; });
  ReportAll([](SwitchReport* report) { report->interfaces["slow"].pending = true; });
  ASSERT_THAT(timers_, SizeIs(1));
  timers_[0]();
  EXPECT_TRUE(answered);
}

// ovs-vsctl --no-wait.
TEST_F(SwitchViewTest, WhoDoesNotCountUpDoesNotWait) {
  rows_.Run(R"([{"op": "update", "table": "Interface", "where": [], "row":
                 {"external_ids": ["map", [["a", "b"]]]}}])");
  bool answered = false;
  view_->AnswerWhenInForce([&] { answered = true; });
  EXPECT_TRUE(answered);
}

// And the next one who counts waits for what it did.
TEST_F(SwitchViewTest, WhatWasNotCountedIsInForceBeforeTheNextAnswer) {
  ReportAll();
  const int64_t before = CurCfg();
  rows_.Run(R"([{"op": "insert", "table": "Interface", "row": {"name": "lc"}, "uuid-name": "i"},
      {"op": "insert", "table": "Port", "uuid-name": "p",
       "row": {"name": "lc", "interfaces": ["named-uuid", "i"]}},
      {"op": "mutate", "table": "Bridge", "where": [["name", "==", "br0"]],
       "mutations": [["ports", "insert", ["named-uuid", "p"]]]}])");
  rows_.Set("Interface", "lc", R"({"external_ids": ["map", [["a", "b"]]]})");
  bool answered = false;
  view_->AnswerWhenInForce([&] { answered = true; });
  RunPosted();
  EXPECT_FALSE(answered);
  EXPECT_EQ(CurCfg(), before);
  ReportAll();
  EXPECT_TRUE(answered);
  EXPECT_EQ(CurCfg(), before + 1);
}

TEST_F(SwitchViewTest, TheCountMayBeSetBack) {
  rows_.AddPort("br0", "a");
  ReportAll();
  rows_.Run(R"([{"op": "update", "table": "Open_vSwitch", "where": [], "row": {"next_cfg": 0}}])");
  RunPosted();
  EXPECT_EQ(CurCfg(), 0);
  rows_.AddPort("br0", "b");
  bool answered = false;
  view_->AnswerWhenInForce([&] { answered = true; });
  RunPosted();
  EXPECT_FALSE(answered);
  ReportAll();
  EXPECT_TRUE(answered);
  EXPECT_EQ(Interface("b").Integer("ofport"), 2);
}

TEST_F(SwitchViewTest, PortDataOfAClientReachesTheHostOnce) {
  const PortId id = *PortId::Parse("c2a5f0f0-1111-4222-b333-444455556666");
  rows_.AddPort(
      "br0", "vnet0", "{}",
      R"({"external_ids": ["map", [["iface-id", "c2a5f0f0-1111-4222-b333-444455556666"]]]})");
  rows_.Set("Interface", "vnet0",
            R"({"external_ids": ["map", [["PortData", "token"],
                 ["iface-id", "c2a5f0f0-1111-4222-b333-444455556666"]]]})");
  rows_.Set("Interface", "vnet0", R"({"ofport_request": 9})");
  EXPECT_THAT(ports_.port_data, ElementsAre(Pair(id, "token")));
}

TEST_F(SwitchViewTest, PortDataOfTheHostIsWhatClientsRead) {
  rows_.AddPort("br0", "vnet0");
  ReportAll([](SwitchReport* report) { report->interfaces["vnet0"].port_data = "ours"; });
  EXPECT_EQ(Interface("vnet0").ValueOf("external_ids", "PortData"), "ours");
  EXPECT_THAT(ports_.port_data, IsEmpty());
}

TEST_F(SwitchViewTest, StatisticsAreWrittenWhenTheyAreDue) {
  ReportAll();
  const auto bytes = [&] { return rows_.Find("Interface", "br0")->columns.at("statistics"); };
  ASSERT_EQ(*bytes().ValueOf(ovsdb::Atom(std::string("rx_bytes"))), ovsdb::Atom(int64_t{1}));
  const auto report_two = [](SwitchReport* report) {
    report->interfaces["br0"].device->statistics["rx_bytes"] = 2;
  };
  ReportAll(report_two);
  EXPECT_EQ(*bytes().ValueOf(ovsdb::Atom(std::string("rx_bytes"))), ovsdb::Atom(int64_t{1}));
  now_ += SwitchView::kStatisticsInterval;
  ReportAll(report_two);
  EXPECT_EQ(*bytes().ValueOf(ovsdb::Atom(std::string("rx_bytes"))), ovsdb::Atom(int64_t{2}));
}

}  // namespace
}  // namespace outrider::ovs
