// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/ecdsa.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/ecdsa_digest.h"
#include "kagibin/crypto/openssl_ptr.h"
#include "kagibin/crypto/p256.h"
#include "kagibin/crypto/rfc6979.h"

namespace kagibin::crypto {
namespace {

constexpr std::uint8_t kDerSequence = 0x30;
constexpr std::uint8_t kDerInteger = 0x02;
constexpr std::size_t kAdditionalInputSize = 32;

// n - 2, the exponent that inverts modulo the prime n.
const BIGNUM* order_minus_two() {
  static const BIGNUM* const exponent = [] {
    BIGNUM* number = BN_dup(EC_GROUP_get0_order(p256_group()));
    KB_CHECK(number != nullptr && BN_sub_word(number, 2) == 1);
    return number;
  }();
  return exponent;
}

BN_MONT_CTX* order_montgomery() {
  static BN_MONT_CTX* const montgomery = [] {
    BN_MONT_CTX* mont = BN_MONT_CTX_new();
    const BnCtxPtr ctx(BN_CTX_new());
    KB_CHECK(mont != nullptr && ctx != nullptr &&
             BN_MONT_CTX_set(mont, EC_GROUP_get0_order(p256_group()), ctx.get()) == 1);
    return mont;
  }();
  return montgomery;
}

// r = X(kG) mod n.
bool compute_r(BIGNUM* r, const BIGNUM* k, BN_CTX* ctx) {
  const EC_GROUP* group = p256_group();
  const EcPointPtr point(EC_POINT_new(group));
  return point != nullptr && EC_POINT_mul(group, point.get(), k, nullptr, nullptr, ctx) == 1 &&
         EC_POINT_get_affine_coordinates(group, point.get(), r, nullptr, ctx) == 1 &&
         BN_nnmod(r, r, EC_GROUP_get0_order(group), ctx) == 1;
}

struct SigningSecrets {
  const BIGNUM* k;
  const BIGNUM* d;
  const BIGNUM* blind;
};

// s = (k b)^-1 (b z + b r d) mod n: with the random b, no operand of the inversion or of the sum is
// k or r d itself.
bool compute_s(
    BIGNUM* s, const BIGNUM* r, const BIGNUM* z, const SigningSecrets& secrets, BN_CTX* ctx) {
  const BIGNUM* n = EC_GROUP_get0_order(p256_group());
  BN_MONT_CTX* mont = order_montgomery();
  const BignumPtr b(BN_secure_new());  // b R, and below x R for a product's left operand
  const BignumPtr left(BN_secure_new());
  const BignumPtr inverse(BN_secure_new());
  const BignumPtr sum(BN_secure_new());
  if (b == nullptr || left == nullptr || inverse == nullptr || sum == nullptr) {
    return false;
  }
  for (BIGNUM* secret : {b.get(), left.get(), inverse.get(), sum.get()}) {
    BN_set_flags(secret, BN_FLG_CONSTTIME);
  }
  return BN_to_montgomery(b.get(), secrets.blind, mont, ctx) == 1 &&
         BN_mod_mul_montgomery(left.get(), b.get(), secrets.k, mont, ctx) == 1 &&
         BN_mod_exp_mont_consttime(inverse.get(), left.get(), order_minus_two(), n, ctx, mont) ==
             1 &&
         BN_mod_mul_montgomery(left.get(), b.get(), r, mont, ctx) == 1 &&
         BN_to_montgomery(left.get(), left.get(), mont, ctx) == 1 &&
         BN_mod_mul_montgomery(sum.get(), left.get(), secrets.d, mont, ctx) == 1 &&
         BN_mod_mul_montgomery(left.get(), b.get(), z, mont, ctx) == 1 &&
         BN_mod_add_quick(sum.get(), sum.get(), left.get(), n) == 1 &&
         BN_to_montgomery(left.get(), inverse.get(), mont, ctx) == 1 &&
         BN_mod_mul_montgomery(s, left.get(), sum.get(), mont, ctx) == 1;
}

void put_integer(ByteWriter& out, ByteView number) {
  while (number.size() > 1 && number.front() == 0) {
    number = number.subspan(1);
  }
  const bool sign_octet = (number.front() & 0x80U) != 0;
  out.u8(kDerInteger).u8(static_cast<std::uint8_t>(number.size() + (sign_octet ? 1 : 0)));
  if (sign_octet) {
    out.u8(0);
  }
  out.bytes(number);
}

// Right-aligned into `out`; false when it does not fit or is negative.
bool get_integer(ByteReader& in, MutableByteView out) {
  const auto tag = in.u8();
  const auto length = in.u8();
  if (!tag || *tag != kDerInteger || !length || *length == 0 || *length > out.size() + 1) {
    return false;
  }
  const auto value = in.bytes(*length);
  if (!value || (value->front() & 0x80U) != 0) {
    return false;
  }
  ByteView number = *value;
  if (number.size() > out.size()) {
    if (number.front() != 0) {
      return false;
    }
    number = number.subspan(1);
  }
  std::ranges::copy(number, out.last(number.size()).begin());
  return true;
}

bool verify_digest(const EcPublicKey& key, const Digest256& digest, ByteView der) {
  const ErrorScope errors;
  const PkeyCtxPtr ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, key.handle(), nullptr));
  return ctx != nullptr && EVP_PKEY_verify_init(ctx.get()) == 1 &&
         EVP_PKEY_verify(ctx.get(), der.data(), der.size(), digest.data(), digest.size()) == 1;
}

Result<RawSignature> sign(const EcPrivateKey& key,
                          std::initializer_list<ByteView> message,
                          Rng& rng) {
  SecretArray<kAdditionalInputSize> additional_input;
  KB_TRY(rng.fill(additional_input.expose_mutable()));
  return ecdsa_sign_digest(key, sha256(message), additional_input.expose());
}

}  // namespace

Result<RawSignature> ecdsa_sign_digest(const EcPrivateKey& key,
                                       const Digest256& digest,
                                       ByteView additional_input) {
  const ErrorScope errors;
  Rfc6979 source(key.expose_scalar(), digest, additional_input);
  const auto reduced = reduce_modulo_order(digest);
  const BnCtxPtr ctx(BN_CTX_secure_new());
  const BignumPtr d = secret_bignum(key.expose_scalar());
  const BignumPtr z = secret_bignum(reduced);
  const BignumPtr r(BN_new());
  const BignumPtr s(BN_new());
  if (ctx == nullptr || d == nullptr || z == nullptr || r == nullptr || s == nullptr) {
    return fail(Errc::kCrypto, "libcrypto has no memory to sign with");
  }
  RawSignature out{};
  do {
    const BignumPtr k = secret_bignum(source.next_nonce().expose());
    const BignumPtr blind = secret_bignum(source.blind().expose());
    if (k == nullptr || blind == nullptr || !compute_r(r.get(), k.get(), ctx.get()) ||
        !compute_s(s.get(), r.get(), z.get(), {.k = k.get(), .d = d.get(), .blind = blind.get()},
                   ctx.get()) ||
        BN_bn2binpad(r.get(), out.data(), kEcScalarSize) != kEcScalarSize ||
        BN_bn2binpad(s.get(), &out[kEcScalarSize], kEcScalarSize) != kEcScalarSize) {
      return fail(Errc::kCrypto, "libcrypto did not sign");
    }
  } while (BN_is_zero(r.get()) || BN_is_zero(s.get()));  // FIPS 186-5, 6.4.1, step 11
  return out;
}

Bytes ecdsa_raw_to_der(const RawSignature& raw) {
  ByteWriter integers;
  put_integer(integers, ByteView(raw).first(kEcScalarSize));
  put_integer(integers, ByteView(raw).last(kEcScalarSize));
  const ByteView body = integers.view();
  return ByteWriter()
      .u8(kDerSequence)
      .u8(static_cast<std::uint8_t>(body.size()))
      .bytes(body)
      .take();
}

std::optional<RawSignature> ecdsa_der_to_raw(ByteView der) {
  RawSignature raw{};
  ByteReader in(der);
  const auto tag = in.u8();
  const auto length = in.u8();
  if (!tag || *tag != kDerSequence || !length || *length != in.remaining() ||
      !get_integer(in, MutableByteView(raw).first(kEcScalarSize)) ||
      !get_integer(in, MutableByteView(raw).last(kEcScalarSize)) || !in.empty() ||
      !equal(ecdsa_raw_to_der(raw), der)) {
    return std::nullopt;
  }
  return raw;
}

Result<Bytes> ecdsa_sign_der(const EcPrivateKey& key,
                             std::initializer_list<ByteView> message,
                             Rng& rng) {
  return ecdsa_raw_to_der(KB_TRY(sign(key, message, rng)));
}

Result<Bytes> ecdsa_sign_raw(const EcPrivateKey& key,
                             std::initializer_list<ByteView> message,
                             Rng& rng) {
  const RawSignature raw = KB_TRY(sign(key, message, rng));
  return Bytes(raw.begin(), raw.end());
}

bool ecdsa_verify_der(const EcPublicKey& key,
                      std::initializer_list<ByteView> message,
                      ByteView signature) {
  return ecdsa_der_to_raw(signature).has_value() && verify_digest(key, sha256(message), signature);
}

bool ecdsa_verify_raw(const EcPublicKey& key,
                      std::initializer_list<ByteView> message,
                      ByteView signature) {
  const auto raw = to_array<kEcdsaRawSize>(signature);
  return raw && verify_digest(key, sha256(message), ecdsa_raw_to_der(*raw));
}

}  // namespace kagibin::crypto
