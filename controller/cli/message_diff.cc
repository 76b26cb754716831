#include "controller/cli/message_diff.h"

#include <fmt/format.h>

#include <algorithm>

#include "controller/cli/yaml_printer.h"
#include "controller/cli/yaml_schema.h"

namespace outrider::controller::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string Join(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

std::vector<std::string> Elements(const Message& message, const FieldDescriptor& field) {
  std::vector<std::string> elements;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    elements.push_back(InlineYamlValue(message, field, i));
  }
  return elements;
}

void DiffLists(const std::string& path, const std::vector<std::string>& from,
               const std::vector<std::string>& to, std::vector<FieldChange>* changes) {
  // common[i][j]: length of the longest common subsequence of the tails from i and j.
  std::vector<std::vector<size_t>> common(from.size() + 1, std::vector<size_t>(to.size() + 1, 0));
  for (size_t i = from.size(); i-- > 0;) {
    for (size_t j = to.size(); j-- > 0;) {
      common[i][j] = from[i] == to[j] ? common[i + 1][j + 1] + 1
                                      : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  size_t i = 0;
  size_t j = 0;
  while (i < from.size() || j < to.size()) {
    if (i < from.size() && j < to.size() && from[i] == to[j]) {
      ++i;
      ++j;
    } else if (j == to.size() || (i < from.size() && common[i + 1][j] >= common[i][j + 1])) {
      changes->push_back({fmt::format("{}[{}]", path, i), from[i], ""});
      ++i;
    } else {
      changes->push_back({fmt::format("{}[{}]", path, j), "", to[j]});
      ++j;
    }
  }
}

// "" for an absent field, so that 0 given and nothing given differ where that means something.
std::string Value(const Message& message, const FieldDescriptor& field) {
  const bool present =
      field.has_presence() ? message.GetReflection()->HasField(message, &field) : true;
  return present ? InlineYamlValue(message, field, -1) : "";
}

// An absent message is compared as an empty one: its fields are then what was added or removed.
void DiffInto(const std::string& path, const Message& from, const Message& to,
              std::vector<FieldChange>* changes) {
  const auto& type = *from.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.name() == "meta" || IsOutputOnly(field)) continue;
    const std::string at = Join(path, field.name());
    if (field.is_repeated()) {
      DiffLists(at, Elements(from, field), Elements(to, field), changes);
    } else if (field.message_type() != nullptr && !IsPortRange(*field.message_type())) {
      DiffInto(at, from.GetReflection()->GetMessage(from, &field),
               to.GetReflection()->GetMessage(to, &field), changes);
    } else if (Value(from, field) != Value(to, field)) {
      changes->push_back({at, Value(from, field), Value(to, field)});
    }
  }
}

}  // namespace

std::vector<FieldChange> DiffMessages(const Message& from, const Message& to) {
  std::vector<FieldChange> changes;
  DiffInto("", from, to, &changes);
  return changes;
}

std::string DiffText(const std::vector<FieldChange>& changes) {
  if (changes.empty()) return "  no difference\n";
  std::string out;
  for (const auto& [path, from, to] : changes) {
    if (from.empty()) {
      out += fmt::format("+ {}: {}\n", path, to);
    } else if (to.empty()) {
      out += fmt::format("- {}: {}\n", path, from);
    } else {
      out += fmt::format("  {}: {} -> {}\n", path, from, to);
    }
  }
  return out;
}

}  // namespace outrider::controller::cli
