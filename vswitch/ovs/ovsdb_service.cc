#include "vswitch/ovs/ovsdb_service.h"

#include <utility>

namespace outrider::ovs {

OvsdbService::Served::Served(stream::PollLoop* loop, Database* served, bool is_read_only)
    : database(served),
      read_only(is_read_only),
      schema_text(ovsdb::ToText(ovsdb::ToJson(served->schema()))),
      monitors(served),
      transactions(loop, served) {}

absl::StatusOr<std::unique_ptr<OvsdbService>> OvsdbService::Create(stream::PollLoop* loop,
                                                                   Database* database,
                                                                   size_t max_unfinished) {
  std::unique_ptr<OvsdbService> service(new OvsdbService(loop, max_unfinished));
  ASSIGN_OR_RETURN(service->server_, ServerDatabase::Create({&database->schema()}));
  service->name_ = database->schema().name;
  service->served_[service->name_] = std::make_unique<Served>(loop, database, false);
  service->served_[ServerSchema().name] =
      std::make_unique<Served>(loop, service->server_->database(), true);
  return service;
}

void OvsdbService::HoldAnswers(TransactionQueue::Hold hold) {
  served_.at(name_)->transactions.HoldAnswers(std::move(hold));
}

OvsdbService::Served* OvsdbService::Find(const std::string& name) {
  const auto found = served_.find(name);
  return found == served_.end() ? nullptr : found->second.get();
}

}  // namespace outrider::ovs
