// SPDX-License-Identifier: Apache-2.0
// OS: a security domain opens the envelope itself; there is no key delivery application in between,
// no relay and no channel key (protocol, sections 8 and 9; doc/decisions/0018).
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/device/kda_session.h"
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/kda/instructions.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/roles/security_module_manager/card_manager.h"
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"

#include "tests/support/deployment.h"
#include "tests/support/listening_link.h"
#include "tests/support/must.h"

namespace kagibin::test {
namespace {

using delivery::Verdict;
using envelope::ActionResult;

DeploymentOptions own_delivery(std::string_view suite = "01") {
  DeploymentOptions out;
  out.own_delivery = true;
  out.suites = suite;
  return out;
}

class OwnOsTest : public testing::Test {
 protected:
  OwnOsTest() {
    world_.policy.minimum_level = 5;
    world_.policy.accept_rl1.reset();
  }

  delivery::OrderId open(std::string_view id = "order-1",
                         const std::string& payload = Deployment::payload_for_own_delivery()) {
    return world_.open_order(id, card_, payload).id;
  }
  // E2 of a new attempt of this order.
  Bytes sealed(const delivery::OrderId& order) {
    const auto e0 = world_.request(order);
    return world_.seal(order, e0.attempt, must(world_.enrol(card_, e0.message)));
  }
  static envelope::EnvelopeHeader header_of(ByteView envelope) {
    return must(
        envelope::EnvelopeHeader::decode(must(envelope::Envelope::decode(envelope)).header));
  }
  static std::vector<ActionResult> results_of(ByteView receipt) {
    return must(envelope::Receipt::decode(receipt)).results;
  }
  bool new_keys_open() {
    const auto keys = must(world_.keys->channel_keys(card_.seid, Deployment::domain_aid(),
                                                     Deployment::kNewKeyVersion));
    return keys && world_.opens_with(card_, Deployment::kNewKeyVersion, *keys);
  }
  // What the manager may do while the domain has no keys of its own: GPCS 7.3.
  delivery::KeyExport manager_puts_keys(std::uint8_t version) {
    namespace manager = roles::security_module_manager;
    const auto channel = must(apdu::ChannelLink::open(*card_.element));
    manager::CardManager at_card(*channel, card_.issuer_keys, world_.rng);
    return must(at_card.create_domain({.aid = Deployment::domain_aid(), .key_version = version},
                                      world_.manager_master_key()));
  }
  // An order that puts a key set under 31, and these actions, for the element as it is now.
  roles::service_provider::Checked<roles::service_provider::Sealing> seal_with(
      std::string_view id, const std::string& replaced, const std::string& more) {
    const auto order = open(
        id, R"({"target":"A00000015153504B01","own_delivery":true,"actions":[{"put_key":{)" +
                replaced +
                R"("key_version":"31","key_identifier":"01","keys":[{"random":16},{"random":16},)"
                R"({"random":16}]}})" +
                more + "]}");
    const auto e0 = world_.request(order);
    return world_.flow->seal(order, e0.attempt, must(world_.enrol(card_, e0.message)));
  }
  // What this application answers to an E0.
  StatusWord answer_of(const Aid& application, ByteView request) {
    device::Channels channels = must(device::Channels::open_logical(card_.link()));
    device::KdaSession session = must(device::KdaSession::select(channels, application));
    const auto answer = session.enrol(request, {});
    return answer ? StatusWord{0x9000} : answer.error().sw;
  }
  // E0 of the provider whose the other domain is.
  Bytes request_of_the_other(const Aid& target) {
    const auto key = must(crypto::EcPrivateKey::generate(world_.rng));
    const Bytes asked = must(pki::sign_certification_request(
        pki::CertificateKind::kServiceProvider, Deployment::other_spid().octets, key, world_.rng));
    const auto certificate = must(world_.authority->certify_service_provider(
        must(pki::CertificationRequest::decode(asked)), {*from_hex("A000000151")}, 1, 365));
    envelope::EnrolmentRequest request;
    request.spid = Deployment::other_spid();
    request.nonce_a = Nonce16{must(crypto::random_array<16>(world_.rng))};
    request.target = target;
    request.kem_key = must(crypto::EcPrivateKey::generate(world_.rng)).public_key().point();
    request.own_delivery = true;
    request.certificate = certificate.encoded();
    return must(envelope::sign_request(std::move(request), key, world_.rng));
  }

  Deployment world_{"own os", own_delivery()};
  DeployedCard& card_ = world_.add_card("phone-1");
};

TEST_F(OwnOsTest, TheKeyArrivesAndNothingIsRelayed) {
  const auto order = open();
  const Bytes e2 = sealed(order);
  const envelope::EnvelopeHeader header = header_of(e2);
  EXPECT_EQ(header.level, 5);
  EXPECT_EQ(header.key_version_number, 0);

  ListeningLink device(*card_.element);
  card_.middle = &device;
  const Bytes e3 = must(world_.relay(card_, e2));
  card_.middle = nullptr;
  const auto judgement = world_.judge(order, 1, e3);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;
  EXPECT_EQ(must(envelope::Receipt::decode(e3)).level, 5);
  EXPECT_EQ(results_of(e3), std::vector{ActionResult::kInstalled});
  EXPECT_TRUE(new_keys_open());

  constexpr std::uint8_t kSelect = 0xA4;
  constexpr std::uint8_t kManageChannel = 0x70;
  constexpr std::uint8_t kGetResponse = 0xC0;
  for (const std::uint8_t instruction : device.instructions) {
    const bool is_delivery = instruction >= kda::ins::kEnrol && instruction <= kda::ins::kStatement;
    EXPECT_TRUE(is_delivery || instruction == kSelect || instruction == kManageChannel ||
                instruction == kGetResponse)
        << int{instruction};
  }
  EXPECT_EQ(std::ranges::count(device.instructions, kSelect), 1);
  EXPECT_EQ(std::ranges::count(device.instructions, kda::ins::kNext), 1);
  const auto keys = must(
      world_.keys->channel_keys(card_.seid, Deployment::domain_aid(), Deployment::kNewKeyVersion));
  for (const SecretBytes* key : {&keys->enc, &keys->mac, &keys->dek}) {
    EXPECT_TRUE(std::ranges::search(device.heard, key->expose()).empty());
  }
}

TEST_F(OwnOsTest, EverySuiteThatTheElementHasWorks) {
  for (const std::string_view suite : {"02", "10", "11"}) {
    Deployment world("own os suites", own_delivery(suite));
    DeployedCard& card = world.add_card("phone-1");
    const auto order = world.open_order("order-1", card, Deployment::payload_for_own_delivery());
    EXPECT_EQ(world.deliver(card, order.id).verdict.verdict, Verdict::kConfirmed) << suite;
  }
}

TEST_F(OwnOsTest, LaterOrdersReplaceWhatIsThereAndOldEnvelopesAreOver) {
  const auto first = open();
  const Bytes e2 = sealed(first);
  EXPECT_EQ(world_.judge(first, 1, must(world_.relay(card_, e2))).verdict.verdict,
            Verdict::kConfirmed);
  const auto second =
      open("order-2", R"({"target":"A00000015153504B01","own_delivery":true,"actions":[{"put_key":)"
                      R"({"replace":"31","key_version":"31","key_identifier":"01","keys":[)"
                      R"({"random":16},{"random":16},{"random":16}]}},{"put_key":{)"
                      R"("key_version":"40","key_identifier":"01","keys":[{"random":32}]}},)"
                      R"({"delete_key":{"key_version":"40"}}]})");
  EXPECT_EQ(world_.deliver(card_, second).verdict.verdict, Verdict::kConfirmed);
  EXPECT_TRUE(new_keys_open());
  const auto again = world_.load(card_, header_of(e2).handle, e2);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().sw.value, 0x6985);
  EXPECT_TRUE(new_keys_open());
}

TEST_F(OwnOsTest, NoOrderLetsKeysOfOthersStandBesideOurFirstOnes) {
  const auto theirs = Deployment::channel_keys(manager_puts_keys(0x30));
  ASSERT_TRUE(world_.opens_with(card_, 0x30, theirs));
  for (const std::string more :
       {"", R"(,{"delete_key":{"key_version":"2F"}})",
        R"(,{"put_key":{"replace":"30","key_version":"30","key_identifier":"03","keys":[{"random":)"
        R"(16}]}})"}) {
    const auto sealing = seal_with("beside" + std::to_string(more.size()), "", more);
    ASSERT_FALSE(sealing) << more;
    EXPECT_EQ(sealing.error().code, Errc::kPolicy);
    EXPECT_NE(sealing.error().text.find("keys of version 30"), std::string::npos)
        << sealing.error().text;
  }
  EXPECT_TRUE(seal_with("replacing", R"("replace":"30",)", "")) << "it replaces them";
  const auto order = open(
      "order-1", R"({"target":"A00000015153504B01","own_delivery":true,"actions":[{"put_key":{)"
                 R"("key_version":"31","key_identifier":"01","keys":[{"random":16},{"random":16},)"
                 R"({"random":16}]}},{"delete_key":{"key_version":"30"}}]})");
  EXPECT_EQ(world_.deliver(card_, order).verdict.verdict, Verdict::kConfirmed);
  EXPECT_TRUE(new_keys_open());
  EXPECT_FALSE(world_.opens_with(card_, 0x30, theirs));
  EXPECT_TRUE(seal_with("order-2", R"("replace":"31",)", "")) << "ours are there";
}

TEST_F(OwnOsTest, KeysThatTheManagerExportedAreNotOurs) {
  const auto exported = Deployment::channel_keys(manager_puts_keys(0x30));
  must(roles::service_provider::ExclusiveKeys(world_.journal, *world_.keys).expose(exported));
  must(world_.keys->put_channel_keys(card_.seid, Deployment::domain_aid(), 0x30, exported));
  EXPECT_FALSE(seal_with("order-1", "", ""));
}

TEST_F(OwnOsTest, KeysThatAStatementProvesAreOurs) {
  const auto order = open();
  must(world_.relay(card_, sealed(order)));  // its receipt got lost
  const auto e0 = world_.request(order);
  const auto read_back =
      must(world_.flow->seal(order, e0.attempt, must(world_.enrol(card_, e0.message))));
  must(world_.flow->judge_statement(order, read_back));
  EXPECT_TRUE(seal_with("order-2", R"("replace":"31",)", ""));
  EXPECT_TRUE(seal_with("order-3", "", "")) << "the domain itself will refuse it";
}

TEST_F(OwnOsTest, WhatTheDomainRefusesIsRefusedAndTheNextAttemptMayBeRight) {
  const auto wrong =
      open("order-1", R"({"target":"A00000015153504B01","own_delivery":true,"actions":[{"put_key":)"
                      R"({"replace":"55","key_version":"55","key_identifier":"01","keys":[)"
                      R"({"random":16},{"random":16},{"random":16}]}}]})");
  const auto judgement = world_.deliver(card_, wrong);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kRefused) << judgement.verdict.reason;
  EXPECT_EQ(world_.deliver(card_, open("order-2")).verdict.verdict, Verdict::kConfirmed);
}

TEST_F(OwnOsTest, ARequestReachesWhoItIsForAndNobodyElse) {
  const auto order = open();
  const Bytes ours = world_.request(order).message;
  EXPECT_EQ(answer_of(kda::aid(), ours).value, 0x6A80) << "a KDA took it";
  EXPECT_EQ(answer_of(Deployment::other_domain_aid(), ours).value, 0x6A80) << "another domain";
  EXPECT_EQ(answer_of(Deployment::domain_aid(), ours).value, 0x9000);
  const Bytes theirs = request_of_the_other(Deployment::other_domain_aid());
  EXPECT_EQ(answer_of(Deployment::other_domain_aid(), theirs).value, 0x9000);
  const Bytes greedy = request_of_the_other(Deployment::domain_aid());
  EXPECT_EQ(answer_of(Deployment::domain_aid(), greedy).value, 0x6982) << "of another provider";
  EXPECT_EQ(world_.deliver(card_, order).verdict.verdict, Verdict::kConfirmed);
}

// The KDA beside it relays to this domain as to any: never for a policy that asks for OS.
TEST_F(OwnOsTest, ARelayedLevelIsNotEnoughForAPolicyThatAsksForOs) {
  must(world_.keys->put_channel_keys(card_.seid, Deployment::domain_aid(),
                                     Deployment::kDomainKeyVersion,
                                     Deployment::channel_keys(card_.issuer_keys)));
  const auto order = open("order-1", Deployment::payload_text());
  const auto e0 = world_.request(order);
  EXPECT_EQ(answer_of(Deployment::domain_aid(), e0.message).value, 0x6A80);
  device::Channels channels = must(device::Channels::open_logical(card_.link()));
  device::KdaSession session = must(device::KdaSession::select(channels));
  const auto sealing = world_.flow->seal(order, e0.attempt, must(session.enrol(e0.message, {})));
  ASSERT_FALSE(sealing);
  EXPECT_EQ(sealing.error().code, Errc::kPolicy);
  EXPECT_NE(sealing.error().text.find("asks for OS"), std::string::npos) << sealing.error().text;
}

TEST_F(OwnOsTest, TheProviderSealsForCodeAndCertificatesThatItKnowsAlone) {
  const auto order = open();
  const auto e0 = world_.request(order);
  const Bytes e4 = must(world_.enrol(card_, e0.message));
  const auto hashes = std::exchange(world_.policy.kda_code_hashes, {});
  const auto unknown_code = world_.flow->seal(order, e0.attempt, e4);
  ASSERT_FALSE(unknown_code);
  EXPECT_EQ(unknown_code.error().code, Errc::kPolicy);
  world_.policy.kda_code_hashes = hashes;
  const auto pins = must(world_.journal.find_record("own_delivery", card_.seid.view()));
  ASSERT_TRUE(pins);
  EXPECT_EQ(pins->size(), 64U) << "two domains";
  must(world_.journal.put_record("own_delivery", card_.seid.view(), {}));
  const auto not_pinned = world_.flow->seal(order, e0.attempt, e4);
  ASSERT_FALSE(not_pinned);
  EXPECT_EQ(not_pinned.error().code, Errc::kUntrusted);
  must(world_.journal.put_record("own_delivery", card_.seid.view(), *pins));
  EXPECT_TRUE(world_.flow->seal(order, e0.attempt, e4).has_value());
}

TEST_F(OwnOsTest, APolicyThatAsksForRl4TakesOsInHybridSuitesAlone) {
  world_.policy.minimum_level = 4;
  const auto order = open();
  const auto e0 = world_.request(order);
  const auto sealing = world_.flow->seal(order, e0.attempt, must(world_.enrol(card_, e0.message)));
  ASSERT_FALSE(sealing);
  EXPECT_NE(sealing.error().text.find("20 and 21"), std::string::npos) << sealing.error().text;
}

TEST_F(OwnOsTest, ALevelChangedOnTheWayIsRefused) {
  const Bytes e2 = sealed(open());
  const Handle handle = header_of(e2).handle;
  const Bytes level{0x84, 0x01, 0x05};
  for (const std::uint8_t other : std::array<std::uint8_t, 5>{0x01, 0x02, 0x03, 0x04, 0x06}) {
    Bytes changed = e2;
    const auto at = std::ranges::search(changed, level).begin();
    ASSERT_NE(at, changed.end());
    *(at + 2) = other;
    EXPECT_FALSE(world_.load(card_, handle, changed)) << int{other};
  }
  EXPECT_TRUE(world_.load(card_, handle, e2).has_value());
}

TEST_F(OwnOsTest, AnEpochThatRoseAfterLoadEndsTheDeliveryBeforeAnything) {
  const Bytes e2 = sealed(open());
  must(world_.load(card_, header_of(e2).handle, e2));
  const Bytes statement = must(world_.authority->state_min_epoch(2));
  {
    device::Channels channels = must(device::Channels::open_logical(card_.link()));
    must(must(device::KdaSession::select(channels, Deployment::domain_aid())).statement(statement));
  }
  EXPECT_EQ(results_of(must(world_.relay(card_, e2))),
            std::vector{ActionResult::kRefusedBeforeOpening});
  const auto next = world_.enrol(card_, world_.request(open("order-2")).message);
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().sw.value, 0x6982);
}

TEST_F(OwnOsTest, ACancellationReachesTheDomain) {
  const auto order = open();
  const Bytes e2 = sealed(order);
  must(world_.load(card_, header_of(e2).handle, e2));
  const auto cancellation = must(world_.flow->cancel_after(order, 1));
  device::Channels channels = must(device::Channels::open_logical(card_.link()));
  device::KdaSession session = must(device::KdaSession::select(channels, Deployment::domain_aid()));
  must(session.cancel(cancellation.message));
  EXPECT_EQ(results_of(must(session.receipt(header_of(e2).handle))),
            std::vector{ActionResult::kCancelled});
}

TEST(OwnDeliveryPayloadTest, IsRefusedWhereItSaysMoreThanADomainTakes) {
  using roles::service_provider::PayloadFile;
  const std::string text = Deployment::payload_for_own_delivery();
  const auto payload = must(PayloadFile::parse(text));
  EXPECT_TRUE(payload.own_delivery);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string out = text;
    return out.replace(out.find(from), from.size(), to);
  };
  EXPECT_FALSE(PayloadFile::parse(with("true", "false")));
  EXPECT_FALSE(PayloadFile::parse(with("true", "true,\"channel\":{\"key_version\":\"30\"}")));
  EXPECT_FALSE(PayloadFile::parse(
      R"({"target":"A00000015153504B01","own_delivery":true,"actions":[{"command":{)"
      R"("header":"80F04080","data":[{"value":"00"}]}}]})"));
  EXPECT_FALSE(PayloadFile::parse(
      R"({"target":"A00000015153504B01","own_delivery":true,"actions":[{"store_data":{)"
      R"("application":"A00000015153504B02","groups":[{"dgi":"8010","value":"01"}],)"
      R"("probe":"80CA005A00"}}]})"));
}

}  // namespace
}  // namespace kagibin::test
