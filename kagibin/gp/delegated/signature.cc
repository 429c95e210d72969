// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/delegated/signature.h"

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/cipher/des3.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/rsa/rsa_signature.h"

namespace kagibin::gp {

namespace {

constexpr std::size_t kScheme1Size = 128;
constexpr std::size_t kScheme2Size = 256;

crypto::RsaScheme scheme_of(std::size_t modulus_size) {
  if (modulus_size <= kScheme1Size) {
    return crypto::RsaScheme::kPkcs1Sha1;
  }
  return modulus_size <= kScheme2Size ? crypto::RsaScheme::kPssSha256
                                      : crypto::RsaScheme::kPssSha512;
}

Result<Bytes> mac(const Key& key, ByteView message) {
  if (key.kind() == KeyKind::kAes) {
    const crypto::AesBlock out = KB_TRY(crypto::aes_cmac(key.secret().expose(), {message}));
    return Bytes(out.begin(), out.end());
  }
  if (key.secret().size() != 2 * crypto::kDesBlockSize) {
    return fail(Errc::kNotSupported, "a 3DES key that signs has 16 octets (GPCS B.1.2.2)");
  }
  const crypto::DesBlock out = KB_TRY(crypto::retail_mac(key.secret().expose(), {}, {message}));
  return Bytes(out.begin(), out.end());
}

}  // namespace

Result<Bytes> sign(const Key& key, ByteView message, crypto::Rng& rng) {
  switch (key.kind()) {
    case KeyKind::kAes:
    case KeyKind::kDes:
      return mac(key, message);
    case KeyKind::kRsaPrivate: {
      const crypto::RsaPrivateKey own = KB_TRY(key.rsa_private_key());
      return crypto::rsa_sign(own, scheme_of(own.size()), {message}, rng);
    }
    case KeyKind::kEcPrivate: {
      const crypto::CurvePrivateKey own = KB_TRY(key.ec_private_key());
      return crypto::ecdsa_sign_raw(own, {message}, rng);
    }
    default:
      return fail(Errc::kNotSupported, "a public key signs nothing");
  }
}

bool verify(const Key& key, ByteView message, ByteView signature) {
  if (is_symmetric(key.kind())) {
    const auto expected = mac(key, message);
    return expected && ct_equal(*expected, signature);
  }
  if (key.kind() == KeyKind::kRsaPublic) {
    const auto own = key.rsa_public_key();
    return own && crypto::rsa_verify(*own, scheme_of(own->size()), {message}, signature);
  }
  const auto own = key.ec_public_key();
  return own && crypto::ecdsa_verify_raw(*own, {message}, signature);
}

}  // namespace kagibin::gp
