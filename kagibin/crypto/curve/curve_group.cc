// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/curve/curve_group.h"

#include <algorithm>
#include <bit>
#include <string>

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "kagibin/base/declassified.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/curve/order_inverse.h"

namespace kagibin::crypto {
namespace {

// The orders n of the groups (SP 800-186, 3.2.1.3 and 3.2.1.4).
constexpr std::array<std::uint8_t, 32> kOrderP256 = {
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51};
constexpr std::array<std::uint8_t, 48> kOrderP384 = {
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xC7, 0x63, 0x4D, 0x81, 0xF4, 0x37, 0x2D, 0xDF,
    0x58, 0x1A, 0x0D, 0xB2, 0x48, 0xB0, 0xA7, 0x7A, 0xEC, 0xEC, 0x19, 0x6A, 0xCC, 0xC5, 0x29, 0x73};

// A source that gives a hundred values outside [1, n-1] in a row does not work: each is one with
// probability 2^-32 at most.
constexpr int kMaxDraws = 100;

CurveGroup make_group(int nid, const char* name, ByteView order) {
  const EC_GROUP* group = EC_GROUP_new_by_curve_name(nid);
  KB_CHECK(group != nullptr);
  BN_MONT_CTX* montgomery = BN_MONT_CTX_new();
  const BnCtxPtr ctx(BN_CTX_new());
  KB_CHECK(montgomery != nullptr && ctx != nullptr &&
           BN_MONT_CTX_set(montgomery, EC_GROUP_get0_order(group), ctx.get()) == 1);
  return {.group = group, .name = name, .order = order, .montgomery = montgomery};
}

// octets - n into `out`; the borrow, 1 when octets < n.
unsigned subtract_order(ByteView order, ByteView octets, MutableByteView out) {
  unsigned borrow = 0;
  for (std::size_t i = order.size(); i-- > 0;) {
    const unsigned difference = 0x100U + octets[i] - order[i] - borrow;
    out[i] = static_cast<std::uint8_t>(difference & 0xFFU);
    borrow = 1U - (difference >> 8U);
  }
  return borrow;
}

// r = X(kG) mod n.
bool compute_r(const CurveGroup& curve, const BIGNUM* k, BIGNUM* r, BN_CTX* ctx) {
  const EcPointPtr point(EC_POINT_new(curve.group));
  return point != nullptr &&
         EC_POINT_mul(curve.group, point.get(), k, nullptr, nullptr, ctx) == 1 &&
         EC_POINT_get_affine_coordinates(curve.group, point.get(), r, nullptr, ctx) == 1 &&
         BN_nnmod(r, r, EC_GROUP_get0_order(curve.group), ctx) == 1;
}

// s = (k b)^-1 (b z + b r d) mod n. The b of `secrets` is uniform in [1, n-1] and used once, so k b
// says nothing of k: libcrypto drops leading zero words of what it multiplies.
bool compute_s(const CurveGroup& curve,
               const BIGNUM* r,
               const BIGNUM* z,
               const SigningSecrets& secrets,
               BIGNUM* s,
               BN_CTX* ctx) {
  const BIGNUM* n = EC_GROUP_get0_order(curve.group);
  BN_MONT_CTX* mont = curve.montgomery;
  const BignumPtr b(BN_secure_new());  // b R, and below x R for a product's left operand
  const BignumPtr left(BN_secure_new());
  const BignumPtr sum(BN_secure_new());
  const BignumPtr blinded(BN_secure_new());
  const BignumPtr inverse(BN_secure_new());
  if (b == nullptr || left == nullptr || sum == nullptr || blinded == nullptr ||
      inverse == nullptr) {
    return false;
  }
  for (BIGNUM* secret : {b.get(), left.get(), sum.get()}) {
    BN_set_flags(secret, BN_FLG_CONSTTIME);
  }
  return BN_to_montgomery(b.get(), secrets.blind, mont, ctx) == 1 &&
         BN_mod_mul_montgomery(blinded.get(), b.get(), secrets.k, mont, ctx) == 1 &&
         BN_to_montgomery(blinded.get(), blinded.get(), mont, ctx) == 1 &&
         invert_modulo_order(curve, blinded.get(), inverse.get(), ctx) &&
         BN_mod_mul_montgomery(left.get(), b.get(), r, mont, ctx) == 1 &&
         BN_to_montgomery(left.get(), left.get(), mont, ctx) == 1 &&
         BN_mod_mul_montgomery(sum.get(), left.get(), secrets.d, mont, ctx) == 1 &&
         BN_mod_mul_montgomery(left.get(), b.get(), z, mont, ctx) == 1 &&
         BN_mod_add_quick(sum.get(), sum.get(), left.get(), n) == 1 &&
         BN_mod_mul_montgomery(s, inverse.get(), sum.get(), mont, ctx) == 1;
}

// An EVP_PKEY of the point, and of the scalar unless that is empty. Null when libcrypto refuses.
PkeyPtr from_parameters(Curve curve, ByteView point, ByteView scalar) {
  static_assert(std::endian::native == std::endian::little, "OSSL_PARAM takes native integers");
  std::string group = group_of(curve).name;
  Bytes encoded(point.begin(), point.end());
  SecretArray<coordinate_size(Curve::kP384)> native;
  std::ranges::reverse_copy(scalar, native.expose_mutable().begin());
  std::array<OSSL_PARAM, 4> params{};
  std::size_t count = 0;
  params[count++] =
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size());
  params[count++] =
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size());
  if (!scalar.empty()) {
    params[count++] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY,
                                              native.expose_mutable().data(), scalar.size());
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

EVP_PKEY* make_template_key(Curve curve) {
  const EC_GROUP* group = group_of(curve).group;
  Bytes point(point_size(curve));
  KB_CHECK(EC_POINT_point2oct(group, EC_GROUP_get0_generator(group), POINT_CONVERSION_UNCOMPRESSED,
                              point.data(), point.size(), nullptr) == point.size());
  EVP_PKEY* key = from_parameters(curve, point, {}).release();
  KB_CHECK(key != nullptr);
  return key;
}

// The generator as a public key: copying it and setting another point takes a quarter of the time
// that building a key from its parameters does.
EVP_PKEY* template_key(Curve curve) {
  static EVP_PKEY* const p256 = make_template_key(Curve::kP256);
  if (curve == Curve::kP256) {
    return p256;
  }
  static EVP_PKEY* const p384 = make_template_key(Curve::kP384);
  return p384;
}

}  // namespace

const CurveGroup& group_of(Curve curve) {
  static const CurveGroup p256 = make_group(NID_X9_62_prime256v1, SN_X9_62_prime256v1, kOrderP256);
  if (curve == Curve::kP256) {
    return p256;
  }
  static const CurveGroup p384 = make_group(NID_secp384r1, SN_secp384r1, kOrderP384);
  return p384;
}

bool is_scalar(Curve curve, ByteView octets) {
  const ByteView order = group_of(curve).order;
  if (octets.size() != order.size()) {
    return false;
  }
  unsigned any = 0;
  for (const std::uint8_t octet : octets) {
    any |= octet;
  }
  SecretArray<coordinate_size(Curve::kP384)> difference;
  const unsigned below =
      subtract_order(order, octets, difference.expose_mutable().first(order.size()));
  const unsigned not_zero = (any + 0xFFU) >> 8U;
  return declassified(below & not_zero) == 1U;
}

void reduce_modulo_order(Curve curve, ByteView octets, MutableByteView out) {
  const ByteView order = group_of(curve).order;
  KB_CHECK(octets.size() == order.size() && out.size() == order.size());
  if (subtract_order(order, octets, out) == 1U) {
    std::ranges::copy(octets, out.begin());
  }
}

bool compute_signature(const CurveGroup& curve,
                       const BIGNUM* z,
                       const SigningSecrets& secrets,
                       BIGNUM* r,
                       BIGNUM* s,
                       BN_CTX* ctx) {
  return compute_r(curve, secrets.k, r, ctx) && compute_s(curve, r, z, secrets, s, ctx);
}

BignumPtr secret_bignum(ByteView octets) {
  BignumPtr number(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
  if (number != nullptr) {
    BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  }
  return number;
}

bool is_point(Curve curve, ByteView octets) {
  if (octets.size() != point_size(curve) || octets.front() != 0x04) {
    return false;
  }
  const ErrorScope errors;
  const EC_GROUP* group = group_of(curve).group;
  const EcPointPtr point(EC_POINT_new(group));
  KB_CHECK(point != nullptr);
  // Decoding checks the coordinates' range and the curve's equation.
  return EC_POINT_oct2point(group, point.get(), octets.data(), octets.size(), nullptr) == 1;
}

Result<PkeyPtr> make_public_pkey(Curve curve, ByteView point) {
  if (point.size() != point_size(curve) || point.front() != 0x04) {
    return fail(Errc::kValue, "a public key is an uncompressed point of its curve");
  }
  PkeyPtr pkey(EVP_PKEY_dup(template_key(curve)));
  if (pkey == nullptr) {
    return fail(Errc::kCrypto, "libcrypto did not copy a key");
  }
  // Decoding the point checks the curve's equation; the groups have cofactor 1.
  if (EVP_PKEY_set1_encoded_public_key(pkey.get(), point.data(), point.size()) != 1) {
    return fail(Errc::kValue, "the point is not on its curve");
  }
  return pkey;
}

PkeyPtr make_pkey_pair(Curve curve, ByteView point, ByteView scalar) {
  return from_parameters(curve, point, scalar);
}

bool compute_public_point(Curve curve, ByteView scalar, MutableByteView out) {
  const EC_GROUP* group = group_of(curve).group;
  const BnCtxPtr ctx(BN_CTX_secure_new());
  const BignumPtr secret = secret_bignum(scalar);
  const EcPointPtr product(EC_POINT_new(group));
  return ctx != nullptr && secret != nullptr && product != nullptr &&
         EC_POINT_mul(group, product.get(), secret.get(), nullptr, nullptr, ctx.get()) == 1 &&
         EC_POINT_point2oct(group, product.get(), POINT_CONVERSION_UNCOMPRESSED, out.data(),
                            out.size(), ctx.get()) == out.size();
}

Result<void> draw_scalar(Curve curve, Rng& rng, MutableByteView out) {
  for (int i = 0; i < kMaxDraws; ++i) {
    KB_TRY(rng.fill(out));
    if (is_scalar(curve, out)) {
      return {};
    }
  }
  return fail(Errc::kCrypto, "the random source gives no scalar of the curve");
}

}  // namespace kagibin::crypto
