// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/rfc6979.h"

#include <algorithm>

#include "kagibin/crypto/hmac_sha256.h"
#include "kagibin/crypto/p256.h"

namespace kagibin::crypto {
namespace {

constexpr std::array<std::uint8_t, 1> kZero = {0x00};
constexpr std::array<std::uint8_t, 1> kOne = {0x01};

}  // namespace

Rfc6979::Rfc6979(ByteView scalar, const Digest256& digest, ByteView additional_input) {
  const auto reduced = reduce_modulo_order(digest);
  std::ranges::fill(v_.expose_mutable(), std::uint8_t{0x01});  // 3.2 b; c is K = 0
  k_ = hmac_sha256(k_.expose(), {v_.expose(), kZero, scalar, reduced, additional_input});  // d
  v_ = hmac_sha256(k_.expose(), {v_.expose()});                                            // e
  k_ = hmac_sha256(k_.expose(), {v_.expose(), kOne, scalar, reduced, additional_input});   // f
  v_ = hmac_sha256(k_.expose(), {v_.expose()});                                            // g
}

void Rfc6979::step(ByteView tail) {
  k_ = hmac_sha256(k_.expose(), {v_.expose(), tail});
  v_ = hmac_sha256(k_.expose(), {v_.expose()});
}

SecretArray<32> Rfc6979::next_nonce() {
  if (used_) {
    step(kZero);
  }
  used_ = true;
  v_ = hmac_sha256(k_.expose(), {v_.expose()});  // 3.2 h: one block is qlen bits
  while (!is_p256_scalar(v_.expose())) {
    step(kZero);
    v_ = hmac_sha256(k_.expose(), {v_.expose()});
  }
  return v_.duplicate();
}

SecretArray<32> Rfc6979::blind() const {
  SecretArray<32> out = hmac_sha256(k_.expose(), {v_.expose(), ascii("blind")});
  out.expose_mutable().front() = 0;                // below n
  out.expose_mutable().back() |= std::uint8_t{1};  // not zero
  return out;
}

}  // namespace kagibin::crypto
