// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/ec/ecdsa.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/curve/curve_signature.h"
#include "kagibin/crypto/ec/ecdsa_digest.h"

namespace kagibin::crypto {
namespace {

constexpr std::uint8_t kDerSequence = 0x30;
constexpr std::uint8_t kDerInteger = 0x02;
constexpr std::size_t kAdditionalInputSize = 32;

void put_integer(ByteWriter& out, ByteView number) {
  while (number.size() > 1 && number.front() == 0) {
    number = number.subspan(1);
  }
  const bool sign_octet = (number.front() & 0x80U) != 0;
  out.u8(kDerInteger).u8(static_cast<std::uint8_t>(number.size() + (sign_octet ? 1 : 0)));
  if (sign_octet) {
    out.u8(0);
  }
  out.bytes(number);
}

// Right-aligned into `out`; false when it does not fit or is negative.
bool get_integer(ByteReader& in, MutableByteView out) {
  const auto tag = in.u8();
  const auto length = in.u8();
  if (!tag || *tag != kDerInteger || !length || *length == 0 || *length > out.size() + 1) {
    return false;
  }
  const auto value = in.bytes(*length);
  if (!value || (value->front() & 0x80U) != 0) {
    return false;
  }
  ByteView number = *value;
  if (number.size() > out.size()) {
    if (number.front() != 0) {
      return false;
    }
    number = number.subspan(1);
  }
  std::ranges::copy(number, out.last(number.size()).begin());
  return true;
}

Result<RawSignature> sign(const EcPrivateKey& key,
                          std::initializer_list<ByteView> message,
                          Rng& rng) {
  SecretArray<kAdditionalInputSize> additional_input;
  KB_TRY(rng.fill(additional_input.expose_mutable()));
  return ecdsa_sign_digest(key, sha256(message), additional_input.expose());
}

}  // namespace

Result<RawSignature> ecdsa_sign_digest(const EcPrivateKey& key,
                                       const Digest256& digest,
                                       ByteView additional_input) {
  RawSignature out{};
  KB_TRY(ecdsa_sign_digest(Curve::kP256, key.expose_scalar(), digest, additional_input, out));
  return out;
}

Bytes ecdsa_raw_to_der(ByteView raw) {
  KB_CHECK(raw.size() == kEcdsaRawSize || raw.size() == kEcdsaLargestRawSize);
  ByteWriter integers;
  put_integer(integers, raw.first(raw.size() / 2));
  put_integer(integers, raw.last(raw.size() / 2));
  const ByteView body = integers.view();  // 102 octets at most
  return ByteWriter()
      .u8(kDerSequence)
      .u8(static_cast<std::uint8_t>(body.size()))
      .bytes(body)
      .take();
}

std::optional<RawSignature> ecdsa_der_to_raw(ByteView der) {
  RawSignature raw{};
  ByteReader in(der);
  const auto tag = in.u8();
  const auto length = in.u8();
  if (!tag || *tag != kDerSequence || !length || *length != in.remaining() ||
      !get_integer(in, MutableByteView(raw).first(kEcScalarSize)) ||
      !get_integer(in, MutableByteView(raw).last(kEcScalarSize)) || !in.empty() ||
      !equal(ecdsa_raw_to_der(raw), der)) {
    return std::nullopt;
  }
  return raw;
}

Result<Bytes> ecdsa_sign_der(const EcPrivateKey& key,
                             std::initializer_list<ByteView> message,
                             Rng& rng) {
  return ecdsa_raw_to_der(KB_TRY(sign(key, message, rng)));
}

Result<Bytes> ecdsa_sign_raw(const EcPrivateKey& key,
                             std::initializer_list<ByteView> message,
                             Rng& rng) {
  const RawSignature raw = KB_TRY(sign(key, message, rng));
  return Bytes(raw.begin(), raw.end());
}

bool ecdsa_verify_der(const EcPublicKey& key,
                      std::initializer_list<ByteView> message,
                      ByteView signature) {
  const auto raw = ecdsa_der_to_raw(signature);
  return raw && verify_signature(Curve::kP256, key.point(), sha256(message), *raw);
}

bool ecdsa_verify_raw(const EcPublicKey& key,
                      std::initializer_list<ByteView> message,
                      ByteView signature) {
  return signature.size() == kEcdsaRawSize &&
         verify_signature(Curve::kP256, key.point(), sha256(message), signature);
}

Result<Bytes> ecdsa_sign_raw(const CurvePrivateKey& key,
                             std::initializer_list<ByteView> message,
                             Rng& rng) {
  const Curve curve = key.curve();
  SecretArray<kAdditionalInputSize> additional_input;
  KB_TRY(rng.fill(additional_input.expose_mutable()));
  const Bytes hash = digest(hash_of(curve), message);
  Bytes out(2 * coordinate_size(curve));
  KB_TRY(ecdsa_sign_digest(curve, key.expose_scalar(), hash, additional_input.expose(), out));
  return out;
}

bool ecdsa_verify_raw(const CurvePublicKey& key,
                      std::initializer_list<ByteView> message,
                      ByteView signature) {
  return signature.size() == 2 * coordinate_size(key.curve()) &&
         verify_signature(key.curve(), key.point(), digest(hash_of(key.curve()), message),
                          signature);
}

}  // namespace kagibin::crypto
