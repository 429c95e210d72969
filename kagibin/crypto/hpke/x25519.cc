// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/hpke/x25519.h"

#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {

namespace {

constexpr const char* kName = "X25519";

Result<void> check_size(ByteView octets) {
  if (octets.size() != kX25519Size) {
    return fail(Errc::kLength, "keys of X25519 have 32 octets");
  }
  return {};
}

PkeyPtr private_pkey(ByteView scalar) {
  return PkeyPtr(
      EVP_PKEY_new_raw_private_key_ex(nullptr, kName, nullptr, scalar.data(), scalar.size()));
}

PkeyPtr public_pkey(ByteView peer) {
  return PkeyPtr(EVP_PKEY_new_raw_public_key_ex(nullptr, kName, nullptr, peer.data(), peer.size()));
}

bool is_zero(ByteView octets) {
  static constexpr X25519Public kZero{};
  return ct_equal(octets, kZero);
}

}  // namespace

Result<X25519Public> x25519_public(ByteView scalar) {
  KB_TRY(check_size(scalar));
  const ErrorScope errors;
  const PkeyPtr own = private_pkey(scalar);
  X25519Public out{};
  std::size_t size = out.size();
  if (own == nullptr || EVP_PKEY_get_raw_public_key(own.get(), out.data(), &size) != 1 ||
      size != out.size()) {
    return fail(Errc::kCrypto, "libcrypto did not make a key of X25519");
  }
  return out;
}

Result<SecretArray<kX25519Size>> x25519(ByteView scalar, ByteView peer) {
  KB_TRY(check_size(scalar));
  KB_TRY(check_size(peer));
  const ErrorScope errors;
  const PkeyPtr own = private_pkey(scalar);
  const PkeyPtr other = public_pkey(peer);
  const PkeyCtxPtr context(
      own == nullptr ? nullptr : EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr));
  if (other == nullptr || context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), other.get()) != 1) {
    return fail(Errc::kCrypto, "libcrypto did not agree on a key");
  }
  SecretArray<kX25519Size> out;
  std::size_t size = kX25519Size;
  // libcrypto itself fails for the all-zero result; it is looked at once more, for this is a rule
  // of the RFC and not of the library.
  const bool agreed = EVP_PKEY_derive(context.get(), out.expose_mutable().data(), &size) == 1 &&
                      size == kX25519Size;
  if (!agreed || is_zero(out.expose())) {
    return fail(Errc::kValue, "a public value of X25519 gives no shared secret");
  }
  return out;
}

}  // namespace kagibin::crypto
