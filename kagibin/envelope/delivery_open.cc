// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/delivery_open.h"

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/envelope/envelope_keys.h"
#include "kagibin/envelope/payload/own_command.h"

namespace kagibin::envelope {

namespace {

Result<Payload> open(const Envelope& envelope,
                     ByteView statement_hash,
                     const crypto::EcPrivateKey& enrolment_key) {
  const EnvelopeHeader header = KB_TRY(EnvelopeHeader::decode(envelope.header));
  const crypto::EcPublicKey ephemeral =
      KB_TRY(crypto::EcPublicKey::from_point(envelope.ephemeral_key));
  const crypto::Digest256 context = crypto::sha256(
      {ascii(kLabelContext), envelope.header, statement_hash, envelope.ephemeral_tlv()});
  const EnvelopeKeys keys =
      KB_TRY(EnvelopeKeys::agree(header.suite, enrolment_key, ephemeral, context));
  const SecretBytes plaintext = KB_TRY(keys.open(
      {envelope.header, statement_hash, envelope.mac_tlvs()}, envelope.mac, envelope.sealed));
  Payload payload = KB_TRY(Payload::decode(plaintext.expose()));
  KB_TRY(check_channel_keys(header, payload));
  KB_TRY(check_own_commands(header, payload));
  return payload;
}

}  // namespace

bool verify_request(const EnrolmentRequest& request, const crypto::EcPublicKey& provider_key) {
  return crypto::ecdsa_verify_der(provider_key, {ascii(kLabelRequest), request.signed_part()},
                                  request.signature);
}

bool verify_envelope(const Envelope& envelope,
                     ByteView statement_hash,
                     const crypto::EcPublicKey& provider_key) {
  return crypto::ecdsa_verify_der(
      provider_key, {ascii(kLabelEnvelope), envelope.header, envelope.sealed_tlv(), statement_hash},
      envelope.signature);
}

Result<Payload> open_delivery(const Envelope& envelope,
                              ByteView statement_hash,
                              const crypto::EcPrivateKey& enrolment_key) {
  Result<Payload> payload = open(envelope, statement_hash, enrolment_key);
  if (!payload) {
    return fail(Errc::kAuthentication, "the envelope does not open for this enrolment");
  }
  return payload;
}

}  // namespace kagibin::envelope
