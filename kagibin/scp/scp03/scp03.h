// SPDX-License-Identifier: Apache-2.0
// SCP03, GlobalPlatform Card Specification Amendment D v1.2: names, parameters and derivations
// shared by both ends. The off-card entity is scp03_host.h, the card is scp03_card.h.
//
// Limits: AES-128, -192, -256 keys, all three of a set the same size; S8 (8-octet challenges,
// cryptograms and MACs) and S16 (16 octets, i bit b1); C-APDUs up to 255 octets of data after
// wrapping (short form) or extended. Thread-safety: a session belongs to one thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/scp/security_level.h"

namespace kagibin::scp {

// A static key set (Amendment D, 4.1.2 / table 4-1): Key-ENC, Key-MAC, Key-DEK.
struct Scp03KeySet {
  SecretBytes enc;
  SecretBytes mac;
  SecretBytes dek;

  // kInvalidArgument unless all three have the same AES key size.
  static Result<Scp03KeySet> create(SecretBytes enc, SecretBytes mac, SecretBytes dek);
  Scp03KeySet duplicate() const;
};

// The parameter "i" (Amendment D v1.2, 5.1): b1 S16, b5 pseudo-random card challenge, b6 R-MAC, b7
// R-ENC (with b6). Values taken here: 00 10 20 30 60 70 and the same with b1 (01 11 21 31 61 71).
struct Scp03Parameter {
  std::uint8_t i = 0x60;

  static Result<Scp03Parameter> from(std::uint8_t i);  // kNotSupported for every other value
  bool s16() const { return (i & 0x01U) != 0; }
  bool pseudo_random() const { return (i & 0x10U) != 0; }
  bool offers_rmac() const { return (i & 0x20U) != 0; }
  bool offers_renc() const { return (i & 0x40U) != 0; }
  std::size_t mac_size() const { return s16() ? 16 : 8; }
  friend bool operator==(Scp03Parameter, Scp03Parameter) = default;
};

// The highest level that this `i` allows: 03, 13 or 33.
SecurityLevel highest_level(Scp03Parameter parameter);
// True when `level` is a valid one and this `i` offers each of its services.
bool allows(Scp03Parameter parameter, SecurityLevel level);

// Data derivation constants (Amendment D, 4.1.5, table 4-1).
inline constexpr std::uint8_t kDeriveCardCryptogram = 0x00;
inline constexpr std::uint8_t kDeriveHostCryptogram = 0x01;
inline constexpr std::uint8_t kDeriveCardChallenge = 0x02;
inline constexpr std::uint8_t kDeriveSEnc = 0x04;
inline constexpr std::uint8_t kDeriveSMac = 0x06;
inline constexpr std::uint8_t kDeriveSRmac = 0x07;

// Amendment D, 4.1.5: KDF in counter mode; label = eleven zero octets and the constant.
Result<SecretBytes> scp03_derive(ByteView key,
                                 std::uint8_t constant,
                                 ByteView context,
                                 std::size_t size_bytes);
// Amendment D, 6.2.2.1: the card challenge of i b5: context = sequence counter (3 octets) | AID of
// the application.
Result<Bytes> scp03_pseudo_random_challenge(const Scp03KeySet& keys,
                                            std::uint32_t sequence_counter,
                                            ByteView aid,
                                            std::size_t size_bytes);

struct Scp03SessionKeys {
  SecretBytes s_enc;
  SecretBytes s_mac;
  SecretBytes s_rmac;
  static Result<Scp03SessionKeys> derive(const Scp03KeySet& keys,
                                         ByteView host_challenge,
                                         ByteView card_challenge);
};
// Card or host cryptogram, `size_bytes` 8 or 16 (Amendment D, 6.2.2.2 and 6.2.2.3).
Result<Bytes> scp03_cryptogram(const Scp03SessionKeys& keys,
                               std::uint8_t constant,
                               ByteView host_challenge,
                               ByteView card_challenge,
                               std::size_t size_bytes);

// INITIALIZE UPDATE answer (Amendment D, 7.1.1.3, table 7-2): key diversification data 10, key
// version, 03, i, card challenge, card cryptogram, sequence counter 3 (only with b5). 29/32 octets
// in S8, 45/48 in S16.
struct InitializeUpdateAnswer {
  std::array<std::uint8_t, 10> diversification_data{};
  std::uint8_t key_version_number = 0;
  Scp03Parameter parameter{};
  Bytes card_challenge{};
  Bytes card_cryptogram{};
  std::optional<std::uint32_t> sequence_counter{};

  static Result<InitializeUpdateAnswer> decode(ByteView octets);
  Bytes encode() const;
};

}  // namespace kagibin::scp
