// SPDX-License-Identifier: Apache-2.0
// The group that takes the place of P-256 and P-384 in the model: the numbers modulo 2^61 - 1 under
// multiplication, small enough for logarithms to be found and good for nothing but that two sides
// agree on the same value.
//
// A point is 04 | X | Y of the curve's length: the element, and octets that follow from it, so that
// octets that are no point are refused. Thread-safety: functions.
//
//   put_point(element_of(scalar), out);
//   const auto peer = read_point(octets);
//   const std::uint64_t z = power(*peer, scalar);
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/base/bytes.h"

namespace kagibin::model_crypto {

// g to the scalar, of any length.
std::uint64_t element_of(ByteView scalar);
// The same of another element than g.
std::uint64_t power(std::uint64_t element, ByteView scalar);

void put_point(std::uint64_t element, MutableByteView out);
// Empty for what put_point does not make.
std::optional<std::uint64_t> read_point(ByteView point);

}  // namespace kagibin::model_crypto
