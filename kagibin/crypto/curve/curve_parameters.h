// SPDX-License-Identifier: Apache-2.0
// The parameters of a curve y^2 = x^3 + ax + b as numbers (SEC 1, 3.1.1), and which curve they are.
//
//   const std::optional<Curve> curve = curve_of_parameters(parameters);
#pragma once

#include <optional>

#include "kagibin/base/bytes.h"
#include "kagibin/crypto/curve/curve.h"

namespace kagibin::crypto {

struct CurveParameters {
  Bytes field;  // p
  Bytes a;
  Bytes b;
  Bytes generator;  // 04 | X | Y
  Bytes order;      // n
  friend bool operator==(const CurveParameters&, const CurveParameters&) = default;
};

// Numbers of coordinate_size() octets, points of point_size().
const CurveParameters& parameters_of(Curve curve);
// Empty when they are those of no curve here. Leading zero octets do not count.
std::optional<Curve> curve_of_parameters(const CurveParameters& parameters);

}  // namespace kagibin::crypto
