// A certificate authority of a test's own: makes the controller's certificate and signs hosts'
// requests. Throws on failure, which fails the test.
#ifndef OUTRIDER_TESTS_AGENT_TEST_AUTHORITY_H_
#define OUTRIDER_TESTS_AGENT_TEST_AUTHORITY_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace outrider::agent {

class TestAuthority {
 public:
  TestAuthority();

  const std::string& ca_pem() const { return ca_pem_; }
  // Of a server whose DNS SAN is "outrider-controller".
  const std::string& server_key_pem() const { return server_key_pem_; }
  const std::string& server_certificate_pem() const { return server_certificate_pem_; }
  // Certificate with `uri` as URI SAN, valid from `begin_s` to `end_s` seconds from now.
  std::string Sign(const std::string& csr_pem, const std::string& uri, int begin_s, int end_s);

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Certificate = std::unique_ptr<X509, Free>;
  std::string Issue(EVP_PKEY* key, const std::string& san, int begin_s, int end_s);

  Key key_;
  Certificate certificate_;
  long serial_ = 2;
  std::string ca_pem_;
  std::string server_key_pem_;
  std::string server_certificate_pem_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_TESTS_AGENT_TEST_AUTHORITY_H_
