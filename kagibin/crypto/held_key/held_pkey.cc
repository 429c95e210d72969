// SPDX-License-Identifier: Apache-2.0
// EC_KEY_METHOD is what engines were made of and is deprecated with them; libcrypto 3 has nothing
// else for a key of somebody else's without a provider.
#define OPENSSL_SUPPRESS_DEPRECATED  // NOLINT(cppcoreguidelines-macro-usage): libcrypto's own
                                     // switch
#include "kagibin/crypto/held_key/held_pkey.h"

#include <algorithm>

#include "kagibin/crypto/ec/p256.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::crypto {
namespace {

using EcKeyPtr = OpensslPtr<EC_KEY, EC_KEY_free>;
using SignaturePtr = OpensslPtr<ECDSA_SIG, ECDSA_SIG_free>;
using Sign = int (*)(int,
                     const unsigned char*,
                     int,
                     unsigned char*,
                     unsigned int*,
                     const BIGNUM*,
                     const BIGNUM*,
                     EC_KEY*);

int handle_index() {
  static const int index = EC_KEY_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

template <typename Key>
const Key* handle_of(const EC_KEY* key) {
  return static_cast<const Key*>(EC_KEY_get_ex_data(key, handle_index()));
}

ECDSA_SIG* sign_elsewhere(
    const unsigned char* digest, int size, const BIGNUM* /*k*/, const BIGNUM* /*r*/, EC_KEY* key) {
  const auto* held = handle_of<SigningKey>(key);
  const auto octets =
      to_array<std::tuple_size_v<Digest256>>({digest, static_cast<std::size_t>(size)});
  if (held == nullptr || !octets) {
    return nullptr;
  }
  SystemRng rng;
  const auto raw = held->sign_digest(*octets, rng);
  SignaturePtr out(ECDSA_SIG_new());
  if (!raw || out == nullptr) {
    return nullptr;
  }
  constexpr int kHalf = static_cast<int>(kEcScalarSize);
  BIGNUM* r = BN_bin2bn(raw->data(), kHalf, nullptr);
  BIGNUM* s = BN_bin2bn(raw->data() + kHalf, kHalf, nullptr);
  if (r == nullptr || s == nullptr || ECDSA_SIG_set0(out.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return nullptr;
  }
  return out.release();
}

int agree_elsewhere(unsigned char** secret,
                    std::size_t* size,
                    const EC_POINT* peer,
                    const EC_KEY* key) {
  const auto* held = handle_of<AgreementKey>(key);
  EcPoint point{};
  if (held == nullptr ||
      EC_POINT_point2oct(EC_KEY_get0_group(key), peer, POINT_CONVERSION_UNCOMPRESSED, point.data(),
                         point.size(), nullptr) != point.size()) {
    return 0;
  }
  const auto peer_key = EcPublicKey::from_point(point);
  const auto z = peer_key ? held->agree(*peer_key) : std::unexpected(peer_key.error());
  if (!z) {
    return 0;
  }
  auto* out = static_cast<unsigned char*>(OPENSSL_malloc(z->size()));
  if (out == nullptr) {
    return 0;
  }
  std::ranges::copy(z->expose(), out);
  *secret = out;
  *size = z->size();
  return 1;
}

// One for the process, never freed: keys refer to it.
EC_KEY_METHOD* method() {
  static EC_KEY_METHOD* const made = [] {
    EC_KEY_METHOD* out = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    if (out != nullptr) {
      Sign sign = nullptr;
      EC_KEY_METHOD_get_sign(out, &sign, nullptr, nullptr);
      EC_KEY_METHOD_set_sign(out, sign, nullptr, sign_elsewhere);
      EC_KEY_METHOD_set_compute_key(out, agree_elsewhere);
    }
    return out;
  }();
  return made;
}

template <typename Key>
PkeyPtr make_elsewhere(const Key& key) {
  const EcPoint point = key.public_key().point();
  EcKeyPtr ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  PkeyPtr out(EVP_PKEY_new());
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): libcrypto never writes through it
  void* handle = const_cast<Key*>(&key);
  if (ec == nullptr || out == nullptr || method() == nullptr ||
      EC_KEY_set_method(ec.get(), method()) != 1 ||
      EC_KEY_oct2key(ec.get(), point.data(), point.size(), nullptr) != 1 ||
      EC_KEY_set_ex_data(ec.get(), handle_index(), handle) != 1 ||
      EVP_PKEY_assign_EC_KEY(out.get(), ec.get()) != 1) {
    return nullptr;
  }
  static_cast<void>(ec.release());  // the EVP_PKEY has it
  return out;
}

}  // namespace

PkeyPtr make_signing_pkey(const SigningKey& key) {
  const EcPrivateKey* own = key.in_memory();
  return own != nullptr ? make_key_pair(*own) : make_elsewhere(key);
}

PkeyPtr make_agreement_pkey(const AgreementKey& key) {
  const EcPrivateKey* own = key.in_memory();
  return own != nullptr ? make_key_pair(*own) : make_elsewhere(key);
}

}  // namespace kagibin::crypto
