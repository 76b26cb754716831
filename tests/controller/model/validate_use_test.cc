// What an object must be like among others: uniqueness, references, what may change or go.
#include "controller/model/validate.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

using absl::StatusCode;

class ValidateUseTest : public testing::Test {
 protected:
  ValidateUseTest() {
    PutAll(&model_, MakeSegment("red", 100), MakeSegment("blue", 200), MakeProfile("web", "red"),
           MakeProfile("db", "blue"), MakeHost("h1", 1), MakeHost("h2", 2),
           MakePort(1, "web", "h1"), MakePort(2, "db", "h2"));
  }

  template <typename T>
  void Expect(const T& candidate, StatusCode code, const std::string& message) {
    const absl::Status status = Validate(model_, candidate);
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(Message(status), message);
  }
  template <typename T>
  std::string DeleteRefusal(const std::string& name) {
    const absl::Status status = ValidateDelete(model_, *model_.Find<T>(name));
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status;
    return Message(status);
  }

  Model model_;
};

TEST_F(ValidateUseTest, VniIsUniqueAndFixed) {
  Expect(MakeSegment("green", 100), StatusCode::kAlreadyExists,
         "segment \"green\": vni 100 is that of segment \"red\"; choose another");
  Expect(
      MakeSegment("red", 101), StatusCode::kFailedPrecondition,
      "segment \"red\": vni cannot change from 100 to 101; delete the segment and create it anew");
  EXPECT_TRUE(Validate(model_, MakeSegment("red", 100, 1400)).ok());
}

TEST_F(ValidateUseTest, MtuMustFitTheUnderlay) {
  Expect(MakeSegment("red", 100, 1451), StatusCode::kFailedPrecondition,
         "segment \"red\": mtu 1451 needs an underlay MTU of 1501, but host \"h1\" has 1500; use "
         "an mtu "
         "of at most 1450 or raise the host's underlay MTU");
  PutAll(&model_, MakeSegment("big", 300, 8950), MakeProfile("big", "big"));
  Expect(MakePort(3, "big", "h1"), StatusCode::kFailedPrecondition,
         "port \"" + PortId(3) +
             "\": host \"h1\": underlay MTU 1500 cannot carry segment \"big\": its mtu 8950 needs "
             "9000; "
             "raise the underlay MTU or lower the segment's mtu to 1450");
  EXPECT_TRUE(Validate(model_, MakePort(3, "big")).ok()) << "on no host, any MTU fits";
}

TEST_F(ValidateUseTest, MacsAndIpsAreUniqueWithinASegment) {
  v1::Port port = MakePort(3, "web");
  port.set_mac(Mac(1));
  const std::string subject = "port \"" + PortId(3) + "\": ";
  Expect(port, StatusCode::kAlreadyExists,
         subject + "mac " + Mac(1) + " is that of port \"" + PortId(1) +
             "\" in segment \"red\"; give each its own");
  port = MakePort(3, "web");
  port.set_ips(0, "192.168.0.2");
  Expect(port, StatusCode::kAlreadyExists,
         subject + "ip 192.168.0.2 is that of port \"" + PortId(1) +
             "\" in segment \"red\"; give each its own");
  port = MakePort(3, "db");
  port.set_mac(Mac(1));
  EXPECT_TRUE(Validate(model_, port).ok()) << "another segment";
}

TEST_F(ValidateUseTest, MacsOfGatewaysCount) {
  v1::Gateway gateway = MakeGateway("gw", "10.9.0.1", {"red"});
  gateway.add_stations()->set_segment("red");
  gateway.mutable_stations(0)->set_mac(Mac(1));
  Expect(gateway, StatusCode::kAlreadyExists,
         "gateway \"gw\": station 1: mac " + Mac(1) + " is that of port \"" + PortId(1) +
             "\" in segment \"red\"");
  gateway.mutable_stations(0)->set_mac(Mac(9));
  PutAll(&model_, gateway);
  Expect(MakePort(9, "web"), StatusCode::kAlreadyExists,
         "port \"" + PortId(9) + "\": mac " + Mac(9) +
             " is that of a station of gateway \"gw\" in segment \"red\"");
  v1::Gateway other = gateway;
  other.mutable_meta()->set_name("gw2");
  other.set_vtep("10.9.0.2");
  Expect(other, StatusCode::kAlreadyExists,
         "gateway \"gw2\": mac " + Mac(9) +
             " in segment \"red\" is that of a station of gateway \"gw\" already");
}

// A host answers ARP for an address with one MAC.
TEST_F(ValidateUseTest, IpsOfGatewaysCount) {
  const auto with_ip = [](const std::string& name, int n, const std::string& ip) {
    v1::Gateway gateway = MakeGateway(name, Vtep(90 + n), {"red", "blue"});
    gateway.add_stations()->set_segment("red");
    gateway.mutable_stations(0)->set_mac(Mac(90 + n));
    gateway.mutable_stations(0)->add_ips(ip);
    return gateway;
  };
  const std::string of_port = model_.Find<v1::Port>(PortId(1))->ips(0);
  Expect(with_ip("gw", 1, of_port), StatusCode::kAlreadyExists,
         "gateway \"gw\": station 1: ip " + of_port + " is that of port \"" + PortId(1) +
             "\" in segment \"red\"");
  PutAll(&model_, with_ip("gw", 1, "192.168.77.1"));
  EXPECT_TRUE(Validate(model_, with_ip("gw", 1, "192.168.77.1")).ok()) << "its own";
  Expect(with_ip("gw2", 2, "192.168.77.1"), StatusCode::kAlreadyExists,
         "gateway \"gw2\": ip 192.168.77.1 in segment \"red\" is that of a station of gateway "
         "\"gw\" already");
  v1::Gateway twice = with_ip("gw2", 2, "192.168.77.2");
  *twice.add_stations() = twice.stations(0);
  twice.mutable_stations(1)->set_mac(Mac(99));
  Expect(twice, StatusCode::kAlreadyExists,
         "gateway \"gw2\": ip 192.168.77.2 in segment \"red\" is that of a station of gateway "
         "\"gw2\" already");
  twice.mutable_stations(1)->set_segment("blue");
  EXPECT_TRUE(Validate(model_, twice).ok()) << "another segment";

  v1::Port port = MakePort(3, "web");
  port.set_ips(0, "192.168.77.1");
  Expect(port, StatusCode::kAlreadyExists,
         "port \"" + PortId(3) +
             "\": ip 192.168.77.1 is that of a station of gateway \"gw\" in segment \"red\"");
  port.set_profile("db");
  EXPECT_TRUE(Validate(model_, port).ok()) << "another segment";
  PutAll(&model_, port);
  Expect(MakeProfile("db", "red"), StatusCode::kAlreadyExists,
         "profile \"db\": port \"" + PortId(3) +
             "\" cannot follow into segment \"red\": 192.168.77.1 is taken there");
}

TEST_F(ValidateUseTest, VtepsAreUnique) {
  Expect(MakeGateway("gw", Vtep(1), {}), StatusCode::kAlreadyExists,
         "gateway \"gw\": vtep 10.0.1.1 is that of host h1");
  Expect(MakeHost("h3", 2), StatusCode::kAlreadyExists,
         "host \"h3\": vtep 10.0.2.1 is that of host h2; give each host its own");
  EXPECT_TRUE(Validate(model_, MakeHost("h2", 2)).ok());
}

TEST_F(ValidateUseTest, ProfileMovesItsPortsOnlyWhereTheyFit) {
  v1::Port twin = MakePort(3, "db");
  twin.set_mac(Mac(1));
  PutAll(&model_, twin);
  Expect(MakeProfile("web", "blue"), StatusCode::kAlreadyExists,
         "profile \"web\": port \"" + PortId(1) +
             "\" cannot follow into segment \"blue\": " + Mac(1) + " is taken there");
  Erase<v1::Port>(&model_, PortId(3));
  EXPECT_TRUE(Validate(model_, MakeProfile("web", "blue")).ok());
  v1::Gateway gateway = MakeGateway("gw", "10.9.0.1", {"blue"});
  gateway.add_stations()->set_segment("blue");
  gateway.mutable_stations(0)->set_mac(Mac(1));
  PutAll(&model_, gateway);
  EXPECT_EQ(Validate(model_, MakeProfile("web", "blue")).code(), StatusCode::kAlreadyExists);
}

TEST_F(ValidateUseTest, GroupsAndTheirPortsStayWhileUsed) {
  PutAll(&model_, MakeGroup("g", {"10.0.0.0/8"}), MakePort(3, ""), MakePortGroup("pg", {3}),
         MakeProfile("web", "red",
                     "ingress { match { src_group: 'g' dst_port_group: 'pg' } "
                     "action: ACL_ACTION_DROP }"));
  EXPECT_EQ(DeleteRefusal<v1::AddressGroup>("g"),
            "address group \"g\": in use by profile \"web\"; take the group out of their rules "
            "first");
  EXPECT_EQ(
      DeleteRefusal<v1::PortGroup>("pg"),
      "port group \"pg\": in use by profile \"web\"; take the group out of their rules first");
  EXPECT_EQ(
      DeleteRefusal<v1::Port>(PortId(3)),
      "port \"" + PortId(3) + "\": in use by port group \"pg\"; take the port out of them first");
}

TEST_F(ValidateUseTest, LocatedPortKeepsItsMac) {
  v1::Port port = MakePort(1, "web", "h1");
  port.set_mac(Mac(77));
  Expect(port, StatusCode::kFailedPrecondition,
         "port \"" + PortId(1) +
             "\": mac cannot change while the port is on host \"h1\"; detach it first");
}

TEST_F(ValidateUseTest, DeleteNamesUsers) {
  EXPECT_EQ(DeleteRefusal<v1::Segment>("red"),
            "segment \"red\": in use by profile \"web\"; delete them or give them another segment "
            "first");
  EXPECT_EQ(DeleteRefusal<v1::Profile>("web"), "profile \"web\": in use by port \"" + PortId(1) +
                                                   "\"; give them another profile first");
  EXPECT_EQ(DeleteRefusal<v1::Host>("h1"), "host \"h1\": in use by port \"" + PortId(1) +
                                               "\"; detach, migrate or delete them first");
  EXPECT_EQ(DeleteRefusal<v1::Port>(PortId(1)), "port \"" + PortId(1) +
                                                    "\": attached on host \"h1\"; detach it there "
                                                    "first");
  for (int i = 10; i < 15; ++i) PutAll(&model_, MakePort(i, "web"));
  EXPECT_EQ(
      DeleteRefusal<v1::Profile>("web"),
      fmt::format("profile \"web\": in use by port \"{}\", \"{}\", \"{}\" and 3 more; give them "
                  "another profile first",
                  PortId(1), PortId(10), PortId(11)));
}

TEST_F(ValidateUseTest, HostsMayGetPortsBackUntilTheMigrationEnds) {
  v1::Host source = MakeHost("h7", 7);
  source.set_state(v1::Host::STATE_ENROLLED);
  // Its ports are at the destination by now.
  PutAll(&model_, source, MakeMigration("m7", {1}, "h7", "h1", v1::MIGRATION_PHASE_SWITCHING));
  EXPECT_EQ(DeleteRefusal<v1::Host>("h7"),
            "host \"h7\": in use by running migration \"m7\"; wait for them or abort them first");
  PutAll(&model_, MakeMigration("m7", {1}, "h7", "h1", v1::MIGRATION_PHASE_COMMITTED));
  EXPECT_TRUE(ValidateDelete(model_, *model_.Find<v1::Host>("h7")).ok());
}

TEST_F(ValidateUseTest, PortsOfHostsThatAreGoneMayBeDeleted) {
  v1::Host lost = MakeHost("h1", 1);
  lost.set_state(v1::Host::STATE_ENROLLED);
  PutAll(&model_, lost);
  EXPECT_TRUE(ValidateDelete(model_, *model_.Find<v1::Port>(PortId(1))).ok());
}

TEST_F(ValidateUseTest, MigratingPortsStay) {
  PutAll(&model_, MakeMigration("m1", {1}, "h1", "h2", v1::MIGRATION_PHASE_ARMED));
  EXPECT_EQ(DeleteRefusal<v1::Port>(PortId(1)),
            "port \"" + PortId(1) + "\": migration \"m1\" moves it; abort the migration first");
  EXPECT_EQ(DeleteRefusal<v1::Migration>("m1"), "migration \"m1\": it is running; abort it first");
  v1::Port port = MakePort(1, "web", "h1");
  port.set_vm_id("other");
  Expect(port, StatusCode::kFailedPrecondition,
         "port \"" + PortId(1) + "\": vm_id and mac cannot change during migration \"m1\"");
}

}  // namespace
}  // namespace outrider::controller
