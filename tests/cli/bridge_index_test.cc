#include "vswitch/cli/bridge_index.h"

#include <gtest/gtest.h>

namespace outrider::cli {
namespace {

using ovsdb::Atom;
using ovsdb::Datum;

class BridgeIndexTest : public testing::Test {
 protected:
  BridgeIndexTest() : view_(&ovsdb::OpenVSwitchSchema()), root_(view_.Insert("Open_vSwitch")) {
    bridge_ = Named("Bridge", "br0");
    view_.Put(root_, "bridges", Atom(bridge_->uuid), {}, true);
    AddPort("br0");
    AddPort("p0");
  }

  ViewRow* Named(const std::string& table, const char* name) {
    ViewRow* const row = view_.Insert(table);
    view_.Write(row, "name", Datum::Of(Atom(std::string(name))));
    return row;
  }

  ViewRow* AddPort(const char* name) {
    ViewRow* const port = Named("Port", name);
    view_.Put(port, "interfaces", Atom(Named("Interface", name)->uuid), {}, true);
    view_.Put(bridge_, "ports", Atom(port->uuid), {}, true);
    return port;
  }

  void AddFakeBridge(const char* name, int64_t vlan) {
    ViewRow* const port = AddPort(name);
    view_.Write(port, "fake_bridge", Datum::Of(Atom(true)));
    view_.Write(port, "tag", Datum::Of(Atom(vlan)));
  }

  Console console_{"test"};
  View view_;
  ViewRow* root_;
  ViewRow* bridge_;
};

TEST_F(BridgeIndexTest, ABridgesOwnPortIsNotFound) {
  const BridgeIndex index(&view_, root_, &console_);
  EXPECT_EQ(index.FindPort("br0"), nullptr);
  EXPECT_EQ(index.FindInterface("br0"), nullptr);
  EXPECT_EQ(index.FindPort("p0")->bridge->name, "br0");
  EXPECT_EQ(Message(index.CheckFree("br0", "cannot")),
            "cannot because a bridge named br0 already exists");
  EXPECT_EQ(Message(index.CheckFree("p0", "cannot")),
            "cannot because a port named p0 already exists on bridge br0");
}

TEST_F(BridgeIndexTest, PortsInAFakeBridgesVlanAreItsOwn) {
  view_.Write(AddPort("p1"), "tag", Datum::Of(Atom(int64_t{7})));
  AddFakeBridge("fake", 7);
  const BridgeIndex index(&view_, root_, &console_);
  EXPECT_EQ(index.FindPort("p1")->bridge->name, "fake");
  EXPECT_EQ(index.FindPort("p1")->bridge->real_row(), bridge_);
  EXPECT_EQ(Message(index.RealBridge("fake").status()), "fake is a fake bridge");
}

TEST_F(BridgeIndexTest, ADeletedBridgeTakesItsPortsAndFakeBridges) {
  AddFakeBridge("fake", 7);
  // Of two for one VLAN, as other tools may leave them behind.
  AddFakeBridge("fake2", 7);
  BridgeIndex index(&view_, root_, &console_);
  index.DeleteBridge(index.FindBridge("br0"));
  EXPECT_TRUE(index.bridges().empty());
  EXPECT_TRUE(view_.Rows("Bridge").empty());
  EXPECT_TRUE(view_.Rows("Port").empty());
  EXPECT_TRUE(view_.Rows("Interface").empty());
  EXPECT_TRUE(view_.Read(*root_, "bridges").empty());
}

TEST_F(BridgeIndexTest, ADeletedPortIsFree) {
  BridgeIndex index(&view_, root_, &console_);
  index.DeletePort(index.FindPort("p0"));
  EXPECT_TRUE(index.CheckFree("p0", "cannot").ok());
  EXPECT_EQ(view_.Read(*bridge_, "ports").size(), 1U);
}

}  // namespace
}  // namespace outrider::cli
