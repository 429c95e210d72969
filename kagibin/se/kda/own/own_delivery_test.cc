// SPDX-License-Identifier: Apache-2.0
// A security domain that takes deliveries by itself: what it installs, what it refuses, and that
// nothing of it is relayed.
#include "kagibin/se/kda/own/own_delivery.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/kda/commands.h"
#include "kagibin/kda/next.h"
#include "kagibin/se/applications/built_in_applications.h"
#include "kagibin/se/kda/kda_test_bench.h"

namespace kagibin::se {
namespace {

namespace sw = apdu::sw;
using Results = std::vector<int>;

KdaBench::Options own() { return {.own_delivery = true}; }

template <typename... Action>
std::vector<envelope::Action> list(Action... action) {
  std::vector<envelope::Action> out;
  (out.emplace_back(std::move(action)), ...);
  return out;
}

// DGI 8020, the payment credential's key.
envelope::StoreDataAction store_key(std::uint8_t seed, const Aid& application) {
  Bytes group = hex("802010");
  append(group, key_octets(seed).expose());
  return {.application = application,
          .under_key_dek = true,
          .data = SecretBytes::copy_of(group),
          .probe = {}};
}

// Below the target domain: answers STORE DATA with these words, the last one first, and then 9000.
class FailingApplication final : public Application {
 public:
  explicit FailingApplication(std::shared_ptr<std::vector<StatusWord>> failures)
      : failures_(std::move(failures)) {}
  StatusWord install(ByteView) override { return sw::kOk; }
  apdu::ResponseApdu process(const apdu::CommandApdu&) override {
    return {{}, sw::kInstructionNotSupported};
  }
  StatusWord store_data(ByteView, std::uint8_t, std::uint8_t) override {
    if (failures_->empty()) {
      return sw::kOk;
    }
    const StatusWord out = failures_->back();
    failures_->pop_back();
    return out;
  }

 private:
  std::shared_ptr<std::vector<StatusWord>> failures_;
};

Aid failing_module() { return aid("F0000000000301"); }

BuiltIn failing_built_in(const std::shared_ptr<std::vector<StatusWord>>& failures) {
  return {.file = {.aid = aid("F00000000003"),
                   .version = {1, 0},
                   .sources = {0x03},
                   .modules = {failing_module()}},
          .factories = {[failures](const ApplicationContext&) {
            return std::make_unique<FailingApplication>(failures);
          }}};
}

struct OwnDeliveryTest : testing::Test {
  // The receipt of a delivery that comes to its end.
  Results deliver(const envelope::Payload& payload) {
    last = bench.enrol();
    bench.seal(*last, payload);
    EXPECT_EQ(bench.load(*last), sw::kOk);
    EXPECT_EQ(bench.pump(last->handle()), Outcome::kDone);
    return bench.receipt(*last).results();
  }
  Results deliver(std::vector<envelope::Action> actions) {
    return deliver(bench.payload_of(std::move(actions)));
  }
  kda::State state() { return bench.status(last->handle()).state; }

  KdaBench bench{own()};
  std::optional<Delivery> last;
};

TEST_F(OwnDeliveryTest, InstallsWithoutAnApduToTheTarget) {
  std::vector<Bytes> sent;
  bench.intercept = [&](const apdu::CommandApdu& command) {
    sent.push_back(command.data);
    return std::nullopt;
  };
  EXPECT_EQ(deliver(bench.replace_keys(0x20, 0x31)), Results{0});
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(state(), kda::State::kDone);
  EXPECT_TRUE(bench.target_holds(0x31, 0x60));
  EXPECT_FALSE(bench.target_holds(0x20, 0x20));
  for (const Bytes& answer : bench.kda_answers) {
    for (const std::uint8_t seed : std::array<std::uint8_t, 3>{0x60, 0x61, 0x62}) {
      EXPECT_TRUE(std::ranges::search(answer, key_octets(seed).expose()).empty());
    }
  }
}

TEST_F(OwnDeliveryTest, TheStatementNamesTheDomainItsCodeItsOneLevelAndItsKeys) {
  const Delivery delivery = bench.enrol();
  const envelope::EnrolmentStatement& statement = delivery.statement;
  EXPECT_EQ(statement.kda, bench.target_aid);
  EXPECT_EQ(statement.target, bench.target_aid);
  EXPECT_EQ(statement.code_hash, own_delivery_load_file().code_hash());
  EXPECT_NE(statement.code_hash,
            bench.modules.load_file(security_domain_load_file_aid())->code_hash());
  EXPECT_EQ(statement.level_bitmap, 0x10);
  EXPECT_EQ(statement.highest_key_version, KdaBench::kChannelVersion);
  const auto capabilities = bench.kda(kda::capabilities());
  EXPECT_EQ(kda::Capabilities::decode(capabilities->data)->level_bitmap, 0x10);
}

TEST_F(OwnDeliveryTest, NextAnswersDoneAndNoCommand) {
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_EQ(bench.load(delivery), sw::kOk);
  EXPECT_EQ(bench.raw_receipt(delivery.handle())->sw, sw::kConditionsNotSatisfied);
  const auto request = kda::NextRequest{.handle = delivery.handle(), .last = {}}.encode();
  const auto answer = bench.kda(kda::next(request));
  EXPECT_EQ(answer->data, hex("D20104"));
  EXPECT_TRUE(bench.target_holds(0x31, 0x60));
}

TEST_F(OwnDeliveryTest, SeveralActionsReachTheDomainAndTheApplicationBelowIt) {
  const Aid payment = payment_credential_module();
  EXPECT_EQ(deliver(list(KdaBench::put_key(0, 0x31, 0x60), store_key(0x70, payment),
                         envelope::DeleteKeyAction{.key_version = 0x20})),
            (Results{0, 0, 0}));
  EXPECT_TRUE(bench.authenticates(payment, 0x00, 0x70));
  EXPECT_FALSE(bench.target_holds(0x20, 0x20));
}

TEST_F(OwnDeliveryTest, AGroupLongerThanABlockIsRefusedAsInASession) {
  Bytes group = hex("0070FF0103");  // 5F50, 255 octets
  append(group, hex("5F5081FF"));
  group.resize(group.size() + 255, 0x61);
  EXPECT_EQ(deliver(list(envelope::StoreDataAction{
                .application = {}, .data = SecretBytes::copy_of(group), .probe = {}})),
            Results{2});
}

TEST_F(OwnDeliveryTest, WhatTheDomainRefusesIsProvedAbsentAtOnce) {
  envelope::PutKeyAction wrong_kcv = KdaBench::put_key(0, 0x31, 0x60);
  wrong_kcv.keys[1].kcv[0] ^= 1U;
  EXPECT_EQ(deliver(list(std::move(wrong_kcv))), Results{2});
  EXPECT_EQ(state(), kda::State::kAbsent);
  EXPECT_EQ(deliver(list(KdaBench::put_key(0x44, 0x44, 0x60))), Results{2});
  EXPECT_EQ(deliver(list(KdaBench::put_key(0, 0x20, 0x60))), Results{2}) << "a key to add is there";
  EXPECT_EQ(deliver(list(envelope::DeleteKeyAction{.key_version = 0x20})), Results{2})
      << "a domain keeps one set";
  EXPECT_EQ(deliver(list(store_key(0x70, kda::aid()))), Results{2}) << "not of this domain";
  EXPECT_EQ(deliver(list(store_key(0x70, digital_key_module()), KdaBench::put_key(0, 0x31, 0x60))),
            (Results{2, 2}))
      << "the application refuses the group";
  EXPECT_FALSE(bench.target_holds(0x31, 0x60));
  EXPECT_TRUE(bench.target_holds(0x20, 0x20));
}

TEST_F(OwnDeliveryTest, WhatCameBeforeARefusalStaysAndTheSameSeqCanBeSealedAgain) {
  EXPECT_EQ(deliver(list(KdaBench::put_key(0, 0x31, 0x60), KdaBench::put_key(0x44, 0x44, 0x70))),
            (Results{0, 2}));
  EXPECT_TRUE(bench.target_holds(0x31, 0x60));
  Delivery again = bench.enrol();
  EXPECT_EQ(again.statement.last_committed_seq, 0U);
  EXPECT_EQ(again.statement.highest_key_version, 0x31);
  bench.seal(again, bench.add_keys(0x32));
  EXPECT_EQ(bench.run(again), Outcome::kDone);
  EXPECT_EQ(bench.enrol().statement.last_committed_seq, 1U);
}

TEST_F(OwnDeliveryTest, RefusesEveryOtherLevelAndAKdaRefusesThisOne) {
  Delivery delivery = bench.enrol();
  envelope::EnvelopeHeader header = bench.header(delivery);
  header.level = 0x01;
  header.key_version_number = KdaBench::kChannelVersion;
  const envelope::Payload relayed = KdaBench().add_keys(0x31);
  bench.forge(delivery, header, relayed);
  EXPECT_EQ(bench.load(delivery), sw::kConditionsNotSatisfied);
  header.level = 0x02;
  header.key_identifier = 0x11;
  bench.forge(delivery, header, bench.add_keys(0x31));
  EXPECT_EQ(bench.load(delivery), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{4});
  EXPECT_FALSE(bench.target_holds(0x31, 0x60));

  KdaBench relay;
  Delivery lowered = relay.enrol();
  envelope::EnvelopeHeader own_level = relay.header(lowered);
  own_level.level = 0x05;
  own_level.key_version_number = 0;
  relay.forge(lowered, own_level, bench.add_keys(0x31));
  EXPECT_EQ(relay.load(lowered), sw::kConditionsNotSatisfied);
}

TEST_F(OwnDeliveryTest, RefusesWhatHasNoPlaceHere) {
  const auto refused = [&](const envelope::Payload& payload) {
    Delivery delivery = bench.enrol();
    bench.forge(delivery, bench.header(delivery), payload);
    return bench.load(delivery) == sw::kConditionsNotSatisfied;
  };
  EXPECT_TRUE(refused(KdaBench().add_keys(0x31))) << "channel keys";
  EXPECT_TRUE(refused(bench.payload_of(list(envelope::CommandAction{
      .header = {0x80, 0xF0, 0x40, 0x80}, .data = SecretBytes::copy_of(hex("00")), .probe = {}}))));
  envelope::StoreDataAction probed = store_key(0x70, payment_credential_module());
  probed.probe = hex("80CA005A00");
  EXPECT_TRUE(refused(bench.payload_of(list(std::move(probed)))));
}

TEST_F(OwnDeliveryTest, ServesItsOwnerForItselfAndWhoSaysSo) {
  const auto answer = [&](const KdaBench::RequestOptions& options) {
    return bench.kda_sw(kda::enrol(bench.request(options).request));
  };
  EXPECT_EQ(answer({}), sw::kOk);
  EXPECT_EQ(answer({.other_provider = true}), sw::kSecurityStatusNotSatisfied);
  EXPECT_EQ(answer({.target = bench.other_aid}), sw::kWrongData);
  EXPECT_EQ(answer({.own_delivery = false}), sw::kWrongData);
  EXPECT_EQ(answer({.wrong_signature = true}), sw::kSecurityStatusNotSatisfied);
  const Delivery request = bench.request();
  EXPECT_EQ(bench.kda_sw(kda::enrol(request.request, bench.maker_certificate->encoded())),
            sw::kWrongData);
  KdaBench relay;
  EXPECT_EQ(relay.kda_sw(kda::enrol(relay.request({.own_delivery = true}).request)),
            sw::kWrongData);
}

TEST_F(OwnDeliveryTest, ADomainWithoutACertificateEnrolsNobody) {
  KdaBench raw({.certify = false, .own_delivery = true});
  EXPECT_EQ(raw.kda_sw(kda::enrol(raw.request().request)), sw::kReferencedDataNotFound);
  EXPECT_EQ(raw.kda(kda::generate())->sw, sw::kSecurityStatusNotSatisfied);
  EXPECT_EQ(bench.kda(kda::generate())->sw, sw::kConditionsNotSatisfied);
}

TEST_F(OwnDeliveryTest, ReplaysOfEveryMessageChangeNothing) {
  Delivery delivery = bench.enrol();
  EXPECT_EQ(bench.kda(kda::enrol(delivery.request))->data, delivery.answer);
  bench.seal(delivery, bench.add_keys(0x31));
  EXPECT_EQ(bench.load(delivery), sw::kOk);
  EXPECT_EQ(bench.load(delivery), sw::kOk);
  EXPECT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(bench.load(delivery), sw::kConditionsNotSatisfied);
  EXPECT_EQ(bench.kda_sw(kda::enrol(delivery.request)), sw::kCommandNotAllowed);
  Delivery second = bench.enrol();
  bench.forge(second, bench.header(second), bench.add_keys(0x32));  // SEQ 1 once more
  EXPECT_EQ(bench.load(second), sw::kConditionsNotSatisfied);
  EXPECT_FALSE(bench.target_holds(0x32, 0x60));
}

TEST_F(OwnDeliveryTest, ACancellationEndsWhatWasLoaded) {
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.add_keys(0x31));
  ASSERT_EQ(bench.load(delivery), sw::kOk);
  EXPECT_EQ(bench.kda_sw(kda::cancel(bench.cancellation(delivery).request)), sw::kOk);
  EXPECT_EQ(bench.receipt(delivery).results(), Results{6});
  EXPECT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_FALSE(bench.target_holds(0x31, 0x60));
}

TEST_F(OwnDeliveryTest, AMemoryThatIsFullDelaysAndForgetsNothing) {
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.payload_of(list(store_key(0x70, payment_credential_module()),
                                             KdaBench::put_key(0, 0x31, 0x60))));
  ASSERT_EQ(bench.load(delivery), sw::kOk);
  bench.power->full = true;
  EXPECT_EQ(bench.pump(delivery.handle()), Outcome::kFailed);
  bench.power->full = false;
  EXPECT_FALSE(bench.authenticates(payment_credential_module(), 0x00, 0x70));
  EXPECT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_EQ(bench.receipt(delivery).results(), (Results{0, 0}));
}

// Memory (6581, 6A84), the cryptographic library and randomness (6400, 6F00) refuse nothing.
TEST(OwnDelivery, WhatFailsInsideTheDomainIsDoneWhenItIsAskedAgain) {
  const auto failures = std::make_shared<std::vector<StatusWord>>();
  const std::vector<std::pair<StatusWord, StatusWord>> rows = {
      {sw::kMemoryFailure, sw::kMemoryFailure},
      {sw::kNotEnoughMemory, sw::kNotEnoughMemory},
      {sw::kNoDiagnosis, sw::kNoDiagnosis},
      {StatusWord{0x6F00}, sw::kNoDiagnosis}};
  for (const auto& [failure, answered] : rows) {
    KdaBench bench({.own_delivery = true, .beside = failing_built_in(failures)});
    Delivery delivery = bench.enrol();
    bench.seal(delivery, bench.payload_of(list(KdaBench::put_key(0, 0x31, 0x60),
                                               store_key(0x70, failing_module()))));
    ASSERT_EQ(bench.load(delivery), sw::kOk);
    failures->assign(2, failure);
    const auto request = kda::NextRequest{.handle = delivery.handle(), .last = {}}.encode();
    EXPECT_EQ(bench.kda(kda::next(request))->sw, answered);
    EXPECT_EQ(bench.kda(kda::next(request))->sw, answered);
    EXPECT_TRUE(failures->empty());
    EXPECT_EQ(bench.raw_receipt(delivery.handle())->sw, sw::kConditionsNotSatisfied);
    EXPECT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
    EXPECT_EQ(bench.receipt(delivery).results(), (Results{0, 0}));
  }
}

TEST(OwnDelivery, WhatNeverFitsIsEndedByACancellation) {
  const auto failures = std::make_shared<std::vector<StatusWord>>(1, sw::kNotEnoughMemory);
  KdaBench bench({.own_delivery = true, .beside = failing_built_in(failures)});
  Delivery delivery = bench.enrol();
  bench.seal(delivery, bench.payload_of(list(KdaBench::put_key(0, 0x31, 0x60),
                                             store_key(0x70, failing_module()))));
  ASSERT_EQ(bench.load(delivery), sw::kOk);
  EXPECT_EQ(bench.pump(delivery.handle()), Outcome::kFailed);
  EXPECT_EQ(bench.kda_sw(kda::cancel(bench.cancellation(delivery).request)), sw::kOk);
  EXPECT_EQ(bench.receipt(delivery).results(), (Results{0, 6}));
  failures->assign(1, sw::kWrongData);
  Delivery refused = bench.enrol();
  bench.seal(refused, bench.payload_of(list(store_key(0x70, failing_module()))));
  ASSERT_EQ(bench.load(refused), sw::kOk);
  EXPECT_EQ(bench.pump(refused.handle()), Outcome::kDone);
  EXPECT_EQ(bench.receipt(refused).results(), Results{2}) << "an application's own refusal";
}

TEST_F(OwnDeliveryTest, TheDomainsOwnCommandsAreWhatTheyWere) {
  EXPECT_TRUE(bench.target_holds(0x20, 0x20));
  const auto unknown = bench.target({.cla = 0x80, .ins = 0x24, .le = 256});
  EXPECT_EQ(unknown->sw, sw::kInstructionNotSupported);
  const auto card_data = bench.target({.cla = 0x80, .ins = 0xCA, .p2 = 0x66, .le = 256});
  EXPECT_EQ(card_data->sw, sw::kOk);
}

TEST(OwnDelivery, IsInstalledWithAnOwnerAndByTheMakerAlone) {
  KdaBench bench(own());
  ElementProfile profile;
  profile.key_sets.push_back({profile.isd_aid, 0x30, key_set(0x10)});
  InitialSecurityDomain domain{.aid = bench.target_aid, .own_delivery = own_delivery_of(Spid{})};
  domain.own_delivery->parameters.pop_back();
  profile.security_domains.push_back(domain);
  const auto make = [&] {
    return Element::create(profile,
                           std::make_unique<test::CutMedium>(std::make_shared<test::Power>()),
                           bench.rng, bench.clock, bench.modules);
  };
  const auto refused = make();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sw, sw::kWrongData);
  profile.security_domains.front().own_delivery = own_delivery_of(Spid{});
  EXPECT_TRUE(make().has_value());
  EXPECT_EQ(bench.modules.factory_of(own_delivery_load_file().modules.front()), nullptr)
      << "what is loaded in the field gets no such code";
}

}  // namespace
}  // namespace kagibin::se
