// SPDX-License-Identifier: Apache-2.0
// Delivery messages: E2 envelope (provider to KDA), E3 receipt (KDA to provider). Protocol,
// sections 6 and 10. Codecs only; same rules as enrolment.h.
#pragma once

#include <string_view>
#include <vector>

#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::envelope {

struct EnvelopeHeader {  // A0
  std::uint8_t suite = 0x01;
  Spid spid;
  Handle handle;
  std::uint8_t level = 0x01;
  // 85 by the level. RL1, RL3: KVN | required i mask. RL2, RL4: KID | KVN of SK.SD.ECKA. OS: none.
  std::uint8_t key_version_number = 0;
  std::uint8_t required_i_mask = 0;
  std::uint8_t key_identifier = 0;
  std::uint32_t seq = 0;
  std::uint32_t issued_at = 0;  // minutes since 2020-01-01 UTC
  std::uint32_t not_after = 0;
  std::optional<Nonce16> next_nonce_a;  // 89: asks for the next enrolment in the receipt

  static Result<EnvelopeHeader> decode(ByteView octets);  // the complete TLV A0
  // SCP11a opens the channel.
  bool is_by_certificates() const { return level == 0x02 || level == 0x04; }
  // PUT KEY and STORE DATA go under the domain's static Key-DEK, inside that channel.
  bool is_under_static_dek() const { return level == 0x04; }
  // There is no channel, and no 85.
  bool is_own_delivery() const { return level == 0x05; }
  // What decode() demands of the values: a suite and level that are built, KVN 01 to 7F, KID 11 at
  // RL2, SEQ not 0, and nothing set that the level does not carry.
  Result<void> check() const;
  Bytes encode() const;  // the complete TLV A0
};

// E2. decode() demands that A0 decodes, and the form of A1 that A0's suite has.
struct Envelope {
  Bytes header;              // TLV A0, complete
  Bytes ephemeral_key;       // A1/80: ePK.A, or enc of HPKE
  Bytes sealed;              // A1/81: CBC, a multiple of 16; or HPKE's ciphertext with its tag
  std::optional<Mac16> mac;  // A1/82: suites 01 and 02
  Bytes signature;           // 9E

  static Result<Envelope> decode(ByteView octets);
  Bytes sealed_tlv() const;     // TLV A1, complete
  Bytes ephemeral_tlv() const;  // TLV 80 of A1
  Bytes mac_tlvs() const;       // TLV 80 | TLV 81 of A1
  Bytes encode() const;

 private:
  Result<void> read_sealed_part(tlv::TlvReader& in, const SuiteInfo& suite);
};

enum class ActionResult : std::uint8_t {
  kInstalled = 0x00,  // authenticated by R-MAC
  kInstalledByProbe = 0x01,
  kProvedAbsent = 0x02,
  kUnknown = 0x03,
  kRefusedBeforeOpening = 0x04,  // alone, without 8E
  kChannelKeysRefused = 0x05,    // alone
  kCancelled = 0x06,             // alone and without 8E where nothing was opened
};
std::string_view name(ActionResult result);  // "installed", ..., for JSON and messages

struct ReceiptSeal {  // 8F
  Point ephemeral_key{};
  Bytes sealed;  // 85: 32 to 96
  Mac16 mac{};
};

// E3. Where no E2 was seen, header_hash, seq and level are zero; where the envelope did not open
// (04, or 06 before opening), 8E is absent and `results` has one element.
struct Receipt {
  Digest header_hash{};  // SHA-256(TLV A0); zeros when no E2 was seen
  Handle handle;
  std::uint32_t seq = 0;
  std::vector<ActionResult> results;  // 1 to 8
  std::uint8_t level = 0;
  std::uint8_t suite = 0x01;
  std::optional<Bytes> next_enrolment;  // 89: a complete E4, which decodes
  std::optional<Mac16> mac;             // 8E; absent if the envelope did not open
  ReceiptSeal seal;

  static Result<Receipt> decode(ByteView octets);
  Result<void> check() const;   // what decode() demands of the values, 8F apart
  Bytes body() const;           // TLVs 80..89
  Bytes handle_tlv() const;     // TLV 81
  Bytes mac_tlv() const;        // TLV 8E; no octets when absent
  Bytes ephemeral_tlv() const;  // TLV 84 of 8F
  Bytes sealed_tlv() const;     // TLV 85 of 8F
  Bytes encode() const;
};

// S, the plaintext of 8F: 88 04 KDA counter | 9E.
struct ReceiptSignature {
  std::uint32_t counter = 0;
  Bytes signature;
  static Result<ReceiptSignature> decode(ByteView octets);
  Bytes counter_tlv() const;
  Bytes encode() const;
};

}  // namespace kagibin::envelope
