// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp03/scp03.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/kdf/kdf.h"
#include "kagibin/scp/protocol_identifier.h"

namespace kagibin::scp {

namespace {

constexpr std::uint32_t kMaxSequence = 0xFFFFFF;  // three octets
constexpr std::size_t kLabelZeros = 11;

Bytes both(ByteView first, ByteView second) {
  Bytes out;
  out.reserve(first.size() + second.size());
  append(out, first);
  append(out, second);
  return out;
}

}  // namespace

Result<Scp03KeySet> Scp03KeySet::create(SecretBytes enc, SecretBytes mac, SecretBytes dek) {
  if (!crypto::is_aes_key_size(enc.size()) || mac.size() != enc.size() ||
      dek.size() != enc.size()) {
    return fail(Errc::kInvalidArgument,
                "the keys of an SCP03 set are AES keys of one size: 16, 24 or 32 octets");
  }
  return Scp03KeySet{std::move(enc), std::move(mac), std::move(dek)};
}

Scp03KeySet Scp03KeySet::duplicate() const {
  return {enc.duplicate(), mac.duplicate(), dek.duplicate()};
}

Result<Scp03Parameter> Scp03Parameter::from(std::uint8_t i) {
  switch (i & 0xFEU) {
    case 0x00:
    case 0x10:
    case 0x20:
    case 0x30:
    case 0x60:
    case 0x70:
      return Scp03Parameter{i};
    default:
      return fail(Errc::kNotSupported,
                  "the SCP03 parameter i is 00, 10, 20, 30, 60 or 70, and b1 for S16");
  }
}

Result<SecurityLevel> SecurityLevel::from(std::uint8_t value) {
  switch (value) {
    case 0x00:
    case 0x01:
    case 0x03:
    case 0x11:
    case 0x13:
    case 0x33:
      return SecurityLevel{value};
    default:
      return fail(Errc::kValue, "an SCP03 security level is 00, 01, 03, 11, 13 or 33");
  }
}

SecurityLevel highest_level(Scp03Parameter parameter) {
  if (!parameter.offers_rmac()) {
    return {0x03};
  }
  return {parameter.offers_renc() ? std::uint8_t{0x33} : std::uint8_t{0x13}};
}

bool allows(Scp03Parameter parameter, SecurityLevel level) {
  return SecurityLevel::from(level.value).has_value() &&
         (level.value & ~unsigned{highest_level(parameter).value}) == 0;
}

Result<SecretBytes> scp03_derive(ByteView key,
                                 std::uint8_t constant,
                                 ByteView context,
                                 std::size_t size_bytes) {
  if (size_bytes == 0 || size_bytes > 0xFFFF / 8) {
    return fail(Errc::kInvalidArgument, "a derived value has 1 to 8,191 octets");
  }
  ByteWriter prefix;  // label | separator 00 | L
  const std::array<std::uint8_t, kLabelZeros> zeros{};
  prefix.bytes(zeros).u8(constant).u8(0).u16(static_cast<std::uint16_t>(size_bytes * 8));
  return crypto::sp800_108_counter_cmac(key, prefix.view(), context, size_bytes);
}

Result<Bytes> scp03_pseudo_random_challenge(const Scp03KeySet& keys,
                                            std::uint32_t sequence_counter,
                                            ByteView aid,
                                            std::size_t size_bytes) {
  if (sequence_counter > kMaxSequence) {
    return fail(Errc::kInvalidArgument, "a sequence counter has three octets");
  }
  ByteWriter context;
  context.u8(static_cast<std::uint8_t>(sequence_counter >> 16U))
      .u16(static_cast<std::uint16_t>(sequence_counter & 0xFFFFU))
      .bytes(aid);
  const SecretBytes challenge =
      KB_TRY(scp03_derive(keys.enc.expose(), kDeriveCardChallenge, context.view(), size_bytes));
  return Bytes(challenge.expose().begin(), challenge.expose().end());
}

Result<Scp03SessionKeys> Scp03SessionKeys::derive(const Scp03KeySet& keys,
                                                  ByteView host_challenge,
                                                  ByteView card_challenge) {
  const Bytes context = both(host_challenge, card_challenge);
  const std::size_t size = keys.enc.size();
  Scp03SessionKeys out;
  out.s_enc = KB_TRY(scp03_derive(keys.enc.expose(), kDeriveSEnc, context, size));
  out.s_mac = KB_TRY(scp03_derive(keys.mac.expose(), kDeriveSMac, context, size));
  out.s_rmac = KB_TRY(scp03_derive(keys.mac.expose(), kDeriveSRmac, context, size));
  return out;
}

Result<Bytes> scp03_cryptogram(const Scp03SessionKeys& keys,
                               std::uint8_t constant,
                               ByteView host_challenge,
                               ByteView card_challenge,
                               std::size_t size_bytes) {
  const Bytes context = both(host_challenge, card_challenge);
  const SecretBytes cryptogram =
      KB_TRY(scp03_derive(keys.s_mac.expose(), constant, context, size_bytes));
  return Bytes(cryptogram.expose().begin(), cryptogram.expose().end());
}

Result<InitializeUpdateAnswer> InitializeUpdateAnswer::decode(ByteView octets) {
  ByteReader in(octets);
  InitializeUpdateAnswer out;
  const ByteView diversification = KB_TRY(in.bytes(out.diversification_data.size()));
  std::copy(diversification.begin(), diversification.end(), out.diversification_data.begin());
  out.key_version_number = KB_TRY(in.u8());
  if (KB_TRY(in.u8()) != kScp03) {
    return fail(Errc::kNotSupported, "the card answers with a protocol that is not SCP03");
  }
  const std::uint8_t i = KB_TRY(in.u8());
  out.parameter = KB_TRY(Scp03Parameter::from(i));
  const std::size_t size = out.parameter.mac_size();
  const ByteView challenge = KB_TRY(in.bytes(size));
  out.card_challenge.assign(challenge.begin(), challenge.end());
  const ByteView cryptogram = KB_TRY(in.bytes(size));
  out.card_cryptogram.assign(cryptogram.begin(), cryptogram.end());
  if (out.parameter.pseudo_random()) {
    const std::uint32_t high = KB_TRY(in.u8());
    out.sequence_counter = (high << 16U) | KB_TRY(in.u16());
  }
  KB_TRY(in.finish());
  return out;
}

Bytes InitializeUpdateAnswer::encode() const {
  const std::size_t size = parameter.mac_size();
  KB_CHECK(card_challenge.size() == size && card_cryptogram.size() == size);
  KB_CHECK(sequence_counter.has_value() == parameter.pseudo_random());
  ByteWriter out;
  out.bytes(diversification_data).u8(key_version_number).u8(kScp03).u8(parameter.i);
  out.bytes(card_challenge).bytes(card_cryptogram);
  if (sequence_counter) {
    KB_CHECK(*sequence_counter <= kMaxSequence);
    out.u8(static_cast<std::uint8_t>(*sequence_counter >> 16U))
        .u16(static_cast<std::uint16_t>(*sequence_counter & 0xFFFFU));
  }
  return out.take();
}

}  // namespace kagibin::scp
