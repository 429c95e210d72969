// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/delivery_open.h"

#include <utility>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/hpke/hpke.h"
#include "kagibin/envelope/envelope_keys.h"
#include "kagibin/envelope/payload/own_command.h"

namespace kagibin::envelope {

namespace {

Result<SecretBytes> open_by_cmac(const Envelope& envelope,
                                 const SuiteInfo& suite,
                                 ByteView statement_hash,
                                 const crypto::EcPrivateKey& enrolment_key) {
  if (!envelope.mac) {
    return fail(Errc::kAuthentication, "the envelope has no MAC");
  }
  const crypto::EcPublicKey ephemeral =
      KB_TRY(crypto::EcPublicKey::from_point(envelope.ephemeral_key));
  const crypto::Digest256 context = crypto::sha256(
      {ascii(kLabelContext), envelope.header, statement_hash, envelope.ephemeral_tlv()});
  const EnvelopeKeys keys = KB_TRY(
      EnvelopeKeys::agree(std::to_underlying(suite.suite), enrolment_key, ephemeral, context));
  return keys.open({envelope.header, statement_hash, envelope.mac_tlvs()}, *envelope.mac,
                   envelope.sealed);
}

Result<SecretBytes> open_by_hpke(const Envelope& envelope,
                                 const SuiteInfo& suite,
                                 ByteView statement_hash,
                                 const crypto::KemPrivateKey& enrolment_key) {
  Bytes aad = envelope.header;
  append(aad, statement_hash);
  return crypto::hpke_open(crypto::HpkeAead{suite.hpke_aead}, enrolment_key,
                           {.info = ascii(kLabelHpke), .aad = aad},
                           {.enc = envelope.ephemeral_key, .ciphertext = envelope.sealed});
}

Result<SecretBytes> open_sealed(const Envelope& envelope,
                                const SuiteInfo& suite,
                                ByteView statement_hash,
                                const crypto::KemPrivateKey& enrolment_key) {
  if (suite.enrolment_kem() != std::to_underlying(enrolment_key.kem())) {
    return fail(Errc::kInvalidArgument, "the enrolment's key is of another KEM than the suite");
  }
  if (suite.is_hpke()) {
    return open_by_hpke(envelope, suite, statement_hash, enrolment_key);
  }
  const crypto::EcPrivateKey key = KB_TRY(enrolment_key.on_p256());
  return open_by_cmac(envelope, suite, statement_hash, key);
}

Result<Payload> open(const Envelope& envelope,
                     ByteView statement_hash,
                     const crypto::KemPrivateKey& enrolment_key) {
  const EnvelopeHeader header = KB_TRY(EnvelopeHeader::decode(envelope.header));
  const SuiteInfo suite = KB_TRY(suite_info(header.suite));
  const SecretBytes plaintext = KB_TRY(open_sealed(envelope, suite, statement_hash, enrolment_key));
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
                              const crypto::KemPrivateKey& enrolment_key) {
  Result<Payload> payload = open(envelope, statement_hash, enrolment_key);
  if (!payload) {
    return fail(Errc::kAuthentication, "the envelope does not open for this enrolment");
  }
  return payload;
}

Result<Payload> open_delivery(const Envelope& envelope,
                              ByteView statement_hash,
                              const crypto::EcPrivateKey& enrolment_key) {
  return open_delivery(envelope, statement_hash, crypto::KemPrivateKey::of(enrolment_key));
}

}  // namespace kagibin::envelope
