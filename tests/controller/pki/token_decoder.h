// Reads a join token as an agent does: the test's own decoder, so that encoder and decoder are not
// one.
#ifndef OUTRIDER_TESTS_CONTROLLER_PKI_TOKEN_DECODER_H_
#define OUTRIDER_TESTS_CONTROLLER_PKI_TOKEN_DECODER_H_

#include <openssl/evp.h>

#include <nlohmann/json.hpp>
#include <string>

namespace outrider::controller {

// The JSON object in "or1.<base64url>".
inline nlohmann::json DecodeToken(const std::string& token) {
  std::string text = token.substr(4);
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  const size_t padding = (4 - text.size() % 4) % 4;
  text.append(padding, '=');
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return {};
  bytes.resize(static_cast<size_t>(size) - padding);
  return nlohmann::json::parse(bytes);
}

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_PKI_TOKEN_DECODER_H_
