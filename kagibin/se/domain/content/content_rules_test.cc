// SPDX-License-Identifier: Apache-2.0
// INSTALL, extradition, registry update and DELETE between domains: who may do what to whom.
#include "kagibin/gp/command_pieces.h"
#include "kagibin/se/domain/content/content_test_bench.h"

namespace kagibin::se {
namespace {

using gp::Privileges;

class ContentRulesTest : public ContentBench {
 protected:
  void load() { ASSERT_EQ(status_of_all(load_all({.load_file = aid(kPackage)})), 0x9000); }
  std::uint16_t install_with(std::uint32_t privileges, std::string_view parameters = "C900") {
    return status(install_loaded(privileges, parameters).encode().value());
  }
  // The same with bits that no host's codec lets through.
  std::uint16_t install_with_raw(std::uint32_t privileges) {
    apdu::CommandApdu command = install_loaded(Privileges::kTrustedPath).encode().value();
    const Bytes field = hex("03008000");
    const auto at = std::ranges::search(command.data, field).begin();
    std::ranges::copy(Privileges{privileges}.encode_three(), at + 1);
    return status(command);
  }
  std::uint16_t update_privileges(std::string_view name, std::uint32_t privileges) {
    return status(gp::RegistryUpdate{.application = aid(name), .privileges = Privileges{privileges}}
                      .encode()
                      .value());
  }
  std::uint32_t issuer_privileges() const { return entry(kIsdAid)->privileges.bits; }
};

TEST_F(ContentRulesTest, AnInstanceOfLoadedCodeAnswersSelectAndNothingElse) {
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

TEST_F(ContentRulesTest, LoadedCodeOfABuiltInModuleRunsIt) {
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

TEST_F(ContentRulesTest, TakesTheOlderNamesOfTheSecurityDomainModule) {
  const gp::Install request{.load_file = aid("A0000000035350"),
                            .module = aid("A000000003535041"),
                            .application = aid(kDomainAid),
                            .privileges = {Privileges::kSecurityDomain},
                            .parameters = hex("C900")};
  ASSERT_EQ(status(request.encode().value()), 0x9000);
  EXPECT_EQ(entry(kDomainAid)->load_file, aid(kDomainFile));
}

// GPCS 9.3.6: the domain of a new application
TEST_F(ContentRulesTest, AnApplicationBeginsInTheDomainOfItsLoadFile) {
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
TEST_F(ContentRulesTest, GivesPrivilegesByTheirRules) {
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
TEST_F(ContentRulesTest, CardResetAndFinalApplicationHaveOneHolder) {
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
TEST_F(ContentRulesTest, MakeSelectableGivesCardResetAloneAndAlsoLater) {
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
TEST_F(ContentRulesTest, ImplicitSelectionIsOfOneApplicationAChannel) {
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
TEST_F(ContentRulesTest, PersonalizesADomainThatIsAssociated) {
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
TEST_F(ContentRulesTest, ADomainWithKeysIsNotPersonalizedThroughTheOneAbove) {
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
TEST_F(ContentRulesTest, ReservationsAndQuotasAreOfTheMemoryThatThereIs) {
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
TEST_F(ContentRulesTest, ACombinedLoadComesWholeOrNotAtAll) {
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

// GPCS 9.4.1, 11.5.2.3.4: extradition
TEST_F(ContentRulesTest, ExtraditesApplicationsDomainsAndLoadFiles) {
  install_domain(kDomainAid);
  install_domain(kOtherDomain);
  load();
  ASSERT_EQ(install_with(0), 0x9000);
  EXPECT_EQ(status(extradite(kInstance, kDomainAid)), 0x9000);
  EXPECT_EQ(entry(kInstance)->security_domain, aid(kDomainAid));
  EXPECT_EQ(status(extradite(kPackage, kDomainAid)), 0x9000);
  EXPECT_EQ(load_file()->security_domain, aid(kDomainAid));
  EXPECT_EQ(status(extradite(kDomainAid, kOtherDomain)), 0x9000) << "with what is in it";
  EXPECT_EQ(entry(kDomainAid)->security_domain, aid(kOtherDomain));
  EXPECT_EQ(status(extradite(kOtherDomain, kDomainAid)), 0x6985) << "a circle";
  EXPECT_EQ(status(extradite(kInstance, kIsdAid)), 0x9000);
  EXPECT_EQ(status(extradite(kIsdAid, kDomainAid)), 0x6985);
  EXPECT_EQ(status(extradite("F00000000707", kDomainAid)), 0x6A88);
  EXPECT_EQ(status(extradite(kInstance, "F00000000707")), 0x6A88);
  EXPECT_EQ(status(extradite(kInstance, kTestAid)), 0x6A88);
  EXPECT_EQ(status(extradite(kOtherDomain, kOtherDomain)), 0x6985)
      << "without Authorized Management";
  const std::uint8_t channel = bench_.open_channel();
  bench_.select(kInstance, channel);
  EXPECT_EQ(status(extradite(kInstance, kDomainAid)), 0x6985) << "selected";
}

TEST_F(ContentRulesTest, DomainsSayWhoseContentTheyTake) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement, "820100870100830100");
  install_domain(kOtherDomain, 0, "82022000");
  load();
  ASSERT_EQ(install_with(0), 0x9000);
  EXPECT_EQ(status(extradite(kInstance, kDomainAid)), 0x6985) << "it takes nobody's";
  EXPECT_NE(reason().find("82"), std::string_view::npos);
  EXPECT_EQ(status(extradite(kPackage, kOtherDomain)), 0x6985) << "applications alone";
  EXPECT_EQ(status(extradite(kInstance, kOtherDomain)), 0x9000);
  open_domain(kDomainAid);
  ASSERT_EQ(status(install_test_application()), 0x9000);
  open_isd();
  EXPECT_EQ(status(extradite(kTestAid, kIsdAid)), 0x6985) << "it lets nothing go";
  EXPECT_NE(reason().find("87"), std::string_view::npos);
  open_domain(kDomainAid);
  EXPECT_EQ(status(extradite(kTestAid, kOtherDomain)), 0x6985) << "taken from the ISD alone";
  open_isd();
  EXPECT_EQ(status(erase(kTestAid)), 0x9000) << "the ISD has Global Delete";
}

// GPCS 7.2: a hierarchy of its own
TEST_F(ContentRulesTest, ADomainOnTopOfItsOwnHierarchyIsItsOwnMaster) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement);
  EXPECT_EQ(status(extradite(kDomainAid, kDomainAid)), 0x6985) << "nobody could open it";
  give_keys(kDomainAid);
  ASSERT_EQ(status(extradite(kDomainAid, kDomainAid)), 0x9000);
  EXPECT_TRUE(entry(kDomainAid)->is_root());
  EXPECT_EQ(update_privileges(kDomainAid, Privileges::kSecurityDomain), 0x6985)
      << "the ISD is not above it";
  EXPECT_EQ(status(extradite(kDomainAid, kIsdAid)), 0x6985);
  load();
  EXPECT_EQ(status(extradite(kPackage, kDomainAid)), 0x6985) << "another hierarchy";
  ASSERT_EQ(bench_.select(kDomainAid).sw.value, 0x9000);
  EXPECT_EQ(status(erase(kDomainAid)), 0x6982) << "that session is over";
}

TEST_F(ContentRulesTest, CardWidePrivilegesStayInTheHierarchyOfTheIssuer) {
  ASSERT_EQ(status(Bench::install_domain(
                kDomainAid, Privileges::kAuthorizedManagement | Privileges::kGlobalDelete)),
            0x9000);
  EXPECT_EQ(status(extradite(kDomainAid, kDomainAid)), 0x6985);
  EXPECT_EQ(entry(kDomainAid)->security_domain, aid(kIsdAid)) << "nothing has moved";
}

TEST_F(ContentRulesTest, CardWidePrivilegesDoNotLeaveWithTheDomainAboveThem) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement);
  install_domain(kOtherDomain, Privileges::kCardLock);
  EXPECT_EQ(status(extradite(kOtherDomain, kDomainAid)), 0x9000);
  give_keys(kDomainAid);
  EXPECT_EQ(status(extradite(kDomainAid, kDomainAid)), 0x6985);
  EXPECT_EQ(entry(kDomainAid)->security_domain, aid(kIsdAid)) << "nothing has moved";
}

// GPCS 9.4.2, 11.5.2.3.5: registry update
TEST_F(ContentRulesTest, RegistryUpdatesRefuseWhatCannotBe) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement);
  ASSERT_EQ(status(install_test_application()), 0x9000);
  EXPECT_EQ(update_privileges(kTestAid, Privileges::kSecurityDomain), 0x6A80);
  EXPECT_EQ(update_privileges(kDomainAid, 0), 0x6A80);
  EXPECT_EQ(update_privileges(kTestAid, Privileges::kGlobalService), 0x6A80);
  EXPECT_EQ(update_privileges(kIsdAid, Privileges::kSecurityDomain), 0x6985);
  EXPECT_EQ(update_privileges("F00000000707", 0), 0x6A88);
  EXPECT_EQ(status(gp::RegistryUpdate{}.encode().value()), 0x6A80);
  gp::RegistryUpdate both{.security_domain = aid(kDomainAid),
                          .application = aid(kTestAid),
                          .privileges = Privileges{Privileges::kGlobalLock},
                          .parameters = hex("EF03CF0141")};
  ASSERT_EQ(status(both.encode().value()), 0x9000);
  EXPECT_EQ(entry(kTestAid)->security_domain, aid(kDomainAid));
  EXPECT_EQ(entry(kTestAid)->privileges.bits, Privileges::kGlobalLock);
  EXPECT_EQ(entry(kTestAid)->implicit_selection->octet, 0x41);
  open_domain(kDomainAid);
  EXPECT_EQ(update_privileges(kTestAid, 0), 0x9000);
  EXPECT_EQ(update_privileges(kDomainAid, Privileges::kSecurityDomain), 0x6985) << "itself";
}

// GPCS 9.5, 11.2: DELETE of load files
TEST_F(ContentRulesTest, DeletesLoadFilesAloneOrWithTheirApplications) {
  load();
  ASSERT_EQ(install_with(0), 0x9000);
  EXPECT_EQ(status(erase(kPackage)), 0x6985) << "it has an instance";
  const std::uint8_t channel = bench_.open_channel();
  bench_.select(kInstance, channel);
  EXPECT_EQ(status(erase(kPackage, true)), 0x6985) << "selected";
  EXPECT_TRUE(entry(kInstance).has_value());
  bench_.select("", channel);
  EXPECT_EQ(status(erase(kPackage, true)), 0x9000);
  EXPECT_FALSE(entry(kInstance).has_value());
  EXPECT_FALSE(load_file().has_value());
  EXPECT_EQ(status(erase(kPackage)), 0x6A88);
  EXPECT_EQ(status(erase(kTestFile, true)), 0x6985) << "built in";
  load();
  EXPECT_EQ(status(erase(kPackage)), 0x9000);
}

// GPCS 9.5: what is in use
TEST_F(ContentRulesTest, WhatAnotherLoadFileImportsStays) {
  load();
  const Bytes user =
      test::CapBuilder{.package = "F000000008", .applets = {"F00000000801"}, .imports = {kPackage}}
          .build();
  ASSERT_EQ(status_of_all(load_all({.load_file = aid("F000000008")}, {}, user)), 0x9000);
  EXPECT_EQ(status(erase(kPackage)), 0x6985);
  EXPECT_EQ(status(erase("F000000008")), 0x9000);
  EXPECT_EQ(status(erase(kPackage)), 0x9000);
}

// GPCS 9.1.3, 9.5: who deletes what
TEST_F(ContentRulesTest, ADomainDeletesWhatIsBelowItAndNothingElse) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement);
  load();
  ASSERT_EQ(install_with(0), 0x9000);
  open_domain(kDomainAid);
  EXPECT_EQ(status(erase(kInstance)), 0x6985);
  EXPECT_EQ(status(erase(kPackage, true)), 0x6985);
  EXPECT_TRUE(entry(kInstance).has_value());
  open_isd();
  ASSERT_EQ(status(extradite(kPackage, kDomainAid)), 0x9000);
  EXPECT_EQ(status(erase(kDomainAid)), 0x6985) << "a load file is in it";
  open_domain(kDomainAid);
  EXPECT_EQ(status(erase(kPackage, true)), 0x6985) << "an instance is another's";
  EXPECT_TRUE(load_file().has_value());
}

// GPCS 9.1.3.4: Global Delete
TEST_F(ContentRulesTest, ADomainWithGlobalDeleteDeletesAnything) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement | Privileges::kGlobalDelete);
  load();
  ASSERT_EQ(install_with(0), 0x9000);
  open_domain(kDomainAid);
  EXPECT_EQ(status(erase(kPackage, true)), 0x9000);
}

TEST_F(ContentRulesTest, ADomainMayBePersonalizedAtOnce) {
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

// INSTALL with parameters that no short command holds.
apdu::CommandApdu long_install() {
  return gp::Install{.load_file = aid(kTestFile),
                     .module = aid(kTestModule),
                     .application = aid(kTestAid),
                     .parameters = gp::with_application_parameters(Bytes(600, 0x42))}
      .encode()
      .value();
}
scp::PlainCommand plain(const apdu::CommandApdu& command) {
  return {.cla = command.cla,
          .ins = command.ins,
          .p1 = command.p1,
          .p2 = command.p2,
          .data = command.data,
          .le = command.le};
}

// GPCS 11.1.5.1: commands in pieces
TEST_F(ContentRulesTest, TakesLongCommandsInPiecesByP1AndByClass) {
  for (const bool by_class : {false, true}) {
    const apdu::CommandApdu whole = long_install();
    const auto wrapped = host_->wrap(plain(whole), true).value();
    auto pieces = gp::cut_into_pieces(wrapped);
    ASSERT_EQ(pieces.size(), 3U);
    apdu::ResponseApdu last;
    for (apdu::CommandApdu& piece : pieces) {
      if (by_class && &piece != &pieces.back()) {
        piece.p1 &= 0x7F;
        piece.cla |= 0x10;
      }
      last = bench_.send(piece);
      if (&piece != &pieces.back()) {
        EXPECT_EQ(last.sw.value, 0x9000);
        EXPECT_TRUE(last.data.empty()) << "no R-MAC";
      }
    }
    const auto opened = host_->unwrap(last);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->response.sw.value, 0x9000);
    EXPECT_EQ(status(erase(kTestAid)), 0x9000);
  }
}

TEST_F(ContentRulesTest, AnotherCommandDropsThePieces) {
  const auto pieces = gp::cut_into_pieces(host_->wrap(plain(long_install()), true).value());
  ASSERT_EQ(bench_.send(pieces[0]).sw.value, 0x9000);
  EXPECT_EQ(bench_.send(pieces[2]).sw.value, 0x6982) << "one is missing: the C-MAC is wrong";
  open_isd();
  const auto again = gp::cut_into_pieces(host_->wrap(plain(long_install()), true).value());
  ASSERT_EQ(bench_.send(again[0]).sw.value, 0x9000);
  auto other = again[1];
  other.p2 = 0x01;
  EXPECT_EQ(bench_.send(other).sw.value, 0x9000) << "the first of another command";
  EXPECT_EQ(bench_.send(again[2]).sw.value, 0x6982);
  EXPECT_FALSE(entry(kTestAid).has_value());
}

TEST_F(ContentRulesTest, PiecesHaveALimitAndNeedASession) {
  apdu::CommandApdu piece{.cla = 0x84, .ins = 0xE6, .p1 = 0x8C, .data = Bytes(255)};
  std::uint16_t answer = 0x9000;
  int count = 0;
  while (answer == 0x9000 && count < 100) {
    answer = bench_.send(piece).sw.value;
    ++count;
  }
  EXPECT_EQ(answer, 0x6700);
  EXPECT_EQ(count, 65);
  bench_.select("");
  piece.cla = 0x80;
  EXPECT_EQ(bench_.send(piece).sw.value, 0x6982);
  piece.p1 = 0x0C;
  piece.cla = 0x90;
  EXPECT_EQ(bench_.send(piece).sw.value, 0x6982);
  piece.ins = 0xF2;
  EXPECT_EQ(bench_.send(piece).sw.value, 0x6884);
}

}  // namespace
}  // namespace kagibin::se
