// SPDX-License-Identifier: Apache-2.0
// Enrolment messages: E0 request (provider to KDA), E1 statement (made by the KDA), E4 answer (E1
// sealed to the provider). Protocol, section 5. Layouts stand in doc/wire_format.md. Codecs only:
// nothing here signs, checks or opens.
//
// decode() is total and strict: TLVs in their order, fixed lengths, nothing behind. A decoded
// message re-encodes to the same octets. `signed_part` is what the signature in 9E covers behind
// its label.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::envelope {

using Digest = std::array<std::uint8_t, 32>;
using Point = std::array<std::uint8_t, 65>;  // 04 | X | Y
using Mac16 = std::array<std::uint8_t, 16>;

inline constexpr std::uint8_t kVersion = 0x01;

inline constexpr std::size_t kPointSize = 65;
inline constexpr std::size_t kSignatureMinSize = 8;  // ECDSA as minimal DER
inline constexpr std::size_t kSignatureMaxSize = 72;
inline constexpr std::size_t kCertificateMaxSize = 320;     // the complete TLV 7F21
inline constexpr std::size_t kAnswerSealedMaxSize = 4'096;  // E4/85

// Labels of signatures and key derivations, ASCII, none a prefix of another.
inline constexpr std::string_view kLabelRequest = "KB1-ENR";
inline constexpr std::string_view kLabelStatement = "KB1-ES";
inline constexpr std::string_view kLabelAnswer = "KB1-ANS";
inline constexpr std::string_view kLabelEnvelope = "KB1-ENV";
inline constexpr std::string_view kLabelContext = "KB1-CTX";
inline constexpr std::string_view kLabelHpke = "KB1-HPKE";  // info of suites 10 to 21
inline constexpr std::string_view kLabelReceiptMac = "KB1-RCM";
inline constexpr std::string_view kLabelReceiptSealed = "KB1-RCS";
inline constexpr std::string_view kLabelReceiptSignature = "KB1-RCP";
inline constexpr std::string_view kLabelAuthority = "KB1-AUT";

struct EnrolmentRequest {  // E0
  std::uint8_t suite = 0x01;
  Spid spid;
  Nonce16 nonce_a;
  std::optional<Aid> target;                   // always set after decode
  Point kem_key{};                             // PK.SP.KEM
  bool cancel = false;                         // 86 b1
  bool own_delivery = false;                   // 86 b2: for the target itself, not for a KDA
  std::optional<Digest> acknowledged_receipt;  // 87
  Bytes certificate;                           // TLV 7F21, complete
  Bytes signature;                             // 9E, DER; empty while unsigned

  static Result<EnrolmentRequest> decode(ByteView octets);
  // What decode() demands of the values, signature apart: kValue, kLength,
  // kNotSupported.
  Result<void> check() const;
  Bytes signed_part() const;  // TLVs 80..7F21
  Bytes kem_key_tlv() const;  // TLV 85, for key derivations
  Bytes encode() const;       // precondition: target and signature set
};

struct EnrolmentStatement {  // E1
  Nonce16 nonce_a;
  Nonce16 nonce_k;
  std::uint8_t suite = 0x01;
  Bytes enrolment_key;  // pkE
  Seid seid;
  std::optional<Aid> kda;
  Digest code_hash{};
  std::uint8_t level_bitmap = 0;  // 88: b1 RL1 ... b4 RL4; b5 OS, alone, where kda is the target
  bool announces_next = false;    // 88 b8: this KDA answers A0/89 in E3/89
  std::uint32_t enrolment_counter = 0;
  std::optional<Aid> target;
  std::uint8_t highest_key_version = 0;  // 00 unknown
  std::uint32_t last_committed_seq = 0;
  std::uint16_t min_epoch = 0;
  Handle handle;
  Spid spid;
  std::optional<Digest> security_domain_certificate;  // 90, iff level_bitmap offers RL2 or RL4
  Bytes signature;

  static Result<EnrolmentStatement> decode(ByteView octets);
  Result<void> check() const;  // as above
  Bytes signed_part() const;   // TLVs 80..90
  Bytes encode() const;        // precondition: kda and target set
};

// T, the plaintext of E4: E1 | CERT.KDA | CERT.EUM | CERT.SD (opt), each one TLV, or, where the
// element's CASD attests the KDA, E1 | E5 | CERT.SD (opt). decode() demands that E1 and E5 decode,
// and that CERT.SD is there exactly when E1 has a TLV 90; certificates are not looked into.
struct AnswerContent {
  Bytes statement;
  Bytes kda_certificate;    // empty exactly when there is a code_attestation
  Bytes maker_certificate;  // the same
  std::optional<Bytes> security_domain_certificate;
  std::optional<Bytes> code_attestation{};  // E5, complete (code_attestation.h)

  static Result<AnswerContent> decode(ByteView octets);
  Result<void> check() const;
  Bytes encode() const;
};

struct EnrolmentAnswer {      // E4
  std::uint8_t suite = 0x01;  // 01 or 02 (answer_suite)
  Handle handle;
  Nonce16 nonce_a;
  Point ephemeral_key{};  // ePK.K
  Bytes sealed;           // AES-CBC(T), a multiple of 16
  Mac16 mac{};

  static Result<EnrolmentAnswer> decode(ByteView octets);
  Bytes head() const;      // TLVs 80..84
  Bytes mac_part() const;  // TLVs 80..85
  Bytes encode() const;
};

}  // namespace kagibin::envelope
