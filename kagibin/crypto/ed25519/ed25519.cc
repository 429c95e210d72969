// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/ed25519/ed25519.h"

#include <utility>

#include <openssl/pem.h>

#include "kagibin/crypto/key_file/pem.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {
namespace {

PkeyPtr pkey_of(ByteView seed) {
  return PkeyPtr(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
}

}  // namespace

Result<Ed25519PrivateKey> Ed25519PrivateKey::generate(Rng& rng) {
  SecretArray<32> seed;
  KB_TRY(rng.fill(seed.expose_mutable()));
  return from_seed(seed.expose());
}

Result<Ed25519PrivateKey> Ed25519PrivateKey::from_seed(ByteView seed) {
  const ErrorScope errors;
  auto own = SecretArray<32>::copy_of(seed);
  if (!own) {
    return fail(Errc::kValue, "a private key of Ed25519 is 32 octets");
  }
  const PkeyPtr pkey = pkey_of(seed);
  Ed25519PublicKey point{};
  std::size_t size = point.size();
  if (pkey == nullptr || EVP_PKEY_get_raw_public_key(pkey.get(), point.data(), &size) != 1 ||
      size != point.size()) {
    return fail(Errc::kCrypto, "libcrypto did not take the key");
  }
  return Ed25519PrivateKey(std::move(*own), point);
}

Result<Ed25519PrivateKey> Ed25519PrivateKey::from_pem(ByteView pem) {
  const ErrorScope errors;
  const BioPtr bio = memory_reader(pem);
  const PkeyPtr pkey(bio == nullptr
                         ? nullptr
                         : PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, nullptr));
  if (pkey == nullptr) {
    return fail(Errc::kEncoding, "not a private key in PEM without a passphrase");
  }
  SecretArray<32> seed;
  std::size_t size = seed.expose().size();
  if (EVP_PKEY_get_base_id(pkey.get()) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_private_key(pkey.get(), seed.expose_mutable().data(), &size) != 1 ||
      size != seed.expose().size()) {
    return fail(Errc::kValue, "not a private key of Ed25519");
  }
  return from_seed(seed.expose());
}

Result<SecretBytes> Ed25519PrivateKey::to_pem() const {
  const ErrorScope errors;
  const BioPtr bio(BIO_new(BIO_s_mem()));  // its buffer is wiped when it grows and when it goes
  const PkeyPtr pkey = pkey_of(seed_.expose());
  if (bio == nullptr || pkey == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), pkey.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return fail(Errc::kCrypto, "libcrypto did not write the private key");
  }
  return SecretBytes::copy_of(memory_content(bio.get()));
}

Result<Ed25519Signature> Ed25519PrivateKey::sign(ByteView message) const {
  const ErrorScope errors;
  const PkeyPtr pkey = pkey_of(seed_.expose());
  const MdCtxPtr context(EVP_MD_CTX_new());
  Ed25519Signature signature{};
  std::size_t size = signature.size();
  if (pkey == nullptr || context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1 ||
      size != signature.size()) {
    return fail(Errc::kCrypto, "libcrypto did not sign");
  }
  return signature;
}

bool ed25519_verify(const Ed25519PublicKey& key, ByteView message, ByteView signature) {
  const ErrorScope errors;
  const PkeyPtr pkey(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
  const MdCtxPtr context(EVP_MD_CTX_new());
  return pkey != nullptr && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

}  // namespace kagibin::crypto
