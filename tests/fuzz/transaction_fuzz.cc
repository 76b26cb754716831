// Any operations, a transaction per line, over a schema with every kind of column: no crash, no
// exception, results that are JSON, and a store that always opens again with the same rows.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>

#include "tests/fakes/fake_row_store.h"
#include "tests/ovs/test_database.h"
#include "vswitch/ovs/database.h"

namespace outrider::ovs {
namespace {

// Rows there are, without what is not kept and without versions.
std::string ContentsOf(const Database& database) {
  std::string text;
  for (const auto& [name, rows] : database.tables()) {
    for (const auto& [uuid, row] : rows) {
      text += name + uuid.ToString();
      for (const auto& [column, value] : row->columns) {
        const auto& schema = database.schema().tables.at(name).columns.at(column);
        if (!schema.ephemeral) text += ovsdb::ToText(ToJson(schema.type, value));
      }
    }
  }
  return text;
}

void Run(const std::string& lines) {
  FakeRowStore store;
  auto database = Database::Open(TestSchema(), &store).value();
  std::istringstream stream(lines);
  std::string line;
  while (std::getline(stream, line)) {
    const auto operations = ovsdb::ParseJson(line);
    if (!operations.ok()) continue;
    const std::string before = ContentsOf(*database);
    Database::Options options;
    Outcome outcome = database->Transact(*operations, options);
    if (outcome.waiting) {
      options.give_up = true;
      outcome = database->Transact(*operations, options);
    }
    if (outcome.waiting || !ovsdb::ParseJson(ovsdb::ToText(outcome.results)).ok()) std::abort();
    if (!outcome.committed && ContentsOf(*database) != before) std::abort();
  }
  if (ContentsOf(*Database::Open(TestSchema(), &store).value()) != ContentsOf(*database)) {
    std::abort();
  }
}

}  // namespace
}  // namespace outrider::ovs

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  outrider::ovs::Run(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
