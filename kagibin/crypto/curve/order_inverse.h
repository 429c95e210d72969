// SPDX-License-Identifier: Apache-2.0
// The inverse modulo the order n of a curve's group. For crypto/ only.
#pragma once

#include "kagibin/crypto/curve/curve_group.h"

namespace kagibin::crypto {

// value^(n-2) modulo n, which is the inverse because n is prime. `value` in [1, n-1]; both are in
// Montgomery form. The same multiplications for every value; false when libcrypto fails. A
// signature takes a quarter less time with it than with BN_mod_inverse(), whose steps depend on the
// value.
bool invert_modulo_order(const CurveGroup& curve,
                         const BIGNUM* value,
                         BIGNUM* inverse,
                         BN_CTX* ctx);

}  // namespace kagibin::crypto
