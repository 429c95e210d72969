// SPDX-License-Identifier: Apache-2.0
// SCP02, GPCS 2.3.1 appendix E: names, parameters and derivations shared by both ends. The off-card
// entity is scp02_host.h, the card is scp02_card.h.
//
// Deprecated by its standard, and broken in practice: encryption is CBC with a constant ICV under
// keys that repeat until a session opens, its MAC covers the plaintext, and cards that tell wrong
// padding from a wrong MAC give the plaintext away (Avoine and Ferreira, "Attacking GlobalPlatform
// SCP02-compliant smart cards using a padding oracle attack", CHES 2018). For cards that have
// nothing else.
//
// Limits: i = 15 and 55 (explicit initiation, three keys, C-MAC on the modified APDU with ICV
// encryption, no R-MAC); keys of two-key triple DES, 16 octets. Thread-safety: a session belongs to
// one thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/cipher/des3.h"
#include "kagibin/scp/security_level.h"

namespace kagibin::scp {

// A static key set (GPCS E.2, table E-3): S-ENC, S-MAC, DEK.
struct Scp02KeySet {
  SecretBytes enc;
  SecretBytes mac;
  SecretBytes dek;

  // kInvalidArgument unless each has 16 octets.
  static Result<Scp02KeySet> create(SecretBytes enc, SecretBytes mac, SecretBytes dek);
  Scp02KeySet duplicate() const;
};

// The parameter "i" (GPCS E.1.1, table E-1): 15, or 55 with a pseudo-random card challenge (b7).
struct Scp02Parameter {
  std::uint8_t i = 0x55;

  static Result<Scp02Parameter> from(std::uint8_t i);  // kNotSupported for every other value
  bool pseudo_random() const { return (i & 0x40U) != 0; }
  friend bool operator==(Scp02Parameter, Scp02Parameter) = default;
};

// P1 of EXTERNAL AUTHENTICATE without R-MAC: 00, 01 and 03 (GPCS E.5.2.3).
bool is_scp02_level(SecurityLevel level);

inline constexpr std::size_t kScp02ChallengeSize = 8;  // of the host
inline constexpr std::size_t kScp02MacSize = crypto::kDesBlockSize;
// The counter that no session is opened with: it is not reset to zero (GPCS E.1.2).
inline constexpr std::uint16_t kScp02LastCounter = 0xFFFF;
using Scp02CardChallenge = std::array<std::uint8_t, 6>;

// Derivation constants (GPCS E.4.1).
inline constexpr std::uint16_t kScp02DeriveCMac = 0x0101;
inline constexpr std::uint16_t kScp02DeriveRMac = 0x0102;
inline constexpr std::uint16_t kScp02DeriveDek = 0x0181;
inline constexpr std::uint16_t kScp02DeriveEnc = 0x0182;

// A session key: triple DES, CBC with a zero ICV, of constant | counter | twelve zero octets.
Result<SecretBytes> scp02_derive(ByteView key, std::uint16_t constant, std::uint16_t counter);

struct Scp02SessionKeys {
  SecretBytes s_enc;
  SecretBytes c_mac;
  SecretBytes s_dek;
  static Result<Scp02SessionKeys> derive(const Scp02KeySet& keys, std::uint16_t counter);
};

// GPCS E.4.2.3: six octets of the MAC over the AID of the application, under the C-MAC session key.
Result<Scp02CardChallenge> scp02_pseudo_random_challenge(const Scp02SessionKeys& keys,
                                                         const Aid& aid);

// INITIALIZE UPDATE answer, 28 octets (GPCS E.5.1.6, table E-8): key diversification data 10, key
// version, 02, sequence counter 2, card challenge 6, card cryptogram 8.
struct Scp02InitializeUpdateAnswer {
  std::array<std::uint8_t, 10> diversification_data{};
  std::uint8_t key_version_number = 0;
  std::uint16_t sequence_counter = 0;
  Scp02CardChallenge card_challenge{};
  crypto::DesBlock card_cryptogram{};

  static Result<Scp02InitializeUpdateAnswer> decode(ByteView octets);
  Bytes encode() const;
};

// GPCS E.4.2.1 and E.4.2.2: full triple DES MAC under S-ENC. Counter and card challenge are those
// of the answer; its own cryptogram is not read. `host_challenge` has 8 octets.
Result<crypto::DesBlock> scp02_card_cryptogram(const Scp02SessionKeys& keys,
                                               ByteView host_challenge,
                                               const Scp02InitializeUpdateAnswer& answer);
Result<crypto::DesBlock> scp02_host_cryptogram(const Scp02SessionKeys& keys,
                                               ByteView host_challenge,
                                               const Scp02InitializeUpdateAnswer& answer);

}  // namespace kagibin::scp
