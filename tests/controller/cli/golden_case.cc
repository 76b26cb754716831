#include "tests/controller/cli/golden_case.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

namespace outrider::controller::cli {
namespace {

// Words separated by blanks; double quotes keep blanks, and may hold nothing.
std::vector<std::string> SplitWords(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  bool begun = false;
  for (char c : text) {
    if (c == '"') {
      quoted = !quoted;
      begun = true;
    } else if (c == ' ' && !quoted) {
      if (begun) words.push_back(word);
      word.clear();
      begun = false;
    } else {
      word += c;
      begun = true;
    }
  }
  if (begun) words.push_back(word);
  return words;
}

grpc::StatusCode CodeNamed(const std::string& name) {
  static const std::map<std::string, grpc::StatusCode> kCodes = {
      {"INVALID_ARGUMENT", grpc::StatusCode::INVALID_ARGUMENT},
      {"NOT_FOUND", grpc::StatusCode::NOT_FOUND},
      {"ALREADY_EXISTS", grpc::StatusCode::ALREADY_EXISTS},
      {"ABORTED", grpc::StatusCode::ABORTED},
      {"FAILED_PRECONDITION", grpc::StatusCode::FAILED_PRECONDITION},
      {"UNAVAILABLE", grpc::StatusCode::UNAVAILABLE},
      {"DEADLINE_EXCEEDED", grpc::StatusCode::DEADLINE_EXCEEDED},
  };
  const auto found = kCodes.find(name);
  return found == kCodes.end() ? grpc::StatusCode::OK : found->second;
}

// Reads the lines of one file into cases.
class Reader {
 public:
  // False: the line is not in the form.
  bool Take(const std::string& line, int number) {
    if (line.empty() || line == "#" || line.rfind("# ", 0) == 0) return true;
    const size_t blank = line.find(' ');
    const std::string word = line.substr(0, blank);
    const std::string rest = blank == std::string::npos ? "" : line.substr(blank + 1);
    if (word == "##") {
      cases_.emplace_back();
      cases_.back().title = rest;
      cases_.back().line = number;
      call_ = nullptr;
      text_ = nullptr;
      return true;
    }
    return !cases_.empty() &&
           (TakeInput(word, rest) || TakeCall(word, rest) || TakeExpected(word, rest));
  }

  std::vector<GoldenCase> cases() && { return std::move(cases_); }

 private:
  bool TakeInput(const std::string& word, const std::string& rest) {
    GoldenCase& golden = cases_.back();
    if (word == "$") {
      golden.arguments = SplitWords(rest);
    } else if (word == "down") {
      (rest == "agent" ? golden.agent_down : golden.controller_down) = true;
    } else if ((word == "silent" || word == "full") && rest == "agent") {
      golden.agent_silent = true;
      golden.agent_full = word == "full";
    } else if (word == "file") {
      file_ = &golden.files[rest];
    } else if (word == "f>" && file_ != nullptr) {
      *file_ += rest + "\n";
    } else if (word == "0>") {
      golden.input += rest + "\n";
    } else {
      return false;
    }
    return true;
  }

  bool TakeCall(const std::string& word, const std::string& rest) {
    GoldenCase& golden = cases_.back();
    if (word == "call") {
      const size_t blank = rest.find(' ');
      const bool agent = rest.rfind("AgentLocalService/", 0) == 0;
      auto& calls = agent ? golden.agent_calls : golden.controller_calls;
      calls.emplace_back();
      call_ = &calls.back();
      call_->method = rest.substr(0, blank);
      call_->request = blank == std::string::npos ? "" : rest.substr(blank + 1);
      text_ = &call_->request;
      return true;
    }
    if (call_ == nullptr) return false;
    if (word == "reply") {
      call_->replies.push_back(rest);
      text_ = &call_->replies.back();
    } else if (word == "error") {
      const size_t blank = rest.find(' ');
      call_->status = grpc::Status(CodeNamed(rest.substr(0, blank)), rest.substr(blank + 1));
      return !call_->status.ok();
    } else if (word == "stall") {
      call_->stall = true;
    } else if (word == "+") {
      *text_ += " " + rest;
    } else {
      return false;
    }
    return true;
  }

  bool TakeExpected(const std::string& word, const std::string& rest) {
    GoldenCase& golden = cases_.back();
    if (word == "1>") {
      golden.out += rest + "\n";
    } else if (word == "2>") {
      golden.err += rest + "\n";
    } else if (word == "exit") {
      golden.exit_code = std::atoi(rest.c_str());
    } else {
      return false;
    }
    return true;
  }

  std::vector<GoldenCase> cases_;
  std::string* file_ = nullptr;
  // The call a reply belongs to, and the text a "+" line continues.
  ScriptedCall* call_ = nullptr;
  std::string* text_ = nullptr;
};

}  // namespace

absl::StatusOr<std::vector<GoldenCase>> ReadGoldenFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(fmt::format("cannot open {}", path));
  Reader reader;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (!reader.Take(line, number)) {
      return absl::InvalidArgumentError(
          fmt::format("{}:{}: not understood: {}", path, number, line));
    }
  }
  return std::move(reader).cases();
}

}  // namespace outrider::controller::cli
