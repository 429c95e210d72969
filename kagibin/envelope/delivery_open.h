// SPDX-License-Identifier: Apache-2.0
// The element's end of E0 and E2: checking the provider's signatures, opening the payload.
#pragma once

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/hpke/kem.h"
#include "kagibin/envelope/delivery_message.h"
#include "kagibin/envelope/payload/payload.h"

namespace kagibin::envelope {

bool verify_request(const EnrolmentRequest& request, const crypto::EcPublicKey& provider_key);
// The signature in 9E over "KB1-ENV" | A0 | A1 | SHA-256(TLV E1).
bool verify_envelope(const Envelope& envelope,
                     ByteView statement_hash,
                     const crypto::EcPublicKey& provider_key);

// Checks the MAC or the tag in constant time, decrypts, decodes. One error, kAuthentication, for a
// suite that is not the key's, a point off the curve, a wrong MAC, wrong padding and a payload that
// does not decode. `statement_hash` is SHA-256(TLV E1).
Result<Payload> open_delivery(const Envelope& envelope,
                              ByteView statement_hash,
                              const crypto::KemPrivateKey& enrolment_key);
// The same with a key of P-256: suites 01, 02 and 10.
Result<Payload> open_delivery(const Envelope& envelope,
                              ByteView statement_hash,
                              const crypto::EcPrivateKey& enrolment_key);

}  // namespace kagibin::envelope
