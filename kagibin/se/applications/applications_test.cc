// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/gp/store_data.h"
#include "kagibin/se/applications/built_in_applications.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

constexpr std::string_view kDomain = "F0444F4D41494E01";
constexpr std::string_view kPayment = "F05041594D454E54010101";
constexpr std::string_view kDigitalKey = "F0444947494B4559010101";
constexpr std::uint8_t kDomainKeys = 0x60;
const Bytes kKey = *from_hex("00112233445566778899AABBCCDDEEFF");
const Bytes kChallenge = *from_hex("0102030405060708");

// An element with one security domain and an instance of each application under it.
class ApplicationsTest : public testing::Test {
 protected:
  ApplicationsTest() {
    EXPECT_TRUE(add_built_in_applications(modules_).has_value());
    ElementProfile profile;
    profile.scp03 = scp::Scp03Parameter{0x70};
    profile.key_sets.push_back({profile.isd_aid, 0x30, test_keys(kIsdKeys)});
    profile.security_domains.push_back({aid(kDomain)});
    profile.key_sets.push_back({aid(kDomain), 0x30, test_keys(kDomainKeys)});
    profile.applications.push_back(
        {payment_credential_load_file(), payment_credential_module(), aid(kPayment), aid(kDomain)});
    profile.applications.push_back(
        {digital_key_load_file(), digital_key_module(), aid(kDigitalKey), aid(kDomain)});
    element_ =
        Element::create(profile, std::make_unique<test::CutMedium>(power_), rng_, clock_, modules_)
            .value();
  }

  apdu::ResponseApdu send(const apdu::CommandApdu& command) {
    return *apdu::ResponseApdu::decode(element_->transmit(command.encode()).value());
  }
  StatusWord select(std::string_view name) {
    return send({.ins = 0xA4, .p1 = 0x04, .data = hex(name), .le = 256}).sw;
  }
  scp::Scp03Host open(std::uint8_t level) {
    scp::Scp03Host host(test_keys(kDomainKeys), {.key_version_number = 0x30});
    const auto answer = send(host.initialize_update(rng_).value());
    const auto authenticate = host.external_authenticate(answer, scp::SecurityLevel{level});
    EXPECT_TRUE(host.finish_authentication(send(authenticate.value())).has_value());
    return host;
  }
  StatusWord secured(scp::Scp03Host& host, const scp::PlainCommand& command) {
    const auto answer = host.unwrap(send(host.wrap(command).value()));
    return answer ? answer->response.sw : StatusWord{0};
  }
  static Bytes expected_mac() {
    const auto mac = crypto::aes_cmac(kKey, {kChallenge}).value();
    return {mac.begin(), mac.end()};
  }
  static Bytes key_and_kcv() {
    Bytes out = kKey;
    append(out, crypto::aes_kcv(kKey).value());
    return out;
  }

  std::shared_ptr<test::Power> power_ = std::make_shared<test::Power>();
  test::FixedRng rng_{"applications"};
  test::FakeClock clock_;
  ModuleRegistry modules_;
  std::unique_ptr<Element> element_;
};

// GPCS 7.3.3: personalisation through the security domain
TEST_F(ApplicationsTest, PaymentCredentialIsPersonalisedThroughItsDomainAndThenAuthenticates) {
  ASSERT_EQ(select(kPayment).value, 0x9000);
  EXPECT_EQ(send({.ins = 0x88, .data = kChallenge, .le = 256}).sw.value, 0x6985);
  ASSERT_EQ(select(kDomain).value, 0x9000);
  scp::Scp03Host host = open(0x33);
  const auto install =
      gp::Install{.purpose = gp::InstallFor::kPersonalization, .application = aid(kPayment)}
          .encode()
          .value();
  EXPECT_EQ(
      secured(host, {.ins = install.ins, .p1 = install.p1, .data = install.data, .le = 256}).value,
      0x9000);
  const Bytes sealed = host.encrypt_sensitive(kKey).value();
  const SecretBytes groups =
      gp::encode_groupings(std::vector<gp::Grouping>{{0x8020, sealed}}).value();
  EXPECT_EQ(secured(host, {.ins = 0xE2, .p1 = 0xE8, .data = groups.expose(), .le = 256}).value,
            0x9000);
  ASSERT_EQ(select(kPayment).value, 0x9000);
  const auto answer = send({.ins = 0x88, .data = kChallenge, .le = 256});
  EXPECT_EQ(answer.sw.value, 0x9000);
  EXPECT_EQ(to_hex(answer.data), to_hex(expected_mac()));
}

TEST_F(ApplicationsTest, PaymentCredentialTakesABlockWholeOrNotAtAll) {
  ASSERT_EQ(select(kDomain).value, 0x9000);
  scp::Scp03Host host = open(0x33);
  const auto install =
      gp::Install{.purpose = gp::InstallFor::kPersonalization, .application = aid(kPayment)}
          .encode()
          .value();
  ASSERT_EQ(
      secured(host, {.ins = install.ins, .p1 = install.p1, .data = install.data, .le = 256}).value,
      0x9000);
  // A good number, then a key of the wrong length.
  const Bytes groups = *from_hex("8010 02 1234 8020 01 00");
  EXPECT_EQ(secured(host, {.ins = 0xE2, .p1 = 0x88, .data = groups, .le = 256}).value, 0x6A80);
  ASSERT_EQ(select(kPayment).value, 0x9000);
  EXPECT_EQ(send({.ins = 0xCA, .p2 = 0x5A, .data = {}, .le = 256}).sw.value, 0x6A88);
}

// GPCS 10.2: the domain's channel for its applications
TEST_F(ApplicationsTest, DigitalKeyOpensItsDomainsChannelItselfAndTakesKeysInIt) {
  ASSERT_EQ(select(kDigitalKey).value, 0x9000);
  scp::Scp03Host host = open(0x33);
  const Bytes data = key_and_kcv();
  EXPECT_EQ(secured(host, {.ins = 0x54, .p1 = 2, .data = ByteView(data).last(3)}).value, 0x6A88);
  EXPECT_EQ(secured(host, {.ins = 0x52, .p1 = 2, .data = data}).value, 0x9000);
  EXPECT_EQ(secured(host, {.ins = 0x54, .p1 = 2, .data = ByteView(data).last(3)}).value, 0x9000);
  const auto answer = send({.ins = 0x88, .p2 = 2, .data = kChallenge, .le = 256});
  EXPECT_EQ(to_hex(answer.data), to_hex(expected_mac()));
  EXPECT_EQ(secured(host, {.ins = 0x56, .p1 = 2}).value, 0x9000);
  EXPECT_EQ(send({.ins = 0x88, .p2 = 2, .data = kChallenge, .le = 256}).sw.value, 0x6A88);
}

TEST_F(ApplicationsTest, DigitalKeyRefusesKeysOutsideAnEncryptingSession) {
  const Bytes data = key_and_kcv();
  ASSERT_EQ(select(kDigitalKey).value, 0x9000);
  EXPECT_EQ(send({.cla = 0x80, .ins = 0x52, .p1 = 1, .data = data}).sw.value, 0x6982);
  scp::Scp03Host host = open(0x01);
  EXPECT_EQ(secured(host, {.ins = 0x52, .p1 = 1, .data = data}).value, 0x6982);
  EXPECT_EQ(send({.ins = 0x88, .p2 = 1, .data = kChallenge, .le = 256}).sw.value, 0x6A88);
}

TEST_F(ApplicationsTest, DigitalKeyChecksSlotLengthAndKcv) {
  Bytes data = key_and_kcv();
  ASSERT_EQ(select(kDigitalKey).value, 0x9000);
  scp::Scp03Host host = open(0x33);
  EXPECT_EQ(secured(host, {.ins = 0x52, .p1 = 0, .data = data}).value, 0x6A86);
  EXPECT_EQ(secured(host, {.ins = 0x52, .p1 = 9, .data = data}).value, 0x6A86);
  EXPECT_EQ(secured(host, {.ins = 0x52, .p1 = 1, .data = ByteView(data).first(18)}).value, 0x6700);
  data.back() ^= 1;
  EXPECT_EQ(secured(host, {.ins = 0x52, .p1 = 1, .data = data}).value, 0x6A80);
  EXPECT_EQ(secured(host, {.ins = 0x53, .p1 = 1, .data = data}).value,
            0x6D00);  // an error status word carries no R-MAC
}

}  // namespace
}  // namespace kagibin::se
