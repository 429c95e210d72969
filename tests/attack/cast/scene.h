// SPDX-License-Identifier: Apache-2.0
// One order under one scheme, with the real libraries on every side, and one coalition around it:
// what the coalition holds, what it sees, and the places where it may put its hand in. What it did
// is recorded; what was delivered only the judge asks for. Thread-safety: none.
//
//   Scene scene(scheme, coalition, "seed");
//   scene.deliver();                          // an honest device; the coalition listens
//   const CoalitionView view = scene.view();  // for the solver
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/cli/solver/solver.h"
#include "kagibin/envelope/enrolment/enrolment.h"

#include "tests/attack/cast/coalition.h"
#include "tests/attack/cast/holdings.h"
#include "tests/attack/cast/rogue_kda.h"
#include "tests/attack/cast/scheme.h"
#include "tests/support/deployment.h"

namespace kagibin::attack {

// What passes over the way between the honest device's software and whatever answers it.
class Tap final : public apdu::CardLink {
 public:
  explicit Tap(apdu::CardLink& card) : card_(&card) {}
  void listen_to(apdu::CardLink& card) { card_ = &card; }
  Result<Bytes> transmit(ByteView command) override;
  Result<void> reset() override { return card_->reset(); }
  std::vector<cli::Exchange> seen;

 private:
  apdu::CardLink* card_;
};

class Scene {
 public:
  Scene(const Scheme& scheme, Coalition coalition, std::string_view seed);

  const Scheme& scheme() const { return scheme_; }
  const Coalition& coalition() const { return coalition_; }
  Holdings& holdings() { return holdings_; }
  test::Deployment& world() { return *world_; }
  test::DeployedCard& card() { return *card_; }
  Aid target() const { return test::Deployment::domain_aid(); }

  // ---- What goes over the network: the coalition sees it, and may hand in something else. ----
  // E0. Precondition: not conventional.
  const Bytes& request() const { return e0_; }
  // E4 of the element; with CERT.SD as the device reads it, or this one. `device`: in the place of
  // the honest way to the element.
  Result<Bytes> enrol(apdu::CardLink* device = nullptr);
  Result<Bytes> enrol_with(ByteView domain_certificate);
  // What A makes of an answer: E2, or nothing and `refusal()`. After a refusal A is as before.
  std::optional<Bytes> offer(ByteView answer);
  const std::string& refusal() const { return refusal_; }
  // A shipment list for A to take; false when A takes it not.
  bool hand_over(std::string_view list);
  // E2 to the element; E3, if there is one.
  std::optional<Bytes> relay(ByteView envelope, apdu::CardLink* device = nullptr);
  // All of it with an honest network. False unless A saw the key installed (in the conventional
  // scheme, the operator).
  bool deliver(apdu::CardLink* device = nullptr);

  // ---- What the coalition knows afterwards. ----
  cli::CoalitionView view() const;
  // The answer that the element gave to E0, opened: the coalition is told more than it knows.
  envelope::AnswerContent honest_answer(ByteView answer);
  // For the envelope that A sealed last.
  void knows_envelope(ByteView envelope, ByteView statement_hash);

  // ---- The judge's. ----
  std::vector<SecretBytes> delivered();

 private:
  void give_holdings();
  void push(apdu::CardLink& device);
  // A key set of A's own, before the delivery.
  void put_first(std::string_view payload);

  Scheme scheme_;
  Coalition coalition_;
  std::unique_ptr<RogueRng> rogue_;
  std::unique_ptr<test::Deployment> world_;
  test::DeployedCard* card_ = nullptr;
  std::unique_ptr<Tap> tap_;
  Holdings holdings_;
  std::vector<SecretBytes> entrusted_;  // K of the conventional scheme
  std::optional<delivery::JournalOrder> order_{};
  delivery::AttemptNumber attempt_ = 0;
  Bytes e0_;
  std::string refusal_;
  std::vector<cli::SealedEnvelope> envelopes_;
};

}  // namespace kagibin::attack
