#include "tests/ovs/sample_rows.h"

#include <gtest/gtest.h>

#include "vswitch/ovs/row_reader.h"

namespace outrider::ovs {
namespace {

using ovsdb::Json;

Json WhereName(const std::string& name) { return Json::array({Json::array({"name", "==", name})}); }

Json NamedUuid(const std::string& name) { return Json::array({"named-uuid", name}); }

Json CountUp() {
  return {{"op", "mutate"},
          {"table", "Open_vSwitch"},
          {"where", Json::array()},
          {"mutations", Json::array({Json::array({"next_cfg", "+=", 1})})}};
}

Json Mutate(const std::string& table, const Json& where, const std::string& column,
            const std::string& mutator, const Json& value) {
  return {{"op", "mutate"},
          {"table", table},
          {"where", where},
          {"mutations", Json::array({Json::array({column, mutator, value})})}};
}

}  // namespace

SampleRows::SampleRows() {
  database_ = Database::Open(ovsdb::OpenVSwitchSchema(), &store_).value();
  Run(R"([{"op": "insert", "table": "Open_vSwitch", "row": {}}])");
}

void SampleRows::Run(const std::string& operations) {
  const Outcome outcome = database_->Transact(Json::parse(operations), {});
  EXPECT_TRUE(outcome.committed) << outcome.results.dump();
}

void SampleRows::AddBridge(const std::string& name) {
  const Json interface = {{"op", "insert"},
                          {"table", "Interface"},
                          {"row", {{"name", name}, {"type", "internal"}}},
                          {"uuid-name", "i"}};
  const Json port = {{"op", "insert"},
                     {"table", "Port"},
                     {"row", {{"name", name}, {"interfaces", NamedUuid("i")}}},
                     {"uuid-name", "p"}};
  const Json bridge = {{"op", "insert"},
                       {"table", "Bridge"},
                       {"row", {{"name", name}, {"ports", NamedUuid("p")}}},
                       {"uuid-name", "b"}};
  Run(Json::array({interface, port, bridge,
                   Mutate("Open_vSwitch", Json::array(), "bridges", "insert", NamedUuid("b")),
                   CountUp()})
          .dump());
}

void SampleRows::AddPort(const std::string& bridge, const std::string& name,
                         const std::string& port, const std::string& interface) {
  Json interface_row = Json::parse(interface);
  interface_row["name"] = name;
  Json port_row = Json::parse(port);
  port_row["name"] = name;
  port_row["interfaces"] = NamedUuid("i");
  Run(Json::array(
          {{{"op", "insert"}, {"table", "Interface"}, {"row", interface_row}, {"uuid-name", "i"}},
           {{"op", "insert"}, {"table", "Port"}, {"row", port_row}, {"uuid-name", "p"}},
           Mutate("Bridge", WhereName(bridge), "ports", "insert", NamedUuid("p")),
           CountUp()})
          .dump());
}

void SampleRows::RemovePort(const std::string& bridge, const std::string& name) {
  const Json uuid = Json::array({"uuid", UuidOf("Port", name).ToString()});
  Run(Json::array({Mutate("Bridge", WhereName(bridge), "ports", "delete", uuid), CountUp()})
          .dump());
}

void SampleRows::Set(const std::string& table, const std::string& name, const std::string& row) {
  Run(Json::array({{{"op", "update"},
                    {"table", table},
                    {"where", WhereName(name)},
                    {"row", Json::parse(row)}},
                   CountUp()})
          .dump());
}

RowPtr SampleRows::Find(const std::string& table, const std::string& name) const {
  for (const auto& [uuid, row] : database_->tables().at(table)) {
    if (RowReader(*row).Text("name") == name) return row;
  }
  ADD_FAILURE() << "no row \"" << name << "\" in table " << table;
  return std::make_shared<Row>();
}

ovsdb::Uuid SampleRows::UuidOf(const std::string& table, const std::string& name) const {
  for (const auto& [uuid, row] : database_->tables().at(table)) {
    if (RowReader(*row).Text("name") == name) return uuid;
  }
  ADD_FAILURE() << "no row \"" << name << "\" in table " << table;
  return {};
}

}  // namespace outrider::ovs
