// The tables of the store's file, how they came to be, and what protects a row against damage.
#ifndef OUTRIDER_CONTROLLER_STORE_SQLITE_SCHEMA_H_
#define OUTRIDER_CONTROLLER_STORE_SQLITE_SCHEMA_H_

#include <cstdint>
#include <string>

#include "controller/model/status.h"
#include "controller/store/sqlite/database.h"
#include "controller/store/store.h"

namespace outrider::controller {

// "ORCS", in the file's header at byte 68: tells our file from any other SQLite database.
inline constexpr uint32_t kApplicationId = 0x4f524353;

// Version the file is at once Upgrade has run.
int SchemaVersion();

// Version the file is at now. DataLoss when it says none.
absl::StatusOr<int> ReadSchemaVersion(Database* database);

// Runs the steps the file lacks, each in a transaction with its version number. FailedPrecondition
// when a newer release wrote the file, DataLoss as of ReadSchemaVersion.
absl::Status Upgrade(Database* database);

// FNV-1a over the fields of a row: SQLite checks structure, not content.
uint64_t RowChecksum(const KeyValue& item);

// Columns key, value, create_revision, mod_revision, checksum. DataLoss, naming the key, when the
// checksum does not fit.
absl::StatusOr<KeyValue> ReadRow(const Statement& row);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_STORE_SQLITE_SCHEMA_H_
