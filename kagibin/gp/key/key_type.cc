// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/key/key_type.h"

#include <array>
#include <bitset>

namespace kagibin::gp {

namespace {

using Types = std::bitset<256>;

template <std::size_t N>
Types types_of(const std::array<std::uint8_t, N>& list) {
  Types out;
  for (const std::uint8_t type : list) {
    out.set(type);
  }
  return out;
}

const Types& rsa_public() {
  static const Types types =
      types_of(std::to_array({key_type::kRsaPublicModulus, key_type::kRsaPublicExponent}));
  return types;
}
const Types& rsa_private() {
  static const Types types =
      types_of(std::to_array({key_type::kRsaPrivateModulus, key_type::kRsaPrivateExponent}));
  return types;
}
const Types& rsa_crt() {
  static const Types types =
      types_of(std::to_array({key_type::kRsaP, key_type::kRsaQ, key_type::kRsaQInverse,
                              key_type::kRsaDp, key_type::kRsaDq}));
  return types;
}
const Types& curve_parameters() {
  static const Types types =
      types_of(std::to_array({key_type::kEcField, key_type::kEcA, key_type::kEcB,
                              key_type::kEcGenerator, key_type::kEcOrder}));
  return types;
}

// The parameters of a curve, or its reference, or nothing.
bool names_a_curve(Types types) {
  if (types.none()) {
    return true;
  }
  if (types.test(key_type::kEcParameterReference)) {
    return types.count() == 1;
  }
  types.reset(key_type::kEcCofactor);
  return types == curve_parameters();
}

}  // namespace

bool is_known_key_type(std::uint8_t type) {
  return is_secret(type) || type == key_type::kRsaPublicExponent ||
         type == key_type::kRsaPublicModulus ||
         (type >= key_type::kEcPublic && type <= key_type::kEcCofactor) ||
         type == key_type::kEcParameterReference;
}

Result<KeyKind> key_kind(std::span<const std::uint8_t> types) {
  Types set;
  for (const std::uint8_t type : types) {
    if (!is_known_key_type(type)) {
      return fail(Errc::kNotSupported, "keys of this type are not taken (GPCS 11.1.8)");
    }
    if (set.test(type)) {
      return fail(Errc::kValue, "a component of a key stands twice (GPCS 11.8.2.3)");
    }
    set.set(type);
  }
  if (set.count() == 1 && (set.test(key_type::kDes) || set.test(key_type::kDesCbc))) {
    return KeyKind::kDes;
  }
  if (set.count() == 1 && set.test(key_type::kAes)) {
    return KeyKind::kAes;
  }
  if (set == rsa_public()) {
    return KeyKind::kRsaPublic;
  }
  if (set == rsa_private() || set == rsa_crt()) {
    return KeyKind::kRsaPrivate;
  }
  const bool has_public = set.test(key_type::kEcPublic);
  const bool has_private = set.test(key_type::kEcPrivate);
  set.reset(key_type::kEcPublic).reset(key_type::kEcPrivate);
  if ((has_public || has_private) && names_a_curve(set)) {
    return has_private ? KeyKind::kEcPrivate : KeyKind::kEcPublic;
  }
  return fail(Errc::kValue, "these components make no key together (GPCS 11.1.8, 11.8.2.3)");
}

}  // namespace kagibin::gp
