// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/test_delivery.h"

#include <utility>

#include "kagibin/envelope/suite.h"

namespace kagibin::envelope {

namespace {

SecretBytes secret(std::size_t size, std::uint8_t octet) {
  return SecretBytes::copy_of(Bytes(size, octet));
}

PutKeyAction put_key() {
  PutKeyAction action{
      .old_key_version = 0x00, .new_key_version = 0x31, .first_key_identifier = 0x01, .keys = {}};
  for (const std::uint8_t octet : std::array<std::uint8_t, 3>{0x41, 0x42, 0x43}) {
    action.keys.push_back(
        {.type = kKeyTypeAes, .value = secret(16, octet), .kcv = {octet, octet, octet}});
  }
  return action;
}

}  // namespace

SecretArray<16> TestDelivery::random_secret16() {
  return SecretArray<16>::copy_of(crypto::random_array<16>(rng).value()).value();
}

std::vector<std::uint8_t> suites_here() {
  std::vector<std::uint8_t> out;
  for (const SuiteInfo& info : suites()) {
    if (crypto::hpke_kem(info.enrolment_kem())) {
      out.push_back(std::to_underlying(info.suite));
    }
  }
  return out;
}

void TestDelivery::in_suite(std::uint8_t chosen) {
  suite = chosen;
  const auto kem = crypto::hpke_kem(suite_info(chosen)->enrolment_kem()).value();
  other_enrolment_key.emplace(crypto::KemPrivateKey::generate(kem, rng).value());
}

crypto::KemPrivateKey TestDelivery::own_key() const {
  return other_enrolment_key ? crypto::KemPrivateKey::from(other_enrolment_key->kem(),
                                                           other_enrolment_key->expose())
                                   .value()
                             : crypto::KemPrivateKey::of(enrolment_key);
}

EnrolmentRequest TestDelivery::request() {
  EnrolmentRequest out;
  out.suite = suite;
  out.spid = spid;
  out.nonce_a = *Nonce16::from_hex("A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1");
  out.target = target;
  out.kem_key = kem_key.public_key().point();
  out.certificate = certificate;
  return out;
}

EnrolmentStatement TestDelivery::statement() {
  EnrolmentStatement out;
  out.nonce_a = request().nonce_a;
  out.nonce_k = *Nonce16::from_hex("B1B1B1B1B1B1B1B1B1B1B1B1B1B1B1B1");
  out.suite = suite;
  out.enrolment_key = own_key().public_key().octets();
  out.seid = *Seid::from_hex("5E1D0000000000000000000000000007");
  out.kda = *Aid::from_hex("F04B4147494B4441");
  out.code_hash.fill(0xC0);
  out.level_bitmap = 0x01;
  out.enrolment_counter = 3;
  out.target = target;
  out.highest_key_version = 0x30;
  out.last_committed_seq = 6;
  out.min_epoch = 1;
  out.handle = handle;
  out.spid = spid;
  return out;
}

AnswerContent TestDelivery::answer_content() {
  return {.statement = e1(),
          .kda_certificate = certificate,
          .maker_certificate = certificate,
          .security_domain_certificate = std::nullopt};
}

EnvelopeHeader TestDelivery::header() {
  EnvelopeHeader out;
  out.suite = suite;
  out.spid = spid;
  out.handle = handle;
  out.key_version_number = 0x30;
  out.required_i_mask = 0x60;
  out.seq = 7;
  out.issued_at = 3'600'000;
  out.not_after = 3'700'000;
  return out;
}

Payload TestDelivery::payload() {
  Payload out;
  out.actions.emplace_back(put_key());
  out.channel_keys = ChannelKeys{.key_version = 0x30,
                                 .enc = secret(16, 0xE1),
                                 .mac = secret(16, 0xE2),
                                 .dek = secret(16, 0xE3)};
  out.receipt_key = receipt_key.duplicate();
  return out;
}

Receipt TestDelivery::receipt() {
  Receipt out;
  out.header_hash = crypto::sha256(header().encode());
  out.handle = handle;
  out.seq = 7;
  out.results = {ActionResult::kInstalled};
  out.level = 0x01;
  out.suite = suite;
  return out;
}

Bytes TestDelivery::e0() { return sign_request(request(), provider_key, rng).value(); }

Bytes TestDelivery::e1() { return sign_statement(statement(), kda_key, rng).value(); }

Bytes TestDelivery::e4() {
  return seal_answer(answer_content(), suite, handle, request().nonce_a, kem_key.public_key(), rng)
      .value();
}

Bytes TestDelivery::e2(ByteView e1) {
  return seal_delivery(header(), payload(), e1, own_key().public_key(), provider_key, rng).value();
}

Bytes TestDelivery::e3(ByteView e1) {
  return seal_receipt(receipt(), crypto::sha256(e1), &receipt_key, 9, kda_key, kem_key.public_key(),
                      rng)
      .value();
}

Payload payload_with_every_action() {
  Payload out;
  out.actions.emplace_back(put_key());
  out.actions.emplace_back(
      StoreDataAction{.application = *Aid::from_hex("A0000001510001"),
                      .under_key_dek = true,
                      .data = SecretBytes::copy_of(*from_hex("8000 03 010203")),
                      .probe = from_hex("80CA00E000")});
  out.actions.emplace_back(DeleteKeyAction{.key_version = 0x20});
  out.actions.emplace_back(CommandAction{
      .header = {0x80, 0xE2, 0x00, 0x00}, .data = secret(16, 0x77), .probe = std::nullopt});
  out.channel_keys = ChannelKeys{.key_version = 0x30,
                                 .enc = secret(32, 0xE1),
                                 .mac = secret(32, 0xE2),
                                 .dek = secret(32, 0xE3)};
  out.receipt_key = *SecretArray<16>::copy_of(Bytes(16, 0x52));
  return out;
}

}  // namespace kagibin::envelope
