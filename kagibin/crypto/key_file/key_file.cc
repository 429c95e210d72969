// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/key_file/key_file.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>

#include "kagibin/crypto/ec/p256.h"
#include "kagibin/crypto/key_file/pem.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {

Result<std::string> public_key_to_pem(const EcPublicKey& key) {
  const ErrorScope errors;
  const BioPtr bio(BIO_new(BIO_s_mem()));
  const PkeyPtr pkey = make_public_pkey(key);
  if (bio == nullptr || pkey == nullptr || PEM_write_bio_PUBKEY(bio.get(), pkey.get()) != 1) {
    return fail(Errc::kCrypto, "libcrypto did not write the public key");
  }
  return memory_text(bio.get());
}

Result<EcPublicKey> public_key_from_pem(std::string_view pem) {
  const ErrorScope errors;
  const BioPtr bio = memory_reader(ascii(pem));
  const PkeyPtr pkey(bio == nullptr
                         ? nullptr
                         : PEM_read_bio_PUBKEY(bio.get(), nullptr, refuse_passphrase, nullptr));
  if (pkey == nullptr) {
    return fail(Errc::kEncoding, "not a public key in PEM");
  }
  return to_public_key(pkey.get());
}

Result<EcPublicKey> public_key_of_certificate(std::string_view certificate_pem) {
  const ErrorScope errors;
  const X509Ptr certificate = KB_TRY(read_certificate(certificate_pem));
  return to_public_key(X509_get0_pubkey(certificate.get()));
}

Result<SecretBytes> private_key_to_pem(const EcPrivateKey& key) {
  const ErrorScope errors;
  const BioPtr bio(BIO_new(BIO_s_mem()));  // its buffer is wiped when it grows and when it goes
  const PkeyPtr pair = make_key_pair(key);
  if (bio == nullptr || pair == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), pair.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return fail(Errc::kCrypto, "libcrypto did not write the private key");
  }
  return SecretBytes::copy_of(memory_content(bio.get()));
}

Result<EcPrivateKey> private_key_from_pem(ByteView pem) {
  const ErrorScope errors;
  const BioPtr bio = memory_reader(pem);
  const PkeyPtr pkey(bio == nullptr
                         ? nullptr
                         : PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, nullptr));
  if (pkey == nullptr) {
    return fail(Errc::kEncoding, "not a private key in PEM without a passphrase");
  }
  const EcPublicKey stated = KB_TRY(to_public_key(pkey.get()));
  BIGNUM* number = nullptr;
  const bool has_scalar = EVP_PKEY_get_bn_param(pkey.get(), OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1;
  const BignumPtr owner(number);
  SecretArray<kEcScalarSize> scalar;
  if (!has_scalar ||
      BN_bn2binpad(number, scalar.expose_mutable().data(), kEcScalarSize) != kEcScalarSize) {
    return fail(Errc::kValue, "not a private key on P-256");
  }
  EcPrivateKey key = KB_TRY(EcPrivateKey::from_scalar(scalar.expose()));
  if (key.public_key() != stated) {
    return fail(Errc::kValue, "the file's public key is not that of its private key");
  }
  return key;
}

}  // namespace kagibin::crypto
