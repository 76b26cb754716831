// The operations of one "transact" request (RFC 7047, 5.2), done on a working set. Knows nothing of
// what a commit asks for, nor of storage.
//
// Thread rule: an object belongs to one thread.
#ifndef OUTRIDER_VSWITCH_OVS_TRANSACTION_H_
#define OUTRIDER_VSWITCH_OVS_TRANSACTION_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/ovs/database.h"
#include "vswitch/ovs/operation_reader.h"
#include "vswitch/ovs/table_columns.h"
#include "vswitch/ovs/working_set.h"

namespace outrider::ovs {

class Transaction {
 public:
  // All outlive the object.
  Transaction(const ovsdb::DatabaseSchema& schema, const Database::Options& options,
              WorkingSet* rows)
      : schema_(schema), options_(options), rows_(rows) {}

  // True: all were done, and `outcome` has a result for each. False: one failed, or waits, and
  // `outcome` is what the client gets.
  bool Run(const ovsdb::Json& operations, Outcome* outcome);

  // Most that all `select`s of a transaction look at: each row counts as one, each of its columns,
  // each member of a value, and each kTextUnit bytes of text there. A short operation may give a
  // whole table, and a request has room for a hundred thousand of them. All tables of 5,000 ports
  // have less.
  static constexpr size_t kMaxSelected = 1'000'000;
  static constexpr size_t kTextUnit = 256;

 private:
  // A row of operands: what it says, and which columns it names.
  struct RowOperand {
    Row row;
    ovsdb::Uuid uuid;
    std::vector<std::string> named;
  };

  absl::StatusOr<ovsdb::Json> RunOne(const ovsdb::Json& operation, size_t number, size_t count);
  using Operation = absl::StatusOr<ovsdb::Json> (Transaction::*)(OperationReader*);
  static Operation OperationOf(const std::string& name);

  absl::StatusOr<ovsdb::Json> Insert(OperationReader* reader);
  absl::StatusOr<ovsdb::Json> Select(OperationReader* reader);
  absl::StatusOr<ovsdb::Json> Update(OperationReader* reader);
  absl::StatusOr<ovsdb::Json> Mutate(OperationReader* reader);
  absl::StatusOr<ovsdb::Json> Delete(OperationReader* reader);
  absl::StatusOr<ovsdb::Json> Wait(OperationReader* reader);
  absl::StatusOr<ovsdb::Json> Commit(OperationReader* reader);
  absl::StatusOr<ovsdb::Json> Abort(OperationReader* reader);
  absl::StatusOr<ovsdb::Json> Comment(OperationReader* reader);
  absl::StatusOr<ovsdb::Json> Assert(OperationReader* reader);

  // Counts what is selected. "resources exhausted": too much.
  absl::Status Count(const std::vector<ovsdb::Datum>& values);
  NamedTable TableMember(OperationReader* reader);
  absl::StatusOr<ovsdb::Uuid> NewUuid(const NamedTable& table, const ovsdb::Json* uuid,
                                      const ovsdb::Json* name);
  absl::StatusOr<RowOperand> ReadRow(const NamedTable& table, const ovsdb::Json& json);
  absl::Status CheckMutable(const NamedTable& table, const RowOperand& operand,
                            const ovsdb::Json& operation) const;
  absl::StatusOr<ovsdb::Json> NotMet(const ovsdb::Json* timeout);
  ovsdb::NamedUuids Names();

  const ovsdb::DatabaseSchema& schema_;
  const Database::Options& options_;
  WorkingSet* const rows_;

  // Rows by the names of this transaction.
  struct Named {
    ovsdb::Uuid uuid;
    // An insert had the name.
    bool inserted = false;
  };
  std::map<std::string, Named> names_;
  size_t selected_ = 0;
  // Set by a `wait` that is not met yet.
  bool waiting_ = false;
  std::optional<std::chrono::milliseconds> wait_at_most_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_TRANSACTION_H_
