// SPDX-License-Identifier: Apache-2.0
// One visit in the steady state, by all roles: the receipt of a delivery carries the next
// enrolment, and the next order is an envelope at once (protocol, section 10; doc/decisions/0017).
#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/roles/service_provider/confidential/agreed_keys.h"
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"

#include "tests/system/order_network.h"

namespace kagibin::test {
namespace {

using delivery::State;
using delivery::Verdict;
using roles::service_provider::Outgoing;

constexpr std::int64_t kMinute = 60;

DeploymentOptions keeping(bool by_certificates, std::string_view suite = "01") {
  DeploymentOptions out;
  out.policy_members = R"(, "keep_enrolment_minutes": 60)";
  out.by_certificates = by_certificates;
  out.suites = suite;
  return out;
}

// A whole key set in the place of the one before it.
std::string rotation(int from, int to, bool by_certificates) {
  return fmt::format(
      R"({{"target":"{0}","channel":{{"key_version":"{1:02X}"{3}}},"actions":[{{"put_key":{{)"
      R"("replace":"{1:02X}","key_version":"{2:02X}","key_identifier":"01",)"
      R"("keys":[{{"random":16}},{{"random":16}},{{"random":16}}]}}}}]}})",
      Deployment::domain_aid().hex(), from, to,
      by_certificates ? R"(,"agreement_key_version":"03")" : "");
}

// The same with keys that are derived, hence the same again under the same version.
std::string derived(int from, int to) {
  return fmt::format(
      R"({{"target":"{0}","channel":{{"key_version":"{1:02X}"}},"actions":[{{"put_key":{{)"
      R"("replace":"{1:02X}","key_version":"{2:02X}","key_identifier":"01",)"
      R"("keys":[{3},{3},{3}]}}}}]}})",
      Deployment::domain_aid().hex(), from, to, R"({"derive":{"master":"fleet","size":16}})");
}

bool is_envelope(const Outgoing& opening) { return opening.message.at(0) == 0xE2; }

envelope::EnvelopeHeader header_of(ByteView e2) {
  return must(envelope::EnvelopeHeader::decode(must(envelope::Envelope::decode(e2)).header));
}

// One delivery as provider and agent make it, and how often the device had to come.
struct Delivered {
  int visits = 0;
  Outgoing opening;
  Bytes e2;
  Bytes e3;
  Verdict verdict = Verdict::kUnknown;
  std::string reason;
};

class OneVisit {
 public:
  explicit OneVisit(std::string_view seed, const DeploymentOptions& options = keeping(false))
      : world(seed, options), card(world.add_card("phone-1")), options_(options) {}

  // The next order: it replaces the key set that the domain holds by another.
  delivery::OrderId order() {
    const int fresh = Deployment::kDomainKeyVersion + ++made_;
    const auto id = world
                        .open_order(fmt::format("order-{}", made_), card,
                                    rotation(held_, fresh, options_.by_certificates))
                        .id;
    puts_[std::string(id.text())] = fresh;
    return id;
  }
  Delivered up_to_receipt(const delivery::OrderId& id) {
    return up_to_receipt(id, world.request(id));
  }
  Delivered up_to_receipt(const delivery::OrderId& id, const Outgoing& opening) {
    Delivered out;
    out.opening = opening;
    out.e2 = out.opening.message;
    ++out.visits;
    if (!is_envelope(out.opening)) {
      const Bytes e4 = must(world.enrol(card, out.opening.message));
      out.e2 = world.seal(id, out.opening.attempt, e4);
      ++out.visits;
    }
    out.e3 = must(world.relay(card, out.e2));
    return out;
  }
  void judge(const delivery::OrderId& id, Delivered& delivered, ByteView e3) {
    const auto judgement = world.judge(id, delivered.opening.attempt, e3);
    delivered.verdict = judgement.verdict.verdict;
    delivered.reason = judgement.verdict.reason;
    held_ = delivered.verdict == Verdict::kConfirmed ? puts_[std::string(id.text())] : held_;
  }
  Delivered deliver(const delivery::OrderId& id) {
    Delivered out = up_to_receipt(id);
    judge(id, out, out.e3);
    return out;
  }
  Delivered deliver() { return deliver(order()); }
  bool arrived() {
    const auto version = static_cast<std::uint8_t>(held_);
    const auto keys = must(world.keys->channel_keys(card.seid, Deployment::domain_aid(), version));
    return keys && world.opens_with(card, version, *keys);
  }

  Deployment world;
  DeployedCard& card;

 private:
  DeploymentOptions options_;
  int made_ = 0;
  int held_ = Deployment::kDomainKeyVersion;
  std::map<std::string, int> puts_;
};

// Protocol, section 10: one visit in the steady state
TEST(OneVisitTest, TheSecondAndEveryLaterDeliveryTakesOne) {
  for (const bool by_certificates : {false, true}) {
    OneVisit all("one visit", keeping(by_certificates));
    for (const int visits : {2, 1, 1, 1}) {
      const Delivered done = all.deliver();
      EXPECT_EQ(done.verdict, Verdict::kConfirmed) << done.reason;
      EXPECT_EQ(done.visits, visits) << by_certificates;
      EXPECT_EQ(header_of(done.e2).level, by_certificates ? 2 : 1);
      EXPECT_TRUE(all.arrived());
    }
  }
}

TEST(OneVisitTest, InEverySuite) {
  for (const char* suite : {"02", "10", "11"}) {
    OneVisit all("one visit", keeping(false, suite));
    EXPECT_EQ(all.deliver().visits, 2) << suite;
    const Delivered second = all.deliver();
    EXPECT_EQ(second.verdict, Verdict::kConfirmed) << suite << second.reason;
    EXPECT_EQ(second.visits, 1) << suite;
  }
}

TEST(OneVisitTest, SeqCountsOnAndThereIsOneADelivery) {
  OneVisit all("seq");
  for (std::uint32_t seq = 1; seq <= 3; ++seq) {
    EXPECT_EQ(header_of(all.deliver().e2).seq, seq);
  }
}

TEST(OneVisitTest, NobodyKeepsAnEnrolmentWhereThePolicyDoesNotSayForHowLong) {
  OneVisit all("no policy", DeploymentOptions{});
  for (int i = 0; i < 2; ++i) {
    const Delivered done = all.deliver();
    EXPECT_EQ(done.visits, 2);
    EXPECT_FALSE(header_of(done.e2).next_nonce_a);
    EXPECT_FALSE(must(envelope::Receipt::decode(done.e3)).next_enrolment);
  }
}

// Models f2w and f2wr
TEST(OneVisitTest, AtRl1TheProviderAsksOnlyBehindTheNextChannelKeys) {
  const std::string keys = R"("keys":[{"random":16},{"random":16},{"random":16}])";
  const std::string domain = R"({"target":"A00000015153504B01","channel":{"key_version":"30"},)";
  const std::array<std::string, 3> not_last = {
      domain + R"("actions":[{"put_key":{"key_version":"31","key_identifier":"01",)" + keys +
          R"(}},{"delete_key":{"key_version":"30"}}]})",
      domain + R"("actions":[{"put_key":{"key_version":"40","key_identifier":"05","keys":[)" +
          R"({"random":16}]}}]})",
      domain + R"("actions":[{"delete_key":{"key_version":"2F"}}]})"};
  for (const std::string& payload : not_last) {
    OneVisit all("rotation");
    const auto order = all.world.open_order("order-1", all.card, payload);
    const Outgoing e0 = all.world.request(order.id);
    const Bytes e2 =
        all.world.seal(order.id, e0.attempt, must(all.world.enrol(all.card, e0.message)));
    EXPECT_FALSE(header_of(e2).next_nonce_a) << payload;
  }
  OneVisit at_rl2("rotation", keeping(true));
  std::string payload = not_last[0];
  payload.replace(payload.find(R"("30"})"), 5, R"("30","agreement_key_version":"03"})");
  const auto order = at_rl2.world.open_order("order-1", at_rl2.card, payload);
  EXPECT_TRUE(header_of(at_rl2.deliver(order.id).e2).next_nonce_a) << "at RL2 every one";
}

TEST(OneVisitTest, AtRl3BehindASetThatTheProviderAlonePut) {
  OneVisit all("rl3", keeping(true));
  ASSERT_EQ(header_of(all.deliver().e2).level, 2);
  all.world.policy.minimum_level = 3;
  all.world.policy.accept_rl1.reset();
  for (int i = 0; i < 2; ++i) {
    const Delivered done = all.deliver();
    EXPECT_EQ(done.verdict, Verdict::kConfirmed) << done.reason;
    EXPECT_EQ(done.visits, 1);
    EXPECT_EQ(header_of(done.e2).level, 3);
    EXPECT_TRUE(all.arrived());
  }
}

// The envelope of the next order has to bring the set that was put for it, and no other.
TEST(OneVisitTest, AtRl1AnOrderUnderOtherChannelKeysAsksTheElement) {
  OneVisit all("other keys");
  ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
  auto keys = must(all.world.keys->channel_keys(all.card.seid, Deployment::domain_aid(), 0x31));
  must(all.world.keys->put_channel_keys(all.card.seid, Deployment::domain_aid(), 0x35, *keys));
  const auto order = all.world.open_order("other", all.card, rotation(0x35, 0x32, false));
  EXPECT_FALSE(is_envelope(all.world.request(order.id)));
}

// Models f2w and f2wr: no session may have run under the set in the envelope that waits.
TEST(OneVisitTest, AtRl1TheProviderDoesNotAskBehindKeysThatASessionRanUnder) {
  OneVisit all("keys come back");
  const std::array<std::pair<int, int>, 4> versions = {
      {{0x30, 0x31}, {0x31, 0x32}, {0x32, 0x31}, {0x31, 0x31}}};
  const std::array<bool, 4> asks = {true, true, false, false};
  const std::array<int, 4> visits = {2, 1, 1, 2};
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const auto order = all.world.open_order(fmt::format("order-{}", i), all.card,
                                            derived(versions.at(i).first, versions.at(i).second));
    const Delivered done = all.deliver(order.id);
    EXPECT_EQ(done.verdict, Verdict::kConfirmed) << i << done.reason;
    EXPECT_EQ(header_of(done.e2).next_nonce_a.has_value(), asks.at(i)) << i;
    EXPECT_EQ(done.visits, visits.at(i)) << i;
  }
}

TEST(OneVisitTest, AtRl1ASessionForAnApplicationUnderTheSameSetEndsWhatWaits) {
  OneVisit all("application");
  ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
  const auto second = all.world.open_order(
      "application", all.card,
      R"({"target":"A0000001515350FF","channel":{"security_domain":"A00000015153504B01",)"
      R"("key_version":"31"},"actions":[{"command":{"header":"80520100","data":[{"value":"01"}],)"
      R"("probe":"8054010000"}}]})");
  const Outgoing e0 = all.world.request(second.id);
  ASSERT_FALSE(is_envelope(e0));
  const Bytes e2 =
      all.world.seal(second.id, e0.attempt, must(all.world.enrol(all.card, e0.message)));
  ASSERT_EQ(header_of(e2).key_version_number, 0x31);
  const Delivered third = all.deliver();
  EXPECT_EQ(third.visits, 2);
  EXPECT_EQ(third.verdict, Verdict::kConfirmed) << third.reason;
}

TEST(OneVisitTest, AtRl1ASetThatWasAgreedOnUnderTheSameVersionEndsWhatWaits) {
  OneVisit all("agreed meanwhile");
  ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
  const provider::DomainKeyName name{
      .seid = all.card.seid, .security_domain = Deployment::domain_aid(), .key_version = 0x31};
  must(provider::AgreedKeys(all.world.journal, *all.world.keys, name)
           .adopt({.keys = Deployment::channel_keys(all.card.domain_keys)}));
  EXPECT_FALSE(is_envelope(must(all.world.flow->attempt_after(all.order(), 0))));
}

// By its envelopes; that its keys are noted as exposed when they are sealed is the other half.
TEST(OneVisitTest, ASetThatCameAtOnceAtRl1IsNotTheProvidersAlone) {
  OneVisit all("not exclusive");
  ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
  const auto id = all.order();
  Delivered second = all.up_to_receipt(id);
  ASSERT_EQ(second.visits, 1);
  auto state = all.world.journal.state();
  std::erase_if(state.records,
                [](const auto& record) { return record.first.first == "exposed_key"; });
  all.world.journal.restore(state);
  all.judge(id, second, second.e3);
  ASSERT_TRUE(all.arrived());
  EXPECT_FALSE(must(provider::ExclusiveKeys(all.world.journal, *all.world.keys)
                        .holds({.seid = all.card.seid,
                                .security_domain = Deployment::domain_aid(),
                                .key_version = 0x32})));
}

TEST(OneVisitTest, AnEnrolmentServesOneOrder) {
  OneVisit all("one order");
  ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
  const auto second = all.order();
  const auto third = all.order();
  const Outgoing first_opening = all.world.request(second);
  EXPECT_TRUE(is_envelope(first_opening));
  EXPECT_EQ(must(all.world.flow->attempt_after(second, 0)).message, first_opening.message)
      << "asked again, the same goes out again";
  EXPECT_FALSE(is_envelope(must(all.world.flow->attempt_after(third, 0))));
}

TEST(OneVisitTest, AReceiptThatIsJudgedAgainBringsNothingBack) {
  OneVisit all("judged again");
  const auto first_order = all.order();
  Delivered first = all.deliver(first_order);
  const auto second_order = all.order();
  ASSERT_TRUE(is_envelope(all.world.request(second_order)));
  all.judge(first_order, first, first.e3);
  EXPECT_EQ(first.verdict, Verdict::kConfirmed);
  EXPECT_FALSE(is_envelope(must(all.world.flow->attempt_after(all.order(), 0))));
}

TEST(OneVisitTest, WhatWaitedTooLongIsNotUsed) {
  OneVisit all("too long");
  ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
  all.world.clock.advance_seconds(60 * kMinute);
  const Delivered second = all.deliver();
  EXPECT_EQ(second.visits, 2);
  EXPECT_EQ(second.verdict, Verdict::kConfirmed) << second.reason;
  all.world.clock.advance_seconds(59 * kMinute);
  EXPECT_EQ(all.deliver().visits, 1);
}

// By when it was asked for, whoever kept the receipt back.
TEST(OneVisitTest, WhatAReceiptAnnouncedAgesFromTheEnvelopeOn) {
  OneVisit all("held back");
  const auto id = all.order();
  Delivered first = all.up_to_receipt(id);
  all.world.clock.advance_seconds(30 * kMinute);
  all.judge(id, first, first.e3);
  ASSERT_EQ(first.verdict, Verdict::kConfirmed) << first.reason;
  all.world.clock.advance_seconds(30 * kMinute);
  EXPECT_FALSE(is_envelope(all.world.request(all.order())));
}

// The element keeps CERT.SP of the last E0.
TEST(OneVisitTest, ANewCertificateOfTheProviderAsksTheElement) {
  OneVisit all("renewed");
  ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
  const auto id = all.order();
  Delivered second = all.up_to_receipt(id);
  ASSERT_EQ(second.visits, 1);
  const Bytes request = must(pki::sign_certification_request(
      pki::CertificateKind::kServiceProvider, all.world.provider_certificate->fields().subject,
      must(all.world.keys->signing_key()), all.world.rng));
  all.world.provider_certificate = must(all.world.authority->certify_service_provider(
      must(pki::CertificationRequest::decode(request)), {*from_hex("A000000151")}, 1, 365));
  all.world.renew_flow();
  all.judge(id, second, second.e3);
  ASSERT_EQ(second.verdict, Verdict::kConfirmed) << second.reason;
  const Delivered third = all.deliver();
  EXPECT_EQ(third.visits, 2);
  EXPECT_EQ(third.verdict, Verdict::kConfirmed) << third.reason;
  EXPECT_EQ(all.deliver().visits, 1);
}

TEST(OneVisitTest, ARequestEndsWhatWaitsWhereThePolicyKeepsNothingAnyMore) {
  OneVisit all("policy off and on");
  ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
  all.world.policy.keep_enrolment_minutes = 0;
  const auto second = all.order();
  ASSERT_FALSE(is_envelope(must(all.world.flow->attempt_after(second, 0))));
  all.world.policy.keep_enrolment_minutes = 60;
  EXPECT_FALSE(is_envelope(must(all.world.flow->attempt_after(all.order(), 0))));
}

TEST(OneVisitTest, AFailureAnywhereLeavesAnOrderThatGoesOn) {
  bool came = true;
  for (std::uint64_t change = 1; came; ++change) {
    OneVisit all("failure");
    ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
    const auto id = all.order();
    all.world.journal.fail_at(change);
    const auto opening = all.world.flow->attempt_after(id, 0);
    all.world.journal.fail_at(0);
    came = !opening;
    EXPECT_TRUE(!opening || is_envelope(*opening)) << change;
    const auto request = must(all.world.journal.find_entry(id, 1, delivery::JournalStep::kRequest));
    if (request && request->message.at(0) == 0xE2) {
      EXPECT_EQ(must(all.world.flow->find(id)).state, State::kSealed) << change;
    }
    all.world.renew_flow();
    const Outgoing again = must(all.world.flow->attempt_after(id, 0));
    EXPECT_EQ(is_envelope(again), !opening || is_envelope(*opening)) << change;
    Delivered done = all.up_to_receipt(id, again);
    all.judge(id, done, done.e3);
    EXPECT_EQ(done.verdict, Verdict::kConfirmed) << change << done.reason;
    EXPECT_TRUE(all.arrived()) << change;
  }
}

TEST(OneVisitTest, NothingThatWasPreparedIsLeftBehind) {
  OneVisit all("prepared");
  ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
  ASSERT_TRUE(is_envelope(all.world.request(all.order())));
  for (const auto& [order, prepared] : must(all.world.journal.records("prepared_delivery"))) {
    EXPECT_TRUE(prepared.empty());
  }
}

// A process that asks and one that takes what waits: whoever opened the attempt is right.
TEST(OneVisitTest, WhatWasPreparedGivesWayToARequestThatWasFirst) {
  OneVisit all("two processes");
  ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
  const auto id = all.order();
  const auto before = all.world.journal.state();
  ASSERT_TRUE(is_envelope(must(all.world.flow->attempt_after(id, 0))));
  const auto records = all.world.journal.state().records;
  all.world.journal.restore(before);
  all.world.policy.keep_enrolment_minutes = 0;
  ASSERT_FALSE(is_envelope(must(all.world.flow->attempt_after(id, 0))));
  auto mixed = all.world.journal.state();
  mixed.records = records;
  mixed.entries.erase({id, 1, delivery::JournalStep::kRequest});
  all.world.journal.restore(mixed);
  EXPECT_FALSE(is_envelope(must(all.world.flow->attempt_after(id, 0))));
}

TEST(OneVisitTest, WhatIsAskedOfAnAnswerIsAskedAgainWhenItIsUsed) {
  using Change = std::function<void(OneVisit&)>;
  const std::array<Change, 5> changes = {
      [](OneVisit& all) { all.world.policy.kda_code_hashes.clear(); },
      [](OneVisit& all) { all.world.policy.attestation_profiles.clear(); },
      [](OneVisit& all) { all.world.policy.minimum_level = 2; },
      [](OneVisit& all) {
        const auto shipped = *must(all.world.shipments.find(all.card.seid));
        const auto maker = must(all.world.shipments.find_maker(shipped.maker));
        all.world.trust.revoked.add(maker->fields().issuer, maker->fields().serial);
        all.world.renew_flow();
      },
      [](OneVisit& all) { all.world.policy.keep_enrolment_minutes = 0; }};
  for (const Change& change : changes) {
    OneVisit all("asked again");
    ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
    const auto second = all.order();
    change(all);
    EXPECT_FALSE(is_envelope(must(all.world.flow->attempt_after(second, 0))));
  }
}

// The device, the carrier or the operator change the receipt.
TEST(OneVisitTest, AReceiptWithoutItsAnnouncementOrWithAnotherIsNotBelieved) {
  OneVisit other("other element");
  const Bytes of_other = *must(envelope::Receipt::decode(other.deliver().e3)).next_enrolment;
  for (const bool swaps : {false, true}) {
    OneVisit all("changed receipt");
    const auto id = all.order();
    Delivered done = all.up_to_receipt(id);
    envelope::Receipt changed = must(envelope::Receipt::decode(done.e3));
    changed.next_enrolment = swaps ? std::optional(of_other) : std::nullopt;
    all.judge(id, done, changed.encode());
    EXPECT_EQ(done.verdict, Verdict::kUnknown) << done.reason;
    // The element keeps the true one, and the next statement tells as much.
    const Delivered again = all.up_to_receipt(all.order());
    EXPECT_EQ(again.visits, 2) << "nothing of it waits";
    all.judge(id, done, done.e3);
    EXPECT_EQ(done.verdict, Verdict::kConfirmed) << done.reason;
  }
}

TEST(OneVisitTest, WhatIsAnnouncedIsNotKeptWhereThePolicyEndedThatMeanwhile) {
  OneVisit all("policy ended");
  const auto id = all.order();
  Delivered first = all.up_to_receipt(id);
  all.world.policy.keep_enrolment_minutes = 0;
  all.judge(id, first, first.e3);
  EXPECT_EQ(first.verdict, Verdict::kConfirmed) << first.reason;
  all.world.policy.keep_enrolment_minutes = 60;
  EXPECT_FALSE(is_envelope(must(all.world.flow->attempt_after(all.order(), 0))));
}

TEST(OneVisitTest, ALostReceiptIsToldAgainUntilTheNextEnvelopeShowsThatItCame) {
  OneVisit all("lost receipt");
  const auto id = all.order();
  Delivered first = all.up_to_receipt(id);
  all.world.reopen(all.card);
  EXPECT_EQ(must(all.world.relay(all.card, first.e2)), first.e3) << "the agent comes again";
  all.judge(id, first, first.e3);
  const Delivered second = all.deliver();
  EXPECT_EQ(second.visits, 1);
  EXPECT_EQ(all.world.relay(all.card, first.e2).error().sw.value, 0x6A88);
}

TEST(OneVisitTest, AnEnvelopeIsGoodOnceAndInItsElementAlone) {
  OneVisit all("replay");
  DeployedCard& other = all.world.add_card("phone-2");
  ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
  const Delivered second = all.deliver();
  const Handle handle = header_of(second.e2).handle;
  EXPECT_EQ(all.world.load(all.card, handle, second.e2).error().sw.value, 0x6985);
  const Handle next = must(envelope::EnrolmentAnswer::decode(
                               *must(envelope::Receipt::decode(second.e3)).next_enrolment))
                          .handle;
  EXPECT_EQ(all.world.load(all.card, next, second.e2).error().sw.value, 0x6985);
  EXPECT_EQ(all.world.load(other, handle, second.e2).error().sw.value, 0x6985);
  EXPECT_EQ(all.deliver().verdict, Verdict::kConfirmed);
}

TEST(OneVisitTest, WhenTheElementRefusesItIsAskedByE0) {
  OneVisit all("refuses");
  ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
  const auto id = all.order();
  const Outgoing opening = all.world.request(id);
  ASSERT_TRUE(is_envelope(opening));
  envelope::Envelope bad = must(envelope::Envelope::decode(opening.message));
  bad.sealed.back() ^= 1U;  // on the way: the signature is wrong, and no receipt tells of it
  EXPECT_FALSE(all.world.load(all.card, header_of(opening.message).handle, bad.encode()));
  // The provider asks again, and the attempt before it is gone with its key.
  const Outgoing e0 = all.world.request(id);
  EXPECT_EQ(e0.attempt, 2U);
  EXPECT_FALSE(is_envelope(e0));
  const Bytes e2 = all.world.seal(id, e0.attempt, must(all.world.enrol(all.card, e0.message)));
  EXPECT_EQ(
      all.world.load(all.card, header_of(opening.message).handle, opening.message).error().sw.value,
      0x6985);
  Delivered done;
  done.opening = e0;
  all.judge(id, done, must(all.world.relay(all.card, e2)));
  EXPECT_EQ(done.verdict, Verdict::kConfirmed) << done.reason;
  EXPECT_TRUE(all.arrived());
  EXPECT_EQ(all.deliver().visits, 1) << "and the next one waits again";
}

TEST(OneVisitTest, ACancellationReachesWhatWasSealedAtOnce) {
  OneVisit all("cancel");
  ASSERT_EQ(all.deliver().verdict, Verdict::kConfirmed);
  const auto id = all.order();
  const Outgoing opening = all.world.request(id);
  const Outgoing cancellation = must(all.world.flow->cancel_after(id, opening.attempt));
  device::Channels channels = must(device::Channels::open_logical(all.card.link()));
  auto session = must(device::KdaSession::select(channels));
  must(session.cancel(cancellation.message));
  const Handle handle = header_of(opening.message).handle;
  EXPECT_FALSE(session.load(handle, opening.message));
  const auto judgement = all.world.judge(id, cancellation.attempt, must(session.receipt(handle)));
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kCancelled) << judgement.verdict.reason;
}

// The slot that a receipt announces has the KEM key of the attempt that it is about.
TEST(OneVisitTest, WhatIsAnnouncedIsNotKeptWhereThatAttemptWasCancelledOrAskedAgain) {
  for (const bool cancels : {false, true}) {
    OneVisit all("cancelled too late");
    const auto id = all.order();
    Delivered first = all.up_to_receipt(id);
    must(cancels ? all.world.flow->cancel_after(id, 1) : all.world.flow->attempt_after(id, 1));
    all.judge(id, first, first.e3);
    ASSERT_EQ(first.verdict, Verdict::kConfirmed) << first.reason;
    EXPECT_FALSE(is_envelope(must(all.world.flow->attempt_after(all.order(), 0))));
  }
}

// A cancellation that names the key, signed for something else: the receipt has a good MAC.
TEST(OneVisitTest, ACancellationThatWasNotMeantForAnOrderDoesNotEndIt) {
  OneVisit all("not meant");
  const auto first = all.order();
  const Outgoing e0 = all.world.request(first);
  const Bytes e2 = all.world.seal(first, 1, must(all.world.enrol(all.card, e0.message)));
  must(all.world.load(all.card, header_of(e2).handle, e2));
  auto cancellation = must(envelope::EnrolmentRequest::decode(e0.message));
  cancellation.cancel = true;
  cancellation.nonce_a = Nonce16{must(crypto::random_array<16>(all.world.rng))};
  const Bytes message = must(
      envelope::sign_request(cancellation, must(all.world.keys->signing_key()), all.world.rng));
  const auto cancel = [&] {
    device::Channels channels = must(device::Channels::open_logical(all.card.link()));
    auto session = must(device::KdaSession::select(channels));
    must(session.cancel(message));
    return must(session.receipt(header_of(e2).handle));
  };
  const Bytes e3 = cancel();
  ASSERT_TRUE(must(envelope::Receipt::decode(e3)).mac);
  const auto judgement = all.world.judge(first, 1, e3);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kUnknown) << judgement.verdict.reason;
  EXPECT_TRUE(judgement.ask_again);
  EXPECT_EQ(all.deliver(first).verdict, Verdict::kConfirmed);
}

// --- with operator and agent -------------------------------------------------------------------

class OneVisitNetworkTest : public ::testing::Test {
 protected:
  delivery::OrderId order(int number) {
    return net.world
        .open_order(fmt::format("order-{}", number), net.card,
                    rotation(0x2F + number, 0x30 + number, false))
        .id;
  }
  Network net{"one visit, network", keeping(false)};
  // Another request of ours goes to the element by another way: the slot is another's now.
  delivery::OrderId handed_over_in_silence() {
    must(net.client().submit(order(1)));
    EXPECT_EQ(net.run(must(delivery::OrderId::from("order-1"))), State::kConfirmed);
    const auto id = order(2);
    must(net.client().submit(id));
    const auto third = net.world.open_order("other", net.card, rotation(0x31, 0x40, false)).id;
    must(net.world.enrol(net.card, must(net.world.flow->attempt_after(third, 0)).message));
    EXPECT_EQ(must(net.run_agent()).delivered, 0);
    return id;
  }
};

TEST_F(OneVisitNetworkTest, TheDeviceComesOnce) {
  const auto first = order(1);
  ASSERT_TRUE(net.client().submit(first));
  ASSERT_EQ(must(net.run_agent()).enrolled, 1);
  static_cast<void>(must(net.client().run_once()));
  ASSERT_EQ(must(net.run_agent()).delivered, 1);
  static_cast<void>(must(net.client().run_once()));
  ASSERT_EQ(must(net.world.flow->find(first)).state, State::kConfirmed);
  for (const int number : {2, 3}) {
    const auto id = order(number);
    ASSERT_TRUE(net.client().submit(id));
    EXPECT_EQ(net.at_the_operator(id), State::kSealed);
    const auto run = must(net.run_agent());
    EXPECT_EQ(run.enrolled, 0);
    EXPECT_EQ(run.delivered, 1);
    EXPECT_EQ(net.at_the_operator(id), State::kReported);
    static_cast<void>(must(net.client().run_once()));
    EXPECT_EQ(net.at_the_operator(id), State::kConfirmed);
    EXPECT_EQ(must(net.world.flow->find(id)).current_attempt, 1U);
  }
  EXPECT_TRUE(must(net.world.journal.unacknowledged()).empty());
}

TEST_F(OneVisitNetworkTest, EveryRequestAndEveryAnswerLostOnceStillEndsConfirmed) {
  ASSERT_TRUE(net.client().submit(order(1)));
  ASSERT_EQ(net.run(must(delivery::OrderId::from("order-1"))), State::kConfirmed);
  int number = 2;
  for (const Fault fault : {Fault::kRequestLost, Fault::kAnswerLost, Fault::kSentTwice}) {
    for (FaultyHttp* http : {&net.provider_http, &net.device_http}) {
      for (std::size_t nth = 1; nth <= 3; ++nth, ++number) {
        http->fault = fault;
        http->nth = http->requests() + nth;
        const auto id = order(number);
        static_cast<void>(net.client().submit(id));
        EXPECT_EQ(net.run(id), State::kConfirmed) << number;
        http->fault = Fault::kNone;
        EXPECT_EQ(must(net.world.flow->find(id)).current_attempt, 1U) << number;
      }
    }
  }
}

TEST_F(OneVisitNetworkTest, ACancellationOfWhatNobodyFetchedIsAnsweredByTheElement) {
  ASSERT_TRUE(net.client().submit(order(1)));
  ASSERT_EQ(net.run(must(delivery::OrderId::from("order-1"))), State::kConfirmed);
  const auto id = order(2);
  ASSERT_TRUE(net.client().submit(id));
  ASSERT_TRUE(net.client().cancel(id));
  EXPECT_EQ(must(net.run_agent()).cancelled, 1);
  static_cast<void>(must(net.client().run_once()));
  EXPECT_EQ(must(net.world.flow->find(id)).state, State::kCancelled);
  EXPECT_EQ(net.at_the_operator(id), State::kCancelled);
}

TEST_F(OneVisitNetworkTest, AReceiptThatAnotherOrderHasIsNoAnswerToACancellation) {
  ASSERT_TRUE(net.client().submit(order(1)));
  ASSERT_EQ(net.run(must(delivery::OrderId::from("order-1"))), State::kConfirmed);
  const auto id = order(2);
  ASSERT_TRUE(net.client().submit(id));
  std::optional<delivery::AgentJob> other;
  for (const delivery::AgentJob& job : must(net.jobs().jobs())) {
    const auto told = envelope::Receipt::decode(job.answer);
    if (told && told->next_enrolment) {
      other = job;
      other->handle = must(envelope::EnrolmentAnswer::decode(*told->next_enrolment)).handle;
    }
  }
  ASSERT_TRUE(other);
  other->order.id = must(delivery::OrderId::from("another"));
  other->kind = delivery::Work::Kind::kCancel;
  must(net.jobs().put_job(*other));
  ASSERT_TRUE(net.client().cancel(id));
  const auto run = must(net.run_agent());
  EXPECT_EQ(run.cancelled, 0);
  EXPECT_EQ(run.troubles.size(), 1U);
}

// An element that no longer knows what it announced has no receipt to give.
TEST_F(OneVisitNetworkTest, SilenceIsAskedByE0AfterAWhile) {
  const auto id = handed_over_in_silence();
  auto client = net.client();
  EXPECT_EQ(net.at_the_operator(id), State::kHandedOver);
  static_cast<void>(must(client.run_once()));
  EXPECT_EQ(must(net.world.flow->find(id)).current_attempt, 1U);
  net.world.clock.advance_seconds(15 * kMinute);
  static_cast<void>(must(client.run_once()));
  EXPECT_EQ(must(net.world.flow->find(id)).current_attempt, 2U);
  EXPECT_EQ(net.run(id), State::kConfirmed);
}

TEST_F(OneVisitNetworkTest, SilenceThatIsAskedOverTheLimitEndsNoRunAndIsAskedLater) {
  const auto id = handed_over_in_silence();
  auto client = net.client();
  static_cast<void>(must(client.run_once()));
  net.world.clock.advance_seconds(15 * kMinute);
  net.limit({.max_open = {}, .rate = delivery::TenantRate{.per_minute = 1, .burst = 1}});
  const delivery::OrderRequest spent{.device = net.card.device, .not_after = 2'000'000'000};
  must(net.provider_api.put_order(must(delivery::OrderId::from("spent")), spent));
  EXPECT_EQ(must(client.run_once()).over_limit, 1U);
  EXPECT_EQ(must(net.provider_api.order(id)).attempts.size(), 1U);
  net.world.clock.advance_seconds(60);
  EXPECT_EQ(must(client.run_once()).over_limit, 0U);
  EXPECT_EQ(net.run(id), State::kConfirmed);
}

}  // namespace
}  // namespace kagibin::test
