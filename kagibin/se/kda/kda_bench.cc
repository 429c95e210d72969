// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/kda_bench.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/aes.h"
#include "kagibin/crypto/ecdsa.h"
#include "kagibin/envelope/envelope_keys.h"
#include "kagibin/kda/authority_statement.h"
#include "kagibin/kda/commands.h"
#include "kagibin/kda/maker_data.h"
#include "kagibin/se/applications/built_in_applications.h"
#include "kagibin/se/kda/key_delivery_application.h"

namespace kagibin::se {

namespace {

namespace sw = apdu::sw;

constexpr std::uint8_t kIsdVersion = 0x30;
constexpr std::uint8_t kIsdSeed = 0x10;
constexpr std::uint8_t kKdaChannel = 1;
constexpr std::uint8_t kTargetChannel = 2;

// Of the authority, for ten years.
pki::CertificateFields fields_of(pki::CertificateKind kind,
                                 const std::array<std::uint8_t, 16>& subject) {
  pki::CertificateFields out;
  out.serial = {static_cast<std::uint8_t>(kind)};
  out.issuer = hex("4155544800");
  out.subject = subject;
  out.kind = kind;
  out.epoch = 1;
  out.effective = {20260101};
  out.expiration = {20361231};
  return out;
}

}  // namespace

SecretBytes key_octets(std::uint8_t seed, std::size_t size) {
  const auto digest = crypto::sha256(ByteView(&seed, 1));
  return SecretBytes::copy_of(ByteView(digest).first(size));
}

scp::Scp03KeySet key_set(std::uint8_t seed, std::size_t size) {
  const auto key = [&](unsigned at) {
    return key_octets(static_cast<std::uint8_t>(seed + at), size);
  };
  return scp::Scp03KeySet::create(key(0), key(1), key(2)).value();
}

KdaBench::KdaBench(const Options& chosen)
    : options(chosen),
      rng(chosen.seed),
      authority(fresh_key()),
      maker(fresh_key()),
      provider(fresh_key()),
      other_provider(fresh_key()) {
  EXPECT_TRUE(modules.add(key_delivery_built_in()).has_value());
  EXPECT_TRUE(add_built_in_applications(modules).has_value());
  auto made =
      Element::create(profile(), std::make_unique<test::CutMedium>(power), rng, clock, modules);
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().detail.text());
  element = std::move(*made);
  select_again();
  if (options.certify) {
    certify();
  }
}

ElementProfile KdaBench::profile() const {
  ElementProfile out;
  out.scp03 = scp::Scp03Parameter{options.i};
  out.security_domains.push_back({.aid = target_aid});
  out.key_sets.push_back({out.isd_aid, kIsdVersion, key_set(kIsdSeed)});
  out.key_sets.push_back(
      {target_aid, kChannelVersion, key_set(options.channel_seed, options.key_size)});
  const LoadFile file = key_delivery_load_file();
  out.applications.push_back({.load_file = file.aid,
                              .module = file.modules[0],
                              .aid = kda::aid(),
                              .security_domain = out.isd_aid});
  out.applications.push_back({.load_file = payment_credential_load_file(),
                              .module = payment_credential_module(),
                              .aid = payment_credential_module(),
                              .security_domain = target_aid});
  out.applications.push_back({.load_file = digital_key_load_file(),
                              .module = digital_key_module(),
                              .aid = digital_key_module(),
                              .security_domain = target_aid});
  return out;
}

crypto::EcPrivateKey KdaBench::fresh_key() { return crypto::EcPrivateKey::generate(rng).value(); }

// --- element and relay -------------------------------------------------------------------------

Result<apdu::ResponseApdu> KdaBench::transmit(std::uint8_t channel,
                                              const apdu::CommandApdu& command) {
  apdu::CommandApdu on = command;
  on.cla = apdu::on_channel(command.cla, channel).value();
  const Bytes sent = on.encode();
  const Bytes received = KB_TRY(element->transmit(sent));
  octets += sent.size() + received.size();
  return apdu::ResponseApdu::decode(received);
}

Result<apdu::ResponseApdu> KdaBench::kda(const apdu::CommandApdu& command) {
  ++kda_exchanges;
  apdu::ResponseApdu answer = KB_TRY(transmit(kKdaChannel, command));
  Bytes whole = answer.data;
  while (sw::has_more(answer.sw)) {
    ++kda_exchanges;
    answer = KB_TRY(transmit(kKdaChannel, {.ins = apdu::ins::kGetResponse,
                                           .le = answer.sw.sw2() == 0 ? 256U : answer.sw.sw2()}));
    append(whole, answer.data);
  }
  kda_answers.push_back(whole);
  return apdu::ResponseApdu{std::move(whole), answer.sw};
}

Result<apdu::ResponseApdu> KdaBench::kda(const std::vector<apdu::CommandApdu>& blocks) {
  apdu::ResponseApdu answer;
  for (const apdu::CommandApdu& block : blocks) {
    answer = KB_TRY(kda(block));
    if (!sw::is_ok(answer.sw)) {
      break;
    }
  }
  return answer;
}

Result<apdu::ResponseApdu> KdaBench::target(const apdu::CommandApdu& command) {
  ++target_exchanges;
  if (intercept) {
    if (auto answer = intercept(command)) {
      return std::move(*answer);
    }
  }
  apdu::ResponseApdu answer = KB_TRY(transmit(kTargetChannel, command));
  if (tamper) {
    return tamper(command, std::move(answer));
  }
  return answer;
}

void KdaBench::select_again() {
  for (const std::uint8_t channel : {kKdaChannel, kTargetChannel}) {
    const auto opened = element->transmit(
        apdu::CommandApdu{.ins = apdu::ins::kManageChannel, .p2 = channel}.encode());
    ASSERT_TRUE(opened.has_value());
  }
  ASSERT_EQ(transmit(kKdaChannel, kda::select())->sw, sw::kOk);
}

void KdaBench::restart() {
  power->restore();
  auto opened = Element::open(std::make_unique<test::CutMedium>(power), rng, clock, modules);
  ASSERT_TRUE(opened.has_value()) << (opened ? "" : opened.error().detail.text());
  element = std::move(*opened);
  select_again();
}

void KdaBench::certify() {
  scp::Scp03Host host(key_set(kIsdSeed), {.key_version_number = kIsdVersion,
                                          .s16 = scp::Scp03Parameter{options.i}.s16()});
  const auto update = kda(host.initialize_update(rng).value());
  const auto level = scp::highest_level(scp::Scp03Parameter{options.i});
  const auto ext = host.external_authenticate(*update, level);
  ASSERT_TRUE(ext.has_value());
  ASSERT_TRUE(host.finish_authentication(*kda(*ext)).has_value());
  const auto send = [&](const apdu::CommandApdu& plain) {
    const auto wrapped = host.wrap({.cla = plain.cla,
                                    .ins = plain.ins,
                                    .p1 = plain.p1,
                                    .p2 = plain.p2,
                                    .data = plain.data,
                                    .le = plain.le});
    return host.unwrap(*kda(*wrapped))->response;
  };
  const auto keys = kda::GeneratedKeys::decode(send(kda::generate()).data);
  ASSERT_TRUE(keys.has_value());
  pki::CertificateFields maker_fields = fields_of(pki::CertificateKind::kMaker, {0x4D, 0x31});
  maker_fields.platform = std::array<std::uint8_t, 16>{0x50};
  maker_certificate = certificate(maker_fields, maker, authority);
  pki::CertificateFields kda_fields = fields_of(pki::CertificateKind::kKda, seid.octets);
  kda_fields.issuer.assign(maker_fields.subject.begin(), maker_fields.subject.end());
  kda_fields.aids = {Bytes(kda::kAid.begin(), kda::kAid.end())};
  kda_fields.code_hash = key_delivery_load_file().code_hash();
  kda_fields.attestation = pki::AttestationProfile::kAtt1;
  const auto signing_key = crypto::EcPublicKey::from_point(keys->signing_key).value();
  kda_certificate = pki::Certificate::issue(kda_fields, signing_key, maker, rng).value();
  const kda::StoredCertificates stored{.authority_key = authority.public_key().point(),
                                       .maker_certificate = maker_certificate->encoded(),
                                       .kda_certificate = kda_certificate->encoded()};
  for (const apdu::CommandApdu& block : kda::store_certificates(stored.encode())) {
    ASSERT_EQ(send(block).sw, sw::kOk);
  }
  ASSERT_EQ(kda(kda::select())->sw, sw::kOk);  // ends the maker's session
}

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
  request.spid = spid(chosen.other_provider);
  request.nonce_a = Nonce16{crypto::random_array<16>(rng).value()};
  request.target = chosen.target.value_or(target_aid);
  request.kem_key = out.kem_key->public_key().point();
  request.cancel = chosen.cancel;
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
  return {.spid = delivery.statement.spid,
          .handle = delivery.handle(),
          .key_version_number = kChannelVersion,
          .seq = next_seq,
          .issued_at = now_minutes(),
          .not_after = now_minutes() + 60 * 24,
          .next_nonce_a = {}};
}

void KdaBench::seal(Delivery& delivery, const envelope::Payload& payload) {
  seal(delivery, header(delivery), payload);
}

void KdaBench::seal(Delivery& delivery,
                    const envelope::EnvelopeHeader& chosen,
                    const envelope::Payload& payload) {
  delivery.receipt_key = payload.receipt_key.duplicate();
  const auto recipient = crypto::EcPublicKey::from_point(delivery.statement.enrolment_key).value();
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
  out.ephemeral_key = ephemeral.public_key().point();
  const auto context = crypto::sha256(
      {ascii(envelope::kLabelContext), out.header, statement_hash, out.ephemeral_tlv()});
  const auto keys = envelope::EnvelopeKeys::agree(0x01, ephemeral,
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
  while (step.need == kda::Pump::Need::kTransmit) {
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
  // The keys that C gave A: the right ones, whatever the target really holds.
  scp::Scp03KeySet channel = key_set(0x20, options.key_size);
  envelope::Payload out;
  out.actions = std::move(actions);
  out.channel_keys = envelope::ChannelKeys{.key_version = kChannelVersion,
                                           .enc = std::move(channel.enc),
                                           .mac = std::move(channel.mac),
                                           .dek = std::move(channel.dek)};
  out.receipt_key = std::move(*SecretArray<16>::copy_of(key_octets(0xE0).expose()));
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

bool KdaBench::target_holds(std::uint8_t version, std::uint8_t seed) {
  const Tamper kept = std::exchange(tamper, {});
  const Intercept kept_intercept = std::exchange(intercept, {});
  const auto selected = target({.ins = apdu::ins::kSelect,
                                .p1 = 0x04,
                                .data = Bytes(target_aid.view().begin(), target_aid.view().end()),
                                .le = 256});
  scp::Scp03Host host(key_set(seed),
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
