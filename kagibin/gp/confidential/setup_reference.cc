// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/confidential/setup_reference.h"

#include <algorithm>
#include <array>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/gp/key/key_policy.h"
#include "kagibin/gp/key/key_type.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

using tlv::Tlv;
using tlv::TlvReader;

namespace {

constexpr tlv::Tag kReference = 0xA6;
constexpr tlv::Tag kScenario = 0x90;
constexpr tlv::Tag kKeyUsage = 0x95;
constexpr tlv::Tag kKeyAccess = 0x96;
constexpr tlv::Tag kKeyType = 0x80;
constexpr tlv::Tag kKeyLength = 0x81;
constexpr tlv::Tag kKeyIdentifier = 0x82;
constexpr tlv::Tag kKeyVersion = 0x83;
constexpr tlv::Tag kCounter = 0x91;
constexpr tlv::Tag kCin = 0x45;
constexpr tlv::Tag kHostId = 0x84;

constexpr std::uint8_t kScenario3 = 0x03;
constexpr unsigned kDeletesExisting = 0x01;
constexpr unsigned kWithRandom = 0x02;
constexpr unsigned kWithIdentities = 0x04;
constexpr unsigned kCertified = 0x08;
constexpr unsigned kReserved = 0xF0;
constexpr std::uint8_t kFirstIdentifier = 0x01;
constexpr std::uint8_t kHighestVersion = 0x7F;
constexpr std::size_t kLongestCounter = 8;
constexpr std::size_t kLongestName = 16;

Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

Result<void> decode_scenario(ByteView value, SetupReference& out) {
  if (value[0] != kScenario3) {
    return fail(Errc::kNotSupported, "the scenario built here is 3, key agreement (Amendment A)");
  }
  const unsigned parameters = value[1];
  if ((parameters & kReserved) != 0) {
    return fail(Errc::kValue, "b8 to b5 of the parameters in 90 are reserved (Amendment A)");
  }
  out.deletes_existing = (parameters & kDeletesExisting) != 0;
  out.with_random = (parameters & kWithRandom) != 0;
  out.with_identities = (parameters & kWithIdentities) != 0;
  out.certified = (parameters & kCertified) != 0;
  return {};
}

Result<void> decode_keys(TlvReader& in, SetupReference& out) {
  if (tlv::to_u8(KB_TRY(in.expect(kKeyUsage, 1))) != SetupReference::kThreeChannelKeys) {
    return fail(Errc::kNotSupported,
                "95 is 10, three secure channel keys; 5C, one base key, is not built here");
  }
  if (const std::optional<Tlv> access = KB_TRY(in.optional(kKeyAccess, 1))) {
    out.access = tlv::to_u8(*access);
    if (*out.access > KeyPolicy::kApplicationsOnly) {
      return fail(Errc::kValue, "key access is 00, 01 or 02 (GPCS 11.1.10)");
    }
  }
  if (tlv::to_u8(KB_TRY(in.expect(kKeyType, 1))) != key_type::kAes) {
    return fail(Errc::kNotSupported, "the keys agreed on are AES keys: 80 01 88");
  }
  out.key_size = tlv::to_u8(KB_TRY(in.expect(kKeyLength, 1)));
  if (!crypto::is_aes_key_size(out.key_size)) {
    return fail(Errc::kValue, "an AES key has 16, 24 or 32 octets");
  }
  return {};
}

Result<void> decode_place(TlvReader& in, SetupReference& out) {
  if (const std::optional<Tlv> identifier = KB_TRY(in.optional(kKeyIdentifier, 1))) {
    out.names_identifier = true;
    if (tlv::to_u8(*identifier) != kFirstIdentifier) {
      return fail(Errc::kNotSupported, "secure channel keys are KID 01 to 03 (Amendment D, 4.1)");
    }
  }
  out.key_version = tlv::to_u8(KB_TRY(in.expect(kKeyVersion, 1)));
  if (out.key_version == 0 || out.key_version > kHighestVersion) {
    return fail(Errc::kValue, "a key version is 01 to 7F (GPCS 11.8.2)");
  }
  if (const std::optional<Tlv> counter = KB_TRY(in.optional(kCounter, 0, kLongestCounter))) {
    if (std::ranges::any_of(counter->value, [](std::uint8_t octet) { return octet != 0; })) {
      return fail(Errc::kNotSupported, "a sequence counter begins with 0 here");
    }
    out.counter = to_bytes(counter->value);
  }
  return {};
}

}  // namespace

Result<SetupReference> SetupReference::decode(ByteView octets) {
  const Tlv reference = KB_TRY(tlv::read_single(octets, kReference));
  TlvReader in(reference.value);
  SetupReference out;
  const Tlv scenario = KB_TRY(in.expect(kScenario, 2));
  KB_TRY(decode_scenario(scenario.value, out));
  KB_TRY(decode_keys(in, out));
  KB_TRY(decode_place(in, out));
  if (out.with_identities) {
    out.cin = to_bytes(KB_TRY(in.expect(kCin, 1, kLongestName)).value);
    out.host_id = to_bytes(KB_TRY(in.expect(kHostId, 1, kLongestName)).value);
  }
  KB_TRY(in.finish());
  return out;
}

Bytes SetupReference::encode() const {
  const unsigned parameters =
      (deletes_existing ? kDeletesExisting : 0U) | (with_random ? kWithRandom : 0U) |
      (with_identities ? kWithIdentities : 0U) | (certified ? kCertified : 0U);
  tlv::TlvWriter in;
  in.put(kScenario, std::array{kScenario3, static_cast<std::uint8_t>(parameters)});
  in.put_u8(kKeyUsage, kThreeChannelKeys);
  if (access) {
    in.put_u8(kKeyAccess, *access);
  }
  in.put_u8(kKeyType, key_type::kAes).put_u8(kKeyLength, key_size);
  if (names_identifier) {
    in.put_u8(kKeyIdentifier, kFirstIdentifier);
  }
  in.put_u8(kKeyVersion, key_version);
  if (counter) {
    in.put(kCounter, *counter);
  }
  if (with_identities) {
    in.put(kCin, cin).put(kHostId, host_id);
  }
  Bytes out = tlv::encode(kReference, in.view());
  KB_CHECK(decode(out).has_value());
  return out;
}

}  // namespace kagibin::gp
