#include "controller/cli/command_line.h"

namespace outrider::controller::cli {
namespace {

bool IsOptionWord(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

// The option `word` names and leaves without its value; null for flags, --name=value and unknowns.
const CLI::Option* ValueExpected(const CLI::App& command, const std::string& word) {
  if (word.find('=') != std::string::npos) return nullptr;
  const CLI::Option* option = command.get_option_no_throw(word);
  return option != nullptr && option->get_items_expected_max() > 0 ? option : nullptr;
}

// Null when `word` names no command below.
CLI::App* ChildNamed(CLI::App* command, const std::string& word) {
  for (CLI::App* child : command->get_subcommands([](CLI::App*) { return true; })) {
    if (child->get_name() == word) return child;
  }
  return nullptr;
}

}  // namespace

WalkedLine WalkLine(CLI::App* root, const std::vector<std::string>& words) {
  WalkedLine line;
  line.command = root;
  for (const std::string& word : words) {
    if (line.pending != nullptr) {
      line.pending = nullptr;
    } else if (IsOptionWord(word)) {
      line.pending = ValueExpected(*line.command, word);
    } else if (CLI::App* next = ChildNamed(line.command, word); next != nullptr) {
      line.command = next;
    } else if (!CommandNames(*line.command).empty()) {
      line.unknown = word;
      return line;
    } else {
      ++line.positionals;
    }
  }
  return line;
}

std::vector<std::string> CommandNames(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* child : command.get_subcommands({})) names.push_back(child->get_name());
  return names;
}

}  // namespace outrider::controller::cli
