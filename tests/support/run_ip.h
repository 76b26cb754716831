// iproute2 in a test's network namespace, for what an administrator does there. Thread rule: any.
#ifndef OUTRIDER_TESTS_SUPPORT_RUN_IP_H_
#define OUTRIDER_TESTS_SUPPORT_RUN_IP_H_

#include <string>

#include "tests/support/netns_fixture.h"

namespace outrider::tests {

// Runs `ip` with words that are separated by single spaces, and returns its standard output. Throws
// std::runtime_error when it fails.
std::string RunIp(const NetworkNamespace& netns, const std::string& words);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_SUPPORT_RUN_IP_H_
