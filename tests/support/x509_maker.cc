// SPDX-License-Identifier: Apache-2.0
#include "tests/support/x509_maker.h"

#include "kagibin/base/result.h"
#include "kagibin/crypto/curve/curve_group.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::test {
namespace {

using crypto::ExtensionPtr;

void set_name(X509_NAME* name, const std::string& text) {
  KB_CHECK(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()), -1, 0) == 1);
}

// An extension whose value is this DER.
void add_der(X509* certificate, const ASN1_OBJECT* object, bool critical, ByteView der) {
  const crypto::OpensslPtr<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> value(
      ASN1_OCTET_STRING_new());
  KB_CHECK(value != nullptr &&
           ASN1_OCTET_STRING_set(value.get(), der.data(), static_cast<int>(der.size())) == 1);
  const ExtensionPtr extension(
      X509_EXTENSION_create_by_OBJ(nullptr, object, critical ? 1 : 0, value.get()));
  KB_CHECK(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void add_der(X509* certificate, int nid, bool critical, ByteView der) {
  add_der(certificate, OBJ_nid2obj(nid), critical, der);
}

Bytes wrapped(std::uint8_t tag, ByteView value) {
  Bytes out = {tag, static_cast<std::uint8_t>(value.size())};
  append(out, value);
  return out;
}

Bytes authority_constraints(int path_length) {
  Bytes value = {0x01, 0x01, 0xFF};
  if (path_length >= 0) {
    append(value, Bytes{0x02, 0x01, static_cast<std::uint8_t>(path_length)});
  }
  return wrapped(0x30, value);
}

void add_extensions(X509* certificate, const X509Wish& wish) {
  add_der(certificate, NID_basic_constraints, true,
          wish.authority ? authority_constraints(wish.path_length) : Bytes{0x30, 0x00});
  if (wish.key_usage) {  // keyCertSign, or keyAgreement (RFC 5280, 4.2.1.3)
    add_der(certificate, NID_key_usage, true,
            wish.authority ? Bytes{0x03, 0x02, 0x02, 0x04} : Bytes{0x03, 0x02, 0x03, 0x08});
  }
  if (!wish.subject_key_identifier.empty()) {
    add_der(certificate, NID_subject_key_identifier, false,
            wrapped(0x04, wish.subject_key_identifier));
  }
  if (!wish.authority_key_identifier.empty()) {
    add_der(certificate, NID_authority_key_identifier, false,
            wrapped(0x30, wrapped(0x80, wish.authority_key_identifier)));
  }
  if (!wish.extension_oid.empty()) {
    ASN1_OBJECT* object = OBJ_txt2obj(wish.extension_oid.c_str(), 1);
    KB_CHECK(object != nullptr);
    add_der(certificate, object, true, wish.extension_value);
    ASN1_OBJECT_free(object);
  }
}

}  // namespace

Bytes make_x509(const X509Wish& wish) {
  const crypto::X509Ptr certificate(X509_new());
  const crypto::BignumPtr serial(
      BN_bin2bn(wish.serial.data(), static_cast<int>(wish.serial.size()), nullptr));
  const auto key = crypto::make_public_pkey(wish.key->curve(), wish.key->point());
  const auto& signer = *wish.issuer_key;
  const crypto::PkeyPtr issuer =
      crypto::make_pkey_pair(signer.curve(), signer.public_key().point(), signer.expose_scalar());
  KB_CHECK(certificate != nullptr && serial != nullptr && key.has_value() && issuer != nullptr);
  X509* const out = certificate.get();
  KB_CHECK(X509_set_version(out, 2) == 1 &&
           BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(out)) != nullptr &&
           ASN1_TIME_set(X509_getm_notBefore(out), wish.not_before) != nullptr &&
           ASN1_TIME_set(X509_getm_notAfter(out), wish.not_after) != nullptr &&
           X509_set_pubkey(out, key->get()) == 1);
  set_name(X509_get_subject_name(out), wish.subject);
  set_name(X509_get_issuer_name(out), wish.issuer);
  add_extensions(out, wish);
  KB_CHECK(X509_sign(out, issuer.get(),
                     signer.curve() == crypto::Curve::kP256 ? EVP_sha256() : EVP_sha384()) > 0);
  unsigned char* der = nullptr;
  const int size = i2d_X509(out, &der);
  KB_CHECK(size > 0);
  const crypto::OpensslMemory owner(der);
  return {der, der + size};
}

}  // namespace kagibin::test
