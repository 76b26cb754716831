#include "vswitch/agent/kernel_reader.h"

#include <absl/strings/match.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

namespace outrider::agent {
namespace {

namespace fs = std::filesystem;

// Processes and files come and go meanwhile.
std::vector<fs::path> EntriesOf(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    entries.push_back(entry->path());
  }
  return entries;
}

bool IsProcess(const fs::path& folder) {
  const std::string name = folder.filename();
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool HasVhost(const fs::path& process) {
  const std::vector<fs::path> files = EntriesOf(process / "fd");
  return std::any_of(files.begin(), files.end(), [](const fs::path& file) {
    std::error_code error;
    return absl::EndsWith(fs::read_symlink(file, error).native(), kVhostNet);
  });
}

bool IsFileOf(const fs::path& info, const std::string& tap) {
  std::ifstream file(info);
  for (std::string line; std::getline(file, line);) {
    if (line == "iff:\t" + tap) return true;
  }
  return false;
}

}  // namespace

bool IsReadByKernel(const std::string& proc, const std::string& tap) {
  for (const fs::path& process : EntriesOf(proc)) {
    if (!IsProcess(process) || !HasVhost(process)) continue;
    const std::vector<fs::path> infos = EntriesOf(process / "fdinfo");
    if (std::any_of(infos.begin(), infos.end(),
                    [&](const fs::path& info) { return IsFileOf(info, tap); })) {
      return true;
    }
  }
  return false;
}

}  // namespace outrider::agent
