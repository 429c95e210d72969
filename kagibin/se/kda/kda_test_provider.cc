// SPDX-License-Identifier: Apache-2.0
// The bench's service provider: requests, envelopes, receipts.
#include <algorithm>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/envelope/envelope_keys.h"
#include "kagibin/envelope/payload/own_command.h"
#include "kagibin/kda/authority_statement.h"
#include "kagibin/kda/commands.h"
#include "kagibin/se/kda/enrolment/offered_suites.h"
#include "kagibin/se/kda/kda_test_bench.h"

namespace kagibin::se {

namespace sw = apdu::sw;

// --- the service provider ----------------------------------------------------------------------

pki::Certificate KdaBench::certificate(const pki::CertificateFields& fields,
                                       const crypto::EcPrivateKey& subject,
                                       const crypto::EcPrivateKey& issuer) {
  return pki::Certificate::issue(fields, subject.public_key(), issuer, rng).value();
}

Spid KdaBench::spid(bool other) const {
  Spid out;
  out.octets.fill(other ? 0xBB : 0xAA);
  return out;
}

pki::CertificateFields KdaBench::provider_fields(bool other) const {
  const ByteView prefix = target_aid.view().first(6);
  pki::CertificateFields out =
      fields_of(pki::CertificateKind::kServiceProvider, spid(other).octets);
  out.aids = {Bytes(prefix.begin(), prefix.end()), hex("F0444947494B4559")};
  return out;
}

Delivery KdaBench::request(const RequestOptions& chosen) {
  const crypto::EcPrivateKey& key = chosen.other_provider ? other_provider : provider;
  const auto fields = chosen.certificate.value_or(provider_fields(chosen.other_provider));
  const pki::Certificate cert = certificate(fields, key, chosen.self_signed ? key : authority);
  Delivery out;
  out.kem_key = fresh_key();
  envelope::EnrolmentRequest request;
  request.suite = chosen.suite;
  request.spid = chosen.spid.value_or(spid(chosen.other_provider));
  request.nonce_a = Nonce16{crypto::random_array<16>(rng).value()};
  request.target = chosen.target.value_or(target_aid);
  request.kem_key = chosen.kem_key.value_or(out.kem_key->public_key().point());
  request.cancel = chosen.cancel;
  request.own_delivery = chosen.own_delivery.value_or(options.own_delivery);
  request.acknowledged_receipt = chosen.acknowledge;
  request.certificate = cert.encoded();
  const crypto::EcPrivateKey& signer = chosen.wrong_signature ? maker : key;
  out.request = envelope::sign_request(std::move(request), signer, rng).value();
  return out;
}

StatusWord KdaBench::send(Delivery& delivery) {
  auto answer = kda(kda::enrol(delivery.request));
  EXPECT_TRUE(answer.has_value());
  if (answer && sw::is_ok(answer->sw)) {
    delivery.answer = std::move(answer->data);
    open_answer(delivery);
  }
  return answer ? answer->sw : StatusWord{};
}

void KdaBench::open_answer(Delivery& delivery) {
  const auto answer = envelope::EnrolmentAnswer::decode(delivery.answer);
  ASSERT_TRUE(answer.has_value());
  auto content = envelope::open_answer(*answer, *delivery.kem_key);
  ASSERT_TRUE(content.has_value());
  delivery.content = std::move(*content);
  delivery.statement = envelope::EnrolmentStatement::decode(delivery.content.statement).value();
}

Delivery KdaBench::enrol(const RequestOptions& chosen) {
  Delivery out = request(chosen);
  EXPECT_EQ(send(out), sw::kOk);
  return out;
}

envelope::EnvelopeHeader KdaBench::header(const Delivery& delivery) const {
  return {.suite = delivery.statement.suite,
          .spid = delivery.statement.spid,
          .handle = delivery.handle(),
          .level = static_cast<std::uint8_t>(options.own_delivery ? 0x05 : 0x01),
          .key_version_number = options.own_delivery ? std::uint8_t{0} : kChannelVersion,
          .seq = next_seq,
          .issued_at = now_minutes(),
          .not_after = now_minutes() + 60 * 24,
          .next_nonce_a = {}};
}

void KdaBench::seal(Delivery& delivery, const envelope::Payload& payload) {
  envelope::EnvelopeHeader chosen = header(delivery);
  if (!envelope::own_commands(payload.actions).empty()) {
    chosen.required_i_mask = envelope::kAnswersEncryptedMask;
  }
  seal(delivery, chosen, payload);
}

void KdaBench::seal(Delivery& delivery,
                    const envelope::EnvelopeHeader& chosen,
                    const envelope::Payload& payload) {
  delivery.receipt_key = payload.receipt_key.duplicate();
  const auto recipient = crypto::KemPublicKey::from(kem_of_suite(delivery.statement.suite).value(),
                                                    delivery.statement.enrolment_key)
                             .value();
  const crypto::EcPrivateKey& key =
      delivery.statement.spid == spid(true) ? other_provider : provider;
  delivery.envelope =
      envelope::seal_delivery(chosen, payload, delivery.content.statement, recipient, key, rng)
          .value();
}

void KdaBench::forge(Delivery& delivery,
                     const envelope::EnvelopeHeader& chosen,
                     const envelope::Payload& payload,
                     const crypto::EcPublicKey* recipient) {
  delivery.receipt_key = payload.receipt_key.duplicate();
  const auto own = crypto::EcPublicKey::from_point(delivery.statement.enrolment_key).value();
  const auto statement_hash = crypto::sha256(delivery.content.statement);
  const crypto::EcPrivateKey ephemeral = fresh_key();
  envelope::Envelope out;
  out.header = chosen.encode();
  const crypto::EcPoint point = ephemeral.public_key().point();
  out.ephemeral_key.assign(point.begin(), point.end());
  const auto context = crypto::sha256(
      {ascii(envelope::kLabelContext), out.header, statement_hash, out.ephemeral_tlv()});
  const auto keys = envelope::EnvelopeKeys::agree(chosen.suite, ephemeral,
                                                  recipient == nullptr ? own : *recipient, context)
                        .value();
  out.sealed = keys.encrypt(payload.encode().expose()).value();
  out.mac = keys.mac({out.header, statement_hash, out.mac_tlvs()}).value();
  out.signature =
      crypto::ecdsa_sign_der(
          provider, {ascii(envelope::kLabelEnvelope), out.header, out.sealed_tlv(), statement_hash},
          rng)
          .value();
  delivery.envelope = out.encode();
}

StatusWord KdaBench::load(const Delivery& delivery) {
  return kda_sw(kda::load(delivery.handle(), delivery.envelope));
}

Outcome KdaBench::pump(const Handle& handle) {
  kda::Pump pump(handle);
  kda::Pump::Step step = pump.start();
  while (step.need == kda::Pump::Need::kTransmit || step.need == kda::Pump::Need::kReset) {
    if (step.need == kda::Pump::Need::kReset) {
      if (!element->has_power()) {
        return Outcome::kNoPower;
      }
      reset();
      step = pump.start();
      continue;
    }
    const auto answer =
        step.channel == kda::Pump::Channel::kKda ? kda(step.command) : target(step.command);
    if (!answer) {
      return Outcome::kNoPower;
    }
    step = pump.answered(*answer);
  }
  switch (step.need) {
    case kda::Pump::Need::kDone:
      return Outcome::kDone;
    case kda::Pump::Need::kWait:
      return Outcome::kWait;
    default:
      return element->has_power() ? Outcome::kFailed : Outcome::kNoPower;
  }
}

Outcome KdaBench::run(const Delivery& delivery, int restarts) {
  for (;; --restarts, restart()) {
    const auto loaded = kda(kda::load(delivery.handle(), delivery.envelope));
    Outcome outcome = Outcome::kNoPower;
    if (loaded && loaded->sw != sw::kMemoryFailure) {
      outcome = pump(delivery.handle());
    }
    if (outcome != Outcome::kNoPower || restarts == 0) {
      return outcome;
    }
  }
}

Result<apdu::ResponseApdu> KdaBench::raw_receipt(const Handle& handle) {
  return kda(kda::get_receipt(handle));
}

ReadReceipt KdaBench::receipt(const Delivery& delivery) {
  const auto answer = raw_receipt(delivery.handle());
  EXPECT_TRUE(answer && sw::is_ok(answer->sw)) << (answer ? answer->sw.value : 0);
  auto receipt = envelope::Receipt::decode(answer->data);
  EXPECT_TRUE(receipt.has_value());
  const auto statement_hash = crypto::sha256(delivery.content.statement);
  auto opened = envelope::open_receipt(*receipt, statement_hash, delivery.receipt_key,
                                       kda_certificate->key(), *delivery.kem_key);
  EXPECT_TRUE(opened.has_value());
  EXPECT_TRUE(opened->signature_valid);
  EXPECT_EQ(opened->mac_valid, receipt->mac.has_value());
  return {std::move(*receipt), *opened};
}

kda::Status KdaBench::status(const Handle& handle) {
  const auto answer = kda(kda::status(handle));
  EXPECT_TRUE(answer && sw::is_ok(answer->sw));
  return kda::Status::decode(answer->data).value();
}

envelope::PutKeyAction KdaBench::put_key(std::uint8_t old_version,
                                         std::uint8_t new_version,
                                         std::uint8_t seed,
                                         std::size_t size) {
  envelope::PutKeyAction out{.old_key_version = old_version,
                             .new_key_version = new_version,
                             .first_key_identifier = 0x01,
                             .keys = {}};
  for (unsigned at = 0; at < 3; ++at) {
    SecretBytes value = key_octets(static_cast<std::uint8_t>(seed + at), size);
    const auto kcv = crypto::aes_kcv(value.expose()).value();
    out.keys.push_back({.value = std::move(value), .kcv = kcv});
  }
  return out;
}

envelope::Payload KdaBench::payload_of(std::vector<envelope::Action> actions) const {
  envelope::Payload out;
  out.actions = std::move(actions);
  out.receipt_key = std::move(*SecretArray<16>::copy_of(key_octets(0xE0).expose()));
  if (options.own_delivery) {
    return out;
  }
  // The keys that C gave A: the right ones, whatever the target really holds.
  scp::Scp03KeySet channel = key_set(0x20, options.key_size);
  out.channel_keys = envelope::ChannelKeys{.key_version = kChannelVersion,
                                           .enc = std::move(channel.enc),
                                           .mac = std::move(channel.mac),
                                           .dek = std::move(channel.dek)};
  return out;
}

envelope::Payload KdaBench::add_keys(std::uint8_t version, std::uint8_t seed) const {
  return replace_keys(0x00, version, seed);
}

envelope::Payload KdaBench::replace_keys(std::uint8_t old_version,
                                         std::uint8_t new_version,
                                         std::uint8_t seed) const {
  std::vector<envelope::Action> actions;
  actions.emplace_back(put_key(old_version, new_version, seed));
  return payload_of(std::move(actions));
}

bool KdaBench::target_holds(std::uint8_t version, scp::Scp03KeySet keys) {
  const Tamper kept = std::exchange(tamper, {});
  const Intercept kept_intercept = std::exchange(intercept, {});
  const auto selected = target({.ins = apdu::ins::kSelect,
                                .p1 = 0x04,
                                .data = Bytes(target_aid.view().begin(), target_aid.view().end()),
                                .le = 256});
  scp::Scp03Host host(std::move(keys),
                      {.key_version_number = version, .s16 = scp::Scp03Parameter{options.i}.s16()});
  const auto update = target(host.initialize_update(rng).value());
  tamper = kept;
  intercept = kept_intercept;
  return selected && update &&
         host.external_authenticate(*update, scp::SecurityLevel{0x01}).has_value();
}

bool KdaBench::authenticates(const Aid& application, std::uint8_t p2, std::uint8_t seed) {
  const Bytes challenge(8, 0x77);
  const ByteView name = application.view();
  static_cast<void>(target(
      {.ins = apdu::ins::kSelect, .p1 = 0x04, .data = Bytes(name.begin(), name.end()), .le = 256}));
  const auto answer = target({.ins = 0x88, .p2 = p2, .data = challenge, .le = 256});
  const auto mac = crypto::aes_cmac(key_octets(seed).expose(), {challenge}).value();
  return answer && sw::is_ok(answer->sw) && equal(answer->data, mac);
}

Bytes KdaBench::statement(std::uint8_t kind, ByteView value, const crypto::EcPrivateKey* key) {
  kda::AuthorityStatement out{.kind = kda::AuthorityStatement::Kind{kind},
                              .value = Bytes(value.begin(), value.end()),
                              .signature = {}};
  out.signature = crypto::ecdsa_sign_der(key == nullptr ? authority : *key,
                                         {ascii(envelope::kLabelAuthority), out.signed_part()}, rng)
                      .value();
  return out.encode();
}

}  // namespace kagibin::se
