#include "controller/pki/x509_builder.h"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "controller/model/status.h"

namespace outrider::controller {
namespace {

absl::Status SetSerial(X509* certificate) {
  const OpenSslPtr<BIGNUM> serial(BN_new());
  if (BN_rand(serial.get(), 128, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) != 1 ||
      BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) == nullptr) {
    return OpenSslError("certificate serial");
  }
  return absl::OkStatus();
}

absl::Status SetValidity(X509* certificate, const CertificateSpec& spec) {
  if (ASN1_TIME_set(X509_getm_notBefore(certificate), spec.not_before_us / 1'000'000) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), spec.not_after_us / 1'000'000) == nullptr) {
    return OpenSslError("certificate validity");
  }
  return absl::OkStatus();
}

absl::Status AddExtension(X509* certificate, X509V3_CTX* context, int nid,
                          const std::string& value) {
  if (value.empty()) return absl::OkStatus();
  const OpenSslPtr<X509_EXTENSION> extension(
      X509V3_EXT_conf_nid(nullptr, context, nid, value.c_str()));
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return OpenSslError(fmt::format("certificate extension {} \"{}\"", OBJ_nid2sn(nid), value));
  }
  return absl::OkStatus();
}

absl::Status AddExtensions(X509* certificate, X509* issuer, const CertificateSpec& spec) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const auto add = [&](int nid, const std::string& value) {
    return AddExtension(certificate, &context, nid, value);
  };
  RETURN_IF_ERROR(
      add(NID_basic_constraints, spec.is_ca ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE"));
  RETURN_IF_ERROR(add(NID_key_usage, spec.key_usage));
  RETURN_IF_ERROR(add(NID_ext_key_usage, spec.extended_key_usage));
  RETURN_IF_ERROR(add(NID_subject_alt_name, spec.subject_alt_name));
  // The authority's key id is read from the issuer; of a self-signed certificate that is its own
  // subject key id, which therefore comes first.
  RETURN_IF_ERROR(add(NID_subject_key_identifier, "hash"));
  return add(NID_authority_key_identifier, "keyid:always");
}

}  // namespace

absl::StatusOr<KeyPtr> GenerateKey() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return OpenSslError("generate P-256 key");
  return key;
}

absl::StatusOr<X509Ptr> BuildCertificate(const CertificateSpec& spec, EVP_PKEY* subject_key,
                                         X509* issuer, EVP_PKEY* issuer_key) {
  X509Ptr certificate(X509_new());
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      X509_set_pubkey(certificate.get(), subject_key) != 1) {
    return OpenSslError("new certificate");
  }
  RETURN_IF_ERROR(SetSerial(certificate.get()));
  RETURN_IF_ERROR(SetValidity(certificate.get(), spec));
  X509_NAME* name = X509_get_subject_name(certificate.get());
  if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(spec.common_name.c_str()),
                                 -1, -1, 0) != 1) {
    return OpenSslError("certificate subject");
  }
  X509* signer = issuer != nullptr ? issuer : certificate.get();
  if (X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) != 1) {
    return OpenSslError("certificate issuer");
  }
  RETURN_IF_ERROR(AddExtensions(certificate.get(), signer, spec));
  if (X509_sign(certificate.get(), issuer_key, EVP_sha256()) == 0) {
    return OpenSslError("sign certificate");
  }
  return certificate;
}

absl::Status CheckKeyIsP256(EVP_PKEY* key, const std::string& what) {
  if (key == nullptr) return absl::InvalidArgumentError(what + ": unreadable public key");
  char group[64] = "";
  if (EVP_PKEY_is_a(key, "EC") != 1 ||
      EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr) != 1 ||
      OBJ_sn2nid(group) != NID_X9_62_prime256v1) {
    const char* type = EVP_PKEY_get0_type_name(key);
    return absl::InvalidArgumentError(
        fmt::format("{}: key is {} {} ({} bits); make an EC P-256 key", what,
                    type != nullptr ? type : "unknown", group, EVP_PKEY_get_bits(key)));
  }
  return absl::OkStatus();
}

}  // namespace outrider::controller
