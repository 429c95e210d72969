// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/envelope/enrolment/answer_seal.h"

#include "tests/attack/named/named_attack.h"
#include "tests/support/sealed_scene.h"

namespace kagibin::attack {

namespace {

using delivery::Verdict;
using test::must;
using test::SealedScene;

constexpr auto kUnchanged = [](envelope::EnvelopeHeader&) {};

// A payload of the attacker's own, under the element's key and the honest header.
Bytes own_envelope(SealedScene& scene, const crypto::EcPrivateKey& signing_key) {
  const Bytes statement_tlv = scene.answer().statement;
  const auto statement = must(envelope::EnrolmentStatement::decode(statement_tlv));
  const delivery::KeyExport& channel = scene.card.domain_keys;
  envelope::Payload payload;
  payload.actions.emplace_back(
      envelope::DeleteKeyAction{.key_version = channel.key_version_number});
  payload.channel_keys = envelope::ChannelKeys{.key_version = channel.key_version_number,
                                               .enc = channel.key_enc.duplicate(),
                                               .mac = channel.key_mac.duplicate(),
                                               .dek = channel.key_dek.duplicate()};
  return must(
      envelope::seal_delivery(scene.header(), payload, statement_tlv,
                              must(crypto::EcPublicKey::from_point(statement.enrolment_key)),
                              signing_key, scene.world.rng));
}

// "Installed", by somebody who knows neither Kr nor SK.KDA.SIG.
Bytes own_receipt(SealedScene& scene, const crypto::EcPrivateKey& key) {
  const envelope::EnvelopeHeader header = scene.header();
  envelope::Receipt receipt;
  receipt.header_hash = crypto::sha256(header.encode());
  receipt.handle = scene.handle;
  receipt.seq = header.seq;
  receipt.results = {envelope::ActionResult::kInstalled};
  receipt.level = header.level;
  const SecretArray<16> guess;
  return must(envelope::seal_receipt(std::move(receipt), crypto::sha256(scene.answer().statement),
                                     &guess, 1, key, scene.kem_key().public_key(),
                                     scene.world.rng));
}

Result<void> load(SealedScene& scene, ByteView envelope) {
  return scene.world.load(scene.card, scene.handle, envelope);
}

}  // namespace

Finding forge() {
  Finding out;
  SealedScene scene("forge");
  test::Deployment& world = scene.world;
  const auto stranger = must(crypto::EcPrivateKey::generate(world.rng));
  const auto resigned = load(scene, scene.signed_by(stranger, kUnchanged));
  out.tried("the envelope signed by another provider", !resigned, said(resigned));
  const auto own = load(scene, own_envelope(scene, stranger));
  out.tried("a payload of one's own, sealed to the element", !own, said(own));
  const auto receipt = world.judge(scene.order, scene.e0.attempt, own_receipt(scene, stranger));
  out.tried("a receipt that says installed", receipt.verdict.verdict != Verdict::kConfirmed,
            receipt.verdict.reason);
  auto keys = must(roles::controlling_authority::RootKeys::create("KAGIBIN-AUTH", world.rng));
  roles::controlling_authority::Authority impostor(std::move(keys), world.issuance_log, world.clock,
                                                   world.rng);
  {
    device::Channels channels = must(device::Channels::open_logical(scene.card.link()));
    auto session = must(device::KdaSession::select(channels));
    const auto statement = session.statement(must(impostor.state_min_epoch(9)));
    out.tried("a statement of the authority", !statement, said(statement));
  }
  scene.rewind();
  const auto signing_key = must(world.keys->signing_key());
  const auto with_key = load(scene, own_envelope(scene, *signing_key.in_memory()));
  out.control("the same payload, with the provider's signing key in hand", with_key.has_value(),
              said(with_key));
  return out;
}

Finding replay() {
  Finding out;
  SealedScene scene("replay");
  test::Deployment& world = scene.world;
  const auto next = must(world.flow->attempt_after(scene.order, scene.e0.attempt));
  const auto old_answer = world.flow->seal(scene.order, next.attempt, scene.e4);
  out.tried("E4 of one attempt for the next", !old_answer,
            old_answer ? "sealed" : old_answer.error().text);
  scene.rewind();
  const Bytes receipt = must(world.relay(scene.card, scene.e2));
  KB_CHECK(world.judge(scene.order, scene.e0.attempt, receipt).verdict.verdict ==
           Verdict::kConfirmed);
  const auto envelope = load(scene, scene.e2);
  out.tried("E2 after its delivery", !envelope, said(envelope));
  const auto request = world.enrol(scene.card, scene.e0.message);
  out.tried("E0 after its delivery", !request, said(request));
  world.reopen(scene.card);
  const auto after_reset = load(scene, scene.e2);
  out.tried("E2 after a reset", !after_reset, said(after_reset));
  scene.rewind();
  out.control("E2 to an element whose memory was set back", scene.finish() == Verdict::kConfirmed,
              "installed a second time");
  return out;
}

Finding roll_back() {
  Finding out;
  SealedScene scene("roll back");
  test::Deployment& world = scene.world;
  const auto newer = world.open_order("order-2", scene.card);
  KB_CHECK(world.deliver(scene.card, newer.id).verdict.verdict == Verdict::kConfirmed);
  const auto newer_keys = must(world.keys->channel_keys(
      scene.card.seid, test::Deployment::domain_aid(), test::Deployment::kNewKeyVersion));
  const auto held_back = load(scene, scene.e2);
  out.tried("the envelope of SEQ 1 behind SEQ 2", !held_back, said(held_back));
  const auto request = world.enrol(scene.card, scene.e0.message);
  const auto again = request ? load(scene, scene.e2) : Result<void>();
  out.tried("the same behind its own request", !request || !again,
            request ? said(again) : said(request));
  out.tried(
      "the newer keys are gone",
      newer_keys && world.opens_with(scene.card, test::Deployment::kNewKeyVersion, *newer_keys),
      "they open the domain");
  scene.card.power->content = scene.memory;
  world.reopen(scene.card);
  const auto receipt = world.relay(scene.card, scene.e2);
  const bool installed = receipt && must(envelope::Receipt::decode(*receipt)).results ==
                                        std::vector{envelope::ActionResult::kInstalled};
  out.control("the older envelope to an element whose memory was set back", installed,
              installed ? "installed over the newer one" : "refused");
  return out;
}

}  // namespace kagibin::attack
