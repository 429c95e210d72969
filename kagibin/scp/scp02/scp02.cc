// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp02/scp02.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/scp/protocol_identifier.h"

namespace kagibin::scp {

namespace {

constexpr std::size_t kKeySize = 16;
constexpr std::size_t kDerivationZeros = 12;

// Counter and card challenge as cryptograms have them.
std::array<std::uint8_t, 8> card_part(const Scp02InitializeUpdateAnswer& answer) {
  std::array<std::uint8_t, 8> out{};
  out[0] = static_cast<std::uint8_t>(answer.sequence_counter >> 8U);
  out[1] = static_cast<std::uint8_t>(answer.sequence_counter & 0xFFU);
  std::ranges::copy(answer.card_challenge, &out[2]);
  return out;
}

Result<void> check_challenge(ByteView host_challenge) {
  if (host_challenge.size() != kScp02ChallengeSize) {
    return fail(Errc::kInvalidArgument, "the host challenge of SCP02 has 8 octets");
  }
  return {};
}

}  // namespace

Result<Scp02KeySet> Scp02KeySet::create(SecretBytes enc, SecretBytes mac, SecretBytes dek) {
  if (enc.size() != kKeySize || mac.size() != kKeySize || dek.size() != kKeySize) {
    return fail(Errc::kInvalidArgument,
                "the keys of an SCP02 set are two-key triple DES keys: 16 octets each");
  }
  return Scp02KeySet{std::move(enc), std::move(mac), std::move(dek)};
}

Scp02KeySet Scp02KeySet::duplicate() const {
  return {enc.duplicate(), mac.duplicate(), dek.duplicate()};
}

Result<Scp02Parameter> Scp02Parameter::from(std::uint8_t i) {
  if (i != 0x15 && i != 0x55) {
    return fail(Errc::kNotSupported, "the SCP02 parameter i is 15 or 55");
  }
  return Scp02Parameter{i};
}

bool is_scp02_level(SecurityLevel level) {
  return level.value == 0x00 || level.value == 0x01 || level.value == 0x03;
}

Result<SecretBytes> scp02_derive(ByteView key, std::uint16_t constant, std::uint16_t counter) {
  ByteWriter data;
  const std::array<std::uint8_t, kDerivationZeros> zeros{};
  data.u16(constant).u16(counter).bytes(zeros);
  Bytes derived = KB_TRY(crypto::des3_cbc_encrypt(key, {}, data.view()));
  SecretBytes out = SecretBytes::copy_of(derived);
  wipe(derived);
  return out;
}

Result<Scp02SessionKeys> Scp02SessionKeys::derive(const Scp02KeySet& keys, std::uint16_t counter) {
  Scp02SessionKeys out;
  out.s_enc = KB_TRY(scp02_derive(keys.enc.expose(), kScp02DeriveEnc, counter));
  out.c_mac = KB_TRY(scp02_derive(keys.mac.expose(), kScp02DeriveCMac, counter));
  out.s_dek = KB_TRY(scp02_derive(keys.dek.expose(), kScp02DeriveDek, counter));
  return out;
}

Result<Scp02CardChallenge> scp02_pseudo_random_challenge(const Scp02SessionKeys& keys,
                                                         const Aid& aid) {
  const crypto::DesBlock mac = KB_TRY(crypto::retail_mac(keys.c_mac.expose(), {}, {aid.view()}));
  Scp02CardChallenge out{};
  std::copy_n(mac.begin(), out.size(), out.begin());
  return out;
}

Result<Scp02InitializeUpdateAnswer> Scp02InitializeUpdateAnswer::decode(ByteView octets) {
  ByteReader in(octets);
  Scp02InitializeUpdateAnswer out;
  std::ranges::copy(KB_TRY(in.bytes(out.diversification_data.size())),
                    out.diversification_data.begin());
  out.key_version_number = KB_TRY(in.u8());
  if (KB_TRY(in.u8()) != kScp02) {
    return fail(Errc::kNotSupported, "the card answers with a protocol that is not SCP02");
  }
  out.sequence_counter = KB_TRY(in.u16());
  std::ranges::copy(KB_TRY(in.bytes(out.card_challenge.size())), out.card_challenge.begin());
  std::ranges::copy(KB_TRY(in.bytes(out.card_cryptogram.size())), out.card_cryptogram.begin());
  KB_TRY(in.finish());
  return out;
}

Bytes Scp02InitializeUpdateAnswer::encode() const {
  ByteWriter out;
  out.bytes(diversification_data).u8(key_version_number).u8(kScp02).u16(sequence_counter);
  out.bytes(card_challenge).bytes(card_cryptogram);
  return out.take();
}

Result<crypto::DesBlock> scp02_card_cryptogram(const Scp02SessionKeys& keys,
                                               ByteView host_challenge,
                                               const Scp02InitializeUpdateAnswer& answer) {
  KB_TRY(check_challenge(host_challenge));
  return crypto::des3_mac(keys.s_enc.expose(), {}, {host_challenge, card_part(answer)});
}

Result<crypto::DesBlock> scp02_host_cryptogram(const Scp02SessionKeys& keys,
                                               ByteView host_challenge,
                                               const Scp02InitializeUpdateAnswer& answer) {
  KB_TRY(check_challenge(host_challenge));
  return crypto::des3_mac(keys.s_enc.expose(), {}, {card_part(answer), host_challenge});
}

}  // namespace kagibin::scp
