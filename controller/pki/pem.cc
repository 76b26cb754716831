#include "controller/pki/pem.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>

namespace outrider::controller {
namespace {

OpenSslPtr<BIO> ReadBio(const std::string& pem) {
  return OpenSslPtr<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

std::string Contents(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

int64_t ToUs(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return 0;
  return static_cast<int64_t>(timegm(&fields)) * 1'000'000;
}

// Keys in a PEM file may ask for a pass phrase; a daemon has nobody to ask.
int NoPassPhrase(char*, int, int, void*) { return -1; }

}  // namespace

absl::StatusOr<std::vector<X509Ptr>> CertificatesFromPem(const std::string& pem) {
  const auto bio = ReadBio(pem);
  std::vector<X509Ptr> certificates;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, NoPassPhrase, nullptr)) {
    certificates.emplace_back(certificate);
  }
  // The end of the text is reported as "no start line"; anything else is damage.
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  if (error != 0 && ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    return absl::InvalidArgumentError("certificate: damaged PEM");
  }
  if (certificates.empty()) return absl::InvalidArgumentError("certificate: no PEM certificate");
  return certificates;
}

absl::StatusOr<std::string> CertificateToPem(X509* certificate) {
  const OpenSslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) return OpenSslError("write certificate");
  return Contents(bio.get());
}

absl::StatusOr<KeyPtr> PrivateKeyFromPem(const std::string& pem) {
  const auto bio = ReadBio(pem);
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassPhrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) return absl::InvalidArgumentError("private key: no readable PEM key");
  return key;
}

absl::StatusOr<std::string> PrivateKeyToPem(EVP_PKEY* key) {
  const OpenSslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpenSslError("write private key");
  }
  return Contents(bio.get());
}

absl::StatusOr<X509RequestPtr> RequestFromPem(const std::string& pem) {
  const auto bio = ReadBio(pem);
  X509RequestPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, NoPassPhrase, nullptr));
  ERR_clear_error();
  if (request == nullptr) {
    return absl::InvalidArgumentError(
        "csr_pem: not a PKCS#10 certificate request in PEM; send one made for this call");
  }
  return request;
}

std::string CertificateSha256(X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return "";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

int64_t NotBeforeUs(const X509* certificate) { return ToUs(X509_get0_notBefore(certificate)); }
int64_t NotAfterUs(const X509* certificate) { return ToUs(X509_get0_notAfter(certificate)); }

std::string FormatUtc(int64_t time_us) {
  const std::time_t seconds = static_cast<std::time_t>(time_us / 1'000'000);
  std::tm fields{};
  gmtime_r(&seconds, &fields);
  char text[64];
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &fields);
  return text;
}

}  // namespace outrider::controller
