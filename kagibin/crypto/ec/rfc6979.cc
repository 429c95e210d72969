// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/ec/rfc6979.h"

#include <algorithm>

#include "kagibin/crypto/curve/curve_group.h"
#include "kagibin/crypto/hmac_sha256.h"

namespace kagibin::crypto {
namespace {

constexpr std::array<std::uint8_t, 1> kZero = {0x00};
constexpr std::array<std::uint8_t, 1> kOne = {0x01};

template <std::size_t Size>
constexpr Curve kCurve = Size == 32 ? Curve::kP256 : Curve::kP384;

template <std::size_t Size>
SecretArray<Size> hmac(ByteView key, std::initializer_list<ByteView> pieces) {
  if constexpr (Size == 32) {
    return hmac_sha256(key, pieces);
  } else {
    return hmac_sha384(key, pieces);
  }
}

}  // namespace

template <std::size_t Size>
BasicRfc6979<Size>::BasicRfc6979(ByteView scalar, ByteView digest, ByteView additional_input) {
  std::array<std::uint8_t, Size> reduced{};
  reduce_modulo_order(kCurve<Size>, digest, reduced);
  std::ranges::fill(v_.expose_mutable(), std::uint8_t{0x01});  // 3.2 b; c is K = 0
  k_ = hmac<Size>(k_.expose(), {v_.expose(), kZero, scalar, reduced, additional_input});  // d
  v_ = hmac<Size>(k_.expose(), {v_.expose()});                                            // e
  k_ = hmac<Size>(k_.expose(), {v_.expose(), kOne, scalar, reduced, additional_input});   // f
  v_ = hmac<Size>(k_.expose(), {v_.expose()});                                            // g
}

template <std::size_t Size>
void BasicRfc6979<Size>::step(ByteView tail) {
  k_ = hmac<Size>(k_.expose(), {v_.expose(), tail});
  v_ = hmac<Size>(k_.expose(), {v_.expose()});
}

template <std::size_t Size>
SecretArray<Size> BasicRfc6979<Size>::next_nonce() {
  if (used_) {
    step(kZero);
  }
  used_ = true;
  v_ = hmac<Size>(k_.expose(), {v_.expose()});  // 3.2 h: one block is qlen bits
  while (!is_scalar(kCurve<Size>, v_.expose())) {
    step(kZero);
    v_ = hmac<Size>(k_.expose(), {v_.expose()});
  }
  return v_.duplicate();
}

template <std::size_t Size>
SecretArray<Size> BasicRfc6979<Size>::blind() const {
  SecretArray<Size> out = hmac<Size>(k_.expose(), {v_.expose(), ascii("blind")});
  while (!is_scalar(kCurve<Size>, out.expose())) {
    out = hmac<Size>(k_.expose(), {out.expose(), ascii("blind")});
  }
  return out;
}

template class BasicRfc6979<32>;
template class BasicRfc6979<48>;

}  // namespace kagibin::crypto
