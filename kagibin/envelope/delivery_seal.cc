// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/delivery_seal.h"

#include <utility>

#include "kagibin/crypto/hpke/hpke.h"
#include "kagibin/envelope/envelope_keys.h"
#include "kagibin/envelope/payload/own_command.h"
#include "kagibin/envelope/suite.h"

namespace kagibin::envelope {

namespace {

// What can only be a mistake of the caller: an envelope that this statement's KDA would refuse or
// could not open. Nothing here is secret.
Result<void> check_fit(const EnvelopeHeader& header,
                       const EnrolmentStatement& statement,
                       const crypto::KemPublicKey& recipient) {
  if (!equal(statement.enrolment_key, recipient.octets())) {
    return fail(Errc::kInvalidArgument, "the recipient's key is not the statement's pkE");
  }
  if (header.handle != statement.handle || header.spid != statement.spid ||
      header.suite != statement.suite) {
    return fail(Errc::kInvalidArgument, "header and statement differ in handle, SPID or suite");
  }
  const RelayLevelInfo level = KB_TRY(relay_level_info(header.level));
  if ((statement.level_bitmap & level.bitmap_bit) == 0) {
    return fail(Errc::kInvalidArgument, "the statement does not offer this relay level");
  }
  const SuiteInfo suite = KB_TRY(suite_info(header.suite));
  if (suite.enrolment_kem() != std::to_underlying(recipient.kem())) {
    return fail(Errc::kInvalidArgument, "the recipient's key is of another KEM than the suite");
  }
  if (header.seq <= statement.last_committed_seq) {
    return fail(Errc::kInvalidArgument, "SEQ is not above the last one that the KDA committed");
  }
  return {};
}

Result<void> check_all(const EnvelopeHeader& header,
                       const Payload& payload,
                       ByteView statement_tlv,
                       const crypto::KemPublicKey& recipient) {
  KB_TRY(header.check());
  KB_TRY(payload.check());
  KB_TRY(check_channel_keys(header, payload));
  KB_TRY(check_own_commands(header, payload));
  const EnrolmentStatement statement = KB_TRY(EnrolmentStatement::decode(statement_tlv));
  return check_fit(header, statement, recipient);
}

Result<void> check_size(std::size_t size, const SuiteInfo& suite) {
  return size <= suite.payload_max_size_bytes
             ? Result<void>()
             : fail(Errc::kLimit, "the payload is too long for one envelope: split the order");
}

crypto::Digest256 context_of(const Envelope& envelope, ByteView statement_hash) {
  return crypto::sha256(
      {ascii(kLabelContext), envelope.header, statement_hash, envelope.ephemeral_tlv()});
}

Result<Bytes> sign(Envelope& envelope,
                   ByteView statement_hash,
                   const crypto::SigningKey& signing_key,
                   crypto::Rng& rng) {
  envelope.signature = KB_TRY(signing_key.sign_der(
      {ascii(kLabelEnvelope), envelope.header, envelope.sealed_tlv(), statement_hash}, rng));
  return envelope.encode();
}

// What a token derives its keys over, and signs: that of an envelope with this ephemeral key.
class EnvelopeContext final : public crypto::SealingContext {
 public:
  EnvelopeContext(ByteView header, ByteView statement_hash)
      : header_(header), statement_hash_(statement_hash) {}

  crypto::Digest256 shared_info(const crypto::EcPoint& ephemeral) const override {
    return context_of(envelope_with(ephemeral), statement_hash_);
  }
  Bytes authenticated(const crypto::EcPoint& ephemeral, ByteView sealed) const override {
    Envelope envelope = envelope_with(ephemeral);
    envelope.sealed = Bytes(sealed.begin(), sealed.end());
    Bytes out = envelope.header;
    append(out, statement_hash_);
    append(out, envelope.mac_tlvs());
    return out;
  }

 private:
  Envelope envelope_with(const crypto::EcPoint& ephemeral) const {
    Envelope out;
    out.header = Bytes(header_.begin(), header_.end());
    out.ephemeral_key.assign(ephemeral.begin(), ephemeral.end());
    return out;
  }

  ByteView header_;
  ByteView statement_hash_;
};

// A1 of suites 01 and 02.
Result<void> seal_by_cmac(Envelope& out,
                          const SuiteInfo& suite,
                          ByteView statement_hash,
                          const crypto::KemPublicKey& recipient,
                          ByteView plaintext,
                          crypto::Rng& rng) {
  const crypto::EcPublicKey peer = KB_TRY(recipient.on_p256());
  const crypto::EcPrivateKey ephemeral = KB_TRY(crypto::EcPrivateKey::generate(rng));
  const crypto::EcPoint point = ephemeral.public_key().point();
  out.ephemeral_key.assign(point.begin(), point.end());
  const EnvelopeKeys keys = KB_TRY(EnvelopeKeys::agree(std::to_underlying(suite.suite), ephemeral,
                                                       peer, context_of(out, statement_hash)));
  out.sealed = KB_TRY(keys.encrypt(plaintext));
  out.mac = KB_TRY(keys.mac({out.header, statement_hash, out.mac_tlvs()}));
  return {};
}

// A1 of suites 10 to 21.
Result<void> seal_by_hpke(Envelope& out,
                          const SuiteInfo& suite,
                          ByteView statement_hash,
                          const crypto::KemPublicKey& recipient,
                          ByteView plaintext,
                          crypto::Rng& rng) {
  Bytes aad = out.header;
  append(aad, statement_hash);
  crypto::HpkeSealed sealed =
      KB_TRY(crypto::hpke_seal(crypto::HpkeAead{suite.hpke_aead}, recipient,
                               {.info = ascii(kLabelHpke), .aad = aad}, plaintext, rng));
  out.ephemeral_key = std::move(sealed.enc);
  out.sealed = std::move(sealed.ciphertext);
  return {};
}

}  // namespace

Result<Bytes> sign_request(EnrolmentRequest request,
                           const crypto::SigningKey& signing_key,
                           crypto::Rng& rng) {
  KB_TRY(request.check());
  request.signature =
      KB_TRY(signing_key.sign_der({ascii(kLabelRequest), request.signed_part()}, rng));
  return request.encode();
}

Result<Bytes> seal_delivery(const EnvelopeHeader& header,
                            const Payload& payload,
                            ByteView statement_tlv,
                            const crypto::KemPublicKey& recipient,
                            const crypto::SigningKey& signing_key,
                            crypto::Rng& rng) {
  KB_TRY(check_all(header, payload, statement_tlv, recipient));
  const SuiteInfo suite = KB_TRY(suite_info(header.suite));
  const SecretBytes plaintext = payload.encode();
  KB_TRY(check_size(plaintext.size(), suite));
  const crypto::Digest256 statement_hash = crypto::sha256(statement_tlv);
  Envelope out;
  out.header = header.encode();
  KB_TRY(suite.is_hpke()
             ? seal_by_hpke(out, suite, statement_hash, recipient, plaintext.expose(), rng)
             : seal_by_cmac(out, suite, statement_hash, recipient, plaintext.expose(), rng));
  return sign(out, statement_hash, signing_key, rng);
}

Result<Bytes> seal_delivery_in_token(const EnvelopeHeader& header,
                                     Payload payload,
                                     std::span<const HeldKey> held,
                                     ByteView statement_tlv,
                                     const crypto::KemPublicKey& recipient,
                                     const crypto::SigningKey& signing_key,
                                     crypto::KeyTokens& tokens,
                                     crypto::Rng& rng) {
  const SuiteInfo suite = KB_TRY(suite_info(header.suite));
  if (suite.is_hpke()) {
    return fail(Errc::kNotSupported, "a token seals envelopes of suites 01 and 02 alone");
  }
  KB_TRY(put_stand_ins(payload, held));
  KB_TRY(check_all(header, payload, statement_tlv, recipient));
  const crypto::EcPublicKey peer = KB_TRY(recipient.on_p256());
  const crypto::JoinedPlaintext plaintext = KB_TRY(join_payload(payload, held));
  KB_TRY(check_size(plaintext.size_bytes(), suite));

  const crypto::Digest256 statement_hash = crypto::sha256(statement_tlv);
  Envelope out;
  out.header = header.encode();
  const EnvelopeContext context(out.header, statement_hash);
  crypto::SealedInToken sealed =
      KB_TRY(tokens.seal(plaintext, peer, suite.key_size_bytes, context));
  out.ephemeral_key.assign(sealed.ephemeral.begin(), sealed.ephemeral.end());
  out.sealed = std::move(sealed.sealed);
  out.mac = sealed.mac;
  return sign(out, statement_hash, signing_key, rng);
}

}  // namespace kagibin::envelope
