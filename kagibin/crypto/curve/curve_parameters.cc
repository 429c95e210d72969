// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/curve/curve_parameters.h"

#include <algorithm>

#include "kagibin/base/result.h"
#include "kagibin/crypto/curve/curve_group.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {
namespace {

Bytes padded(const BIGNUM* number, std::size_t size) {
  Bytes out(size);
  KB_CHECK(BN_bn2binpad(number, out.data(), static_cast<int>(size)) == static_cast<int>(size));
  return out;
}

CurveParameters read(Curve curve) {
  const EC_GROUP* group = group_of(curve).group;
  const std::size_t size = coordinate_size(curve);
  const BignumPtr p(BN_new());
  const BignumPtr a(BN_new());
  const BignumPtr b(BN_new());
  Bytes generator(point_size(curve));
  KB_CHECK(p != nullptr && a != nullptr && b != nullptr &&
           EC_GROUP_get_curve(group, p.get(), a.get(), b.get(), nullptr) == 1 &&
           EC_POINT_point2oct(group, EC_GROUP_get0_generator(group), POINT_CONVERSION_UNCOMPRESSED,
                              generator.data(), generator.size(), nullptr) == generator.size());
  return {.field = padded(p.get(), size),
          .a = padded(a.get(), size),
          .b = padded(b.get(), size),
          .generator = std::move(generator),
          .order = padded(EC_GROUP_get0_order(group), size)};
}

// Right-aligned into `size` octets; as it is when longer.
Bytes aligned(const Bytes& number, std::size_t size) {
  const auto first = std::ranges::find_if(number, [](std::uint8_t octet) { return octet != 0; });
  Bytes out(first, number.end());
  if (out.size() < size) {
    out.insert(out.begin(), size - out.size(), 0);
  }
  return out;
}

}  // namespace

const CurveParameters& parameters_of(Curve curve) {
  static const CurveParameters p256 = read(Curve::kP256);
  static const CurveParameters p384 = read(Curve::kP384);
  return curve == Curve::kP256 ? p256 : p384;
}

std::optional<Curve> curve_of_parameters(const CurveParameters& parameters) {
  for (const Curve curve : {Curve::kP256, Curve::kP384}) {
    const std::size_t size = coordinate_size(curve);
    const CurveParameters same{.field = aligned(parameters.field, size),
                               .a = aligned(parameters.a, size),
                               .b = aligned(parameters.b, size),
                               .generator = parameters.generator,
                               .order = aligned(parameters.order, size)};
    if (same == parameters_of(curve)) {
      return curve;
    }
  }
  return std::nullopt;
}

}  // namespace kagibin::crypto
