// SPDX-License-Identifier: Apache-2.0
// Two targets that know nothing of key delivery: an application personalised through its security
// domain, and one that opens its domain's secure channel itself and has key-setting commands of its
// own. Several actions in one delivery, cut anywhere.
#include <array>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/roles/security_module_manager/card_manager.h"
#include "kagibin/se/applications/built_in_applications.h"

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::test {
namespace {

namespace provider = roles::service_provider;

using delivery::Verdict;

constexpr std::string_view kPayment = "F05041594D454E54010101";
constexpr std::string_view kDigitalKey = "F0444947494B4559010101";
constexpr std::array<std::uint8_t, 8> kChallenge{1, 2, 3, 4, 5, 6, 7, 8};

SecretBytes service_key(std::uint8_t filler) {
  SecretBytes key(16);
  for (std::uint8_t& octet : key.expose_mutable()) {
    octet = filler++;
  }
  return key;
}

class OtherTargetsTest : public testing::Test {
 protected:
  OtherTargetsTest() : card_(world_.add_card("phone-1")) {
    must(world_.keys->add_literal_key("first", first_));
    must(world_.keys->add_literal_key("second", second_));
    install(se::payment_credential_load_file(), se::payment_credential_module(), kPayment);
    install(se::digital_key_load_file(), se::digital_key_module(), kDigitalKey);
  }

  void install(const Aid& load_file, const Aid& module, std::string_view application) {
    const auto channel = must(apdu::ChannelLink::open(*card_.element));
    roles::security_module_manager::CardManager manager(*channel, card_.issuer_keys, world_.rng);
    must(manager.install_application(
        card_.domain_keys,
        gp::Install{
            .load_file = load_file, .module = module, .application = *Aid::from_hex(application)}));
  }

  // What the application answers to INTERNAL AUTHENTICATE; empty when it has no key.
  Bytes authenticate(std::string_view application, std::uint8_t p2) {
    const auto channel = must(apdu::ChannelLink::open(*card_.element));
    const auto send = [&](const apdu::CommandApdu& command) {
      return must(apdu::ResponseApdu::decode(must(channel->transmit(command.encode()))));
    };
    EXPECT_EQ(send({.ins = 0xA4, .p1 = 0x04, .data = *from_hex(application), .le = 256}).sw.value,
              0x9000);
    return send({.ins = 0x88,
                 .p2 = p2,
                 .data = Bytes(kChallenge.begin(), kChallenge.end()),
                 .le = 256})
        .data;
  }
  static Bytes expected(const SecretBytes& key) {
    const auto mac = must(crypto::aes_cmac(key.expose(), {kChallenge}));
    return {mac.begin(), mac.end()};
  }
  static std::string kcv(const SecretBytes& key) {
    return to_hex(must(crypto::aes_kcv(key.expose())));
  }

  std::string payment_payload() const {
    return fmt::format(
        R"({{"target":"{0}","channel":{{"key_version":"30"}},"actions":[)"
        R"({{"store_data":{{"application":"{1}","groups":[{{"dgi":"8010","value":"4B42"}}]}}}},)"
        R"({{"store_data":{{"application":"{1}","under_key_dek":true,"groups":[{{"dgi":"8020","key":{{"literal":"first"}}}}]}}}},)"
        R"({{"put_key":{{"replace":"30","key_version":"31","key_identifier":"01","keys":[{2},{2},{2}]}}}}]}})",
        Deployment::domain_aid().hex(), kPayment, R"({"derive":{"master":"fleet","size":16}})");
  }
  std::string digital_key_payload() const {
    const auto command = [](int slot, const char* name, const std::string& check) {
      return fmt::format(
          R"({{"command":{{"header":"8052{0:02X}00","data":[{{"key":{{"literal":"{1}"}}}},{{"value":"{2}"}}],"probe":"8054{0:02X}0003{2}"}}}})",
          slot, name, check);
    };
    return fmt::format(
        R"({{"target":"{}","channel":{{"security_domain":"{}","key_version":"30"}},"actions":[{},{}]}})",
        kDigitalKey, Deployment::domain_aid().hex(), command(1, "first", kcv(first_)),
        command(2, "second", kcv(second_)));
  }

  // Delivers with power cut at each write in turn, every time from the same state; `arrived` looks
  // at the element afterwards.
  template <typename Arrived>
  void cut_everywhere(const std::string& payload, Arrived arrived) {
    const auto order = world_.open_order("cut", card_, payload);
    const auto e0 = world_.request(order.id);
    const auto journal = world_.journal.state();
    const Bytes memory = card_.power->content;
    std::size_t cuts = 0;
    for (std::uint64_t write = 1;; ++write) {
      bool happened = false;
      for (const Cut where : {Cut::kBefore, Cut::kHalfWay, Cut::kAfter}) {
        world_.journal.restore(journal);
        card_.power->content = memory;
        card_.power->restore();
        world_.reopen(card_);
        const Bytes e4 = must(world_.enrol(card_, e0.message));
        const Bytes e2 = world_.seal(order.id, e0.attempt, e4);
        card_.power->cut_at(write, where);
        auto receipt = world_.relay(card_, e2);
        if (!receipt) {
          ASSERT_EQ(receipt.error().code, Errc::kCardLink);
          happened = true;
          card_.power->restore();
          world_.reopen(card_);
          receipt = world_.relay(card_, e2);
        }
        card_.power->restore();
        ASSERT_TRUE(receipt.has_value()) << "write " << write;
        const auto judgement = world_.judge(order.id, e0.attempt, *receipt);
        ASSERT_EQ(judgement.verdict.verdict, Verdict::kConfirmed)
            << "write " << write << ": " << judgement.verdict.reason;
        ASSERT_TRUE(arrived()) << "write " << write;
        cuts += happened ? 1U : 0U;
      }
      if (!happened) {
        break;
      }
    }
    fmt::print("{} cuts\n", cuts);
    EXPECT_GE(cuts, 12U);
  }

  Deployment world_{"other targets", {.domain_installs = true}};
  DeployedCard& card_;
  SecretBytes first_ = service_key(0x11);
  SecretBytes second_ = service_key(0x71);
};

TEST_F(OtherTargetsTest, AnApplicationIsPersonalisedThroughItsDomain) {
  EXPECT_TRUE(authenticate(kPayment, 0).empty());
  const auto judgement =
      world_.deliver(card_, world_.open_order("payment", card_, payment_payload()).id);
  ASSERT_EQ(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;
  EXPECT_EQ(authenticate(kPayment, 0), expected(first_));
  EXPECT_FALSE(world_.opens_with(card_, 0x30, Deployment::channel_keys(card_.domain_keys)));
}

TEST_F(OtherTargetsTest, AnApplicationTakesKeysByItsOwnCommandsInItsDomainsChannel) {
  EXPECT_TRUE(authenticate(kDigitalKey, 1).empty());
  const auto judgement =
      world_.deliver(card_, world_.open_order("digital", card_, digital_key_payload()).id);
  ASSERT_EQ(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;
  EXPECT_EQ(authenticate(kDigitalKey, 1), expected(first_));
  EXPECT_EQ(authenticate(kDigitalKey, 2), expected(second_));
}

// The application's own command is answered in whatever way the application likes.
TEST_F(OtherTargetsTest, ACommandWhoseAnswerWouldCrossInTheClearIsNeitherOrderedNorSealed) {
  const auto mask = [&](std::uint8_t required) {
    world_.policy.required_i_mask = required;
    world_.renew_flow();
  };
  const auto payload = must(provider::PayloadFile::parse(digital_key_payload()));
  const std::array devices{must(delivery::DeviceId::from("phone-1"))};
  const auto check = [&] { return world_.flow->check(payload, {}, devices, 60); };
  const auto order = world_.open_order("digital", card_, digital_key_payload());
  const auto e0 = world_.request(order.id);
  const Bytes e4 = must(world_.enrol(card_, e0.message));
  EXPECT_TRUE(check());
  for (const std::uint8_t required : std::array<std::uint8_t, 3>{0x00, 0x20, 0x40}) {
    mask(required);
    const auto checked = check();
    const auto sealed = world_.flow->seal(order.id, e0.attempt, e4);
    ASSERT_FALSE(checked || sealed) << int{required};
    EXPECT_EQ(checked.error().code, Errc::kPolicy);
    EXPECT_EQ(sealed.error().code, Errc::kPolicy);
    for (const std::string& text : {checked.error().text, sealed.error().text}) {
      EXPECT_NE(text.find("payload.actions[0]"), std::string::npos) << text;
      EXPECT_NE(text.find("own command 80520100"), std::string::npos) << text;
      EXPECT_NE(text.find("the device would see"), std::string::npos) << text;
    }
    EXPECT_NE(sealed.error().text.find("Nothing was sealed"), std::string::npos);
  }
  mask(0x60);
  EXPECT_TRUE(check());
  EXPECT_TRUE(world_.flow->seal(order.id, e0.attempt, e4));
}

TEST_F(OtherTargetsTest, SeveralActionsSurviveACutAtEveryWrite) {
  cut_everywhere(payment_payload(), [&] {
    return authenticate(kPayment, 0) == expected(first_) &&
           !world_.opens_with(card_, 0x30, Deployment::channel_keys(card_.domain_keys));
  });
}

TEST_F(OtherTargetsTest, CommandsOfTheirOwnSurviveACutAtEveryWrite) {
  cut_everywhere(digital_key_payload(), [&] {
    return authenticate(kDigitalKey, 1) == expected(first_) &&
           authenticate(kDigitalKey, 2) == expected(second_);
  });
}

}  // namespace
}  // namespace kagibin::test
