// SPDX-License-Identifier: Apache-2.0
// GENERATE KEY: the security domain makes a key pair, whose private key never leaves it. Neither
// Amendment F v1.3 nor GPCS 2.3.1 has a command for it; this is the one that published hosts of
// SCP11 send, with a proof of possession for who asks.
//
//   80 F1 P1 P2 | KVN | F0 01 curve | [9A challenge]       P1: KVN to replace, or 00; P2: KID
//   answer: B0 point | [9E signature]
//
// curve: key parameter reference, 00 P-256, 01 P-384. challenge: 8 to 64 octets. signature: r|s by
// the new key, with its curve's hash, over P1 P2, the command's data and the object B0. Decoders
// are total. Ownership: values.
//
//   const GenerateKey request{.key = {0x13, 0x03}, .curve = Curve::kP256, .challenge = nonce};
//   const auto point = KB_TRY(request.verify_answer(answer));
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/crypto/curve/curve_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/scp/scp11/scp11.h"

namespace kagibin::scp {

namespace ins {
inline constexpr std::uint8_t kGenerateKey = 0xF1;
}  // namespace ins

struct GenerateKey {
  static constexpr std::size_t kMinChallenge = 8;
  static constexpr std::size_t kMaxChallenge = 64;

  KeyReference key{};                 // the new one
  std::uint8_t replaced_version = 0;  // KVN; 00: none
  crypto::Curve curve = crypto::Curve::kP256;
  Bytes challenge{};  // empty: no proof wanted

  // kValue for a KVN outside 01 to 7F, for KIDs outside 01 to 7F and for other curves; kTruncated,
  // kTrailing, kUnexpectedTag, kLength.
  static Result<GenerateKey> decode(std::uint8_t p1, std::uint8_t p2, ByteView data);
  // Without Le. Precondition: what decode() would take (KB_CHECK).
  apdu::CommandApdu encode() const;

  // The card's end: with the proof when there is a challenge.
  Result<Bytes> answer(const crypto::CurvePrivateKey& made, crypto::Rng& rng) const;
  // The host's end. kAuthentication when the proof is wrong, or not there when it was asked for.
  Result<crypto::CurvePublicKey> verify_answer(ByteView answer) const;
  friend bool operator==(const GenerateKey&, const GenerateKey&) = default;

 private:
  Bytes data() const;
};

}  // namespace kagibin::scp
