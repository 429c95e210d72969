// SPDX-License-Identifier: Apache-2.0
// INSTALL of applications and domains: their code, domain, privileges, memory and selection.
#include "kagibin/se/domain/content/content_test_bench.h"

namespace kagibin::se {
namespace {

using gp::Privileges;

class InstallCommandsTest : public ContentBench {
 protected:
  // The same with bits that no host's codec lets through.
  std::uint16_t install_with_raw(std::uint32_t privileges) {
    apdu::CommandApdu command = install_loaded(Privileges::kTrustedPath).encode().value();
    const Bytes field = hex("03008000");
    const auto at = std::ranges::search(command.data, field).begin();
    std::ranges::copy(Privileges{privileges}.encode_three(), at + 1);
    return status(command);
  }
  std::uint32_t issuer_privileges() const { return entry(kIsdAid)->privileges.bits; }
};

TEST_F(InstallCommandsTest, AnInstanceOfLoadedCodeAnswersSelectAndNothingElse) {
  load();
  ASSERT_EQ(install_with(0, "C903010203"), 0x9000);
  bench_.restart();
  EXPECT_EQ(bench_.select(kInstance).sw.value, 0x9000);
  EXPECT_EQ(bench_.status("8001000000"), 0x6A81);
  EXPECT_NE(reason().find("no bytecode"), std::string_view::npos);
  EXPECT_EQ(bench_.status("8050000008000102030405060700"), 0x6A81);
  open_isd();
  ASSERT_EQ(
      status(gp::Install{.purpose = gp::InstallFor::kPersonalization, .application = aid(kInstance)}
                 .encode()
                 .value()),
      0x9000);
  EXPECT_EQ(status({.ins = 0xE2, .p1 = 0x80, .data = hex("01020304")}), 0x6A81);
}

TEST_F(InstallCommandsTest, LoadedCodeOfABuiltInModuleRunsIt) {
  const Bytes block = test::CapBuilder{.package = kPackage, .applets = {"F00000000201"}}.build();
  ASSERT_EQ(status_of_all(load_all({.load_file = aid(kPackage)}, {}, block)), 0x6A80)
      << "an applet's AID begins with the RID of its package";
  const Bytes same = test::CapBuilder{.package = "F000000002AA", .applets = {kTestModule}}.build();
  ASSERT_EQ(status_of_all(load_all({.load_file = aid("F000000002AA")}, {}, same)), 0x9000);
  auto request = install_loaded(0, "C901FF");
  request.load_file = aid("F000000002AA");
  request.module = aid(kTestModule);
  ASSERT_EQ(status(request.encode().value()), 0x6A80) << "refused by its code";
  request.parameters = hex("C90107");
  ASSERT_EQ(status(request.encode().value()), 0x9000) << reason();
  bench_.select(kInstance);
  EXPECT_EQ(to_hex(bench_.send("80010000020102").data), "800102");
}

TEST_F(InstallCommandsTest, TakesTheOlderNamesOfTheSecurityDomainModule) {
  const gp::Install request{.load_file = aid("A0000000035350"),
                            .module = aid("A000000003535041"),
                            .application = aid(kDomainAid),
                            .privileges = {Privileges::kSecurityDomain},
                            .parameters = hex("C900")};
  ASSERT_EQ(status(request.encode().value()), 0x9000);
  EXPECT_EQ(entry(kDomainAid)->load_file, aid(kDomainFile));
}

// GPCS 9.3.6: the domain of a new application
TEST_F(InstallCommandsTest, AnApplicationBeginsInTheDomainOfItsLoadFile) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement);
  ASSERT_EQ(
      status_of_all(load_all({.load_file = aid(kPackage), .security_domain = aid(kDomainAid)})),
      0x9000);
  ASSERT_EQ(install_with(0), 0x9000);
  EXPECT_EQ(entry(kInstance)->security_domain, aid(kDomainAid));
  open_domain(kDomainAid);
  ASSERT_EQ(status(install_test_application()), 0x9000);
  EXPECT_EQ(entry(kTestAid)->security_domain, aid(kDomainAid)) << "the issuer's file, not its app";
}

// GPCS 6.6.1, 6.6.2: which privileges are given
TEST_F(InstallCommandsTest, GivesPrivilegesByTheirRules) {
  load();
  for (const std::uint32_t refused :
       {Privileges::kGlobalService, Privileges::kContactlessActivation,
        Privileges::kContactlessSelfActivation, 0x01U, Privileges::kSecurityDomain,
        Privileges::kDelegatedManagement, Privileges::kAuthorizedManagement,
        Privileges::kDapVerification, Privileges::kTokenVerification,
        Privileges::kReceiptGeneration}) {
    EXPECT_EQ(install_with_raw(refused), 0x6A80) << std::hex << refused;
    EXPECT_FALSE(reason().empty());
  }
  EXPECT_EQ(status(Bench::install_domain(kDomainAid, Privileges::kCipheredLoadFileDataBlock)),
            0x6A80);
  for (const std::uint32_t given :
       {Privileges::kCardLock, Privileges::kCardTerminate, Privileges::kCvmManagement,
        Privileges::kTrustedPath, Privileges::kGlobalDelete, Privileges::kGlobalLock,
        Privileges::kGlobalRegistry}) {
    EXPECT_EQ(install_with(given), 0x9000) << std::hex << given;
    EXPECT_EQ(entry(kInstance)->privileges.bits, given);
    EXPECT_EQ(status(erase(kInstance)), 0x9000);
  }
}

// GPCS 6.6.2: one holder at a time
TEST_F(InstallCommandsTest, CardResetAndFinalApplicationHaveOneHolder) {
  load();
  for (const std::uint32_t single : {Privileges::kCardReset, Privileges::kFinalApplication}) {
    ASSERT_NE(issuer_privileges() & single, 0U);
    ASSERT_EQ(install_with(single), 0x9000);
    EXPECT_EQ(issuer_privileges() & single, 0U);
    ASSERT_EQ(status(install_test_application()), 0x9000);
    EXPECT_EQ(update_privileges(kTestAid, single), 0x6985);
    EXPECT_EQ(update_privileges(kInstance, 0), 0x9000);
    EXPECT_NE(issuer_privileges() & single, 0U) << "given up";
    EXPECT_EQ(update_privileges(kTestAid, single), 0x9000);
    EXPECT_EQ(status(erase(kTestAid)), 0x9000);
    EXPECT_NE(issuer_privileges() & single, 0U) << "deleted";
    EXPECT_EQ(status(erase(kInstance)), 0x9000);
  }
}

// GPCS 9.3.7, 11.5.2.3.3: INSTALL [for make selectable]
TEST_F(InstallCommandsTest, MakeSelectableGivesCardResetAloneAndAlsoLater) {
  load();
  auto install = install_loaded();
  install.purpose = gp::InstallFor::kInstall;
  ASSERT_EQ(status(install.encode().value()), 0x9000);
  gp::Install make{.purpose = gp::InstallFor::kMakeSelectable,
                   .application = aid(kInstance),
                   .privileges = {Privileges::kCardLock}};
  EXPECT_EQ(status(make.encode().value()), 0x6A80);
  make.privileges = {};
  EXPECT_EQ(status(make.encode().value()), 0x9000);
  EXPECT_EQ(status(make.encode().value()), 0x6985);
  make.privileges = {Privileges::kCardReset};
  EXPECT_EQ(status(make.encode().value()), 0x9000)
      << "as hosts make an application the default one";
  EXPECT_TRUE(entry(kInstance)->privileges.has(Privileges::kCardReset));
  make.application = aid(kIsdAid);
  EXPECT_EQ(status(make.encode().value()), 0x6985);
}

// GPCS 11.1.7: implicit selection
TEST_F(InstallCommandsTest, ImplicitSelectionIsOfOneApplicationAChannel) {
  load();
  ASSERT_EQ(install_with(0, "C900EF03CF0141"), 0x9000);
  EXPECT_EQ(entry(kInstance)->implicit_selection->octet, 0x41);
  auto other = install_loaded(0, "C900EF03CF01C1");
  other.application = aid("F0000000090102");
  EXPECT_EQ(status(other.encode().value()), 0x6985);
  for (const std::string_view wrong : {"C900EF03CF0181", "C900EF03CF0144", "C900EF03CF0160"}) {
    other.parameters = hex(wrong);
    EXPECT_EQ(status(other.encode().value()), 0x6A80) << wrong;
  }
  for (const std::string_view refused : {"C900EF03CB0100", "C900EF03D90100"}) {
    other.parameters = hex(refused);
    EXPECT_EQ(status(other.encode().value()), 0x6A80) << refused;
  }
  other.parameters = hex("C900EF03CF0140");
  EXPECT_EQ(status(other.encode().value()), 0x9000);
  EXPECT_EQ(bench_.open_channel(), 1U);
  EXPECT_EQ(bench_.status("8101000000"), 0x6A81) << "the loaded application answers";
  bench_.element->reset();
  EXPECT_EQ(bench_.status("8001000000"), 0x6A81);
  open_isd();
  EXPECT_EQ(status(erase("F0000000090102")), 0x9000);
  bench_.element->reset();
  EXPECT_EQ(bench_.status("8001000000"), 0x6D00) << "the ISD again";
}

// GPCS 7.3.3, 11.5.2.3.6: personalization of a security domain through the one it is in
TEST_F(InstallCommandsTest, PersonalizesADomainThatIsAssociated) {
  install_domain(kDomainAid);
  const apdu::CommandApdu personalize =
      gp::Install{.purpose = gp::InstallFor::kPersonalization, .application = aid(kDomainAid)}
          .encode()
          .value();
  ASSERT_EQ(status(personalize), 0x9000);
  EXPECT_EQ(status({.ins = 0xE2, .p1 = 0x90, .data = hex("4202ABCD")}), 0x9000);
  EXPECT_EQ(bench_.select(kDomainAid).sw.value, 0x9000);
  EXPECT_EQ(to_hex(bench_.send("80CA004200").data), "4202ABCD");
  bench_.select("");
  EXPECT_EQ(bench_.status("80CA004200"), 0x6A88) << "not the ISD's";
}

// GPCS 7.3, 7.3.3: a domain with keys of its own
TEST_F(InstallCommandsTest, ADomainWithKeysIsNotPersonalizedThroughTheOneAbove) {
  install_domain(kDomainAid);
  give_keys(kDomainAid);
  EXPECT_EQ(status(gp::Install{.purpose = gp::InstallFor::kPersonalization,
                               .application = aid(kDomainAid)}
                       .encode()
                       .value()),
            0x6985);
  EXPECT_EQ(status({.ins = 0xE2, .p1 = 0x90, .data = hex("4202ABCD")}), 0x9000) << "the ISD's own";
  bench_.select(kDomainAid);
  EXPECT_EQ(bench_.status("80CA004200"), 0x6A88);
}

// GPCS 9.7, 11.5.2.3.7: memory
TEST_F(InstallCommandsTest, ReservationsAndQuotasAreOfTheMemoryThatThereIs) {
  load();
  EXPECT_EQ(install_with(0, "C900EF06D80400100000"), 0x6A84) << "1 MiB";
  EXPECT_EQ(install_with(0, "C900EF04D7024001"), 0x6A84) << "volatile";
  EXPECT_EQ(install_with(0, "C900EF08C8020100D8020101"), 0x6A80) << "past its quota";
  ASSERT_EQ(install_with(0, "C900EF04D7023000"), 0x9000);
  auto other = install_loaded(0, "C900EF04D7021001");
  other.application = aid("F0000000090102");
  EXPECT_EQ(status(other.encode().value()), 0x6A84) << "the first has it";
  EXPECT_EQ(status(erase(kInstance)), 0x9000);
  EXPECT_EQ(status(other.encode().value()), 0x9000);
  // The test application writes what it is given, twice.
  auto test = gp::Install{.load_file = aid(kTestFile),
                          .module = aid(kTestModule),
                          .application = aid(kTestAid),
                          .parameters = hex("C9080102030405060708EF03C80110")};
  EXPECT_EQ(status(test.encode().value()), 0x6A84);
  EXPECT_FALSE(entry(kTestAid).has_value());
  test.parameters = hex("C9080102030405060708EF03C80160");
  EXPECT_EQ(status(test.encode().value()), 0x9000);
}

// GPCS 9.3.8: load, install and make selectable
TEST_F(InstallCommandsTest, ACombinedLoadComesWholeOrNotAtAll) {
  gp::InstallForLoad request{.load_file = aid(kPackage), .combined = true};
  auto last = install_loaded();
  last.purpose = gp::InstallFor::kLoadInstallAndMakeSelectable;
  const auto load = [&] { ASSERT_EQ(status_of_all(load_all(request)), 0x9000); };
  load();
  EXPECT_FALSE(load_file().has_value()) << "not yet";
  ASSERT_EQ(status(last.encode().value()), 0x9000) << reason();
  EXPECT_TRUE(load_file().has_value());
  EXPECT_EQ(bench_.select(kInstance).sw.value, 0x9000);
  open_isd();
  EXPECT_EQ(status(last.encode().value()), 0x6985) << "no load before it";
  ASSERT_EQ(status(erase(kPackage, true)), 0x9000);
  load();
  auto wrong = last;
  wrong.module = aid("F00000000902");
  EXPECT_EQ(status(wrong.encode().value()), 0x6A88);
  EXPECT_FALSE(load_file().has_value());
  EXPECT_EQ(status(last.encode().value()), 0x6985) << "it was given up";
  load();
  EXPECT_EQ(status({.ins = 0xCA, .p2 = 0x66}), 0x9000);
  EXPECT_EQ(status(last.encode().value()), 0x6985) << "another command came between";
  load();
  wrong = last;
  wrong.load_file = aid(kTestFile);
  wrong.module = aid(kTestModule);
  EXPECT_EQ(status(wrong.encode().value()), 0x6985);
  auto first_alone = load_all(request);
  ASSERT_EQ(status(first_alone.front()), 0x9000);
  EXPECT_EQ(status(last.encode().value()), 0x6985) << "no LOAD";
}

TEST_F(InstallCommandsTest, ADomainMayBePersonalizedAtOnce) {
  install_domain(kDomainAid, 0, "8400");
  EXPECT_EQ(entry(kDomainAid)->life_cycle, gp::kPersonalized);
  auto later = Bench::install_domain(kOtherDomain, 0, "8400");
  later.p1 = 0x04;
  ASSERT_EQ(status(later), 0x9000);
  EXPECT_EQ(entry(kOtherDomain)->life_cycle, gp::kInstalled);
  ASSERT_EQ(status(gp::Install{.purpose = gp::InstallFor::kMakeSelectable,
                               .application = aid(kOtherDomain)}
                       .encode()
                       .value()),
            0x9000);
  EXPECT_EQ(entry(kOtherDomain)->life_cycle, gp::kPersonalized);
}

}  // namespace
}  // namespace kagibin::se
