// SPDX-License-Identifier: Apache-2.0
// One order whose envelope is sealed and not yet delivered, and a way back to that moment: for
// tests that try the same delivery in many bad ways. Thread-safety: none.
//
//   SealedScene scene("seed");
//   EXPECT_FALSE(scene.world.load(scene.card, scene.handle, damaged));
//   scene.rewind();
#pragma once

#include <functional>
#include <string_view>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/envelope/delivery_message.h"
#include "kagibin/envelope/enrolment/answer_open.h"
#include "kagibin/roles/service_provider/order_records.h"

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::test {

struct SealedScene {
  Deployment world;
  DeployedCard& card;
  delivery::OrderId order;
  roles::service_provider::Outgoing e0;
  Bytes e4;
  Bytes e2;
  Handle handle;
  Bytes memory;                  // of the element
  MemoryJournal::State journal;  // of the provider

  explicit SealedScene(std::string_view seed,
                       const DeploymentOptions& options = {},
                       const CardOptions& card_options = {})
      : world(seed, options),
        card(world.add_card("phone-1", card_options)),
        order(world.open_order("order-1", card).id),
        e0(world.request(order)),
        e4(must(world.enrol(card, e0.message))),
        e2(world.seal(order, e0.attempt, e4)),
        handle(header().handle),
        memory(card.power->content),
        journal(world.journal.state()) {}

  envelope::EnvelopeHeader header() const {
    return must(envelope::EnvelopeHeader::decode(must(envelope::Envelope::decode(e2)).header));
  }
  // PK.SP.KEM's other half.
  crypto::EcPrivateKey kem_key() {
    const auto attempt = *must(world.journal.find_attempt(order, e0.attempt));
    const SecretBytes scalar = must(world.keys->unseal(
        roles::service_provider::kem_label(order, e0.attempt), attempt.sealed_kem_key));
    return must(crypto::EcPrivateKey::from_scalar(scalar.expose()));
  }
  // What E4 holds, as the provider opens it.
  envelope::AnswerContent answer() {
    return must(envelope::open_answer(must(envelope::EnrolmentAnswer::decode(e4)), kem_key()));
  }
  // E2 with another header, or the same one, signed by this key: what only the binding of the
  // header to the sealed part can notice.
  Bytes signed_by(const crypto::SigningKey& key,
                  const std::function<void(envelope::EnvelopeHeader&)>& change) {
    envelope::Envelope out = must(envelope::Envelope::decode(e2));
    envelope::EnvelopeHeader changed = header();
    change(changed);
    out.header = changed.encode();
    out.signature = must(key.sign_der({ascii(envelope::kLabelEnvelope), out.header,
                                       out.sealed_tlv(), crypto::sha256(answer().statement)},
                                      world.rng));
    return out.encode();
  }
  // The moment after E2 was sealed.
  void rewind() {
    card.power->content = memory;
    world.reopen(card);
    world.journal.restore(journal);
  }
  // The honest rest of the delivery.
  delivery::Verdict finish() {
    const Bytes e3 = must(world.relay(card, e2));
    return world.judge(order, e0.attempt, e3).verdict.verdict;
  }
};

}  // namespace kagibin::test
