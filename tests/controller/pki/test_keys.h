// Keys and certificate requests as an agent makes them, and forged ones. For tests of enrolment and
// of TLS.
#ifndef OUTRIDER_TESTS_CONTROLLER_PKI_TEST_KEYS_H_
#define OUTRIDER_TESTS_CONTROLLER_PKI_TEST_KEYS_H_

#include <string>

#include "controller/pki/openssl.h"

namespace outrider::controller {

// The key algorithms a request can be made with.
enum class TestKey { kP256, kP384, kRsa2048 };

KeyPtr MakeTestKey(TestKey type = TestKey::kP256);
std::string TestKeyPem(EVP_PKEY* key);

// A request for `key` with subject `common_name`, signed by `signer` (by `key` when null).
std::string MakeCsr(EVP_PKEY* key, const std::string& common_name, EVP_PKEY* signer = nullptr);

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_PKI_TEST_KEYS_H_
