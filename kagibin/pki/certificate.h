// SPDX-License-Identifier: Apache-2.0
// The delivery PKI's certificates, in the compact form that a secure element can read (after GPCS
// Amendment F, 6.1).
//
//   7F21 { 93 01-10 serial | 42 01-10 issuer | 5F20 10 subject (SEID or SPID; maker: its own
//   16-octet name) | 95 01-02 usage
//          5F25 04 effective date | 5F24 04 expiration date (BCD YYYYMMDD) | 53 discretionary (at
//          most 127) 7F49 { B0 41 point | F0 01 00 (P-256) } | 5F37 40 r|s over TLVs 93..7F49 }
//   53   { 80 01 kind | 81 02 epoch | 82 AID or prefix (0 or more) | 83 20 code hash | 84 10
//   platform | 85 01 ATT | 86 10 SPID | 87 20 SHA-256 of the point of PK.EUM }
//
// Limits: at most 320 octets; which fields of 53 a kind has is in the table of
// certificate_rules.cc and doc/wire_format.md; the usage follows from the kind; every other
// combination is refused. X.509 is used off card only (crypto/transport_x509.h). Ownership: values.
// Thread-safety: values.
//
//   const Certificate sp = KB_TRY(Certificate::decode(octets));
//   if (!sp.signed_by(root_key)) { return fail(Errc::kUntrusted, ...); }
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/held_key/signing_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::pki {

inline constexpr std::size_t kCertificateMaxSize = 320;

enum class CertificateKind : std::uint8_t {
  kMaker = 0x01,            // CERT.EUM, by the authority
  kKda = 0x02,              // CERT.KDA, by the maker
  kOce = 0x03,              // CERT.OCE, by the authority or the maker
  kSecurityDomain = 0x04,   // CERT.SD, by the authority
  kServiceProvider = 0x05,  // CERT.SP, by the authority
  kCasdAgreement = 0x06,    // CERT.CASD.ECKA, by the authority
  kCasdSignature = 0x07,    // CERT.CASD.AUT, by the authority
};

enum class AttestationProfile : std::uint8_t { kAtt0 = 0, kAtt1 = 1, kAtt2 = 2 };

// A calendar day in BCD as the certificate carries it; comparable as a number (20261121).
struct CertificateDate {
  std::uint32_t yyyymmdd = 0;
  // Times before 1970 give its first day, times after 9999 its last.
  static CertificateDate from_unix(std::int64_t seconds);
  // False for the 30th of February and for years past 9999.
  bool is_calendar_day() const;
  friend auto operator<=>(CertificateDate, CertificateDate) = default;
};

struct CertificateFields {
  Bytes serial;  // 1 to 16
  Bytes issuer;  // 1 to 16: the issuer's name
  std::array<std::uint8_t, 16> subject{};
  CertificateKind kind{};
  std::uint16_t epoch = 0;
  CertificateDate effective;
  CertificateDate expiration;
  std::vector<Bytes> aids;  // KDA, SD, CASD: one AID of 5 to 16; SP: prefixes of 5 to 16, at least
                            // one; others none
  std::optional<crypto::Digest256> code_hash;            // KDA
  std::optional<std::array<std::uint8_t, 16>> platform;  // maker, CASD
  std::optional<AttestationProfile> attestation;         // KDA
  std::optional<Spid> owner;                             // SD
  // SD: on whose word, the hash of that maker's key as key_hash() of its certificate has it.
  std::optional<crypto::Digest256> maker_key;
};

class Certificate {
 public:
  // Total. The signature is not checked; the point is.
  static Result<Certificate> decode(ByteView octets);
  // kInvalidArgument when the fields do not fit the kind or the size limit.
  static Result<Certificate> issue(const CertificateFields& fields,
                                   const crypto::EcPublicKey& subject_key,
                                   const crypto::SigningKey& issuer_key,
                                   crypto::Rng& rng);

  const CertificateFields& fields() const { return fields_; }
  const crypto::EcPublicKey& key() const { return key_; }
  const Bytes& encoded() const { return encoded_; }
  crypto::Digest256 fingerprint() const { return crypto::sha256(encoded_); }
  // SHA-256 of the point in B0: a certificate that is renewed for the same key keeps it.
  crypto::Digest256 key_hash() const { return crypto::sha256(key_.point()); }
  bool signed_by(const crypto::EcPublicKey& issuer_key) const;

 private:
  Certificate(CertificateFields fields,
              crypto::EcPublicKey key,
              Bytes encoded,
              std::size_t signed_at,
              std::size_t signed_size,
              std::array<std::uint8_t, 64> signature)
      : fields_(std::move(fields)),
        key_(key),
        encoded_(std::move(encoded)),
        signed_at_(signed_at),
        signed_size_(signed_size),
        signature_(signature) {}
  CertificateFields fields_;
  crypto::EcPublicKey key_;
  Bytes encoded_;
  std::size_t signed_at_;  // TLVs 93..7F49 inside encoded_
  std::size_t signed_size_;
  std::array<std::uint8_t, 64> signature_;
};

}  // namespace kagibin::pki
