// SPDX-License-Identifier: Apache-2.0
// The service provider's end of E0 and E2: signing a request, sealing a payload.
// Protocol, sections 5 and 6.
#pragma once

#include <span>

#include "kagibin/crypto/held_key/key_tokens.h"
#include "kagibin/crypto/held_key/signing_key.h"
#include "kagibin/crypto/hpke/kem.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/envelope/delivery_message.h"
#include "kagibin/envelope/payload/joined_payload.h"
#include "kagibin/envelope/payload/payload.h"

namespace kagibin::envelope {

// Signs "KB1-ENR" | TLVs 80..7F21 and returns the complete E0.
Result<Bytes> sign_request(EnrolmentRequest request,
                           const crypto::SigningKey& signing_key,
                           crypto::Rng& rng);

// Seals P under the statement's pkE in the statement's suite. 01 and 02: fresh ePK.A, ctx and keys
// of section 6, CMAC over aad | TLV 80 | TLV 81; 10 to 21: HPKE. Signature over "KB1-ENV" | A0 | A1
// | SHA-256(TLV E1). `statement_tlv` is the complete TLV E1 as it was opened, already verified.
// kNotSupported for a suite not built. `recipient` is the statement's pkE as a checked key.
Result<Bytes> seal_delivery(const EnvelopeHeader& header,
                            const Payload& payload,
                            ByteView statement_tlv,
                            const crypto::KemPublicKey& recipient,
                            const crypto::SigningKey& signing_key,
                            crypto::Rng& rng);

// The same of a payload whose keys are partly in a token (their values are empty, their KCVs are
// not): joined, encrypted and authenticated there, and no such key is ever here. What comes of it
// is an envelope as any other. Suites 01 and 02: kNotSupported for others; those of KeyTokens.
Result<Bytes> seal_delivery_in_token(const EnvelopeHeader& header,
                                     Payload payload,
                                     std::span<const HeldKey> held,
                                     ByteView statement_tlv,
                                     const crypto::KemPublicKey& recipient,
                                     const crypto::SigningKey& signing_key,
                                     crypto::KeyTokens& tokens,
                                     crypto::Rng& rng);

}  // namespace kagibin::envelope
