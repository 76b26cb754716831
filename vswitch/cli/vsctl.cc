#include "vswitch/cli/vsctl.h"

#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "vswitch/cli/command_table.h"

namespace outrider::cli {

using ovsdb::Json;
using ovsdb::JsonRpcMessage;

namespace {

constexpr char kDatabase[] = "Open_vSwitch";
constexpr unsigned kRetrySeconds = 1;

// Output of one command on one line.
std::string Escaped(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      line += "\\n";
    } else {
      if (c == '\\') line += '\\';
      line += c;
    }
  }
  return line + '\n';
}

bool IsError(const Json& result, const char* error) {
  return result.is_object() && result.contains("error") && result["error"] == error;
}

// What the select at that position of a transaction's results found.
std::optional<int64_t> NextCfg(const Json& results, size_t select) {
  const Json* value = select < results.size() ? &results[select] : nullptr;
  if (value == nullptr || !value->is_object() || !value->contains("rows")) return std::nullopt;
  value = &(*value)["rows"];
  if (!value->is_array() || value->empty() || !(*value)[0].is_object()) return std::nullopt;
  value = &(*value)[0];
  if (!value->contains("next_cfg")) return std::nullopt;
  value = &(*value)["next_cfg"];
  if (!value->is_number_integer()) return std::nullopt;
  return value->get<int64_t>();
}

absl::Status TransactionError(const Json& error) {
  return absl::AbortedError("transaction error: " + ovsdb::ToText(error));
}

}  // namespace

Vsctl::Vsctl(VsctlOptions options, std::vector<Command> commands, std::string comment,
             Console* console)
    : options_(std::move(options)),
      commands_(std::move(commands)),
      comment_(std::move(comment)),
      console_(console),
      schema_(&ovsdb::OpenVSwitchSchema()) {}

absl::StatusOr<int> Vsctl::Run() {
  absl::Status planned = MakePlan();
  if (absl::IsNotFound(planned) && ConnectNow().ok() && FetchSchema().ok()) {
    planned = MakePlan();
  }
  RETURN_IF_ERROR(planned);
  for (const std::string& warning : plan_->warnings()) console_->Warn("db_ctl_base", warning);
  if (session_ == nullptr) RETURN_IF_ERROR(ConnectNow());
  while (true) {
    const absl::StatusOr<Result> result = Once();
    // The connection is lost.
    if (absl::IsUnavailable(result.status())) {
      if (!options_.retry) {
        return Annotate(
            absl::UnavailableError("database connection failed (" + Message(result.status()) + ")"),
            options_.db);
      }
      sleep(kRetrySeconds);
      RETURN_IF_ERROR(ConnectNow());
      continue;
    }
    RETURN_IF_ERROR(result.status());
    if (*result == Result::kDone) return EXIT_SUCCESS;
    if (*result == Result::kAbsent) return 2;
    if (*result == Result::kWiden) {
      whole_ = true;
      monitoring_ = false;
      RETURN_IF_ERROR(MakePlan());
    }
  }
}

absl::Status Vsctl::MakePlan() {
  plan_.emplace(schema_, whole_);
  plan_->Need(kDatabase, {});
  for (const Command& command : commands_) {
    RETURN_IF_ERROR(command.syntax->plan(command, &*plan_));
  }
  return absl::OkStatus();
}

absl::Status Vsctl::ConnectNow() {
  while (true) {
    absl::StatusOr<std::unique_ptr<Channel>> channel = Connect(options_.db, options_.tls);
    if (channel.ok()) {
      session_ = std::make_unique<RpcSession>(*std::move(channel));
      monitoring_ = false;
      return absl::OkStatus();
    }
    if (!options_.retry || !absl::IsUnavailable(channel.status())) {
      return Annotate(absl::FailedPreconditionError("database connection failed (" +
                                                    Message(channel.status()) + ")"),
                      options_.db);
    }
    sleep(kRetrySeconds);
  }
}

absl::Status Vsctl::FetchSchema() {
  const int64_t id = session_->Queue("get_schema", Json::array({kDatabase}));
  ASSIGN_OR_RETURN(const JsonRpcMessage reply, session_->WaitReply(id));
  ASSIGN_OR_RETURN(fetched_schema_, ovsdb::SchemaFromJson(reply.result));
  schema_ = &fetched_schema_;
  schema_is_fetched_ = true;
  return absl::OkStatus();
}

absl::StatusOr<bool> Vsctl::Fetch() {
  Plan::Selects selects = plan_->Operations();
  Json params = Json::array({kDatabase});
  for (Json& operation : selects.operations) params.push_back(std::move(operation));
  const int64_t id = session_->Queue("transact", std::move(params));
  ASSIGN_OR_RETURN(const JsonRpcMessage reply, session_->WaitReply(id));
  if (reply.kind == JsonRpcMessage::Kind::kError) return TransactionError(reply.error);
  if (!reply.result.is_array() || reply.result.empty()) return TransactionError(reply.result);
  view_ = std::make_unique<View>(schema_);
  for (size_t i = 0; i < reply.result.size(); ++i) {
    const Json& result = reply.result[i];
    if (result.is_object() && result.contains("rows") && i < selects.tables.size()) {
      RETURN_IF_ERROR(view_->Load(selects.tables[i], result["rows"]));
      continue;
    }
    // A server with another schema than ours.
    if (schema_is_fetched_) return TransactionError(result);
    RETURN_IF_ERROR(FetchSchema());
    RETURN_IF_ERROR(MakePlan());
    return false;
  }
  return true;
}

absl::StatusOr<Vsctl::Result> Vsctl::Once() {
  ASSIGN_OR_RETURN(const bool fetched, Fetch());
  if (!fetched) return Result::kAgain;
  ASSIGN_OR_RETURN(const Next next, RunCommands());
  switch (next) {
    case Next::kTryAgain:
      RETURN_IF_ERROR(AwaitChange());
      return Result::kAgain;
    case Next::kWiden:
      return Result::kWiden;
    case Next::kExitAbsent:
      return Result::kAbsent;
    case Next::kGoOn:
      break;
  }
  RETURN_IF_ERROR(CheckNames());
  return Commit();
}

absl::StatusOr<Next> Vsctl::RunCommands() {
  attempt_ = Attempt();
  attempt_.view = view_.get();
  attempt_.console = console_;
  attempt_.whole = whole_;
  const std::vector<ViewRow*> roots = view_->Rows(kDatabase);
  attempt_.root = roots.empty() ? view_->Insert(kDatabase) : roots[0];
  steps_.clear();
  for (const Command& command : commands_) {
    Step step;
    step.command = &command;
    step.attempt = &attempt_;
    step.last = &command == &commands_.back();
    if (command.syntax->run != nullptr) RETURN_IF_ERROR(command.syntax->run(&step));
    if (step.next != Next::kGoOn) return step.next;
    steps_.push_back(std::move(step));
  }
  return Next::kGoOn;
}

absl::Status Vsctl::CheckNames() {
  for (const auto& [text, name] : attempt_.names.all()) {
    if (!name.created) {
      return absl::InvalidArgumentError(
          "row id \"" + text + "\" is referenced but never created (e.g. with \"-- --id=" + text +
          " create ...\")");
    }
    if (name.strong) continue;
    console_->Warn("vsctl", "row id \"" + text + "\" was created but " +
                                (name.weak ? "only a weak reference" : "no reference") +
                                " to it was inserted, so it will not actually appear in the "
                                "database");
  }
  return absl::OkStatus();
}

absl::StatusOr<Vsctl::Result> Vsctl::Commit() {
  View::Transaction transaction = view_->Operations();
  Json& operations = transaction.operations;
  if (operations.empty()) {
    KeepRealUuids(transaction, Json::array());
    PrintAll();
    return Result::kDone;
  }
  if (options_.wait) {
    const Json where = View::WhereRow(*attempt_.root);
    operations.push_back({{"op", "mutate"},
                          {"table", kDatabase},
                          {"where", where},
                          {"mutations", {Json::array({"next_cfg", "+=", 1})}}});
    operations.push_back({{"op", "select"},
                          {"table", kDatabase},
                          {"where", where},
                          {"columns", Json::array({"next_cfg"})}});
  }
  const size_t select = operations.size() - 1;
  operations.push_back({{"op", "comment"}, {"comment", comment_}});
  if (options_.dry_run) operations.push_back({{"op", "abort"}});
  operations.insert(operations.begin(), Json(kDatabase));
  const int64_t id = session_->Queue("transact", std::move(operations));
  // In the same packet: by the time the switch is done, the server knows that we want to hear.
  const bool await = options_.wait && !options_.dry_run;
  const int64_t monitor = await ? QueueCfgMonitor() : 0;
  ASSIGN_OR_RETURN(const JsonRpcMessage reply, session_->WaitReply(id));
  ASSIGN_OR_RETURN(const bool committed, CheckReply(reply));
  if (!committed) return Result::kAgain;
  KeepRealUuids(transaction, reply.result);
  PrintAll();
  if (!await) return Result::kDone;
  const std::optional<int64_t> next_cfg = NextCfg(reply.result, select);
  if (!next_cfg) return TransactionError(reply.result);
  RETURN_IF_ERROR(AwaitSwitch(monitor, *next_cfg));
  RETURN_IF_ERROR(ReportInterfaces());
  return Result::kDone;
}

absl::StatusOr<bool> Vsctl::CheckReply(const JsonRpcMessage& reply) {
  if (reply.kind == JsonRpcMessage::Kind::kError) {
    if (reply.error == "canceled") return false;
    return TransactionError(reply.error);
  }
  if (!reply.result.is_array()) return TransactionError(reply.result);
  bool again = false;
  for (const Json& result : reply.result) {
    // After an error the rest is null.
    if (result.is_null() || IsError(result, "timed out")) {
      again = true;
    } else if (!result.is_object()) {
      return TransactionError(result);
    } else if (result.contains("error") && !IsError(result, "aborted")) {
      console_->Warn("ovsdb_idl", "transaction error: " + ovsdb::ToText(result));
      return TransactionError(result);
    }
  }
  return !again;
}

void Vsctl::PrintAll() {
  std::string out;
  bool first = true;
  for (Step& step : steps_) {
    if (step.table) {
      out += Print(*step.table, options_.style, first);
      first = false;
    } else {
      out += options_.oneline ? Escaped(step.output) : step.output;
    }
  }
  // Nobody reads it: what was asked for is done all the same.
  (void)WriteOutput(out);
}

}  // namespace outrider::cli
