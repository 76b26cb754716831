// A database with a small schema that has every kind of column and reference, spoken to in JSON
// text. Rows are called $0, $1, ... in the order in which they were inserted, in what is sent and
// in what comes back; other identifiers come back as ?.
#ifndef OUTRIDER_TESTS_OVS_TEST_DATABASE_H_
#define OUTRIDER_TESTS_OVS_TEST_DATABASE_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/fakes/fake_row_store.h"
#include "vswitch/ovs/database.h"

namespace outrider::ovs {

// A nil identifier and one that no row has.
inline constexpr char kZeroUuid[] = "00000000-0000-0000-0000-000000000000";
inline constexpr char kNoRow[] = "11111111-2222-3333-4444-555555555555";

const ovsdb::DatabaseSchema& TestSchema();

class TestDatabase {
 public:
  TestDatabase();

  // Results of the operations in `text`, which are joined to an array.
  std::string Do(const std::string& text);
  Outcome Transact(const std::string& text, const Database::Options& options = {});
  // What a client sees in a table's columns, in the order of the rows' names.
  std::string Rows(const std::string& table, const std::string& columns);
  // Closes and opens the same store.
  absl::Status Reopen();

  Database& database() { return *database_; }
  FakeRowStore& store() { return store_; }
  ovsdb::Uuid uuid(size_t number) const { return named_.at(number); }

 private:
  std::string WithUuids(const std::string& text) const;
  std::string WithNames(const std::string& text) const;

  FakeRowStore store_;
  std::unique_ptr<Database> database_;
  std::vector<ovsdb::Uuid> named_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_TESTS_OVS_TEST_DATABASE_H_
