// SPDX-License-Identifier: Apache-2.0
// Scalar multiplication as a careless receiver does it: the group law of P-256 on whatever point it
// is given. The law does not use the curve's b, so that points of other curves, with small orders,
// multiply just as well. For controls only; nothing here is constant-time.
//
//   const auto x = naive_multiply(scalar, point);        // empty: the point at infinity
#pragma once

#include <optional>

#include "kagibin/base/bytes.h"

namespace kagibin::attack {

// X of scalar times the uncompressed point. Precondition: 32 and 65 octets.
std::optional<Bytes> naive_multiply(ByteView scalar, ByteView point);

// A point of order 2 of some curve of this family: Y is 0.
Bytes point_of_order_two(std::uint8_t x);

}  // namespace kagibin::attack
