// SPDX-License-Identifier: Apache-2.0
// Who vouches for the key that signs an element's statements, as it came in the answer: the
// element's maker (attestation profile ATT-1), or its CASD (ATT-2; doc/decisions/0014).
//
// What is read here holds together in itself: the CASD's signature is of the key in its
// certificate, and about this PK.KDA.SIG and this E1. Whether CERT.CASD.AUT, CERT.KDA and CERT.EUM
// are to be believed, and belong to this element, is for the order flow. Ownership and
// thread-safety: values.
//
//   const ElementAttestation by = KB_TRY(read_attestation(content));
//   if (envelope::verify_statement(statement, kda_key(by))) { ... attested(by).code_hash ... }
#pragma once

#include <variant>

#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/gp/confidential/authority_signature.h"
#include "kagibin/pki/certificate.h"

namespace kagibin::roles::service_provider {

struct ByMaker {
  pki::Certificate kda;
  pki::Certificate maker;
};

struct ByCasd {  // NOLINT(cppcoreguidelines-pro-type-member-init): made whole, from an answer
  crypto::EcPublicKey kda_key;
  pki::Certificate casd;  // CERT.CASD.AUT
  gp::ApplicationStatement statement;
};

using ElementAttestation = std::variant<ByMaker, ByCasd>;

// kEncoding and others for what is not in the protocol's form; kAuthentication when the CASD did
// not sign this.
Result<ElementAttestation> read_attestation(const envelope::AnswerContent& content);

const crypto::EcPublicKey& kda_key(const ElementAttestation& attestation);

// What is vouched for.
struct Attested {
  std::array<std::uint8_t, 16> element{};  // SEID
  Bytes application{};                     // AID
  crypto::Digest256 code_hash{};
  pki::AttestationProfile profile{};
};
Attested attested(const ElementAttestation& attestation);

}  // namespace kagibin::roles::service_provider
