// SPDX-License-Identifier: Apache-2.0
// What the manager's session does to commands of a provider; a whole set-up between programs is in
// tests/system/confidential_setup_test.py.
#include "kagibin/roles/security_module_manager/card/carried_domain.h"

#include <gtest/gtest.h>

#include "kagibin/apdu/exchange.h"
#include "kagibin/gp/confidential/setup_messages.h"
#include "kagibin/gp/select.h"
#include "kagibin/se/casd/casd_test_bench.h"

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

  apdu::CommandApdu certificate() {
    return gp::show_certificate(bench_.provider_certificate()).front();
  }
  static apdu::CommandApdu select(const Aid& name) {
    return gp::Select{.name = Bytes(name.view().begin(), name.view().end())}.encode();
  }
  std::ptrdiff_t count(std::uint8_t instruction) const {
    return std::ranges::count_if(passed_,
                                 [&](const Bytes& command) { return command[1] == instruction; });
  }

  se::CasdBench bench_;
  test::FixedRng rng_{"carried"};
  std::vector<Bytes> passed_;
  bool removed_ = false;
};

TEST_F(CarriedDomainTest, ASetUpGoesThroughOneSessionUntilAnotherCommandEndsIt) {
  CarriedDomain carried = domain();
  EXPECT_EQ(send(carried, select(aid(kDomainAid))), 0x9000);
  EXPECT_EQ(send(carried, certificate()), 0x9000);
  EXPECT_EQ(send(carried, certificate()), 0x9000);
  EXPECT_EQ(count(apdu::ins::kInitializeUpdate), 1);
  EXPECT_EQ(carried.stored(), 2);
  // Nothing of STORE DATA passed in the clear.
  for (const Bytes& command : passed_) {
    EXPECT_FALSE(command[1] == apdu::ins::kStoreData && command[0] == 0x80);
  }
  const apdu::CommandApdu ask{.cla = 0x80, .ins = apdu::ins::kGetData, .p2 = 0xE0, .le = 256};
  EXPECT_EQ(send(carried, ask), 0x6982) << "in the clear, where the card expects a MAC";
  EXPECT_EQ(passed_.back(), ask.encode());
  EXPECT_EQ(send(carried, certificate()), 0x9000);
  EXPECT_EQ(count(apdu::ins::kInitializeUpdate), 2);
  EXPECT_FALSE(carried.refusal().has_value());
}

// The manager's card sees nothing of a certificate before the manager saw it whole.
TEST_F(CarriedDomainTest, ALongCertificateWaitsUntilItIsWhole) {
  const auto pieces = gp::show_certificate(bench_.long_provider_certificate());
  ASSERT_EQ(pieces.size(), 2U);
  CarriedDomain carried = domain();
  EXPECT_EQ(send(carried, select(aid(kDomainAid))), 0x9000);
  EXPECT_EQ(send(carried, pieces[0]), 0x9000);
  EXPECT_EQ(count(apdu::ins::kInitializeUpdate), 0);
  EXPECT_EQ(send(carried, pieces[1]), 0x9000);
  EXPECT_EQ(carried.stored(), 2);
  // Another ending, and what is none: nothing of it passes.
  const std::size_t before = passed_.size();
  apdu::CommandApdu longer = pieces[1];
  longer.data.push_back(0x00);
  apdu::CommandApdu last = pieces[1];
  last.p1 |= 0x80;
  apdu::CommandApdu later = pieces[1];
  later.p2 = 0x02;
  for (const apdu::CommandApdu& wrong : {longer, last, later}) {
    EXPECT_EQ(send(carried, pieces[0]), 0x9000);
    EXPECT_EQ(send(carried, wrong), 0x6985);
    EXPECT_EQ(send(carried, pieces[1]), 0x6985) << "a piece without its beginning";
  }
  EXPECT_EQ(passed_.size(), before);
  // Another command drops what waits.
  EXPECT_EQ(send(carried, pieces[0]), 0x9000);
  EXPECT_EQ(send(carried, select(aid(kDomainAid))), 0x9000);
  EXPECT_EQ(send(carried, pieces[1]), 0x6985);
}

TEST_F(CarriedDomainTest, TheCardsRefusalsComeBackAsTheyAre) {
  CarriedDomain carried = domain();
  EXPECT_EQ(send(carried, select(aid(kDomainAid))), 0x9000);
  EXPECT_EQ(send(carried, gp::show_certificate(Bytes{0x7F, 0x21, 0x01, 0x00}).front()), 0x6A80);
  EXPECT_EQ(carried.stored(), 0);
  EXPECT_FALSE(carried.refusal().has_value());
}

// Who reaches the port is anybody: the unsigned form, other objects, and keys of other domains are
// not for him.
TEST_F(CarriedDomainTest, NothingButASignedSetUpOfTheSelectedDomainIsCarried) {
  CarriedDomain carried = domain();
  EXPECT_EQ(send(carried, certificate()), 0x6985) << "nothing is selected";
  EXPECT_EQ(send(carried, select(aid(se::kCasdAid))), 0x9000);
  EXPECT_EQ(send(carried, certificate()), 0x6985) << "another domain is";
  EXPECT_EQ(carried.refusal()->code, Errc::kConflict);
  EXPECT_EQ(send(carried, select(aid("F00000000155"))), 0x6A82);
  EXPECT_EQ(send(carried, select(aid(kDomainAid))), 0x9000);
  const std::size_t before = passed_.size();
  const gp::SetupReference reference{.deletes_existing = true, .key_version = 0x31};
  const std::vector<apdu::CommandApdu> refused = {
      gp::ask_unsigned(reference.encode(), bench_.provider.public_key().point()),
      {.cla = 0x80, .ins = apdu::ins::kStoreData, .p1 = 0x80, .data = {0x42, 0x01, 0x5A}},
      {.cla = 0x80, .ins = apdu::ins::kExternalAuthenticate, .p1 = 0x03, .data = Bytes(16)},
      {.cla = 0x84, .ins = apdu::ins::kStoreData, .p1 = 0x80, .data = Bytes(16)},
      {.cla = 0x80, .ins = apdu::ins::kSetStatus, .p1 = 0x80, .p2 = 0x7F},
      {.cla = 0x01, .ins = apdu::ins::kSelect, .p1 = 0x04, .data = Bytes(8, 0xA0)}};
  for (const apdu::CommandApdu& command : refused) {
    EXPECT_EQ(send(carried, command), 0x6985);
    EXPECT_EQ(carried.refusal()->code, Errc::kPolicy);
  }
  EXPECT_EQ(carried.transmit(Bytes{0x00})->size(), 2U);
  EXPECT_EQ(passed_.size(), before);
}

TEST_F(CarriedDomainTest, WrongKeysUseNoTryAndAreSaidToTheManagerAlone) {
  CarriedDomain carried = domain(0x50);
  EXPECT_EQ(send(carried, select(aid(kDomainAid))), 0x9000);
  EXPECT_EQ(send(carried, certificate()), 0x6982);
  ASSERT_TRUE(carried.refusal().has_value());
  EXPECT_EQ(carried.refusal()->code, Errc::kAuthentication);
  EXPECT_EQ(count(apdu::ins::kExternalAuthenticate), 0);
}

TEST_F(CarriedDomainTest, AReaderThatIsGoneIsALinkError) {
  CarriedDomain carried = domain();
  EXPECT_EQ(send(carried, select(aid(kDomainAid))), 0x9000);
  removed_ = true;
  EXPECT_EQ(carried.transmit(certificate().encode()).error().code, Errc::kCardLink);
  EXPECT_EQ(carried.transmit(select(aid(kDomainAid)).encode()).error().code, Errc::kCardLink);
}

}  // namespace
}  // namespace kagibin::roles::security_module_manager
