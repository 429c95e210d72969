// SPDX-License-Identifier: Apache-2.0
// Who gives privileges over the whole card: the ISD, or a domain that holds them itself.
#include "kagibin/se/domain/content/content_test_bench.h"

namespace kagibin::se {
namespace {

using gp::Privileges;

constexpr std::array kCardWide{Privileges::kCardLock,      Privileges::kCardTerminate,
                               Privileges::kCardReset,     Privileges::kFinalApplication,
                               Privileges::kGlobalDelete,  Privileges::kGlobalLock,
                               Privileges::kGlobalRegistry};
constexpr std::uint32_t kMandated =
    Privileges::kDapVerification | Privileges::kMandatedDapVerification;

class PrivilegeGrantsTest : public ContentBench {
 protected:
  std::uint16_t install_with(std::uint32_t privileges) {
    auto request = gp::Install{.load_file = aid(kTestFile),
                               .module = aid(kTestModule),
                               .application = aid(kTestAid),
                               .privileges = {privileges},
                               .parameters = hex("C900")};
    return status(request.encode().value());
  }
  std::uint16_t update(std::uint32_t privileges) { return status(updating(privileges)); }
  static apdu::CommandApdu updating(std::uint32_t privileges) {
    return gp::RegistryUpdate{.application = aid(kTestAid), .privileges = Privileges{privileges}}
        .encode()
        .value();
  }
  std::uint16_t make_default() {
    return status(gp::Install{.purpose = gp::InstallFor::kMakeSelectable,
                              .application = aid(kTestAid),
                              .privileges = {Privileges::kCardReset}}
                      .encode()
                      .value());
  }
};

// GPCS 6.6.2, 9.1.3: a manager below the ISD takes no power over the card
TEST_F(PrivilegeGrantsTest, AManagerBelowTheIssuerGivesNoPowerOverTheCardThatItLacks) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement);
  open_domain(kDomainAid);
  for (const std::uint32_t privilege : kCardWide) {
    EXPECT_EQ(install_with(privilege), 0x6985) << std::hex << privilege;
    EXPECT_NE(reason().find("holds it itself"), std::string_view::npos);
    EXPECT_EQ(status(Bench::install_domain(kOtherDomain, privilege)), 0x6985)
        << std::hex << privilege;
  }
  EXPECT_EQ(status(Bench::install_domain(kOtherDomain, kMandated)), 0x6985);
  EXPECT_FALSE(entry(kOtherDomain).has_value());
  ASSERT_EQ(install_with(Privileges::kCvmManagement | Privileges::kTrustedPath), 0x9000)
      << "as hosts ask for it with every application";
  for (const std::uint32_t privilege : kCardWide) {
    EXPECT_EQ(update(privilege), 0x6985) << std::hex << privilege;
  }
  EXPECT_EQ(make_default(), 0x6985);
  EXPECT_EQ(entry(kTestAid)->privileges.bits,
            Privileges::kCvmManagement | Privileges::kTrustedPath);
  EXPECT_EQ(status(Bench::install_domain(
                kOtherDomain, Privileges::kDapVerification | Privileges::kDelegatedManagement)),
            0x9000)
      << "what concerns its own content it gives";
}

TEST_F(PrivilegeGrantsTest, AManagerGivesWhatItHolds) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement | Privileges::kGlobalLock);
  open_domain(kDomainAid);
  EXPECT_EQ(install_with(Privileges::kGlobalLock | Privileges::kGlobalDelete), 0x6985);
  EXPECT_EQ(install_with(Privileges::kGlobalLock), 0x9000);
}

// GPCS 9.4.2: what the issuer gave stays through an update, and does not come back once it is gone
TEST_F(PrivilegeGrantsTest, AManagerLeavesOrTakesAwayWhatTheIssuerGave) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement);
  ASSERT_EQ(install_with(Privileges::kCardLock), 0x9000);
  ASSERT_EQ(status(extradite(kTestAid, kDomainAid)), 0x9000);
  open_domain(kDomainAid);
  EXPECT_EQ(update(Privileges::kCardLock | Privileges::kTrustedPath), 0x9000);
  EXPECT_EQ(update(Privileges::kTrustedPath), 0x9000);
  EXPECT_EQ(update(Privileges::kCardLock), 0x6985);
}

// GPCS 9.2.1, C.4: a token is the word of the domain that verifies it
TEST_F(PrivilegeGrantsTest, ATokenGivesWhatTheDomainThatVerifiesItMay) {
  const auto with_token = [](const apdu::CommandApdu& command) {
    test::FixedRng rng("token");
    return gp::add_token(command, private_key("issuer"), rng).value();
  };
  install_domain(kDomainAid, Privileges::kDelegatedManagement);
  ASSERT_EQ(status(put_one_key(*host_, 0x70, public_key("issuer"))), 0x9000);
  open_domain(kDomainAid);
  ASSERT_EQ(status(with_token(install_test_application())), 0x9000);
  EXPECT_EQ(status(with_token(updating(Privileges::kCardLock))), 0x9000) << "the issuer's word";
  EXPECT_EQ(status(with_token(updating(0))), 0x9000);

  // A domain between verifies tokens now, and holds no such privilege.
  open_isd();
  install_domain(kOtherDomain, Privileges::kAuthorizedManagement | Privileges::kTokenVerification);
  ASSERT_EQ(status(extradite(kDomainAid, kOtherDomain)), 0x9000);
  open_domain(kOtherDomain);
  EXPECT_EQ(status(put_one_key(*host_, 0x70, public_key("issuer"))), 0x9000);
  open_domain(kDomainAid);
  EXPECT_EQ(status(with_token(updating(Privileges::kTrustedPath))), 0x9000);
  EXPECT_EQ(status(with_token(updating(Privileges::kCardLock))), 0x6985);
}

// GPCS 6.6.1: as tools make a supplementary domain with everything
TEST_F(PrivilegeGrantsTest, TheIssuerGivesManyAtOnceThoughOthersHoldThem) {
  std::uint32_t all = kMandated | Privileges::kDelegatedManagement |
                      Privileges::kTokenVerification | Privileges::kReceiptGeneration |
                      Privileges::kCvmManagement | Privileges::kTrustedPath;
  for (const std::uint32_t privilege : kCardWide) {
    all |= privilege;
  }
  install_domain(kDomainAid, all);
  constexpr std::uint32_t kSingle = Privileges::kCardReset | Privileges::kFinalApplication;
  EXPECT_EQ(entry(kDomainAid)->privileges.bits, all | Privileges::kSecurityDomain);
  EXPECT_EQ(entry(kIsdAid)->privileges.bits & kSingle, 0U);
  EXPECT_EQ(status(Bench::install_domain(kOtherDomain, (all & ~kSingle))), 0x9000) << reason();
}

}  // namespace
}  // namespace kagibin::se
