#include "controller/pki/builtin_ca.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "controller/model/status.h"
#include "controller/pki/durable_file.h"
#include "controller/pki/pem.h"
#include "controller/pki/x509_builder.h"

namespace outrider::controller {
namespace {

constexpr int64_t kYearUs = 365LL * 24 * 3600 * kSecondUs;
constexpr int64_t kRootLifeUs = 10 * kYearUs;
constexpr int64_t kServerLifeUs = kYearUs;

// The trust domain is part of the root's name, so that a state directory started under another
// domain is noticed before hosts are locked out.
std::string RootName(const std::string& trust_domain) { return "Outrider CA " + trust_domain; }

std::string CommonName(const X509* certificate) {
  const X509_NAME* name = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return "";
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return "";
  std::string result(reinterpret_cast<char*>(text), static_cast<size_t>(size));
  OPENSSL_free(text);
  return result;
}

}  // namespace

std::string SpiffeHostUri(const std::string& trust_domain, const std::string& host_id) {
  return "spiffe://" + trust_domain + "/host/" + host_id;
}

absl::StatusOr<std::unique_ptr<BuiltinCa>> BuiltinCa::Create(const BuiltinCaOptions& options,
                                                             const Clock* clock) {
  std::unique_ptr<BuiltinCa> ca(new BuiltinCa(options, clock));
  if (mkdir(options.directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::InternalError(
        fmt::format("mkdir {}: {}", options.directory, std::strerror(errno)));
  }
  ASSIGN_OR_RETURN(const auto certificate_pem, ReadFileIfExists(ca->Path("ca.crt")));
  ASSIGN_OR_RETURN(const auto key_pem, ReadFileIfExists(ca->Path("ca.key")));
  if (certificate_pem.has_value() != key_pem.has_value()) {
    return absl::FailedPreconditionError(
        fmt::format("certificate authority: {} is there but {} is not; restore it from a backup, "
                    "or, if no host "
                    "was ever enrolled, remove {} and start again",
                    ca->Path(key_pem ? "ca.key" : "ca.crt"),
                    ca->Path(key_pem ? "ca.crt" : "ca.key"), options.directory));
  }
  if (certificate_pem) {
    RETURN_IF_ERROR(ca->LoadRoot(*certificate_pem, *key_pem));
  } else {
    RETURN_IF_ERROR(ca->MakeRoot());
  }
  RETURN_IF_ERROR(ca->RefreshServer());
  return ca;
}

absl::Status BuiltinCa::MakeRoot() {
  ASSIGN_OR_RETURN(root_key_, GenerateKey());
  CertificateSpec spec;
  spec.common_name = RootName(options_.trust_domain);
  spec.key_usage = "critical,keyCertSign,cRLSign";
  spec.is_ca = true;
  spec.not_before_us = clock_->NowUs() - kClockSkewUs;
  spec.not_after_us = clock_->NowUs() + kRootLifeUs;
  ASSIGN_OR_RETURN(root_, BuildCertificate(spec, root_key_.get(), nullptr, root_key_.get()));
  ASSIGN_OR_RETURN(root_pem_, CertificateToPem(root_.get()));
  ASSIGN_OR_RETURN(const std::string key_pem, PrivateKeyToPem(root_key_.get()));
  RETURN_IF_ERROR(WriteFileDurably(Path("ca.key"), key_pem, 0600));
  RETURN_IF_ERROR(WriteFileDurably(Path("ca.crt"), root_pem_, 0644));
  spdlog::info("certificate authority: made a new root for trust domain {} in {}, valid until {}",
               options_.trust_domain, options_.directory, FormatUtc(NotAfter()));
  return absl::OkStatus();
}

absl::Status BuiltinCa::LoadRoot(const std::string& certificate_pem, const std::string& key_pem) {
  const auto refuse = [&](const std::string& found) {
    return absl::FailedPreconditionError(fmt::format(
        "certificate authority in {}: {}; nothing was changed", options_.directory, found));
  };
  RETURN_IF_ERROR(CheckPrivate(Path("ca.key")));
  auto certificates = CertificatesFromPem(certificate_pem);
  if (!certificates.ok() || certificates->size() != 1) {
    return refuse("ca.crt is not one PEM certificate; restore it from a backup");
  }
  auto key = PrivateKeyFromPem(key_pem);
  if (!key.ok()) return refuse("ca.key is not a PEM private key; restore it from a backup");
  root_ = std::move(certificates->front());
  root_key_ = std::move(*key);
  if (X509_check_private_key(root_.get(), root_key_.get()) != 1) {
    ClearOpenSslErrors();
    return refuse(
        "ca.crt and ca.key do not belong together; restore the pair from the same backup");
  }
  if (CommonName(root_.get()) != RootName(options_.trust_domain)) {
    return refuse(fmt::format(
        "the root is \"{}\" but the trust domain is \"{}\"; start with the trust domain "
        "it was made for, or enroll every host again under a new state directory",
        CommonName(root_.get()), options_.trust_domain));
  }
  if (NotAfter() <= clock_->NowUs()) {
    return refuse(
        fmt::format("the root expired at {}; move the directory away and enroll every host again",
                    FormatUtc(NotAfter())));
  }
  root_pem_ = certificate_pem;
  return absl::OkStatus();
}

bool BuiltinCa::ServerStillFits(const std::string& pem) const {
  const auto certificates = CertificatesFromPem(pem);
  const auto key = PrivateKeyFromPem(pem);
  if (!certificates.ok() || !key.ok()) return false;
  X509* certificate = certificates->front().get();
  const bool fits = X509_check_private_key(certificate, key->get()) == 1 &&
                    X509_verify(certificate, root_key_.get()) == 1 &&
                    X509_check_host(certificate, kServerDnsName, 0, 0, nullptr) == 1;
  ClearOpenSslErrors();
  const int64_t left = NotAfterUs(certificate) - clock_->NowUs();
  const int64_t life = NotAfterUs(certificate) - NotBeforeUs(certificate);
  return fits && left * 3 > life;
}

absl::Status BuiltinCa::RefreshServer() {
  ASSIGN_OR_RETURN(const auto pem, ReadFileIfExists(ServerPath()));
  return pem && ServerStillFits(*pem) ? absl::OkStatus() : IssueServer();
}

absl::Status BuiltinCa::IssueServer() {
  ASSIGN_OR_RETURN(const KeyPtr key, GenerateKey());
  CertificateSpec spec;
  spec.common_name = kServerDnsName;
  spec.subject_alt_name = fmt::format("DNS:{},DNS:localhost", kServerDnsName);
  spec.key_usage = "critical,digitalSignature";
  spec.extended_key_usage = "serverAuth";
  spec.not_before_us = clock_->NowUs() - kClockSkewUs;
  spec.not_after_us = std::min(clock_->NowUs() + kServerLifeUs, NotAfter());
  ASSIGN_OR_RETURN(const X509Ptr certificate,
                   BuildCertificate(spec, key.get(), root_.get(), root_key_.get()));
  ASSIGN_OR_RETURN(const std::string chain_pem, CertificateToPem(certificate.get()));
  ASSIGN_OR_RETURN(const std::string key_pem, PrivateKeyToPem(key.get()));
  // One file for both, so that there is no moment in which key and certificate disagree.
  RETURN_IF_ERROR(WriteFileDurably(ServerPath(), key_pem + chain_pem, 0600));
  spdlog::info("certificate authority: issued a server certificate, valid until {}",
               FormatUtc(NotAfterUs(certificate.get())));
  return absl::OkStatus();
}

absl::StatusOr<IssuedCertificate> BuiltinCa::IssueHostCertificate(const std::string& host_id,
                                                                  const std::string& csr_pem) {
  ASSIGN_OR_RETURN(const X509RequestPtr request, RequestFromPem(csr_pem));
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  RETURN_IF_ERROR(CheckKeyIsP256(key, "csr_pem"));
  // The proof that the sender holds the private key.
  if (X509_REQ_verify(request.get(), key) != 1) {
    ClearOpenSslErrors();
    return absl::InvalidArgumentError(
        "csr_pem: not signed by its own key; make the request with the key it is for");
  }
  CertificateSpec spec;
  spec.common_name = host_id;
  spec.subject_alt_name = "URI:" + SpiffeHostUri(options_.trust_domain, host_id);
  spec.key_usage = "critical,digitalSignature";
  spec.extended_key_usage = "clientAuth";
  spec.not_before_us = clock_->NowUs() - kClockSkewUs;
  spec.not_after_us =
      std::min(clock_->NowUs() + options_.host_certificate_ttl_s * kSecondUs, NotAfter());
  ASSIGN_OR_RETURN(const X509Ptr certificate,
                   BuildCertificate(spec, key, root_.get(), root_key_.get()));
  IssuedCertificate issued;
  ASSIGN_OR_RETURN(issued.chain_pem, CertificateToPem(certificate.get()));
  issued.sha256 = CertificateSha256(certificate.get());
  issued.not_before_us = NotBeforeUs(certificate.get());
  issued.not_after_us = NotAfterUs(certificate.get());
  return issued;
}

int64_t BuiltinCa::NotAfter() const { return NotAfterUs(root_.get()); }

}  // namespace outrider::controller
