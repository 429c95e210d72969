// SPDX-License-Identifier: Apache-2.0
// One order whose envelope is sealed and not yet delivered, and a way back to that moment: for
// tests that try the same delivery in many bad ways. Thread-safety: none.
//
//   SealedScene scene("seed");
//   EXPECT_FALSE(scene.world.load(scene.card, scene.handle, damaged));
//   scene.rewind();
#pragma once

#include <string_view>

#include "kagibin/envelope/delivery_message.h"

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
