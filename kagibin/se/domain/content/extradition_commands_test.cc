// SPDX-License-Identifier: Apache-2.0
// Extradition and registry update: what moves between domains and hierarchies, and what does not.
#include "kagibin/se/domain/content/content_test_bench.h"

namespace kagibin::se {
namespace {

using gp::Privileges;

class ExtraditionCommandsTest : public ContentBench {};

// GPCS 9.4.1, 11.5.2.3.4: extradition
TEST_F(ExtraditionCommandsTest, ExtraditesApplicationsDomainsAndLoadFiles) {
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

TEST_F(ExtraditionCommandsTest, DomainsSayWhoseContentTheyTake) {
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
TEST_F(ExtraditionCommandsTest, ADomainOnTopOfItsOwnHierarchyIsItsOwnMaster) {
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

TEST_F(ExtraditionCommandsTest, CardWidePrivilegesStayInTheHierarchyOfTheIssuer) {
  ASSERT_EQ(status(Bench::install_domain(
                kDomainAid, Privileges::kAuthorizedManagement | Privileges::kGlobalDelete)),
            0x9000);
  EXPECT_EQ(status(extradite(kDomainAid, kDomainAid)), 0x6985);
  EXPECT_EQ(entry(kDomainAid)->security_domain, aid(kIsdAid)) << "nothing has moved";
}

TEST_F(ExtraditionCommandsTest, CardWidePrivilegesDoNotLeaveWithTheDomainAboveThem) {
  install_domain(kDomainAid, Privileges::kAuthorizedManagement);
  install_domain(kOtherDomain, Privileges::kCardLock);
  EXPECT_EQ(status(extradite(kOtherDomain, kDomainAid)), 0x9000);
  give_keys(kDomainAid);
  EXPECT_EQ(status(extradite(kDomainAid, kDomainAid)), 0x6985);
  EXPECT_EQ(entry(kDomainAid)->security_domain, aid(kIsdAid)) << "nothing has moved";
}

// GPCS 9.4.2, 11.5.2.3.5: registry update
TEST_F(ExtraditionCommandsTest, RegistryUpdatesRefuseWhatCannotBe) {
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

}  // namespace
}  // namespace kagibin::se
