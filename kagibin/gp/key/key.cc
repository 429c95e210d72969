// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/key/key.h"

#include <algorithm>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/cipher/des3.h"
#include "kagibin/crypto/curve/curve_parameters.h"
#include "kagibin/crypto/hash.h"

namespace kagibin::gp {

namespace {

KeyPart part_of(std::uint8_t type, ByteView value) { return {type, SecretBytes::copy_of(value)}; }

KeyPart reference_of(crypto::Curve curve) {
  const std::uint8_t reference = crypto::key_parameter_reference(curve);
  return part_of(key_type::kEcParameterReference, ByteView(&reference, 1));
}

Bytes octets_of(const SecretBytes* part) {
  return part == nullptr ? Bytes{} : Bytes(part->expose().begin(), part->expose().end());
}

// The curve that the components name: its reference or its parameters. Empty when they do not.
Result<std::optional<crypto::Curve>> named_curve(const Key& key) {
  if (const SecretBytes* reference = key.part(key_type::kEcParameterReference)) {
    const auto curve = reference->size() == 1
                           ? crypto::curve_of_reference(reference->expose().front())
                           : std::nullopt;
    if (!curve) {
      return fail(Errc::kNotSupported, "EC keys are on P-256 (00) or P-384 (01) (GPCS B.4)");
    }
    return curve;
  }
  if (key.part(key_type::kEcField) == nullptr) {
    return std::nullopt;
  }
  const auto curve =
      crypto::curve_of_parameters({.field = octets_of(key.part(key_type::kEcField)),
                                   .a = octets_of(key.part(key_type::kEcA)),
                                   .b = octets_of(key.part(key_type::kEcB)),
                                   .generator = octets_of(key.part(key_type::kEcGenerator)),
                                   .order = octets_of(key.part(key_type::kEcOrder))});
  const SecretBytes* cofactor = key.part(key_type::kEcCofactor);
  const bool one = cofactor == nullptr || (!cofactor->empty() && cofactor->expose().back() == 1);
  if (!curve || !one) {
    return fail(Errc::kNotSupported, "EC keys are on P-256 or P-384 (GPCS B.4)");
  }
  return curve;
}

Result<crypto::Curve> curve_by_length(const Key& key) {
  const SecretBytes* point = key.part(key_type::kEcPublic);
  const SecretBytes* scalar = key.part(key_type::kEcPrivate);
  for (const crypto::Curve curve : {crypto::Curve::kP256, crypto::Curve::kP384}) {
    if (point != nullptr ? point->size() == crypto::point_size(curve)
                         : scalar->size() == crypto::coordinate_size(curve)) {
      return curve;
    }
  }
  return fail(Errc::kLength, "an EC key has the lengths of P-256 or P-384");
}

Bytes check_digest(crypto::HashAlgorithm algorithm, const Key& key) {
  std::size_t size = 0;
  for (const KeyPart& part : key.parts()) {
    size += part.value.size();
  }
  SecretBytes all(size);
  std::size_t at = 0;
  for (const KeyPart& part : key.parts()) {
    std::ranges::copy(part.value.expose(), all.expose_mutable().subspan(at).begin());
    at += part.value.size();
  }
  return crypto::digest(algorithm, {all.expose()});
}

}  // namespace

Result<Key> Key::trusted(std::vector<KeyPart> parts, std::optional<KeyPolicy> policy) {
  std::vector<std::uint8_t> types;
  for (const KeyPart& part : parts) {
    types.push_back(part.type);
  }
  const KeyKind kind = KB_TRY(key_kind(types));
  Key out(std::move(parts), policy, kind);
  KB_TRY(out.check_shape());
  return out;
}

Result<Key> Key::from(std::vector<KeyPart> parts, std::optional<KeyPolicy> policy) {
  Key out = KB_TRY(trusted(std::move(parts), policy));
  KB_TRY(out.check_numbers());
  return out;
}

Result<void> Key::check_shape() {
  if (kind_ == KeyKind::kAes && !crypto::is_aes_key_size(secret().size())) {
    return fail(Errc::kLength, "an AES key has 16, 24 or 32 octets (GPCS 11.1.8)");
  }
  if (kind_ == KeyKind::kDes && !crypto::is_des3_key_size(secret().size())) {
    return fail(Errc::kLength, "a 3DES key has 16 or 24 octets (GPCS 11.1.8)");
  }
  if (kind_ == KeyKind::kEcPublic || kind_ == KeyKind::kEcPrivate) {
    curve_ = KB_TRY(named_curve(*this));
    if (!curve_) {
      curve_ = KB_TRY(curve_by_length(*this));
    }
  }
  return {};
}

Result<void> Key::check_numbers() const {
  if (kind_ == KeyKind::kRsaPublic) {
    KB_TRY(rsa_public_key());
  } else if (kind_ == KeyKind::kRsaPrivate) {
    KB_TRY(rsa_private_key());
  } else if (kind_ == KeyKind::kEcPublic) {
    KB_TRY(ec_public_key());
  } else if (kind_ == KeyKind::kEcPrivate) {
    const crypto::CurvePrivateKey own = KB_TRY(ec_private_key());
    const SecretBytes* point = part(key_type::kEcPublic);
    if (point != nullptr && !equal(own.public_key().point(), point->expose())) {
      return fail(Errc::kValue, "the public key is not that of the private key");
    }
  }
  return {};
}

Result<Key> Key::aes(ByteView value) {
  std::vector<KeyPart> parts;
  parts.push_back(part_of(key_type::kAes, value));
  return from(std::move(parts));
}

Result<Key> Key::des(ByteView value) {
  std::vector<KeyPart> parts;
  parts.push_back(part_of(key_type::kDes, value));
  return from(std::move(parts));
}

Result<Key> Key::rsa_public(const crypto::RsaPublicKey& key) {
  std::vector<KeyPart> parts;
  parts.push_back(part_of(key_type::kRsaPublicModulus, key.modulus()));
  parts.push_back(part_of(key_type::kRsaPublicExponent, key.exponent()));
  return from(std::move(parts));
}

Result<Key> Key::rsa_private(const crypto::RsaPrivateKey& key) {
  std::vector<KeyPart> parts;
  parts.push_back(part_of(key_type::kRsaPrivateModulus, key.modulus()));
  parts.push_back(part_of(key_type::kRsaPrivateExponent, key.private_exponent().expose()));
  return from(std::move(parts));
}

Result<Key> Key::ec_public(const crypto::CurvePublicKey& key) {
  std::vector<KeyPart> parts;
  parts.push_back(part_of(key_type::kEcPublic, key.point()));
  parts.push_back(reference_of(key.curve()));
  return from(std::move(parts));
}

Result<Key> Key::ec_private(const crypto::CurvePrivateKey& key) {
  std::vector<KeyPart> parts;
  parts.push_back(part_of(key_type::kEcPrivate, key.expose_scalar()));
  parts.push_back(reference_of(key.curve()));
  return from(std::move(parts));
}

const SecretBytes* Key::part(std::uint8_t type) const {
  const auto at = std::ranges::find(parts_, type, &KeyPart::type);
  return at == parts_.end() ? nullptr : &at->value;
}

Key Key::duplicate() const {
  std::vector<KeyPart> parts;
  for (const KeyPart& part : parts_) {
    parts.push_back({part.type, part.value.duplicate()});
  }
  Key out(std::move(parts), policy_, kind_);
  out.curve_ = curve_;
  return out;
}

const SecretBytes& Key::secret() const {
  KB_CHECK(is_symmetric(kind_));
  return parts_.front().value;
}

Result<crypto::RsaPublicKey> Key::rsa_public_key() const {
  if (kind_ != KeyKind::kRsaPublic) {
    return fail(Errc::kNotFound, "this is no RSA public key");
  }
  return crypto::RsaPublicKey::from(part(key_type::kRsaPublicModulus)->expose(),
                                    part(key_type::kRsaPublicExponent)->expose());
}

Result<crypto::RsaPrivateKey> Key::rsa_private_key() const {
  if (kind_ != KeyKind::kRsaPrivate) {
    return fail(Errc::kNotFound, "this is no RSA private key");
  }
  if (const SecretBytes* modulus = part(key_type::kRsaPrivateModulus)) {
    return crypto::RsaPrivateKey::from(modulus->expose(),
                                       part(key_type::kRsaPrivateExponent)->expose());
  }
  return crypto::RsaPrivateKey::from_crt({.p = part(key_type::kRsaP)->expose(),
                                          .q = part(key_type::kRsaQ)->expose(),
                                          .q_inverse = part(key_type::kRsaQInverse)->expose(),
                                          .dp = part(key_type::kRsaDp)->expose(),
                                          .dq = part(key_type::kRsaDq)->expose()});
}

Result<crypto::CurvePublicKey> Key::ec_public_key() const {
  const SecretBytes* point = part(key_type::kEcPublic);
  if (point == nullptr || !curve_) {
    return fail(Errc::kNotFound, "this is no EC public key");
  }
  return crypto::CurvePublicKey::from_point(*curve_, point->expose());
}

Result<crypto::CurvePrivateKey> Key::ec_private_key() const {
  const SecretBytes* scalar = part(key_type::kEcPrivate);
  if (scalar == nullptr || !curve_) {
    return fail(Errc::kNotFound, "this is no EC private key");
  }
  return crypto::CurvePrivateKey::from_scalar(*curve_, scalar->expose());
}

Result<std::optional<KeyCheckValue>> key_check_value(const Key& key) {
  if (key.kind() == KeyKind::kAes) {
    return KB_TRY(crypto::aes_kcv(key.secret().expose()));
  }
  if (key.kind() == KeyKind::kDes) {
    return KB_TRY(crypto::des3_kcv(key.secret().expose()));
  }
  return std::nullopt;
}

Result<bool> matches_check_value(const Key& key, const KeyCheckValue& value) {
  const std::optional<KeyCheckValue> own = KB_TRY(key_check_value(key));
  if (own) {
    return ct_equal(*own, value);
  }
  const bool sha1 = ct_equal(
      ByteView(check_digest(crypto::HashAlgorithm::kSha1, key)).first(value.size()), value);
  const bool sha256 = ct_equal(
      ByteView(check_digest(crypto::HashAlgorithm::kSha256, key)).first(value.size()), value);
  return sha1 || sha256;
}

}  // namespace kagibin::gp
