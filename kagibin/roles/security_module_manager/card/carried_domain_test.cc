// SPDX-License-Identifier: Apache-2.0
// What the manager's session does to commands of a provider; a whole set-up between programs is in
// tests/system/confidential_setup_test.py.
#include "kagibin/roles/security_module_manager/card/carried_domain.h"

#include <gtest/gtest.h>

#include "kagibin/apdu/exchange.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::roles::security_module_manager {
namespace {

using se::aid;
using se::kDomainAid;
using se::test_keys;

constexpr std::uint8_t kKeys = 0x21;
constexpr std::uint8_t kVersion = 0x20;

// An element with a domain and its keys, and the link to it, which keeps what passes.
class CarriedDomainTest : public ::testing::Test, public apdu::CardLink {
 protected:
  CarriedDomainTest() {
    auto issuer = bench_.open_isd();
    EXPECT_EQ(bench_.status(*issuer, bench_.install_domain(kDomainAid)), 0x9000);
    bench_.select(kDomainAid);
    auto above = bench_.open(test_keys(se::kIsdKeys));
    EXPECT_EQ(
        bench_.status(*above, bench_.put_key(*above, kVersion, test_keys(kKeys)).encode().value()),
        0x9000);
  }
  Result<Bytes> transmit(ByteView command) override {
    if (removed_) {
      return fail(Errc::kCardLink, "the reader is gone");
    }
    passed_.emplace_back(command.begin(), command.end());
    return bench_.element->transmit(command);
  }
  CarriedDomain domain(std::uint8_t keys = kKeys) {
    return {*this,
            {.domain = aid(kDomainAid),
             .key_version = kVersion,
             .scp03 = scp::Scp03Parameter{0x60},
             .keys = test_keys(keys)},
            rng_};
  }
  static std::uint16_t send(CarriedDomain& domain, const apdu::CommandApdu& command) {
    return apdu::ResponseApdu::decode(domain.transmit(command.encode()).value())->sw.value;
  }

  se::Bench bench_;
  test::FixedRng rng_{"carried"};
  std::vector<Bytes> passed_;
  bool removed_ = false;
};

// 9F7F-like data of a domain: tag 42, in one block.
const apdu::CommandApdu kStore{
    .cla = 0x80, .ins = apdu::ins::kStoreData, .p1 = 0x80, .data = {0x42, 0x01, 0x5A}};
const apdu::CommandApdu kUnknown{
    .cla = 0x80, .ins = apdu::ins::kStoreData, .p1 = 0x90, .data = {0x3A, 0x01, 0x00}};

TEST_F(CarriedDomainTest, StoreDataGoesThroughOneSessionUntilAnotherCommandEndsIt) {
  CarriedDomain carried = domain();
  EXPECT_EQ(send(carried, kStore), 0x9000);
  EXPECT_EQ(send(carried, kStore), 0x9000);
  const auto openings = [&] {
    return std::ranges::count_if(
        passed_, [](const Bytes& command) { return command[1] == apdu::ins::kInitializeUpdate; });
  };
  EXPECT_EQ(openings(), 1);
  EXPECT_EQ(carried.stored(), 2);
  // Nothing of STORE DATA passed in the clear.
  for (const Bytes& command : passed_) {
    EXPECT_FALSE(command[1] == apdu::ins::kStoreData && command[0] == 0x80);
  }
  const apdu::CommandApdu ask{.cla = 0x80, .ins = apdu::ins::kGetData, .p2 = 0xE0, .le = 256};
  EXPECT_EQ(send(carried, ask), 0x6982) << "in the clear, where the card expects a MAC";
  EXPECT_EQ(passed_.back(), ask.encode());
  EXPECT_EQ(send(carried, kStore), 0x9000);
  EXPECT_EQ(openings(), 2);
  EXPECT_FALSE(carried.refusal().has_value());
}

TEST_F(CarriedDomainTest, TheCardsRefusalsComeBackAsTheyAre) {
  CarriedDomain carried = domain();
  EXPECT_EQ(send(carried, kUnknown) & 0xFF00, 0x6A00);
  EXPECT_EQ(carried.stored(), 0);
  EXPECT_FALSE(carried.refusal().has_value());
}

TEST_F(CarriedDomainTest, WrongKeysUseNoTryAndAreSaidToTheManagerAlone) {
  CarriedDomain carried = domain(0x50);
  EXPECT_EQ(send(carried, kStore), 0x6982);
  ASSERT_TRUE(carried.refusal().has_value());
  EXPECT_EQ(carried.refusal()->code, Errc::kAuthentication);
  EXPECT_TRUE(std::ranges::none_of(passed_, [](const Bytes& command) {
    return command[1] == apdu::ins::kExternalAuthenticate;
  }));
}

TEST_F(CarriedDomainTest, AReaderThatIsGoneIsALinkError) {
  CarriedDomain carried = domain();
  removed_ = true;
  EXPECT_EQ(carried.transmit(kStore.encode()).error().code, Errc::kCardLink);
  EXPECT_EQ(carried.transmit(Bytes{0x00}).error().code, Errc::kCardLink);
}

}  // namespace
}  // namespace kagibin::roles::security_module_manager
