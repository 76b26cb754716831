// outrider migration prepare|switchover|abort|list|show|watch|delete
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <string>

#include "controller/cli/commands.h"
#include "controller/cli/duration.h"
#include "controller/cli/migration_picture.h"
#include "controller/cli/object_commands.h"
#include "controller/cli/object_text.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

using MigrationStub = v1::MigrationService::Stub;
using std::chrono::milliseconds;

constexpr milliseconds kDefaultArmedWait(30'000);

struct PrepareOptions {
  v1::PrepareMigrationRequest request;
  bool wait_armed = false;
  std::optional<milliseconds> lease;
};

// One call: the controller finds the ports, admits them and, if asked to, waits.
absl::StatusOr<int> Prepare(Invocation* cli, const PrepareOptions& options) {
  v1::PrepareMigrationRequest request = options.request;
  if (request.vm_id().empty() == request.port_id().empty()) {
    return cli->UsageError("give either --vm or --port");
  }
  // With --wait, --timeout says how long to wait: the call itself may take longer than any other.
  const milliseconds wait =
      options.wait_armed ? cli->timeout().value_or(kDefaultArmedWait) : milliseconds(0);
  request.set_wait_armed_ms(WireMillis(wait));
  if (options.lease.has_value()) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*options.lease);
    // On the wire 0 stands for the default.
    if (seconds.count() == 0) {
      return absl::InvalidArgumentError(
          fmt::format("--lease {} is too short; give at least 1s", FormatDuration(*options.lease)));
    }
    request.set_lease_s(static_cast<uint32_t>(seconds.count()));
  }
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  ASSIGN_OR_RETURN(const auto migration, client->Call(&MigrationStub::Prepare, request, wait));
  return PrintObject(cli, migration, MigrationHeadline(migration));
}

// Follows one migration: prints what is new in its timeline each time the record changes.
class Watcher {
 public:
  Watcher(Invocation* cli, std::string id) : cli_(cli), id_(std::move(id)) {}

  // False: stop reading.
  bool OnChange(const v1::MigrationChange& change) {
    if (change.kind() == v1::WATCH_KIND_PUT) return OnRecord(change.object());
    // Without a record when all present objects are sent there is nothing to wait for.
    if (change.kind() == v1::WATCH_KIND_SYNCED && seen_) return true;
    outcome_ = absl::NotFoundError(
        seen_ ? fmt::format("migration \"{}\" was deleted", id_)
              : fmt::format("migration \"{}\" does not exist; see: outrider migration list", id_));
    return false;
  }

  // What to exit with once the stream is read, unless the stream itself failed.
  const absl::StatusOr<int>& outcome() const { return outcome_; }

 private:
  bool OnRecord(const v1::Migration& migration) {
    if (cli_->json()) {
      cli_->Print(JsonLine(migration));
    } else {
      if (!seen_) cli_->Print(MigrationHeadline(migration));
      for (; printed_ < migration.timeline_size(); ++printed_) {
        cli_->Print(TimelineLine(migration, migration.timeline(printed_)));
      }
    }
    seen_ = true;
    const bool finished = IsFinished(migration);
    if (finished) {
      if (!cli_->json()) cli_->Print(MigrationHeadline(migration));
      outcome_ = migration.phase() == v1::MIGRATION_PHASE_COMMITTED ? kExitOk : kExitAborted;
    }
    // Whoever reads a live timeline through a pipe wants it live, too.
    (void)cli_->Finish();
    return !finished;
  }

  Invocation* cli_;
  const std::string id_;
  bool seen_ = false;
  int printed_ = 0;
  absl::StatusOr<int> outcome_ =
      absl::UnavailableError("the controller ended the watch; run the command again");
};

absl::StatusOr<int> Watch(Invocation* cli, const std::string& id) {
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  v1::WatchRequest request;
  request.set_name(id);
  Watcher watcher(cli, id);
  const std::function<bool(const v1::MigrationChange&)> on_change =
      [&watcher](const v1::MigrationChange& change) { return watcher.OnChange(change); };
  RETURN_IF_ERROR(client->Stream(&MigrationStub::Watch, request, on_change));
  return watcher.outcome();
}

// Switchover and abort: one call, one line.
template <typename Request>
absl::StatusOr<int> CallVerb(Invocation* cli,
                             grpc::Status (MigrationStub::*method)(grpc::ClientContext*,
                                                                   const Request&, v1::Migration*),
                             const Request& request) {
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  ASSIGN_OR_RETURN(const v1::Migration migration, client->Call(method, request));
  return PrintObject(cli, migration, MigrationHeadline(migration));
}

struct SwitchoverOptions {
  v1::SwitchoverRequest request;
  bool on_input = false;
};

// The guest stands still while this runs. Whoever can start it ahead of the pause waits, at the
// pause, for one call only: not for a process and not for a connection.
absl::StatusOr<int> Switchover(Invocation* cli, const SwitchoverOptions& options) {
  if (options.on_input) {
    ASSIGN_OR_RETURN(Client * client, cli->Controller());
    v1::GetRequest get;
    get.set_name(options.request.name());
    RETURN_IF_ERROR(client->Call(&MigrationStub::Get, get).status());
    std::string line;
    if (!std::getline(std::cin, line)) {
      return absl::CancelledError(
          fmt::format("migration \"{}\": standard input ended without a line; nothing was moved",
                      options.request.name()));
    }
  }
  return CallVerb(cli, &MigrationStub::Switchover, options.request);
}

void AddPrepare(Invocation* cli, CLI::App* group) {
  auto options = std::make_shared<PrepareOptions>();
  CLI::App* command =
      cli->AddCommand(group, "prepare", "Put a VM's ports in force on the destination, blocked",
                      {"outrider migration prepare --vm web-1 --to h2",
                       "outrider migration prepare --vm web-1 --to h2 --wait armed --timeout 30s",
                       "outrider migration prepare --vm web-1 --to h2 --probe "
                       "3f0c0d7e-8a53-4d55-9d0c-6a1f5b0e7a11"},
                      [cli, options] { return Prepare(cli, *options); });
  command->add_option("--vm", *options->request.mutable_vm_id(), "VM whose ports move")
      ->type_name("ID");
  command
      ->add_option("--port", *options->request.mutable_port_id(),
                   "Instead of --vm: a port that moves, with all others of its VM")
      ->type_name("ID");
  command->add_option("--to", *options->request.mutable_destination(), "Destination host")
      ->type_name("HOST")
      ->required();
  command
      ->add_option_function<std::string>(
          "--wait", [options](const std::string&) { options->wait_armed = true; },
          "Return when it is armed; --timeout says how long to wait (default 30s)")
      ->type_name("armed")
      ->check(CLI::IsMember({"armed"}).description(""));
  command
      ->add_option("--probe", *options->request.mutable_probe_from(),
                   "A port on a third host: the moving ports are asked for echoes in its name, "
                   "until the move is over")
      ->type_name("PORT");
  Invocation::AddDuration(command, "--lease", &options->lease,
                          "End by itself if unfinished after this (default 10m)");
}

void AddVerbs(Invocation* cli, CLI::App* group) {
  auto switchover = std::make_shared<SwitchoverOptions>();
  CLI::App* command =
      cli->AddCommand(group, "switchover", "The source is paused: move the ports now",
                      {"outrider migration switchover m-1",
                       "outrider migration switchover m-1 --on-input < pause-events"},
                      [cli, switchover] { return Switchover(cli, *switchover); });
  command->add_option("ID", *switchover->request.mutable_name(), "Id of the migration")->required();
  command->add_flag("--on-input", switchover->on_input,
                    "Connect now, move when a line arrives on standard input");

  auto abort = std::make_shared<v1::AbortMigrationRequest>();
  command = cli->AddCommand(group, "abort", "Stop: the source keeps, or regains, the ports",
                            {"outrider migration abort m-1 --reason \"disk copy failed\""},
                            [cli, abort] { return CallVerb(cli, &MigrationStub::Abort, *abort); });
  command->add_option("ID", *abort->mutable_name(), "Id of the migration")->required();
  command->add_option("--reason", *abort->mutable_reason(), "Kept in the record")
      ->type_name("TEXT");

  auto id = std::make_shared<std::string>();
  command = cli->AddCommand(group, "watch",
                            "Print the timeline live until the end; exit 0: committed, 3: aborted",
                            {"outrider migration watch m-1", "outrider migration watch m-1 --json"},
                            [cli, id] { return Watch(cli, *id); });
  command->add_option("ID", *id, "Id of the migration")->required();
}

}  // namespace

void AddMigrationCommands(Invocation* cli, CLI::App* root) {
  const KindWords kind = {"migration", "migration", "m-1", "ID"};
  CLI::App* group = cli->AddGroup(root, "migration", "Moves of VMs between hosts");
  AddPrepare(cli, group);
  AddVerbs(cli, group);
  AddListCommand<MigrationStub, v1::ListMigrationsResponse>(cli, group, kind, &MigrationStub::List,
                                                            MigrationTable);
  AddShowCommand<MigrationStub, v1::Migration>(cli, group, kind, &MigrationStub::Get,
                                               MigrationPicture);
  AddDeleteCommand(cli, group, kind, &MigrationStub::Delete);
}

}  // namespace outrider::controller::cli
