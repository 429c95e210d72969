// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/curve/order_inverse.h"

#include <array>

namespace kagibin::crypto {
namespace {

constexpr std::size_t kDigitBits = 4;

// The exponent n - 2 in hexadecimal digits from the left; n ends in an octet above 02.
std::size_t exponent_digit(ByteView order, std::size_t at) {
  const std::size_t octet = order[at / 2] - (at / 2 + 1 == order.size() ? 2U : 0U);
  return at % 2 == 0 ? octet >> kDigitBits : octet & 0x0FU;
}

bool raise(const CurveGroup& curve, const BIGNUM* value, BIGNUM* inverse, BN_CTX* ctx) {
  std::array<BIGNUM*, std::size_t{1} << kDigitBits> power{};  // value^i at i, from 1
  for (std::size_t i = 1; i < power.size(); ++i) {
    power[i] = BN_CTX_get(ctx);
    if (power[i] == nullptr) {
      return false;
    }
    const bool good =
        i == 1 ? BN_copy(power[i], value) != nullptr
               : BN_mod_mul_montgomery(power[i], power[i - 1], value, curve.montgomery, ctx) == 1;
    if (!good) {
      return false;
    }
  }
  bool good = BN_copy(inverse, power[exponent_digit(curve.order, 0)]) != nullptr;
  for (std::size_t at = 1; at < 2 * curve.order.size(); ++at) {
    for (std::size_t bit = 0; bit < kDigitBits; ++bit) {
      good = good && BN_mod_mul_montgomery(inverse, inverse, inverse, curve.montgomery, ctx) == 1;
    }
    if (const std::size_t digit = exponent_digit(curve.order, at); digit != 0) {
      good =
          good && BN_mod_mul_montgomery(inverse, inverse, power[digit], curve.montgomery, ctx) == 1;
    }
  }
  return good;
}

}  // namespace

bool invert_modulo_order(const CurveGroup& curve,
                         const BIGNUM* value,
                         BIGNUM* inverse,
                         BN_CTX* ctx) {
  BN_CTX_start(ctx);
  const bool good = raise(curve, value, inverse, ctx);
  BN_CTX_end(ctx);
  return good;
}

}  // namespace kagibin::crypto
