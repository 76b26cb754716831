#include "vswitch/ovs/ovsdb_session.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "vswitch/ovs/port_data_read.h"
#include "vswitch/sys/stream/turn.h"

namespace outrider::ovs {
namespace {

using ovsdb::Json;
using ovsdb::JsonRpcMessage;
using ovsdb::OvsdbError;
using ovsdb::ToText;

// After a message of more bytes its memory goes back to the system: it was in many pieces, which
// the allocator would keep for us for ever.
constexpr size_t kLargeMessage = 1 << 20;

absl::Status SyntaxError(const std::string& details, const Json& json) {
  return OvsdbError("syntax error", details, ToText(json));
}

// RFC 7047, 3.1.
bool IsId(const std::string& text) {
  const auto letter = [](char c) {
    return std::isalpha(static_cast<unsigned char>(c)) || c == '_';
  };
  return !text.empty() && letter(text[0]) && std::ranges::all_of(text, [&](char c) {
    return letter(c) || std::isdigit(static_cast<unsigned char>(c));
  });
}

bool Writes(const Json& operation) {
  if (!operation.is_object() || !operation.contains("op")) return false;
  const Json& op = operation["op"];
  return op == "insert" || op == "update" || op == "mutate" || op == "delete";
}

// The results of a transaction that writes to a database that only the server writes: as far as it
// reads.
Json ReadOnlyResults(Database* database, Json operations) {
  const size_t count = operations.size();
  const auto refused = std::ranges::find_if(operations, Writes);
  const auto op = (*refused)["op"].get<std::string>();
  operations.erase(refused, operations.end());
  Json results = database->Transact(operations, {.give_up = true}).results;
  const bool failed =
      results.size() > operations.size() ||
      (!results.empty() && (results.back().is_null() || results.back().contains("error")));
  if (failed) return results;
  results.push_back(ovsdb::ErrorJson(OvsdbError(
      "not allowed", fmt::format("{} operation not allowed on table in reserved database {}", op,
                                 database->schema().name))));
  while (results.size() < count) results.push_back(nullptr);
  return results;
}

}  // namespace

OvsdbSession::OvsdbSession(OvsdbService* service, RpcPeer* peer) : service_(service), peer_(peer) {}

OvsdbSession::~OvsdbSession() {
  for (const auto& [id, monitor] : monitors_) monitor.served->monitors.Remove(monitor.token);
  for (const auto& [name, served] : service_->served()) served->transactions.Drop(this);
  for (const std::string& lock : locks_) service_->locks().Unlock(lock, this);
  service_->unfinished().Note(this, 0);
}

void OvsdbSession::Receive(const char* data, size_t size) {
  if (ended_) return;
  stream_.Feed(data, size);
  Serve();
}

void OvsdbSession::Continue() { Serve(); }

void OvsdbSession::Serve() {
  const stream::Turn turn;
  while (!ended_ && !peer_->Congested() && ServeOne()) {
    if (stream_.last_bytes() > kLargeMessage) malloc_trim(0);
    if (turn.IsOver()) peer_->Yield();
  }
  service_->unfinished().Note(this, ended_ ? 0 : stream_.buffered());
}

bool OvsdbSession::ServeOne() {
  auto json = stream_.Next();
  if (!json.ok()) {
    HangUp(json.status());
    return false;
  }
  if (!*json) return false;
  auto message = ovsdb::FromJson(**std::move(json));
  if (!message.ok()) {
    HangUp(message.status());
    return false;
  }
  OnMessage(*std::move(message));
  return true;
}

void OvsdbSession::OnOverBudget(const absl::Status& why) {
  stream_ = ovsdb::JsonStream(0);
  HangUp(why);
}

void OvsdbSession::Probe() {
  peer_->Send(ToText(ToJson(ovsdb::Request("echo", Json::array(), "echo"))));
}

void OvsdbSession::HangUp(const absl::Status& why) {
  ended_ = true;
  peer_->HangUp(why);
}

void OvsdbSession::Notify(const std::string& method, Json params) {
  peer_->Send(ToText(ToJson(ovsdb::Notification(method, std::move(params)))));
}

void OvsdbSession::OnMessage(Message message) {
  switch (message.kind) {
    case Message::Kind::kRequest:
      return OnRequest(std::move(message));
    case Message::Kind::kNotification:
      // Others mean nothing to a server.
      if (message.method == "cancel") Cancel(message);
      return;
    case Message::Kind::kReply:
    case Message::Kind::kError:
      // The answer to a probe; to anything else there was no question.
      if (message.id == "echo") return;
      return HangUp(absl::InvalidArgumentError("received unexpected reply message"));
  }
}

void OvsdbSession::OnRequest(Message request) {
  if (MayReadPortData(request)) service_->NotePortDataRead();
  if (request.method == "transact") return Transact(std::move(request));
  if (request.method == "get_schema") return GetSchema(request);
  if (request.method == "monitor_cancel") return CancelMonitor(request);
  static const std::map<std::string, Handler> handlers = {
      {"convert", &OvsdbSession::Convert},
      {"echo", &OvsdbSession::Echo},
      {"get_server_id", &OvsdbSession::GetServerId},
      {"list_dbs", &OvsdbSession::ListDbs},
      {"lock", &OvsdbSession::Lock},
      {"monitor", &OvsdbSession::StartMonitor},
      {"monitor_cond", &OvsdbSession::StartMonitor},
      {"monitor_cond_change", &OvsdbSession::ChangeConditions},
      {"monitor_cond_since", &OvsdbSession::StartMonitor},
      {"set_db_change_aware", &OvsdbSession::SetDbChangeAware},
      {"steal", &OvsdbSession::Lock},
      {"unlock", &OvsdbSession::Unlock},
  };
  const auto handler = handlers.find(request.method);
  if (handler == handlers.end()) {
    // Clients compare with exactly this string.
    return peer_->Send(ToText(ToJson(ovsdb::ErrorReply("unknown method", request.id))));
  }
  Answer answer = (this->*handler->second)(request);
  peer_->Send(ToText(
      ToJson(answer.ok() ? ovsdb::Reply(std::move(*answer), request.id)
                         : ovsdb::ErrorReply(ovsdb::ErrorJson(answer.status()), request.id))));
}

absl::StatusOr<OvsdbService::Served*> OvsdbSession::DatabaseOf(const Message& request) {
  const Json& params = request.params;
  if (params.empty() || !params[0].is_string()) {
    return SyntaxError(fmt::format("{} request params must begin with <db-name>", request.method),
                       params);
  }
  const auto name = params[0].get<std::string>();
  OvsdbService::Served* const served = service_->Find(name);
  if (served == nullptr) {
    return OvsdbError("unknown database",
                      fmt::format("{} request specifies unknown database {}", request.method, name),
                      ToText(params));
  }
  return served;
}

OvsdbSession::Answer OvsdbSession::ListDbs(const Message& request) {
  (void)request;
  Json names = Json::array();
  for (const auto& [name, served] : service_->served()) names.push_back(name);
  return names;
}

OvsdbSession::Answer OvsdbSession::Echo(const Message& request) { return request.params; }

OvsdbSession::Answer OvsdbSession::GetServerId(const Message& request) {
  (void)request;
  return Json(service_->server_id().ToString());
}

OvsdbSession::Answer OvsdbSession::SetDbChangeAware(const Message& request) {
  if (request.params.size() != 1 || !request.params[0].is_boolean()) {
    return SyntaxError("set_db_change_aware: true or false parameter expected", request.params);
  }
  // Databases neither come nor go nor are converted while we run: there is nothing to be aware of.
  return Json::object();
}

OvsdbSession::Answer OvsdbSession::Convert(const Message& request) {
  ASSIGN_OR_RETURN(const OvsdbService::Served* const served, DatabaseOf(request));
  return OvsdbError(
      "not allowed",
      fmt::format("the schema of database {} is part of the server; upgrade the server",
                  served->database->schema().name));
}

void OvsdbSession::GetSchema(const Message& request) {
  const auto served = DatabaseOf(request);
  if (!served.ok()) {
    return peer_->Send(
        ToText(ToJson(ovsdb::ErrorReply(ovsdb::ErrorJson(served.status()), request.id))));
  }
  peer_->Send(fmt::format("{{\"error\":null,\"id\":{},\"result\":{}}}", ToText(request.id),
                          (*served)->schema_text));
}

void OvsdbSession::Transact(Message request) {
  const auto answer = [this, id = request.id](Json results) {
    peer_->Send(ToText(ToJson(ovsdb::Reply(std::move(results), id))));
  };
  const auto served = DatabaseOf(request);
  if (!served.ok()) {
    return peer_->Send(
        ToText(ToJson(ovsdb::ErrorReply(ovsdb::ErrorJson(served.status()), request.id))));
  }
  // Without the database's name.
  Json operations = std::move(request.params);
  operations.erase(operations.begin());
  if ((*served)->read_only && std::ranges::any_of(operations, Writes)) {
    return answer(ReadOnlyResults((*served)->database, std::move(operations)));
  }
  (*served)->transactions.Run(
      {.owner = this,
       .id = request.id,
       .operations = std::move(operations),
       .holds_lock =
           [this](const std::string& lock) { return service_->locks().Holds(lock, this); },
       .done = answer});
}

void OvsdbSession::Cancel(const Message& notification) {
  if (notification.params.size() != 1) return;
  const Json& id = notification.params[0];
  for (const auto& [name, served] : service_->served()) {
    if (!served->transactions.Cancel(this, id)) continue;
    return peer_->Send(ToText(ToJson(ovsdb::ErrorReply("canceled", id))));
  }
}

OvsdbSession::Answer OvsdbSession::Lock(const Message& request) {
  const Json& params = request.params;
  if (params.size() != 1 || !params[0].is_string() || !IsId(params[0].get<std::string>())) {
    return SyntaxError(fmt::format("{} request params must be <id>", request.method), params);
  }
  const auto name = params[0].get<std::string>();
  if (locks_.contains(name)) {
    return SyntaxError(fmt::format("must issue \"unlock\" before new \"{}\"", request.method),
                       params);
  }
  if (locks_.size() >= kMaxLocks) {
    return OvsdbError("resources exhausted",
                      fmt::format("a session may have {} locks; unlock others", kMaxLocks));
  }
  locks_.insert(name);
  bool held = true;
  if (request.method == "steal") {
    service_->locks().Steal(name, this);
  } else {
    held = service_->locks().Lock(name, this);
  }
  return Json{{"locked", held}};
}

OvsdbSession::Answer OvsdbSession::Unlock(const Message& request) {
  const Json& params = request.params;
  if (params.size() != 1 || !params[0].is_string() || !IsId(params[0].get<std::string>())) {
    return SyntaxError("unlock request params must be <id>", params);
  }
  const auto name = params[0].get<std::string>();
  if (locks_.erase(name) == 0) {
    return SyntaxError("unlock: \"unlock\" without \"lock\" or \"steal\"", params);
  }
  service_->locks().Unlock(name, this);
  return Json::object();
}

void OvsdbSession::OnLocked(const std::string& lock) { Notify("locked", Json::array({lock})); }
void OvsdbSession::OnStolen(const std::string& lock) { Notify("stolen", Json::array({lock})); }

std::set<std::string> OvsdbSession::LocksHeld() const {
  std::set<std::string> held;
  for (const std::string& lock : locks_) {
    if (service_->locks().Holds(lock, this)) held.insert(lock);
  }
  return held;
}

std::set<std::string> OvsdbSession::LocksWaiting() const {
  std::set<std::string> waiting;
  for (const std::string& lock : locks_) {
    if (!service_->locks().Holds(lock, this)) waiting.insert(lock);
  }
  return waiting;
}

}  // namespace outrider::ovs
