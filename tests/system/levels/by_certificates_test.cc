// SPDX-License-Identifier: Apache-2.0
// RL2: the key delivery application opens an SCP11a channel with a domain whose key the controlling
// authority certified, and nobody on the way ever had a key that opens it (protocol, section 8;
// GPCS Amendment F).
#include <algorithm>

#include <gtest/gtest.h>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/device/domain_certificate.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/gp/select.h"
#include "kagibin/scp/scp03/scp03_link.h"
#include "kagibin/scp/scp11/scp11.h"

#include "tests/support/deployment.h"
#include "tests/support/listening_link.h"
#include "tests/support/lost_answers.h"
#include "tests/support/must.h"
#include "tests/support/tampering_link.h"

namespace kagibin::test {
namespace {

using delivery::Verdict;
using envelope::ActionResult;
using roles::service_provider::PayloadFile;
using roles::service_provider::Sealing;

constexpr std::uint8_t kPutKey = 0xD8;
constexpr std::uint8_t kGetData = 0xCA;
constexpr std::uint8_t kInitializeUpdate = 0x50;
constexpr std::uint8_t kVerifyCertificate = 0x2A;
constexpr std::uint8_t kMutualAuthenticate = 0x82;

DeploymentOptions by_certificates() {
  DeploymentOptions out;
  out.by_certificates = true;
  out.manager_exports_keys = false;
  return out;
}

class ByCertificatesTest : public testing::Test {
 protected:
  explicit ByCertificatesTest(const DeploymentOptions& options = by_certificates())
      : world_("by certificates", options), card_(world_.add_card("phone-1")) {
    world_.policy.minimum_level = 2;
    world_.policy.accept_rl1.reset();
  }

  delivery::OrderId open(std::string_view id = "order-1") {
    return world_.open_order(id, card_, Deployment::payload_by_certificates()).id;
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
  Result<Bytes> relay_through(apdu::CardLink& device, ByteView envelope) {
    card_.middle = &device;
    Result<Bytes> receipt = world_.relay(card_, envelope);
    card_.middle = nullptr;
    return receipt;
  }
  bool new_keys_open() {
    const auto keys = must(world_.keys->channel_keys(card_.seid, Deployment::domain_aid(),
                                                     Deployment::kNewKeyVersion));
    return keys && world_.opens_with(card_, Deployment::kNewKeyVersion, *keys);
  }
  bool managers_keys_open() {
    return world_.opens_with(card_, Deployment::kDomainKeyVersion,
                             Deployment::channel_keys(card_.domain_keys));
  }
  // What ENROL answers to this certificate.
  StatusWord enrols_with(ByteView certificate) {
    const auto answer = world_.enrol_with(card_, world_.request(open()).message, certificate);
    return answer ? StatusWord{0x9000} : answer.error().sw;
  }
  // CERT.SD as the card has it, changed and signed again.
  Bytes certify(auto change, const crypto::EcPrivateKey& issuer) {
    pki::CertificateFields fields = card_.domain_certificate->fields();
    change(fields);
    return must(
               pki::Certificate::issue(fields, card_.domain_certificate->key(), issuer, world_.rng))
        .encoded();
  }

  Deployment world_;
  DeployedCard& card_;
};

TEST_F(ByCertificatesTest, TheKeyArrivesAlthoughNobodyGaveTheProviderAKey) {
  ASSERT_TRUE(managers_keys_open());
  const auto order = open();
  const Bytes e2 = sealed(order);
  const auto header = header_of(e2);
  EXPECT_EQ(header.level, 2);
  EXPECT_EQ(header.key_identifier, 0x11);
  EXPECT_EQ(header.key_version_number, Deployment::kAgreementKeyVersion);

  ListeningLink device(*card_.element);
  const Bytes e3 = must(relay_through(device, e2));
  const auto judgement = world_.judge(order, 1, e3);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;
  EXPECT_EQ(must(envelope::Receipt::decode(e3)).level, 2);
  EXPECT_EQ(results_of(e3), std::vector{ActionResult::kInstalled});
  EXPECT_TRUE(new_keys_open());
  EXPECT_FALSE(managers_keys_open()) << "the hand-over leaves the manager's key set in the domain";

  EXPECT_EQ(device.count(kInitializeUpdate), 0U) << "a static key set opened a channel";
  EXPECT_EQ(device.count(kMutualAuthenticate), 1U);
  const auto keys = must(
      world_.keys->channel_keys(card_.seid, Deployment::domain_aid(), Deployment::kNewKeyVersion));
  for (const SecretBytes* key : {&keys->enc, &keys->mac, &keys->dek}) {
    EXPECT_TRUE(std::ranges::search(device.heard, key->expose()).empty());
  }
}

TEST_F(ByCertificatesTest, S8AndS16AreTheDomainsOwn) {
  for (const auto parameter : {scp::kScp11S8, scp::kScp11S16}) {
    DeploymentOptions options = by_certificates();
    options.scp11 = parameter;
    Deployment world("s8 and s16", options);
    DeployedCard& card = world.add_card("phone-1");
    const auto order = world.open_order("order-1", card, Deployment::payload_by_certificates());
    EXPECT_EQ(world.deliver(card, order.id).verdict.verdict, Verdict::kConfirmed);
  }
}

TEST_F(ByCertificatesTest, LaterOrdersGoOnAtRl2WithTheProvidersOwnKeySet) {
  ASSERT_EQ(world_.deliver(card_, open()).verdict.verdict, Verdict::kConfirmed);
  const std::string payload =
      R"({"target":"A00000015153504B01","channel":{"key_version":"31","agreement_key_version":"03"},)"
      R"("actions":[{"put_key":{"replace":"31","key_version":"31","key_identifier":"01","keys":[)"
      R"({"random":16},{"random":16},{"random":16}]}},{"put_key":{"key_version":"40",)"
      R"("key_identifier":"01","keys":[{"random":32}]}},{"delete_key":{"key_version":"40"}}]})";
  const auto second = world_.open_order("order-2", card_, payload);
  EXPECT_EQ(world_.deliver(card_, second.id).verdict.verdict, Verdict::kConfirmed);
  EXPECT_TRUE(new_keys_open());
}

TEST_F(ByCertificatesTest, TheFloorOfTheTargetOnlyRises) {
  ASSERT_EQ(world_.deliver(card_, open()).verdict.verdict, Verdict::kConfirmed);
  const auto next = open("order-2");
  const auto e0 = world_.request(next);
  // Without CERT.SD only RL3 is left, for which this payload's key set is not ours alone.
  world_.policy.minimum_level = 1;
  world_.policy.accept_rl1 = "test";
  world_.policy.issuer_is_carrier = false;
  const Bytes lowered = must(world_.enrol_with(card_, e0.message, {}));
  const auto sealing = world_.flow->seal(next, e0.attempt, lowered);
  ASSERT_FALSE(sealing) << "RL1 is offered below the floor";
  EXPECT_EQ(sealing.error().code, Errc::kPolicy);
}

// The device keeps CERT.SD to itself: the element then offers RL1, and the policy wants more.
TEST_F(ByCertificatesTest, WithoutCertSdTheElementOffersRl1AndNothingIsSealed) {
  const auto order = open();
  const auto e0 = world_.request(order);
  const Bytes e4 = must(world_.enrol_with(card_, e0.message, {}));
  const auto sealing = world_.flow->seal(order, e0.attempt, e4);
  ASSERT_FALSE(sealing);
  EXPECT_EQ(sealing.error().code, Errc::kPolicy);
  EXPECT_NE(sealing.error().text.find("CERT.SD"), std::string::npos) << sealing.error().text;
}

// The same device, and a policy that takes RL1 but for this target.
TEST_F(ByCertificatesTest, APolicyAsksMoreForOneTargetThanForAllOthers) {
  DeploymentOptions options = by_certificates();
  options.manager_exports_keys = true;
  Deployment world("one target", options);
  DeployedCard& card = world.add_card("phone-1");
  const auto sealed = [&](const std::string& name) {
    const auto order = world.open_order(name, card, Deployment::payload_by_certificates());
    const auto e0 = world.request(order.id);
    const Bytes e4 = must(world.enrol_with(card, e0.message, {}));
    return world.flow->seal(order.id, e0.attempt, e4);
  };
  const Aid target = must(PayloadFile::parse(Deployment::payload_by_certificates())).target;
  auto more = world.policy.terms_for(target);
  more.minimum_level = 2;
  more.accept_rl1.reset();
  world.policy.targets.emplace(target, more);
  const auto refused = sealed("order-1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kPolicy);
  EXPECT_NE(refused.error().text.find("RL2"), std::string::npos) << refused.error().text;
  world.policy.targets.clear();
  const auto taken = sealed("order-2");
  EXPECT_TRUE(taken) << taken.error().text;
}

TEST_F(ByCertificatesTest, APayloadThatNamesNoAgreementKeyIsToldSo) {
  DeploymentOptions options = by_certificates();
  options.manager_exports_keys = true;
  Deployment world("silent payload", options);
  DeployedCard& card = world.add_card("phone-1");
  world.policy.minimum_level = 2;
  const auto order = world.open_order("order-1", card);
  const auto e0 = world.request(order.id);
  const auto sealing = world.flow->seal(order.id, e0.attempt, must(world.enrol(card, e0.message)));
  ASSERT_FALSE(sealing);
  EXPECT_NE(sealing.error().text.find("agreement_key_version"), std::string::npos)
      << sealing.error().text;
}

TEST_F(ByCertificatesTest, ACertSdByTheManagerOrForSomethingElseIsRefusedAtEnrolment) {
  const auto keep = [](pki::CertificateFields&) {};
  const crypto::EcPrivateKey& root = *world_.authority->keys().current.in_memory();
  const crypto::EcPrivateKey manager = must(crypto::EcPrivateKey::generate(world_.rng));
  ASSERT_EQ(enrols_with(certify(keep, root)).value, 0x9000);
  const auto refused = [&](auto change) {
    return enrols_with(certify(change, root)).value == 0x6982;
  };
  EXPECT_EQ(enrols_with(certify(keep, manager)).value, 0x6982);
  EXPECT_EQ(enrols_with(certify(keep, *world_.maker->identity().key.in_memory())).value, 0x6982);
  EXPECT_TRUE(refused([](auto& f) { f.subject[0] ^= 1; }));         // another element
  EXPECT_TRUE(refused([](auto& f) { f.aids[0].back() ^= 1; }));     // another domain
  EXPECT_TRUE(refused([](auto& f) { f.owner->octets[15] ^= 1; }));  // another provider
  EXPECT_TRUE(refused([](auto& f) {                                 // a key for something else
    f.kind = pki::CertificateKind::kOce;
    f.aids.clear();
    f.owner.reset();
    f.maker_key.reset();
  }));
  Bytes cut = card_.domain_certificate->encoded();
  cut.pop_back();
  EXPECT_EQ(enrols_with(cut).value, 0x6A80);
}

TEST_F(ByCertificatesTest, TheProviderLooksAtCertSdItself) {
  const auto order = open();
  const auto e0 = world_.request(order);
  const Bytes e4 = must(world_.enrol(card_, e0.message));
  const pki::CertificateFields& fields = card_.domain_certificate->fields();
  world_.trust.revoked.add(fields.issuer, fields.serial);
  const auto sealing = world_.flow->seal(order, e0.attempt, e4);
  ASSERT_FALSE(sealing);
  EXPECT_EQ(sealing.error().code, Errc::kRevoked) << sealing.error().text;
}

// The certificate in the domain ends where nobody renews it: an order that does not use it goes on.
TEST_F(ByCertificatesTest, AnExpiredCertSdIsNoReasonAgainstAnotherChannel) {
  DeploymentOptions options = by_certificates();
  options.manager_exports_keys = true;
  Deployment world("expired", options);
  DeployedCard& card = world.add_card("phone-1");
  pki::CertificateFields fields = card.domain_certificate->fields();
  fields.effective = {20250101};
  fields.expiration = {20260101};
  const Bytes expired = must(pki::Certificate::issue(fields, card.domain_certificate->key(),
                                                     world.authority->keys().current, world.rng))
                            .encoded();
  const auto seal = [&](std::string_view id, std::string_view payload) {
    const auto order = world.open_order(id, card, payload);
    const auto e0 = world.request(order.id);
    return world.flow->seal(order.id, e0.attempt,
                            must(world.enrol_with(card, e0.message, expired)));
  };
  const auto sealed = seal("order-1", Deployment::payload_text());
  ASSERT_TRUE(sealed) << sealed.error().text;
  EXPECT_EQ(header_of(sealed->envelope).level, 1);
  const auto refused = seal("order-2", Deployment::payload_by_certificates());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kExpired);
}

TEST_F(ByCertificatesTest, AnEpochThatRoseAfterLoadEndsTheDeliveryBeforeAKeyLeaves) {
  const auto order = open();
  const Bytes e2 = sealed(order);
  must(world_.load(card_, header_of(e2).handle, e2));
  const Bytes statement = must(world_.authority->state_min_epoch(2));
  {
    device::Channels channels = must(device::Channels::open_logical(card_.link()));
    must(must(device::KdaSession::select(channels)).statement(statement));
  }
  ListeningLink device(*card_.element);
  const Bytes e3 = must(relay_through(device, e2));
  EXPECT_EQ(results_of(e3), std::vector{ActionResult::kRefusedBeforeOpening});
  EXPECT_EQ(device.count(kMutualAuthenticate), 0U);
}

// The domain holds another maker's key as PK.CA-KLOC: it takes no host of ours, and says so before
// anything has left.
TEST_F(ByCertificatesTest, ADomainOfAnotherMakerRefusesOurHostCertificate) {
  const crypto::EcPrivateKey other = must(crypto::EcPrivateKey::generate(world_.rng));
  {
    const auto channel = must(apdu::ChannelLink::open(*card_.element));
    const Aid domain = Deployment::domain_aid();
    const ByteView name = domain.view();
    must(apdu::exchange(*channel, gp::Select{.name = Bytes(name.begin(), name.end())}.encode()));
    const auto set = Deployment::channel_keys(card_.domain_keys);
    const auto key_set = must(
        scp::Scp03KeySet::create(set.enc.duplicate(), set.mac.duplicate(), set.dek.duplicate()));
    const scp::Scp03Parameter parameter{card_.domain_keys.i};
    auto session = must(scp::Scp03Link::open(
        *channel, key_set,
        {.key_version_number = Deployment::kDomainKeyVersion, .s16 = parameter.s16()},
        scp::highest_level(parameter), world_.rng));
    const gp::Key key = must(gp::Key::ec_public(crypto::CurvePublicKey::from(other.public_key())));
    const gp::PutKey put{
        .old_version = 0x03,
        .new_version = 0x03,
        .first_identifier = scp::kKidCaKloc,
        .keys = {must(gp::seal_key(key, {.encrypt = [&](ByteView value) {
                                     return session.host().encrypt_sensitive(value);
                                   }}))}};
    must(session.send(must(put.encode())));
  }
  const auto order = open();
  ListeningLink device(*card_.element);
  const Bytes e3 = must(relay_through(device, sealed(order)));
  EXPECT_EQ(results_of(e3), std::vector{ActionResult::kChannelKeysRefused});
  EXPECT_EQ(device.count(kPutKey), 0U);
  EXPECT_EQ(device.count(kMutualAuthenticate), 0U);
  EXPECT_NE(world_.judge(order, 1, e3).verdict.verdict, Verdict::kConfirmed);
  EXPECT_TRUE(managers_keys_open());
}

// The device puts another element's domain, certified too, in the place of the target.
TEST_F(ByCertificatesTest, AnotherElementsDomainDoesNotAnswerForTheTarget) {
  DeployedCard& other = world_.add_card("phone-2");
  class Switch final : public apdu::CardLink {
   public:
    Switch(apdu::CardLink& kda, apdu::CardLink& target) : kda_(kda), target_(target) {}
    // The pump opens two channels: the KDA's first, the target's second.
    Result<Bytes> transmit(ByteView command) override {
      if (command[1] == 0x70) {
        KB_TRY(target_.transmit(command));
        return kda_.transmit(command);
      }
      return (command[0] & 0x03U) == 2 ? target_.transmit(command) : kda_.transmit(command);
    }

   private:
    apdu::CardLink& kda_;
    apdu::CardLink& target_;
  };
  Switch device(*card_.element, *other.element);
  const auto order = open();
  const Bytes e3 = must(relay_through(device, sealed(order)));
  EXPECT_EQ(results_of(e3), std::vector{ActionResult::kChannelKeysRefused});
}

TEST_F(ByCertificatesTest, ALevelChangedOnTheWayIsRefused) {
  const auto order = open();
  const Bytes e2 = sealed(order);
  const Handle handle = header_of(e2).handle;
  const Bytes level{0x84, 0x01, 0x02};
  for (const std::uint8_t other : std::array<std::uint8_t, 4>{0x01, 0x03, 0x04, 0x05}) {
    Bytes changed = e2;
    const auto at = std::ranges::search(changed, level).begin();
    ASSERT_NE(at, changed.end());
    *(at + 2) = other;
    const auto loaded = world_.load(card_, handle, changed);
    ASSERT_FALSE(loaded) << int{other};
    EXPECT_NE(loaded.error().sw.value, 0x9000) << int{other};
  }
  EXPECT_EQ(world_.judge(order, 1, must(world_.relay(card_, e2))).verdict.verdict,
            Verdict::kConfirmed);
}

TEST_F(ByCertificatesTest, EveryLostAnswerEndsInTheKeyInstalledOnce) {
  const auto order = open();
  const Bytes e2 = sealed(order);
  const std::size_t lost = lose_every_answer(world_, card_, order, e2, [&] {
    EXPECT_TRUE(new_keys_open());
    EXPECT_FALSE(managers_keys_open());
  });
  EXPECT_GT(lost, 12U);
}

// Once the key has left, every answer of the target is a lie: unknown, until an honest device asks.
TEST_F(ByCertificatesTest, LiesAboutTheTargetAreUnknownAndThenProved) {
  const auto order = open();
  const Bytes e2 = sealed(order);
  bool key_left = false;
  TamperingLink liar(*card_.element, [&](const apdu::CommandApdu& command) {
    key_left = key_left || command.ins == kPutKey;
    const bool of_target = command.ins == kPutKey || command.ins == kInitializeUpdate ||
                           command.ins == kVerifyCertificate ||
                           command.ins == kMutualAuthenticate || command.ins == kGetData;
    return key_left && of_target ? Tamper{.answer = StatusWord{0x6A88}} : Tamper{};
  });
  const Bytes doubt = must(relay_through(liar, e2));
  EXPECT_EQ(world_.judge(order, 1, doubt).verdict.verdict, Verdict::kUnknown);
  const Bytes proof = must(world_.relay(card_, e2));
  EXPECT_EQ(world_.judge(order, 1, proof).verdict.verdict, Verdict::kConfirmed);
  EXPECT_EQ(results_of(proof), std::vector{ActionResult::kInstalledByProbe});
  EXPECT_TRUE(new_keys_open());
}

// The device says that the domain speaks no SCP11, or drops the key and says 9000.
TEST_F(ByCertificatesTest, ADeviceThatLiesBeforeTheKeyLeavesOnlyDelays) {
  const auto order = open();
  const Bytes e2 = sealed(order);
  for (const std::uint8_t instruction :
       std::array<std::uint8_t, 3>{kGetData, kVerifyCertificate, kMutualAuthenticate}) {
    TamperingLink liar(*card_.element, [&](const apdu::CommandApdu& command) {
      return command.ins == instruction ? Tamper{.instead = StatusWord{0x9000}} : Tamper{};
    });
    EXPECT_EQ(results_of(must(relay_through(liar, e2))),
              std::vector{ActionResult::kChannelKeysRefused})
        << int{instruction};
    EXPECT_TRUE(managers_keys_open());
  }
  EXPECT_EQ(world_.judge(order, 1, must(world_.relay(card_, e2))).verdict.verdict,
            Verdict::kConfirmed);
}

TEST_F(ByCertificatesTest, APayloadThatTouchesTheAgreementKeyIsRefused) {
  std::string text = Deployment::payload_by_certificates();
  EXPECT_TRUE(PayloadFile::parse(text).has_value());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string out = text;
    return out.replace(out.find(from), from.size(), to);
  };
  EXPECT_FALSE(PayloadFile::parse(with("\"03\"", "\"30\"")));
  EXPECT_FALSE(PayloadFile::parse(with("\"03\"", "\"00\"")));
  EXPECT_FALSE(PayloadFile::parse(with("\"03\"", "\"80\"")));
  EXPECT_FALSE(PayloadFile::parse(with(
      "\"key_version\":\"30\"", "\"security_domain\":\"A000000151FF\",\"key_version\":\"30\"")));
}

}  // namespace
}  // namespace kagibin::test
