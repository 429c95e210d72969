// SPDX-License-Identifier: Apache-2.0
// The blocks of STORE DATA that carry scenario 3 of Amendment A to a security domain, and its
// answers.
//
//   signed (SGP.02, ES8)   block 00: 3A01 { 7F21 CERT.SP }        -> 85 10 random challenge
//                          (in more blocks where it is long: setup_pieces.h)
//                          next:     3A02 { A6 } 7F49 { ePK.SP } 5F37 { r|s }   last
//                                                                -> [85 10 DR] 86 10 receipt
//                          r|s by SK.SP over the groupings 3A02, 7F49 and 0085 { challenge }
//   unsigned (Amendment A) 00A6 { A6 } 7F49 { ePK.SP }, in one block or in two. 00A6 alone is not
//                          the last block: nothing is set up without a key
//                                                                -> [85 10 DR] 86 10 receipt
//
// Each is a data grouping (gp/store_data.h), its id before the braces; ePK is the point alone, 65
// octets on P-256. Decoders are total. Ownership: SetupRequest holds views of the caller's octets,
// the rest are values.
#pragma once

#include <array>
#include <vector>

#include "kagibin/apdu/apdu.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/gp/confidential/setup_reference.h"
#include "kagibin/gp/store_data.h"

namespace kagibin::gp {

namespace setup_grouping {
inline constexpr std::uint16_t kCertificate = 0x3A01;
inline constexpr std::uint16_t kSignedReference = 0x3A02;
inline constexpr std::uint16_t kReference = 0x00A6;
inline constexpr std::uint16_t kEphemeralKey = 0x7F49;
inline constexpr std::uint16_t kSignature = 0x5F37;
inline constexpr std::uint16_t kChallenge = 0x0085;
}  // namespace setup_grouping

using SetupChallenge = std::array<std::uint8_t, 16>;

// What a block of STORE DATA brings of a set-up; fields that are not there are empty.
struct SetupRequest {
  ByteView certificate{};  // whole 7F21
  ByteView reference{};    // whole A6
  bool signed_reference = false;
  ByteView ephemeral_point{};
  ByteView signature{};
  ByteView signed_octets{};  // groupings 3A02 and 7F49 as they came

  // `last`: b8 of P1. kUnexpectedTag for groupings that are none of those above, or not in this
  // order, and for a reference alone in the last block; kTruncated.
  static Result<SetupRequest> decode(ByteView data, bool last = true);
};
// Whether the first grouping of a block is of a set-up.
bool begins_setup(ByteView data);

// What the provider signs.
Bytes setup_signed_data(ByteView signed_octets, const SetupChallenge& challenge);

// Value of 85 in the answer to the certificate.
Result<SetupChallenge> decode_challenge(ByteView answer);
Bytes encode_challenge(const SetupChallenge& challenge);

struct SetupAnswer {
  Bytes random{};  // empty, or 16 octets
  crypto::AesBlock receipt{};

  static Result<SetupAnswer> decode(ByteView octets);
  Bytes encode() const;
  friend bool operator==(const SetupAnswer&, const SetupAnswer&) = default;
};

// STORE DATA, Le wanted. Precondition: lengths that fit a grouping (KB_CHECK).
// Block 00 and what goes on behind it: one command a piece.
std::vector<apdu::CommandApdu> show_certificate(ByteView certificate);
// `block`: how many showed the certificate.
apdu::CommandApdu ask_signed(ByteView signed_octets, ByteView signature, std::uint8_t block = 1);
apdu::CommandApdu ask_unsigned(ByteView reference, ByteView ephemeral_point);
// Groupings 3A02 and 7F49.
Bytes encode_signed_octets(ByteView reference, ByteView ephemeral_point);

}  // namespace kagibin::gp
