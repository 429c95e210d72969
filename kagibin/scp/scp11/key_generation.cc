// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp11/key_generation.h"

#include <array>
#include <optional>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::scp {

using tlv::Tlv;
using tlv::TlvReader;

namespace {

constexpr std::uint8_t kGlobalPlatformClass = 0x80;
constexpr std::uint8_t kHighest = 0x7F;  // KVN and KID
constexpr tlv::Tag kCurve = 0xF0;
constexpr tlv::Tag kChallenge = 0x9A;
constexpr tlv::Tag kPoint = 0xB0;
constexpr tlv::Tag kSignature = 0x9E;

}  // namespace

Result<GenerateKey> GenerateKey::decode(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  if (data.empty()) {
    return fail(Errc::kTruncated,
                "GENERATE KEY has the KVN of the new key, then F0 with its curve");
  }
  GenerateKey out{.key = {.identifier = p2, .version = data.front()}, .replaced_version = p1};
  if (out.key.version == 0 || out.key.version > kHighest || p1 > kHighest || p2 == 0 ||
      p2 > kHighest) {
    return fail(Errc::kValue, "versions and identifiers of keys are 01 to 7F (GPCS 11.8.2)");
  }
  TlvReader in(data.subspan(1));
  const auto curve = crypto::curve_of_reference(tlv::to_u8(KB_TRY(in.expect(kCurve, 1))));
  if (!curve) {
    return fail(Errc::kValue, "the curve is 00, P-256, or 01, P-384");
  }
  out.curve = *curve;
  const std::optional<Tlv> challenge =
      KB_TRY(in.optional(kChallenge, kMinChallenge, kMaxChallenge));
  if (challenge) {
    out.challenge.assign(challenge->value.begin(), challenge->value.end());
  }
  KB_TRY(in.finish());
  return out;
}

Bytes GenerateKey::data() const {
  tlv::TlvWriter out;
  out.put_u8(kCurve, crypto::key_parameter_reference(curve));
  if (!challenge.empty()) {
    out.put(kChallenge, challenge);
  }
  Bytes all{key.version};
  append(all, out.view());
  return all;
}

apdu::CommandApdu GenerateKey::encode() const {
  KB_CHECK(decode(replaced_version, key.identifier, data()).has_value());
  return {.cla = kGlobalPlatformClass,
          .ins = ins::kGenerateKey,
          .p1 = replaced_version,
          .p2 = key.identifier,
          .data = data()};
}

Result<Bytes> GenerateKey::answer(const crypto::CurvePrivateKey& made, crypto::Rng& rng) const {
  Bytes out = tlv::encode(kPoint, made.public_key().point());
  if (!challenge.empty()) {
    const Bytes signature = KB_TRY(crypto::ecdsa_sign_raw(
        made, {std::array{replaced_version, key.identifier}, data(), out}, rng));
    append(out, tlv::encode(kSignature, signature));
  }
  return out;
}

Result<crypto::CurvePublicKey> GenerateKey::verify_answer(ByteView answer) const {
  TlvReader in(answer);
  const Tlv point = KB_TRY(in.expect(kPoint, crypto::point_size(curve)));
  auto made = KB_TRY(crypto::CurvePublicKey::from_point(curve, point.value));
  const std::optional<Tlv> signature = KB_TRY(in.optional(kSignature, 0, TlvReader::kAnyLength));
  KB_TRY(in.finish());
  const bool proved =
      signature && crypto::ecdsa_verify_raw(made,
                                            {std::array{replaced_version, key.identifier}, data(),
                                             tlv::encode(kPoint, point.value)},
                                            signature->value);
  if (!challenge.empty() && !proved) {
    return fail(Errc::kAuthentication, "the card did not prove that it has the private key");
  }
  return made;
}

}  // namespace kagibin::scp
