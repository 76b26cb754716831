#include "controller/cli/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>

#include "controller/cli/apply_check.h"
#include "controller/cli/json_output.h"
#include "controller/cli/yaml_decoder.h"
#include "controller/model/status.h"
#include "controller/text/yaml_schema.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller::cli {
namespace {

struct FileCloser {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};

// One byte more than allowed is read, so that the decoder can tell and say so.
absl::StatusOr<std::string> ReadInput(const std::string& path) {
  std::unique_ptr<std::FILE, FileCloser> file(path == "-" ? stdin : std::fopen(path.c_str(), "re"));
  if (file == nullptr) {
    return absl::InvalidArgumentError(
        fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  }
  std::string text(kMaxYamlBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    return absl::InvalidArgumentError(
        fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  }
  return text;
}

// What became of one object.
struct Outcome {
  std::unique_ptr<google::protobuf::Message> object;
  std::string line;  // for people
};

template <typename Object>
std::string VerbOf(const absl::StatusOr<Object>& before, const Object& after) {
  if (!before.ok()) return "created";
  return before->meta().revision() == after.meta().revision() ? "unchanged" : "updated";
}

// Creates the object, or updates the one of its name at the revision just seen.
template <typename Service, typename Object>
absl::StatusOr<Outcome> Upsert(Client* client, const std::string& noun, Object object) {
  using Stub = typename Service::Stub;
  v1::GetRequest get;
  get.set_name(object.meta().name());
  const absl::StatusOr<Object> before = client->Call(&Stub::Get, get);
  if (!before.ok() && !absl::IsNotFound(before.status())) return before.status();
  if (before.ok()) object.mutable_meta()->set_revision(before->meta().revision());
  ASSIGN_OR_RETURN(Object after, client->Call(before.ok() ? &Stub::Update : &Stub::Create, object));
  Outcome outcome;
  outcome.line =
      fmt::format("{} \"{}\" {}\n", noun, after.meta().name(), VerbOf<Object>(before, after));
  outcome.object = std::make_unique<Object>(std::move(after));
  return outcome;
}

// Apply is one call on the controller; the present revision is asked for only to say "unchanged".
absl::StatusOr<Outcome> ApplyProfile(Client* client, const v1::Profile& profile) {
  v1::GetRequest get;
  get.set_name(profile.meta().name());
  const absl::StatusOr<v1::Profile> before = client->Call(&v1::ProfileService::Stub::Get, get);
  if (!before.ok() && !absl::IsNotFound(before.status())) return before.status();
  ASSIGN_OR_RETURN(v1::Profile after, client->Call(&v1::ProfileService::Stub::Apply, profile));
  const bool same = before.ok() && before->profile_revision() == after.profile_revision();
  Outcome outcome;
  outcome.line = fmt::format("profile \"{}\" {}revision {} in force\n", after.meta().name(),
                             same ? "unchanged, " : "", after.profile_revision());
  outcome.object = std::make_unique<v1::Profile>(std::move(after));
  return outcome;
}

absl::StatusOr<Outcome> Send(Client* client, const YamlDocument& document) {
  const google::protobuf::Message& object = *document.object;
  if (document.kind == "Segment") {
    return Upsert<v1::SegmentService>(client, "segment", static_cast<const v1::Segment&>(object));
  }
  if (document.kind == "AddressGroup") {
    return Upsert<v1::AddressGroupService>(client, "address group",
                                           static_cast<const v1::AddressGroup&>(object));
  }
  if (document.kind == "PortGroup") {
    return Upsert<v1::PortGroupService>(client, "port group",
                                        static_cast<const v1::PortGroup&>(object));
  }
  if (document.kind == "Gateway") {
    return Upsert<v1::GatewayService>(client, "gateway", static_cast<const v1::Gateway&>(object));
  }
  return ApplyProfile(client, static_cast<const v1::Profile&>(object));
}

// Names the document, and what is already in force because it went before.
absl::Status SendError(const absl::Status& status, const std::string& path, int line, size_t sent) {
  const std::string place = fmt::format("{}:{}", path, line);
  if (sent == 0) return Annotate(status, place);
  return absl::Status(status.code(),
                      fmt::format("{}: {} ({} of the file's objects before it are applied)", place,
                                  Message(status), sent));
}

// Also before a refusal: what was applied stays applied, and the user has to know.
void PrintOutcomes(Invocation* cli, const std::vector<Outcome>& outcomes) {
  std::vector<const google::protobuf::Message*> objects;
  for (const Outcome& outcome : outcomes) {
    if (!cli->json()) cli->Print(outcome.line);
    objects.push_back(outcome.object.get());
  }
  if (cli->json()) cli->Print(JsonItems(objects));
}

// Generations from the profile to the last of its ancestors among the documents.
size_t Generation(const std::vector<YamlDocument>& documents, const YamlDocument& document) {
  size_t generation = 0;
  const YamlDocument* next = &document;
  // The controller refuses cycles; here they only must end.
  while (next != nullptr && next->kind == "Profile" && generation <= documents.size()) {
    const auto& parent = static_cast<const v1::Profile&>(*next->object).parent();
    next = nullptr;
    for (const YamlDocument& other : documents) {
      if (!parent.empty() && other.kind == "Profile" && other.name == parent) next = &other;
    }
    ++generation;
  }
  return generation;
}

// Order of sending: YamlKinds() names what is referred to before what refers to it.
size_t Rank(const std::string& kind) {
  const auto& kinds = YamlKinds();
  return static_cast<size_t>(std::find(kinds.begin(), kinds.end(), kind) - kinds.begin());
}

// What is referred to first: kinds, and among profiles parents before children.
void Order(std::vector<YamlDocument>* documents) {
  struct Placed {
    std::pair<size_t, size_t> place;
    YamlDocument document;
  };
  std::vector<Placed> placed(documents->size());
  for (size_t i = 0; i < placed.size(); ++i) {
    const YamlDocument& document = (*documents)[i];
    placed[i].place = {Rank(document.kind), Generation(*documents, document)};
  }
  for (size_t i = 0; i < placed.size(); ++i) placed[i].document = std::move((*documents)[i]);
  std::stable_sort(placed.begin(), placed.end(),
                   [](const Placed& a, const Placed& b) { return a.place < b.place; });
  for (size_t i = 0; i < placed.size(); ++i) (*documents)[i] = std::move(placed[i].document);
}

// A profile kept and not put in force.
absl::StatusOr<Outcome> SaveDraft(Client* client, const YamlDocument& document) {
  const auto& profile = static_cast<const v1::Profile&>(*document.object);
  ASSIGN_OR_RETURN(v1::Profile after, client->Call(&v1::ProfileService::Stub::SaveDraft, profile));
  Outcome outcome;
  outcome.line = fmt::format(
      "profile \"{0}\" revision {1} saved as draft; put it in force with: outrider profile "
      "activate "
      "{0}\n",
      after.meta().name(), after.profile_revision());
  outcome.object = std::make_unique<v1::Profile>(std::move(after));
  return outcome;
}

// One after the other, until the first refusal.
absl::StatusOr<int> SendAll(
    Invocation* cli, const std::string& path, const std::vector<YamlDocument>& documents,
    const std::function<absl::StatusOr<Outcome>(Client*, const YamlDocument&)>& send) {
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  std::vector<Outcome> outcomes;
  for (const YamlDocument& document : documents) {
    auto outcome = send(client, document);
    if (!outcome.ok()) {
      PrintOutcomes(cli, outcomes);
      return SendError(outcome.status(), InputName(path), document.line, outcomes.size());
    }
    outcomes.push_back(std::move(outcome).value());
  }
  PrintOutcomes(cli, outcomes);
  return Done();
}

}  // namespace

std::string InputName(const std::string& path) { return path == "-" ? "<stdin>" : path; }

absl::StatusOr<std::vector<YamlDocument>> ReadDocuments(const std::string& path,
                                                        const std::string& default_kind) {
  ASSIGN_OR_RETURN(const std::string text, ReadInput(path));
  return DecodeYaml(text, InputName(path), default_kind);
}

absl::StatusOr<int> ApplyFile(Invocation* cli, const std::string& path,
                              const std::string& default_kind) {
  ASSIGN_OR_RETURN(std::vector<YamlDocument> documents, ReadDocuments(path, default_kind));
  Order(&documents);
  ASSIGN_OR_RETURN(Client * client, cli->Controller());
  // One document is checked and applied by the controller in one step; several are not.
  if (documents.size() > 1) RETURN_IF_ERROR(CheckTogether(client, InputName(path), documents));
  return SendAll(cli, path, documents, Send);
}

absl::StatusOr<int> SaveDrafts(Invocation* cli, const std::string& path) {
  ASSIGN_OR_RETURN(const std::vector<YamlDocument> documents, ReadDocuments(path, "Profile"));
  for (const YamlDocument& document : documents) {
    if (document.kind == "Profile") continue;
    return absl::InvalidArgumentError(
        fmt::format("{}:{}: only profiles can be drafts, this is of kind {}; apply it without "
                    "--draft",
                    InputName(path), document.line, document.kind));
  }
  return SendAll(cli, path, documents, SaveDraft);
}

}  // namespace outrider::controller::cli
