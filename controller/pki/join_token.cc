#include "controller/pki/join_token.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "controller/pki/openssl.h"
#include "proto/digest.h"

namespace outrider::controller {
namespace {

std::string Base64Url(const std::string& bytes) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  uint32_t window = 0;
  int bits = 0;
  for (const char c : bytes) {
    window = (window << 8) | static_cast<uint8_t>(c);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      text += kAlphabet[(window >> bits) & 63];
    }
  }
  if (bits > 0) text += kAlphabet[(window << (6 - bits)) & 63];
  return text;
}

}  // namespace

std::string EncodeJoinToken(const JoinToken& token) {
  const nlohmann::ordered_json json = {{"v", 1},
                                       {"endpoint", token.endpoint},
                                       {"host", token.host_id},
                                       {"secret", token.secret},
                                       {"ca", token.ca_pem}};
  return "or1." + Base64Url(json.dump());
}

absl::StatusOr<std::string> GenerateTokenSecret() {
  std::array<unsigned char, 32> bytes;
  if (RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return OpenSslError("random bytes for a token");
  }
  return Base64Url(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

std::string TokenSecretHash(const std::string& secret) { return v1::Sha256Hex(secret); }

bool SameTokenSecret(const std::string& sha256_hex, const std::string& other_sha256_hex) {
  return sha256_hex.size() == other_sha256_hex.size() &&
         CRYPTO_memcmp(sha256_hex.data(), other_sha256_hex.data(), sha256_hex.size()) == 0;
}

}  // namespace outrider::controller
