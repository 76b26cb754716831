// OVSDB's rules once more, as plainly as they can be written: rows are JSON, every check looks
// through everything, a transaction works on a copy. What the engine is compared with.
#ifndef OUTRIDER_TESTS_OVS_NAIVE_DATABASE_H_
#define OUTRIDER_TESTS_OVS_NAIVE_DATABASE_H_

#include <map>
#include <string>
#include <vector>

#include "vswitch/sys/ovsdb/schema.h"

namespace outrider::ovs {

class NaiveDatabase {
 public:
  // A set's members have null beside them.
  using Value = std::map<ovsdb::Json, ovsdb::Json>;
  using Row = std::map<std::string, Value>;
  // By the text of the identifier.
  using Rows = std::map<std::string, Row>;
  using Tables = std::map<std::string, Rows>;

  explicit NaiveDatabase(const ovsdb::DatabaseSchema& schema);

  // "" or the error's name. Knows insert with "uuid", update, mutate with +=, insert and delete,
  // and delete; conditions with == only.
  std::string Transact(const ovsdb::Json& operations);
  const Tables& tables() const { return tables_; }
  void ForgetEphemeral();

  static Value ValueOf(const ovsdb::Json& json, bool is_map);

 private:
  struct Reference {
    std::string from_table, from, to_table, to;
    bool weak = false;
  };

  std::string Run(const ovsdb::Json& operation, Tables* tables) const;
  std::string Mutate(const std::string& table, const ovsdb::Json& mutation, Row* row) const;
  std::string Settle(Tables* tables) const;
  std::vector<Reference> References(const Tables& tables) const;
  bool CollectOnce(Tables* tables) const;
  bool PurgeOnce(Tables* tables) const;
  bool HasTwice(const std::string& table, const Rows& rows) const;

  const ovsdb::DatabaseSchema& schema_;
  Tables tables_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_TESTS_OVS_NAIVE_DATABASE_H_
