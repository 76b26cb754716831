// An Open_vSwitch database in memory and the transactions that ovs-vsctl would send. Thread rule:
// one thread.
#ifndef OUTRIDER_TESTS_OVS_SAMPLE_ROWS_H_
#define OUTRIDER_TESTS_OVS_SAMPLE_ROWS_H_

#include <map>
#include <memory>
#include <string>

#include "tests/fakes/fake_row_store.h"
#include "vswitch/ovs/database.h"

namespace outrider::ovs {

class SampleRows {
 public:
  SampleRows();

  // Runs operations given as JSON text; fails the test when one of them does.
  void Run(const std::string& operations);
  // As `ovs-vsctl add-br`.
  void AddBridge(const std::string& name);
  // As `ovs-vsctl add-port`; `port` and `interface` are further columns, as JSON object texts.
  void AddPort(const std::string& bridge, const std::string& name, const std::string& port = "{}",
               const std::string& interface = "{}");
  void RemovePort(const std::string& bridge, const std::string& name);
  // As `ovs-vsctl set TABLE NAME ...`, `row` a JSON object text; counts next_cfg up.
  void Set(const std::string& table, const std::string& name, const std::string& row);

  // The row of a table with that name.
  RowPtr Find(const std::string& table, const std::string& name) const;
  ovsdb::Uuid UuidOf(const std::string& table, const std::string& name) const;
  Database* database() { return database_.get(); }

 private:
  FakeRowStore store_;
  std::unique_ptr<Database> database_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_TESTS_OVS_SAMPLE_ROWS_H_
