// SPDX-License-Identifier: Apache-2.0
// RL4: SCP11a as at RL2, and what PUT KEY and STORE DATA carry goes under a static Key-DEK of the
// domain that the provider alone knows, inside that channel, in a suite with ML-KEM (protocol,
// section 8; GPCS Amendment F, 5.1). The Key-DEK comes at RL3, under a set that came at RL2.
#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "kagibin/crypto/hpke/ml_kem.h"
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"
#include "kagibin/roles/service_provider/keys/static_deks.h"

#include "tests/support/deployment.h"
#include "tests/support/lost_answers.h"
#include "tests/support/must.h"
#include "tests/support/tampering_link.h"

namespace kagibin::test {
namespace {

using delivery::Verdict;
using envelope::ActionResult;
using roles::service_provider::DomainKeyName;
using roles::service_provider::ExclusiveKeys;
using roles::service_provider::Problem;
using roles::service_provider::StaticDek;
using roles::service_provider::StaticDeks;

constexpr std::uint8_t kPutKey = 0xD8;
constexpr std::uint8_t kGetData = 0xCA;
constexpr std::uint8_t kInitializeUpdate = 0x50;
constexpr std::uint8_t kMutualAuthenticate = 0x82;
constexpr std::uint8_t kOwn = Deployment::kNewKeyVersion;

constexpr std::string_view kDekPayload =
    R"({"target":"A00000015153504B01","channel":{"key_version":"31"},"actions":[{"put_key":{)"
    R"("key_version":"03","key_identifier":"12","keys":[{"random":16}]}}]})";
constexpr std::string_view kPayload =
    R"({"target":"A00000015153504B01","channel":{"key_version":"31","agreement_key_version":"03"},)"
    R"("actions":[{"put_key":{"replace":"31","key_version":"33","key_identifier":"01","keys":[)"
    R"({"random":16},{"random":16},{"random":16}]}}]})";

DeploymentOptions in_suite(std::string_view suite) {
  DeploymentOptions out;
  out.suites = suite;
  out.by_certificates = true;
  out.manager_exports_keys = false;
  return out;
}

class StaticDekTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!crypto::has_ml_kem()) {
      GTEST_SKIP() << "RL4 is NOT tested here: libcrypto " << crypto::library_version()
                   << " has no ML-KEM-768 (scripts/openssl35)";
    }
    world_.emplace("static dek", in_suite("20"));
    card_ = &world_->add_card("phone-1");
  }

  void ask_for(std::uint8_t level) {
    world_->policy.minimum_level = level;
    world_->policy.accept_rl1.reset();
    world_->renew_flow();
  }
  void deliver(std::string_view id, std::string_view payload) {
    const auto order = world_->open_order(id, *card_, payload);
    const auto judgement = world_->deliver(*card_, order.id);
    ASSERT_EQ(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;
  }
  // A key set of ours at RL2, and a Key-DEK under it at RL3.
  void prepare() {
    ask_for(2);
    deliver("set", Deployment::payload_by_certificates());
    ask_for(3);
    deliver("dek", kDekPayload);
    ask_for(4);
  }
  DomainKeyName name() const {
    return {.seid = card_->seid,
            .security_domain = Deployment::domain_aid(),
            .key_version = Deployment::kAgreementKeyVersion};
  }
  StaticDeks deks() { return {world_->journal, *world_->keys}; }
  Bytes sealed(const delivery::OrderId& order) {
    const auto e0 = world_->request(order);
    return world_->seal(order, e0.attempt, must(world_->enrol(*card_, e0.message)));
  }
  Problem refusal(const delivery::OrderId& order) {
    const auto e0 = world_->request(order);
    const auto sealing =
        world_->flow->seal(order, e0.attempt, must(world_->enrol(*card_, e0.message)));
    EXPECT_FALSE(sealing);
    return sealing ? Problem(Errc::kNotFound, "it was sealed") : sealing.error();
  }
  static envelope::EnvelopeHeader header_of(ByteView envelope) {
    return must(
        envelope::EnvelopeHeader::decode(must(envelope::Envelope::decode(envelope)).header));
  }
  static std::vector<ActionResult> results_of(ByteView receipt) {
    return must(envelope::Receipt::decode(receipt)).results;
  }
  bool opens(std::uint8_t version) {
    const auto keys =
        must(world_->keys->channel_keys(card_->seid, Deployment::domain_aid(), version));
    return keys && world_->opens_with(*card_, version, *keys);
  }
  // The device, which counts commands by their instruction and may change what passes.
  Result<Bytes> relay(ByteView envelope, TamperingLink::Decide decide = {}) {
    counts_.fill(0);
    TamperingLink device(*card_->element, [&](const apdu::CommandApdu& command) {
      ++counts_[command.ins];
      return decide ? decide(command) : Tamper{};
    });
    card_->middle = &device;
    Result<Bytes> receipt = world_->relay(*card_, envelope);
    card_->middle = nullptr;
    return receipt;
  }

  std::optional<Deployment> world_;
  DeployedCard* card_ = nullptr;
  std::array<int, 256> counts_{};
};

TEST_F(StaticDekTest, TheKeyArrivesOverScp11aUnderTheStaticKeyDek) {
  prepare();
  const auto order = world_->open_order("order-1", *card_, kPayload);
  const Bytes e2 = sealed(order.id);
  EXPECT_EQ(header_of(e2).level, 4);
  EXPECT_EQ(header_of(e2).key_identifier, 0x11);
  EXPECT_EQ(header_of(e2).key_version_number, Deployment::kAgreementKeyVersion);
  const Bytes e3 = must(relay(e2));
  EXPECT_EQ(must(envelope::Receipt::decode(e3)).level, 4);
  const auto judgement = world_->judge(order.id, 1, e3);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;
  EXPECT_EQ(counts_[kMutualAuthenticate], 1);
  EXPECT_EQ(counts_[kInitializeUpdate], 0);
  EXPECT_TRUE(opens(0x33));
  EXPECT_TRUE(must(ExclusiveKeys(world_->journal, *world_->keys)
                       .holds({.seid = card_->seid,
                               .security_domain = Deployment::domain_aid(),
                               .key_version = 0x33})));
}

TEST_F(StaticDekTest, AnotherKeyDekThanTheDomainsBringsNoKey) {
  prepare();
  SecretBytes other(16);
  std::ranges::fill(other.expose_mutable(), std::uint8_t{0xDE});
  must(deks().learn(name(), other, true));
  const auto order = world_->open_order("order-1", *card_, kPayload);
  const Bytes e3 = must(relay(sealed(order.id)));
  EXPECT_NE(world_->judge(order.id, 1, e3).verdict.verdict, Verdict::kConfirmed);
  EXPECT_EQ(counts_[kPutKey] > 0, true) << "the key was to go under C1's Key-DEK";
  EXPECT_TRUE(opens(kOwn)) << "the domain took a key under another Key-DEK than its own";
}

// The domain says itself, under R-MAC, whether it has one.
TEST_F(StaticDekTest, ADomainWithoutAStaticKeyDekIsSentNothing) {
  ask_for(2);
  deliver("set", Deployment::payload_by_certificates());
  const SecretBytes imagined(16);
  must(deks().learn(name(), imagined, true));
  ask_for(4);
  const auto order = world_->open_order("order-1", *card_, kPayload);
  const Bytes e3 = must(relay(sealed(order.id)));
  EXPECT_EQ(results_of(e3), std::vector{ActionResult::kChannelKeysRefused});
  EXPECT_EQ(counts_[kPutKey], 0);
}

TEST_F(StaticDekTest, ALieAboutTheKeyListCostsTheSessionAndNothingElse) {
  prepare();
  const auto order = world_->open_order("order-1", *card_, kPayload);
  const Bytes e2 = sealed(order.id);
  bool is_open = false;
  const Bytes e3 = must(relay(e2, [&](const apdu::CommandApdu& command) {
    is_open = is_open || command.ins == kMutualAuthenticate;
    return is_open && command.ins == kGetData ? Tamper{.answer = StatusWord{0x6A88}} : Tamper{};
  }));
  EXPECT_EQ(results_of(e3), std::vector{ActionResult::kChannelKeysRefused});
  EXPECT_EQ(counts_[kPutKey], 0);
  EXPECT_EQ(world_->judge(order.id, 1, must(world_->relay(*card_, e2))).verdict.verdict,
            Verdict::kConfirmed);
}

TEST_F(StaticDekTest, WithoutAnExclusiveKeyDekNothingIsSealedAndTheRefusalSaysWhatWouldLiftIt) {
  ask_for(2);
  deliver("set", Deployment::payload_by_certificates());
  ask_for(4);
  const auto order = world_->open_order("order-1", *card_, kPayload);
  const Problem problem = refusal(order.id);
  EXPECT_EQ(problem.code, Errc::kPolicy);
  EXPECT_NE(problem.text.find("Key-DEK"), std::string::npos) << problem.text;
  EXPECT_NE(problem.text.find("20 or 21"), std::string::npos) << problem.text;
  // One that the provider knows of, and not alone, is none either; and RL2 ends with any.
  must(deks().learn(name(), SecretBytes(16), false));
  for (const std::uint8_t level : std::array<std::uint8_t, 2>{2, 4}) {
    ask_for(level);
    const auto again = world_->open_order("order-" + std::to_string(level + 1), *card_, kPayload);
    const auto e0 = world_->request(again.id);
    const auto sealing =
        world_->flow->seal(again.id, e0.attempt, must(world_->enrol(*card_, e0.message)));
    if (level == 2) {
      ASSERT_TRUE(sealing) << sealing.error().text;
      EXPECT_EQ(header_of(sealing->envelope).level, 3);
    } else {
      EXPECT_FALSE(sealing);
    }
  }
}

TEST_F(StaticDekTest, AKeyDekThatWasExposedOrOnlyListedIsNotExclusive) {
  prepare();
  const auto known = must(deks().find(name()));
  ASSERT_TRUE(known && known->is_exclusive);
  ExclusiveKeys exclusive(world_->journal, *world_->keys);
  envelope::PutKeyAction put{.new_key_version = 0x03, .first_key_identifier = 0x12, .keys = {}};
  put.keys.push_back({.value = known->key.duplicate()});
  std::vector<envelope::Action> actions;
  actions.emplace_back(std::move(put));
  EXPECT_FALSE(exclusive.expose(actions)) << "a Key-DEK on which RL4 rests was sealed at RL1";
  must(exclusive.expose({.i = 0,
                         .enc = known->key.duplicate(),
                         .mac = known->key.duplicate(),
                         .dek = known->key.duplicate()}));
  EXPECT_FALSE(must(deks().find(name()))->is_exclusive);
  must(deks().forget(name()));
  EXPECT_FALSE(must(deks().find(name())).has_value());
}

// The answer to PUT KEY was lost: the key list names a Key-DEK, and not whose it is.
TEST_F(StaticDekTest, AKeyDekThatWasProvedByTheKeyListAloneIsPutAgain) {
  ask_for(2);
  deliver("set", Deployment::payload_by_certificates());
  ask_for(3);
  const auto order = world_->open_order("dek", *card_, kDekPayload);
  const Bytes e2 = sealed(order.id);
  EXPECT_FALSE(relay(e2, [](const apdu::CommandApdu& command) {
    return Tamper{.drop_answer = command.ins == kPutKey};
  }));
  static_cast<void>(card_->element->reset());
  const Bytes e3 = must(world_->relay(*card_, e2));
  ASSERT_EQ(results_of(e3), std::vector{ActionResult::kInstalledByProbe});
  ASSERT_EQ(world_->judge(order.id, 1, e3).verdict.verdict, Verdict::kConfirmed);
  EXPECT_FALSE(must(deks().find(name()))->is_exclusive);
  deliver("again",
          R"({"target":"A00000015153504B01","channel":{"key_version":"31"},"actions":[{"put_key":{)"
          R"("replace":"03","key_version":"03","key_identifier":"12","keys":[{"random":16}]}}]})");
  EXPECT_TRUE(must(deks().find(name()))->is_exclusive);
  ask_for(4);
  deliver("order-1", kPayload);
}

TEST_F(StaticDekTest, TheFloorIsRl4AfterwardsAndWithoutCertSdNothingIsOffered) {
  prepare();
  deliver("order-1", kPayload);
  ask_for(2);
  const auto next = world_->open_order(
      "order-2", *card_,
      R"({"target":"A00000015153504B01","channel":{"key_version":"33","agreement_key_version":"03"},)"
      R"("actions":[{"put_key":{"key_version":"34","key_identifier":"01","keys":[{"random":16}]}}]})");
  const auto e0 = world_->request(next.id);
  const auto lowered = world_->enrol_with(*card_, e0.message, {});
  ASSERT_FALSE(lowered);
  EXPECT_EQ(lowered.error().sw.value, 0x6985);
  EXPECT_EQ(
      header_of(world_->seal(next.id, e0.attempt, must(world_->enrol(*card_, e0.message)))).level,
      4);
}

TEST_F(StaticDekTest, ALevelChangedOnTheWayIsRefused) {
  prepare();
  const auto order = world_->open_order("order-1", *card_, kPayload);
  const Bytes e2 = sealed(order.id);
  const Bytes level{0x84, 0x01, 0x04};
  for (const std::uint8_t other : std::array<std::uint8_t, 4>{0x01, 0x02, 0x03, 0x05}) {
    Bytes changed = e2;
    const auto at = std::ranges::search(changed, level).begin();
    ASSERT_NE(at, changed.end());
    *(at + 2) = other;
    EXPECT_FALSE(world_->load(*card_, header_of(e2).handle, changed)) << int{other};
  }
  EXPECT_EQ(world_->judge(order.id, 1, must(world_->relay(*card_, e2))).verdict.verdict,
            Verdict::kConfirmed);
}

TEST_F(StaticDekTest, EveryLostAnswerEndsInTheKeyInstalledOnce) {
  prepare();
  const auto order = world_->open_order("order-1", *card_, kPayload);
  const Bytes e2 = sealed(order.id);
  const std::size_t lost = lose_every_answer(*world_, *card_, order.id, e2, [&] {
    EXPECT_TRUE(opens(0x33));
    EXPECT_FALSE(opens(kOwn));
  });
  EXPECT_GT(lost, 20U);
}

// What the session alone protects opens with one end's SCP11 keys: that is RL2, and no RL4.
TEST_F(StaticDekTest, AKeyThatTheKeyDekWouldMissIsNotSealedAtRl4) {
  prepare();
  constexpr std::string_view kBare =
      R"({"target":"A00000015153504B01","channel":{"key_version":"31","agreement_key_version":"03"},)"
      R"("actions":[{"command":{"header":"80520000","data":[{"key":{"random":16}}]}}]})";
  const auto refused = world_->open_order("bare", *card_, kBare);
  const Problem problem = refusal(refused.id);
  EXPECT_EQ(problem.code, Errc::kPolicy);
  EXPECT_NE(problem.text.find("under_key_dek"), std::string::npos) << problem.text;
  ask_for(3);
  const auto order = world_->open_order("bare-at-3", *card_, kBare);
  EXPECT_EQ(int{header_of(sealed(order.id)).level}, 3);
}

TEST_F(StaticDekTest, AKeyDekThatCameAmongOtherKeysIsKnown) {
  ask_for(2);
  deliver("set", Deployment::payload_by_certificates());
  ask_for(3);
  deliver("dek", R"({"target":"A00000015153504B01","channel":{"key_version":"31"},"actions":[)"
                 R"({"put_key":{"key_version":"03","key_identifier":"12","keys":[)"
                 R"({"random":16},{"random":16}]}}]})");
  ASSERT_TRUE(must(deks().find(name())).has_value());
  ask_for(4);
  const auto order = world_->open_order("order-1", *card_, kPayload);
  const Bytes e2 = sealed(order.id);
  EXPECT_EQ(int{header_of(e2).level}, 4);
  EXPECT_EQ(world_->judge(order.id, 1, must(world_->relay(*card_, e2))).verdict.verdict,
            Verdict::kConfirmed);
}

TEST(StaticDekSuiteTest, InASuiteWithoutMlKemNothingIsSealedAtRl4) {
  for (const char* suite : {"01", "11"}) {
    Deployment world("static dek, classical", in_suite(suite));
    DeployedCard& card = world.add_card("phone-1");
    world.policy.minimum_level = 2;
    world.policy.accept_rl1.reset();
    const auto first = world.open_order("set", card, Deployment::payload_by_certificates());
    ASSERT_EQ(world.deliver(card, first.id).verdict.verdict, Verdict::kConfirmed);
    world.policy.minimum_level = 3;
    const auto second = world.open_order("dek", card, kDekPayload);
    ASSERT_EQ(world.deliver(card, second.id).verdict.verdict, Verdict::kConfirmed);
    world.policy.minimum_level = 4;
    const auto order = world.open_order("order-1", card, kPayload);
    const auto e0 = world.request(order.id);
    const auto sealing =
        world.flow->seal(order.id, e0.attempt, must(world.enrol(card, e0.message)));
    ASSERT_FALSE(sealing) << suite;
    EXPECT_NE(sealing.error().text.find("20 or 21"), std::string::npos) << sealing.error().text;
  }
}

}  // namespace
}  // namespace kagibin::test
