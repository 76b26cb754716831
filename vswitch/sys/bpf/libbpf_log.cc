#include "vswitch/sys/bpf/libbpf_log.h"

#include <bpf/libbpf.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <string>

namespace outrider::sys {
namespace {

int Print(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  std::array<char, 1024> text;
  vsnprintf(text.data(), text.size(), format, arguments);
  std::string line(text.data());
  while (!line.empty() && line.back() == '\n') line.pop_back();
  spdlog::debug("{}", line);
  return 0;
}

}  // namespace

void InstallLibbpfLog() { libbpf_set_print(&Print); }

}  // namespace outrider::sys
