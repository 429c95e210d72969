// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/ec_key.h"

#include <algorithm>
#include <bit>

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "kagibin/crypto/openssl_ptr.h"
#include "kagibin/crypto/p256.h"

namespace kagibin::crypto {
namespace {

// The order n of the group (SP 800-186, 3.2.1.3).
constexpr std::array<std::uint8_t, kEcScalarSize> kOrder = {
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51};

// A source that gives a hundred values outside [1, n-1] in a row does not work: each is one with
// probability 2^-32.
constexpr int kMaxDraws = 100;

// octets - n into `out`; the borrow, 1 when octets < n.
unsigned subtract_order(ByteView octets, MutableByteView out) {
  unsigned borrow = 0;
  for (std::size_t i = kEcScalarSize; i-- > 0;) {
    const unsigned difference = 0x100U + octets[i] - kOrder[i] - borrow;
    out[i] = static_cast<std::uint8_t>(difference & 0xFFU);
    borrow = 1U - (difference >> 8U);
  }
  return borrow;
}

// An EVP_PKEY of the point, and of the scalar unless that is empty. Null when libcrypto refuses.
PkeyPtr from_parameters(const EcPoint& point, ByteView scalar) {
  static_assert(std::endian::native == std::endian::little, "OSSL_PARAM takes native integers");
  std::string group = SN_X9_62_prime256v1;
  EcPoint encoded = point;
  SecretArray<kEcScalarSize> native;
  std::ranges::reverse_copy(scalar, native.expose_mutable().begin());
  std::array<OSSL_PARAM, 4> params{};
  std::size_t count = 0;
  params[count++] =
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size());
  params[count++] =
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size());
  if (!scalar.empty()) {
    params[count++] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY,
                                              native.expose_mutable().data(), native.size());
  }
  params[count] = OSSL_PARAM_construct_end();
  const PkeyCtxPtr ctx(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* pkey = nullptr;
  if (ctx == nullptr || EVP_PKEY_fromdata_init(ctx.get()) != 1 ||
      EVP_PKEY_fromdata(ctx.get(), &pkey, scalar.empty() ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR,
                        params.data()) != 1) {
    return nullptr;
  }
  return PkeyPtr(pkey);
}

// The generator as a public key: copying it and setting another point takes a quarter of the time
// that building a key from its parameters does.
EVP_PKEY* template_key() {
  static EVP_PKEY* const shared_key = [] {
    const EC_GROUP* group = p256_group();
    EcPoint point{};
    KB_CHECK(EC_POINT_point2oct(group, EC_GROUP_get0_generator(group),
                                POINT_CONVERSION_UNCOMPRESSED, point.data(), point.size(),
                                nullptr) == point.size());
    EVP_PKEY* key = from_parameters(point, {}).release();
    KB_CHECK(key != nullptr);
    return key;
  }();
  return shared_key;
}

}  // namespace

const EC_GROUP* p256_group() {
  static const EC_GROUP* const shared_group = [] {
    const EC_GROUP* group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    KB_CHECK(group != nullptr);
    return group;
  }();
  return shared_group;
}

bool is_p256_scalar(ByteView octets) {
  if (octets.size() != kEcScalarSize) {
    return false;
  }
  unsigned any = 0;
  for (const std::uint8_t octet : octets) {
    any |= octet;
  }
  SecretArray<kEcScalarSize> difference;
  const unsigned below = subtract_order(octets, difference.expose_mutable());
  const unsigned not_zero = (any + 0xFFU) >> 8U;
  return (below & not_zero) == 1U;
}

std::array<std::uint8_t, kEcScalarSize> reduce_modulo_order(ByteView octets) {
  std::array<std::uint8_t, kEcScalarSize> out{};
  if (subtract_order(octets, out) == 1U) {
    std::ranges::copy(octets, out.begin());
  }
  return out;
}

BignumPtr secret_bignum(ByteView octets) {
  BignumPtr number(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
  if (number != nullptr) {
    BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  }
  return number;
}

PkeyPtr make_key_pair(const EcPrivateKey& key) {
  return from_parameters(key.public_key().point(), key.expose_scalar());
}

Result<EcPublicKey> EcPublicKey::from_point(ByteView point) {
  const ErrorScope errors;
  const auto octets = to_array<kEcPointSize>(point);
  if (!octets || octets->front() != 0x04) {
    return fail(Errc::kValue, "a public key is an uncompressed point: 04 and 64 octets");
  }
  // Decoding the point checks the curve's equation; the group has cofactor 1.
  PkeyPtr pkey(EVP_PKEY_dup(template_key()));
  if (pkey == nullptr) {
    return fail(Errc::kCrypto, "libcrypto did not copy a key");
  }
  if (EVP_PKEY_set1_encoded_public_key(pkey.get(), octets->data(), octets->size()) != 1) {
    return fail(Errc::kValue, "the point is not on P-256");
  }
  return EcPublicKey(*octets, std::move(pkey));  // the deleter comes along
}

Result<EcPrivateKey> EcPrivateKey::generate(Rng& rng) {
  SecretArray<kEcScalarSize> scalar;
  for (int i = 0; i < kMaxDraws; ++i) {
    KB_TRY(rng.fill(scalar.expose_mutable()));
    if (is_p256_scalar(scalar.expose())) {
      return from_scalar(scalar.expose());
    }
  }
  return fail(Errc::kCrypto, "the random source gives no scalar of P-256");
}

Result<EcPrivateKey> EcPrivateKey::from_scalar(ByteView scalar) {
  const ErrorScope errors;
  if (!is_p256_scalar(scalar)) {
    return fail(Errc::kValue, "a private scalar of P-256 is 32 octets in [1, n-1]");
  }
  const EC_GROUP* group = p256_group();
  const BnCtxPtr ctx(BN_CTX_secure_new());
  const BignumPtr secret = secret_bignum(scalar);
  const EcPointPtr product(EC_POINT_new(group));
  EcPoint point{};
  if (ctx == nullptr || secret == nullptr || product == nullptr ||
      EC_POINT_mul(group, product.get(), secret.get(), nullptr, nullptr, ctx.get()) != 1 ||
      EC_POINT_point2oct(group, product.get(), POINT_CONVERSION_UNCOMPRESSED, point.data(),
                         point.size(), ctx.get()) != point.size()) {
    return fail(Errc::kCrypto, "libcrypto did not compute the public point");
  }
  EcPublicKey public_key = KB_TRY(EcPublicKey::from_point(point));
  SecretArray<kEcScalarSize> own;
  std::ranges::copy(scalar, own.expose_mutable().begin());
  return EcPrivateKey(std::move(own), std::move(public_key));
}

}  // namespace kagibin::crypto
