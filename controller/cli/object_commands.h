// The commands that are the same for every kind of object: list, show and delete.
//
// Knows the shape of the services in api.proto, no particular kind. Single-threaded.
#ifndef OUTRIDER_CONTROLLER_CLI_OBJECT_COMMANDS_H_
#define OUTRIDER_CONTROLLER_CLI_OBJECT_COMMANDS_H_

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <string>

#include "controller/cli/invocation.h"
#include "controller/cli/json_output.h"
#include "controller/model/status.h"
#include "outrider/v1/api.pb.h"

namespace outrider::controller::cli {

// How a kind is spoken of.
struct KindWords {
  std::string command;  // "group": the command group
  std::string noun;     // "address group"
  std::string example;  // a name for examples
  std::string key = "NAME";
};

// Prints an object as JSON, or `text` for people.
inline absl::StatusOr<int> PrintObject(Invocation* cli, const google::protobuf::Message& object,
                                       const std::string& text) {
  cli->Print(cli->json() ? Json(object) : text);
  return Done();
}

template <typename Stub, typename Response>
void AddListCommand(Invocation* cli, CLI::App* group, const KindWords& kind,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const v1::ListRequest&,
                                                 Response*),
                    std::function<std::string(const Response&)> table) {
  cli->AddCommand(group, "list", fmt::format("List all {}s", kind.noun),
                  {fmt::format("outrider {} list", kind.command),
                   fmt::format("outrider {} list --json", kind.command)},
                  [=]() -> absl::StatusOr<int> {
                    ASSIGN_OR_RETURN(Client * client, cli->Controller());
                    ASSIGN_OR_RETURN(const Response list, client->Call(method, v1::ListRequest()));
                    cli->Print(cli->json() ? JsonList(list.items()) : table(list));
                    return Done();
                  });
}

template <typename Stub, typename Object>
void AddShowCommand(Invocation* cli, CLI::App* group, const KindWords& kind,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const v1::GetRequest&,
                                                 Object*),
                    std::function<std::string(const Object&)> text) {
  auto request = std::make_shared<v1::GetRequest>();
  CLI::App* command =
      cli->AddCommand(group, "show", fmt::format("Show one {}", kind.noun),
                      {fmt::format("outrider {} show {}", kind.command, kind.example)},
                      [=]() -> absl::StatusOr<int> {
                        ASSIGN_OR_RETURN(Client * client, cli->Controller());
                        ASSIGN_OR_RETURN(const Object object, client->Call(method, *request));
                        return PrintObject(cli, object, text(object));
                      });
  command->add_option(kind.key, *request->mutable_name(), "Which one")->required();
}

template <typename Stub>
void AddDeleteCommand(Invocation* cli, CLI::App* group, const KindWords& kind,
                      grpc::Status (Stub::*method)(grpc::ClientContext*, const v1::DeleteRequest&,
                                                   v1::DeleteResponse*)) {
  auto request = std::make_shared<v1::DeleteRequest>();
  CLI::App* command = cli->AddCommand(
      group, "delete", fmt::format("Delete one {}", kind.noun),
      {fmt::format("outrider {} delete {}", kind.command, kind.example)},
      [=]() -> absl::StatusOr<int> {
        ASSIGN_OR_RETURN(Client * client, cli->Controller());
        ASSIGN_OR_RETURN(const v1::DeleteResponse response, client->Call(method, *request));
        return PrintObject(cli, response,
                           fmt::format("{} \"{}\" deleted\n", kind.noun, request->name()));
      });
  command->add_option(kind.key, *request->mutable_name(), "Which one")->required();
}

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_OBJECT_COMMANDS_H_
