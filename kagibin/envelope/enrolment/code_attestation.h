// SPDX-License-Identifier: Apache-2.0
// What stands in an answer in place of CERT.KDA | CERT.EUM where the element's CASD attests the key
// delivery application and not its maker (attestation profile ATT-2; doc/decisions/0014).
//
//   E5  80 01 attestation profile, 02 | 81 41 PK.KDA.SIG | 7F21 CERT.CASD.AUT
//       E6 the CASD's statement (gp/confidential/authority_signature.h, sign_data)
//
// The statement says which application of which code had these 32 octets signed: SHA-256 of
// kLabelAttestation | TLV 81 | TLV E1. So it holds for this key, this statement and its nA, and for
// nothing else. Codec only: nothing here signs or checks, and certificate and statement are not
// looked into. decode() is total; what decodes encodes to the same octets. Limits: E6 of 1 to 255
// octets. Values, no thread-safety needed.
//
//   CodeAttestation made{.kda_key = point, .certificate = casd_certificate};
//   made.statement = KB_TRY(casd.sign(crypto::sha256({made.attested_head(), e1})));
#pragma once

#include "kagibin/envelope/enrolment/enrolment.h"

namespace kagibin::envelope {

// As the labels of enrolment.h.
inline constexpr std::string_view kLabelAttestation = "KB1-ATT";

struct CodeAttestation {
  static constexpr std::size_t kMaxStatement = 255;  // value of E6

  Point kda_key{};      // PK.KDA.SIG
  Bytes certificate{};  // CERT.CASD.AUT, the complete TLV 7F21
  Bytes statement{};    // the complete TLV E6

  static Result<CodeAttestation> decode(ByteView octets);
  Result<void> check() const;
  // kLabelAttestation | TLV 81: what comes before E1 in the digest that the CASD signs.
  Bytes attested_head() const;
  Bytes encode() const;  // the complete TLV E5
  friend bool operator==(const CodeAttestation&, const CodeAttestation&) = default;
};

}  // namespace kagibin::envelope
