#include "controller/cli/yaml_decoder.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <utility>

#include "controller/cli/suggest.h"
#include "controller/cli/yaml_scalar.h"
#include "controller/model/status.h"
#include "controller/text/yaml_schema.h"

namespace outrider::controller::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// yaml-cpp counts lines from 0 and gives -1 where it knows none.
int LineOf(const YAML::Node& node) { return std::max(node.Mark().line, 0) + 1; }

std::string TypeWord(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Map:
      return "a map";
    case YAML::NodeType::Scalar:
      return fmt::format("\"{}\"", node.Scalar());
    default:
      return "nothing";
  }
}

std::string Join(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

// Keys a user may write in a message of this type.
std::vector<std::string> KnownKeys(const Descriptor& type) {
  std::vector<std::string> keys;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.name() != "meta" && !IsOutputOnly(field)) keys.push_back(field.name());
  }
  return keys;
}

// What to write instead of an unknown key: a similar one here, the same one a level further in, or,
// failing both, the list of all.
std::string KeyRemedy(const Descriptor& type, const std::string& key,
                      const std::vector<std::string>& known) {
  if (const std::string near = Suggest(key, known); !near.empty()) {
    return fmt::format("did you mean \"{}\"?", near);
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.message_type() == nullptr || field.is_repeated() || field.name() == "meta") continue;
    if (IsPortRange(*field.message_type())) continue;
    const std::string inner = Suggest(key, KnownKeys(*field.message_type()));
    if (!inner.empty()) {
      return fmt::format("did you mean \"{0}\" under \"{1}:\"?", inner, field.name());
    }
  }
  return fmt::format("known keys: {}", fmt::join(known, ", "));
}

// Decodes the documents of one file. Paths are "acl.ingress[3].match", counted from 0.
class Decoder {
 public:
  explicit Decoder(std::string file) : file_(std::move(file)) {}

  absl::StatusOr<YamlDocument> Document(const YAML::Node& node, const std::string& default_kind);
  absl::Status Error(int line, const std::string& path, const std::string& what) const;

 private:
  struct Entry {
    std::string key;
    int line = 0;  // of the key: a value may begin on a later one
    YAML::Node value;
    bool taken = false;  // by TakeText
  };
  // A map's pairs in the order of the file; duplicate and non-text keys are errors.
  using Entries = std::vector<Entry>;
  absl::StatusOr<Entries> MapEntries(const YAML::Node& node, const std::string& path);

  // Reads `key` as text and marks it taken; "" when it is not there. Nothing is erased: assigning a
  // YAML::Node, as erasing from a vector does, changes the tree it points into.
  absl::StatusOr<std::string> TakeText(const std::string& key, Entries* entries);

  absl::Status DecodeEntries(const Entries& entries, const std::string& path, Message* out);
  absl::Status DecodeField(const YAML::Node& node, const std::string& path,
                           const FieldDescriptor& field, Message* out);
  absl::Status DecodeList(const YAML::Node& node, const std::string& path,
                          const FieldDescriptor& field, Message* out);
  absl::Status DecodeValue(const YAML::Node& node, const std::string& path,
                           const FieldDescriptor& field, Message* out);
  absl::Status DecodeMessage(const YAML::Node& node, const std::string& path, Message* out);
  absl::Status CountValue(const YAML::Node& node);

  std::string file_;
  size_t values_ = 0;
};

absl::Status Decoder::Error(int line, const std::string& path, const std::string& what) const {
  return absl::InvalidArgumentError(path.empty()
                                        ? fmt::format("{}:{}: {}", file_, line, what)
                                        : fmt::format("{}:{}: {}: {}", file_, line, path, what));
}

// Aliases share nodes, so a small file can describe a huge object; what counts is what is visited.
absl::Status Decoder::CountValue(const YAML::Node& node) {
  if (++values_ <= kMaxYamlValues) return absl::OkStatus();
  return Error(LineOf(node), "",
               fmt::format("more than {} values; split the file", kMaxYamlValues));
}

absl::StatusOr<Decoder::Entries> Decoder::MapEntries(const YAML::Node& node,
                                                     const std::string& path) {
  if (!node.IsMap()) {
    return Error(LineOf(node), path, fmt::format("expected a map, got {}", TypeWord(node)));
  }
  Entries entries;
  std::map<std::string, int> seen;
  for (const auto& pair : node) {
    if (!pair.first.IsScalar()) {
      return Error(LineOf(pair.first), path, fmt::format("{} is not a key", TypeWord(pair.first)));
    }
    const std::string& key = pair.first.Scalar();
    const int line = LineOf(pair.first);
    const auto [first, added] = seen.emplace(key, line);
    if (!added) {
      return Error(line, path,
                   fmt::format("key \"{}\" is given twice, first on line {}; remove one", key,
                               first->second));
    }
    entries.push_back({key, line, pair.second, false});
  }
  return entries;
}

absl::StatusOr<std::string> Decoder::TakeText(const std::string& key, Entries* entries) {
  const auto found = std::find_if(entries->begin(), entries->end(),
                                  [&key](const Entry& entry) { return entry.key == key; });
  if (found == entries->end()) return "";
  const YAML::Node& node = found->value;
  if (!node.IsScalar() || node.Scalar().empty()) {
    return Error(found->line, key, fmt::format("expected text, got {}", TypeWord(node)));
  }
  found->taken = true;
  return node.Scalar();
}

// Kind and name come first whatever their place in the file: the kind says which keys there are.
absl::StatusOr<YamlDocument> Decoder::Document(const YAML::Node& node,
                                               const std::string& default_kind) {
  YamlDocument document;
  document.line = LineOf(node);
  ASSIGN_OR_RETURN(Entries entries, MapEntries(node, ""));
  ASSIGN_OR_RETURN(document.kind, TakeText("kind", &entries));
  if (document.kind.empty()) document.kind = default_kind;
  document.object = NewObjectOfKind(document.kind);
  if (document.object == nullptr) {
    const std::string near = Suggest(document.kind, YamlKinds());
    return Error(document.line, "kind",
                 near.empty() ? fmt::format("unknown kind \"{}\"; kinds: {}", document.kind,
                                            fmt::join(YamlKinds(), ", "))
                              : fmt::format("unknown kind \"{}\"; did you mean \"{}\"?",
                                            document.kind, near));
  }
  ASSIGN_OR_RETURN(document.name, TakeText("name", &entries));
  if (document.name.empty()) {
    return Error(document.line, "",
                 fmt::format("the {} has no name; add \"name:\"", document.kind));
  }
  Message* meta = document.object->GetReflection()->MutableMessage(
      document.object.get(), document.object->GetDescriptor()->FindFieldByName("meta"));
  meta->GetReflection()->SetString(meta, meta->GetDescriptor()->FindFieldByName("name"),
                                   document.name);
  RETURN_IF_ERROR(DecodeEntries(entries, "", document.object.get()));
  return document;
}

absl::Status Decoder::DecodeEntries(const Entries& entries, const std::string& path, Message* out) {
  const Descriptor& type = *out->GetDescriptor();
  for (const auto& [key, line, value, taken] : entries) {
    if (taken) continue;
    RETURN_IF_ERROR(CountValue(value));
    const FieldDescriptor* field = type.FindFieldByName(key);
    if (field == nullptr || key == "meta") {
      return Error(
          line, path,
          fmt::format("unknown key \"{}\"; {}", key, KeyRemedy(type, key, KnownKeys(type))));
    }
    if (IsOutputOnly(*field)) {
      return Error(line, path, fmt::format("\"{}\" is set by the controller; remove it", key));
    }
    if (value.IsNull()) {
      return Error(line, Join(path, key), "has no value; give one or remove the key");
    }
    RETURN_IF_ERROR(DecodeField(value, Join(path, key), *field, out));
  }
  return absl::OkStatus();
}

absl::Status Decoder::DecodeField(const YAML::Node& node, const std::string& path,
                                  const FieldDescriptor& field, Message* out) {
  return field.is_repeated() ? DecodeList(node, path, field, out)
                             : DecodeValue(node, path, field, out);
}

absl::Status Decoder::DecodeList(const YAML::Node& node, const std::string& path,
                                 const FieldDescriptor& field, Message* out) {
  if (!node.IsSequence()) {
    return Error(LineOf(node), path, fmt::format("expected a list, got {}", TypeWord(node)));
  }
  size_t index = 0;
  for (const auto& element : node) {
    const std::string at = fmt::format("{}[{}]", path, index++);
    RETURN_IF_ERROR(CountValue(element));
    RETURN_IF_ERROR(DecodeValue(element, at, field, out));
  }
  return absl::OkStatus();
}

absl::Status Decoder::DecodeValue(const YAML::Node& node, const std::string& path,
                                  const FieldDescriptor& field, Message* out) {
  if (field.message_type() != nullptr) {
    const Reflection& reflection = *out->GetReflection();
    Message* inner = field.is_repeated() ? reflection.AddMessage(out, &field)
                                         : reflection.MutableMessage(out, &field);
    return DecodeMessage(node, path, inner);
  }
  if (!node.IsScalar()) {
    return Error(LineOf(node), path,
                 fmt::format("expected {}, got {}", ScalarTypeWord(field), TypeWord(node)));
  }
  // yaml-cpp tags a quoted scalar "!": "80" in quotes is text, not a number.
  const YamlScalar scalar = {node.Scalar(), node.Tag() == "!"};
  const std::string problem = SetScalar(scalar, field, out);
  return problem.empty() ? absl::OkStatus() : Error(LineOf(node), path, problem);
}

// Recursion is as deep as the message types nest, whatever the file does.
absl::Status Decoder::DecodeMessage(const YAML::Node& node, const std::string& path, Message* out) {
  const bool port_range = IsPortRange(*out->GetDescriptor());
  if (port_range && node.IsScalar()) {
    const std::string problem = SetPortRange(node.Scalar(), out);
    return problem.empty() ? absl::OkStatus() : Error(LineOf(node), path, problem);
  }
  ASSIGN_OR_RETURN(const Entries entries, MapEntries(node, path));
  RETURN_IF_ERROR(DecodeEntries(entries, path, out));
  if (port_range) {
    const std::string problem = CheckPortRange(*out);
    if (!problem.empty()) return Error(LineOf(node), path, problem);
  }
  return absl::OkStatus();
}

// yaml-cpp reports by exception; none leaves this function.
absl::StatusOr<std::vector<YAML::Node>> LoadDocuments(const std::string& text,
                                                      const Decoder& decoder) {
  try {
    return YAML::LoadAll(text);
  } catch (const YAML::Exception& error) {
    return decoder.Error(std::max(error.mark.line, 0) + 1, "", "not YAML: " + error.msg);
  }
}

}  // namespace

absl::StatusOr<std::vector<YamlDocument>> DecodeYaml(const std::string& text,
                                                     const std::string& file,
                                                     const std::string& default_kind) {
  if (text.size() > kMaxYamlBytes) {
    return absl::InvalidArgumentError(
        fmt::format("{}: larger than {} bytes; split the file", file, kMaxYamlBytes));
  }
  Decoder decoder(file);
  ASSIGN_OR_RETURN(const std::vector<YAML::Node> nodes, LoadDocuments(text, decoder));
  std::vector<YamlDocument> documents;
  std::map<std::pair<std::string, std::string>, int> seen;
  for (const YAML::Node& node : nodes) {
    // An empty document is what a trailing "---" makes.
    if (node.IsNull()) continue;
    ASSIGN_OR_RETURN(YamlDocument document, decoder.Document(node, default_kind));
    const auto [first, added] =
        seen.emplace(std::pair(document.kind, document.name), document.line);
    if (!added) {
      return decoder.Error(document.line, "",
                           fmt::format("{} \"{}\" is given twice, first on line {}; remove one",
                                       document.kind, document.name, first->second));
    }
    documents.push_back(std::move(document));
  }
  if (documents.empty()) {
    return absl::InvalidArgumentError(fmt::format("{}: holds no documents", file));
  }
  return documents;
}

}  // namespace outrider::controller::cli
