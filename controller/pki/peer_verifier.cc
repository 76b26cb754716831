#include "controller/pki/peer_verifier.h"

#include <fmt/format.h>

#include "controller/model/status.h"
#include "controller/pki/certificate_authority.h"
#include "controller/pki/pem.h"

namespace outrider::controller {
namespace {

// A host id is a DNS label; anything else in the path (a slash, a NUL, upper case) is not ours.
bool IsHostId(const std::string& text) {
  const auto is_alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > 63) return false;
  if (!is_alnum(text.front()) || !is_alnum(text.back())) return false;
  for (const char c : text) {
    if (!is_alnum(c) && c != '-') return false;
  }
  return true;
}

// The host named by the certificate's only URI name.
absl::StatusOr<std::string> HostIdOf(X509* leaf, const std::string& trust_domain) {
  const OpenSslPtr<GENERAL_NAMES> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  std::string uri;
  int uris = 0;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* text = name->d.uniformResourceIdentifier;
    uri.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
               static_cast<size_t>(ASN1_STRING_length(text)));
    ++uris;
  }
  const std::string prefix = SpiffeHostUri(trust_domain, "");
  const bool ours = uris == 1 && uri.compare(0, prefix.size(), prefix) == 0;
  if (!ours || !IsHostId(uri.substr(prefix.size()))) {
    return absl::UnauthenticatedError(fmt::format(
        "certificate: no identity: it has {} URI names and none that alone is {}<host>; run "
        "`outrider host enroll HOST` on the controller and join with the token",
        uris, prefix));
  }
  return uri.substr(prefix.size());
}

}  // namespace

absl::StatusOr<std::unique_ptr<PeerVerifier>> PeerVerifier::Create(const std::string& roots_pem,
                                                                   const std::string& trust_domain,
                                                                   const Clock* clock) {
  std::unique_ptr<PeerVerifier> verifier(new PeerVerifier(trust_domain, clock));
  verifier->roots_.reset(X509_STORE_new());
  ASSIGN_OR_RETURN(const auto roots, CertificatesFromPem(roots_pem));
  for (const X509Ptr& root : roots) {
    if (X509_STORE_add_cert(verifier->roots_.get(), root.get()) != 1) {
      return OpenSslError("trust root certificate");
    }
  }
  return verifier;
}

absl::StatusOr<PeerIdentity> PeerVerifier::Verify(const std::string& leaf_pem,
                                                  const std::string& chain_pem) const {
  if (leaf_pem.empty()) {
    return absl::UnauthenticatedError(
        "no client certificate; run `outrider host enroll HOST` on the controller and join with "
        "the "
        "token");
  }
  const auto leaf = CertificatesFromPem(leaf_pem);
  if (!leaf.ok()) return absl::UnauthenticatedError(Message(leaf.status()));
  X509* certificate = leaf->front().get();
  const auto host_id = HostIdOf(certificate, trust_domain_);
  // The chain is judged first: what a certificate of nobody says about itself is no news. The name
  // is only for the message.
  RETURN_IF_ERROR(VerifyChain(certificate, chain_pem, host_id.ok() ? *host_id : "HOST"));
  if (!host_id.ok()) return host_id.status();
  return PeerIdentity{*host_id, CertificateSha256(certificate), NotBeforeUs(certificate),
                      NotAfterUs(certificate)};
}

absl::Status PeerVerifier::VerifyChain(X509* leaf, const std::string& chain_pem,
                                       const std::string& claimed) const {
  const OpenSslPtr<STACK_OF(X509)> intermediates(sk_X509_new_null());
  if (!chain_pem.empty()) {
    auto chain = CertificatesFromPem(chain_pem);
    if (!chain.ok()) return absl::UnauthenticatedError(Message(chain.status()));
    for (X509Ptr& one : *chain) sk_X509_push(intermediates.get(), one.release());
  }
  const OpenSslPtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), roots_.get(), leaf, intermediates.get()) != 1) {
    return OpenSslError("verify certificate");
  }
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, clock_->NowUs() / 1'000'000);
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_CLIENT);
  if (X509_verify_cert(context.get()) == 1) return absl::OkStatus();
  const int error = X509_STORE_CTX_get_error(context.get());
  ClearOpenSslErrors();
  std::string reason;
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      reason = "expired at " + FormatUtc(NotAfterUs(leaf));
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      reason = "not valid before " + FormatUtc(NotBeforeUs(leaf)) + " (check both clocks)";
      break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      reason = "not signed by our certificate authority";
      break;
    default:
      reason = X509_verify_cert_error_string(error);
  }
  return absl::UnauthenticatedError(fmt::format(
      "certificate: {}; run `outrider host enroll {}` on the controller and join with the token",
      reason, claimed));
}

}  // namespace outrider::controller
