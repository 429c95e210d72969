// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/tenants/tenant.h"

#include "kagibin/apdu/channel_link.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/envelope/enrolment/answer_open.h"

#include "tests/support/must.h"

namespace kagibin::attack {

using test::Deployment;
using test::must;

namespace {

constexpr std::array<std::uint8_t, 7> kPrefix{0xF0, 0x4F, 0x54, 0x48, 0x45, 0x52, 0x53};
constexpr std::uint8_t kRmacAndRenc = 0x60;
constexpr std::uint32_t kMinutes = 60;

}  // namespace

Aid Tenant::target(std::size_t number) {
  Bytes aid(kPrefix.begin(), kPrefix.end());
  aid.push_back(static_cast<std::uint8_t>(number + 1));
  return *Aid::from(aid);
}

Tenant::Tenant(Deployment& world, test::DeployedCard& card, std::size_t domains)
    : world_(world), card_(card), provider_(world, {Bytes(kPrefix.begin(), kPrefix.end())}) {
  const auto channel = must(apdu::ChannelLink::open(*card.element));
  roles::security_module_manager::CardManager manager(*channel, card.issuer_keys, world.rng);
  for (std::size_t number = 0; number < domains; ++number) {
    channels_.push_back(must(manager.create_domain(
        {.aid = target(number), .scp03 = scp::Scp03Parameter{0x70}}, world.manager_master_key())));
  }
}

Bytes Tenant::request(std::size_t number, bool cancel) {
  envelope::EnrolmentRequest out;
  out.spid = provider_.spid();
  must(world_.rng.fill(out.nonce_a.octets));
  out.target = target(number);
  out.kem_key = provider_.kem_key().public_key().point();
  out.cancel = cancel;
  out.certificate = provider_.certificate().encoded();
  return must(envelope::sign_request(std::move(out), provider_.key(), world_.rng));
}

Result<envelope::AnswerContent> Tenant::enrol(std::size_t number) {
  const Bytes answer = KB_TRY(world_.enrol(card_, request(number)));
  const auto decoded = KB_TRY(envelope::EnrolmentAnswer::decode(answer));
  return envelope::open_answer(decoded, provider_.kem_key());
}

Bytes Tenant::seal(const envelope::AnswerContent& answer, std::uint32_t seq) {
  const auto statement = must(envelope::EnrolmentStatement::decode(answer.statement));
  const std::uint32_t now = to_protocol_minutes(world_.clock.now());
  const envelope::EnvelopeHeader header{.spid = provider_.spid(),
                                        .handle = statement.handle,
                                        .key_version_number = Deployment::kDomainKeyVersion,
                                        .required_i_mask = kRmacAndRenc,
                                        .seq = seq,
                                        .issued_at = now,
                                        .not_after = now + kMinutes,
                                        .next_nonce_a = {}};
  envelope::PutKeyAction put{.old_key_version = Deployment::kDomainKeyVersion,
                             .new_key_version = Deployment::kNewKeyVersion,
                             .first_key_identifier = 1,
                             .keys = {}};
  for (int at = 0; at < 3; ++at) {
    SecretBytes value = must(crypto::random_secret(world_.rng, 16));
    keys_.push_back(value.duplicate());
    const auto kcv = must(crypto::aes_kcv(value.expose()));
    put.keys.push_back({.value = std::move(value), .kcv = kcv});
  }
  envelope::Payload payload;
  payload.actions.emplace_back(std::move(put));
  payload.channel_keys = envelope::ChannelKeys{.key_version = Deployment::kDomainKeyVersion,
                                               .enc = channel().key_enc.duplicate(),
                                               .mac = channel().key_mac.duplicate(),
                                               .dek = channel().key_dek.duplicate()};
  must(world_.rng.fill(payload.receipt_key.expose_mutable()));
  receipt_key_ = payload.receipt_key.duplicate();
  return must(envelope::seal_delivery(
      header, payload, answer.statement,
      must(crypto::EcPublicKey::from_point(statement.enrolment_key)), provider_.key(), world_.rng));
}

bool Tenant::deliver() {
  const auto receipt = world_.relay(card_, seal(must(enrol())));
  return receipt && must(envelope::Receipt::decode(*receipt)).results ==
                        std::vector{envelope::ActionResult::kInstalled};
}

}  // namespace kagibin::attack
