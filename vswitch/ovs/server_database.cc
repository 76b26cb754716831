#include "vswitch/ovs/server_database.h"

namespace outrider::ovs {
namespace {

using ovsdb::AtomType;
using ovsdb::Json;

ovsdb::ColumnSchema Column(AtomType type, uint32_t min) {
  return {.type = {.key = {.type = type}, .min = min}};
}

ovsdb::DatabaseSchema MakeSchema() {
  ovsdb::TableSchema table;
  table.columns = {
      {"name", Column(AtomType::kString, 1)},       {"model", Column(AtomType::kString, 1)},
      {"connected", Column(AtomType::kBoolean, 1)}, {"leader", Column(AtomType::kBoolean, 1)},
      {"schema", Column(AtomType::kString, 0)},     {"cid", Column(AtomType::kUuid, 0)},
      {"sid", Column(AtomType::kUuid, 0)},          {"index", Column(AtomType::kInteger, 0)}};
  table.columns["model"].type.key.allowed = {std::string("clustered"), std::string("relay"),
                                             std::string("standalone")};
  // Nothing refers to the rows.
  table.is_root = true;
  return {.name = "_Server", .version = "1.2.0", .tables = {{"Database", table}}};
}

}  // namespace

const ovsdb::DatabaseSchema& ServerSchema() {
  static const ovsdb::DatabaseSchema schema = MakeSchema();
  return schema;
}

absl::StatusOr<std::unique_ptr<ServerDatabase>> ServerDatabase::Create(
    const std::vector<const ovsdb::DatabaseSchema*>& schemas) {
  std::unique_ptr<ServerDatabase> server(new ServerDatabase());
  ASSIGN_OR_RETURN(server->database_, Database::Open(ServerSchema(), &server->store_));
  Json operations = Json::array();
  const auto add = [&operations](const ovsdb::DatabaseSchema& schema) {
    const Json row = {{"name", schema.name},
                      {"model", "standalone"},
                      {"connected", true},
                      {"leader", true},
                      {"schema", ovsdb::ToText(ovsdb::ToJson(schema))}};
    operations.push_back({{"op", "insert"}, {"table", "Database"}, {"row", row}});
  };
  for (const ovsdb::DatabaseSchema* schema : schemas) add(*schema);
  add(ServerSchema());
  const Outcome outcome = server->database_->Transact(operations, {});
  if (!outcome.committed) {
    return absl::InternalError("database _Server: " + ovsdb::ToText(outcome.results));
  }
  return server;
}

}  // namespace outrider::ovs
