// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/content_commands.h"

#include "kagibin/gp/content/delete.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::se {
namespace {

apdu::CommandApdu erase(std::string_view name) {
  return gp::DeleteObject{.aid = aid(name)}.encode();
}
apdu::CommandApdu personalize(std::string_view name) {
  return gp::Install{.purpose = gp::InstallFor::kPersonalization, .application = aid(name)}
      .encode()
      .value();
}

class ContentCommandsTest : public ::testing::Test {
 protected:
  std::uint16_t status(const std::same_as<apdu::CommandApdu> auto& command) {
    return bench_.status(*host_, command);
  }
  std::uint16_t status(const scp::PlainCommand& command) { return bench_.status(*host_, command); }
  std::uint16_t store(std::uint8_t p1, std::uint8_t p2, std::string_view data) {
    return status(scp::PlainCommand{.ins = 0xE2, .p1 = p1, .p2 = p2, .data = hex(data)});
  }
  std::string stored(std::string_view name = kTestAid) {
    const SecretBytes* record = bench_.element->nvm().get("app/" + std::string(name) + "/data");
    return record == nullptr ? "-" : to_hex(record->expose());
  }

  Bench bench_{test_modules(), {}};
  std::unique_ptr<scp::Scp03Host> host_ = bench_.open_isd();
};

// GPCS 11.5.2.3.2: INSTALL [for install and make selectable]
TEST_F(ContentCommandsTest, InstallsAnApplicationWithItsParametersAndMakesItSelectable) {
  const auto answer = bench_.send(*host_, install_test_application(kTestAid, "0102"));
  EXPECT_EQ(answer.sw.value, 0x9000);
  EXPECT_EQ(to_hex(answer.data), "00");
  EXPECT_EQ(stored(), "0102");
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x9000);
  bench_.restart();
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x9000);
}

// GPCS 11.5.2.3.3, 5.3: INSTALL [for make selectable]
TEST_F(ContentCommandsTest, InstallsInTwoSteps) {
  apdu::CommandApdu install = install_test_application();
  install.p1 = 0x04;
  ASSERT_EQ(status(install), 0x9000);
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x6A82);
  const apdu::CommandApdu make_selectable =
      gp::Install{.purpose = gp::InstallFor::kMakeSelectable, .application = aid(kTestAid)}
          .encode()
          .value();
  EXPECT_EQ(status(make_selectable), 0x9000);
  EXPECT_EQ(status(make_selectable), 0x6985);
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x9000);
}

// GPCS 11.5.2.3.7: secure channel protocols, 81
TEST_F(ContentCommandsTest, InstallsASecurityDomainWithItsOwnChannelParameter) {
  ASSERT_EQ(status(Bench::install_domain(kDomainAid, 0, "81020371")), 0x9000);
  ASSERT_EQ(bench_.select(kDomainAid).sw.value, 0x9000);
  EXPECT_EQ(bench_.send("8050000010000102030405060708090A0B0C0D0E0F00").data.size(), 48U);
  EXPECT_EQ(bench_.status("80CA004200"), 0x6A88) << "the names of the card are the ISD's";
}

// GPCS 11.5.3.2: refused
TEST_F(ContentCommandsTest, InstallRefusesWhatCannotBe) {
  EXPECT_EQ(status(install_test_application(kTestAid, "FF")), 0x6A80) << "by the application";
  EXPECT_EQ(stored(), "-");
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x6A82);
  host_ = bench_.open_isd();
  EXPECT_EQ(status(install_test_application(kIsdAid)), 0x6985);
  EXPECT_EQ(status(install_test_application(kTestFile)), 0x6985);
  EXPECT_EQ(status(Bench::install_domain(kDomainAid, 0, "81020260")), 0x6985) << "SCP02 is off";
  EXPECT_EQ(status(Bench::install_domain(kDomainAid, 0, "81020364")), 0x6A80);
  EXPECT_EQ(status(Bench::install_domain(kDomainAid, 0, "8200")), 0x6A80);
  EXPECT_EQ(status(Bench::install_domain(kDomainAid, gp::Privileges::kGlobalService)), 0x6A80);
  gp::Install request{
      .load_file = aid("F000000009"), .module = aid(kTestModule), .application = aid(kTestAid)};
  EXPECT_EQ(status(request.encode().value()), 0x6A88);
  request.load_file = aid(kTestFile);
  request.module = aid("F00000000909");
  EXPECT_EQ(status(request.encode().value()), 0x6A88);
  request.module = aid(kTestModule);
  request.privileges.bits = gp::Privileges::kSecurityDomain;
  EXPECT_EQ(status(request.encode().value()), 0x6A80) << "not a security domain's module";
  request.privileges = {};
  request.token = Bytes(16);
  EXPECT_EQ(status(request.encode().value()), 0x6A80);
  EXPECT_EQ(bench_.select(kTestAid).sw.value, 0x6A82);
}

// GPCS 11.5.2.3: fields
TEST_F(ContentCommandsTest, InstallRefusesWrongParametersAndLengths) {
  const apdu::CommandApdu good = install_test_application();
  for (const std::uint8_t p1 : hex("0001060A1C30507E")) {
    EXPECT_EQ(status({.ins = 0xE6, .p1 = p1, .data = good.data}), 0x6A86);
  }
  for (const std::uint8_t p1 : hex("021040")) {
    EXPECT_EQ(status({.ins = 0xE6, .p1 = p1, .data = good.data}), 0x6A80) << "for something else";
  }
  EXPECT_EQ(status({.ins = 0xE6, .p1 = 0x0C, .p2 = 1, .data = good.data}), 0x6A86);
  for (std::size_t size = 0; size < good.data.size(); ++size) {
    EXPECT_EQ(status({.ins = 0xE6, .p1 = 0x0C, .data = ByteView(good.data).first(size)}), 0x6A80);
  }
  EXPECT_EQ(bench_.select("").sw.value, 0x9000);
  EXPECT_EQ(bench_.send(good).sw.value, 0x6982);
}

// GPCS 9.1.3, 6.6.1: Authorized Management
TEST_F(ContentCommandsTest, ASecurityDomainNeedsThePrivilegeToManageContent) {
  constexpr std::string_view kManager = "F000000001AA02";
  ASSERT_EQ(status(Bench::install_domain(kDomainAid)), 0x9000);
  ASSERT_EQ(status(Bench::install_domain(kManager, gp::Privileges::kAuthorizedManagement)), 0x9000);
  ASSERT_EQ(status(install_test_application("F0000000020109")), 0x9000);
  bench_.select(kDomainAid);
  host_ = bench_.open(test_keys(kIsdKeys));
  EXPECT_EQ(status(install_test_application()), 0x6985);
  EXPECT_EQ(status(erase(kManager)), 0x6985);
  bench_.select(kManager);
  host_ = bench_.open(test_keys(kIsdKeys));
  EXPECT_EQ(status(install_test_application()), 0x9000);
  EXPECT_EQ(status(erase("F0000000020109")), 0x6985) << "another's application";
  EXPECT_EQ(status(erase(kManager)), 0x6985) << "itself";
  EXPECT_EQ(status(erase(kTestAid)), 0x9000);
}

// GPCS 9.5, 11.2.2.3.1: DELETE [card content]
TEST_F(ContentCommandsTest, DeletesAnApplicationWithItsRecords) {
  ASSERT_EQ(status(install_test_application(kTestAid, "0102")), 0x9000);
  EXPECT_EQ(status(erase(kTestAid)), 0x9000);
  EXPECT_EQ(stored(), "-");
  EXPECT_EQ(status(erase(kTestAid)), 0x6A88);
  EXPECT_EQ(status(install_test_application()), 0x9000) << "the name is free again";
  EXPECT_EQ(stored(), "");
}

// GPCS 9.5: deletion of a security domain
TEST_F(ContentCommandsTest, DeletesADomainWithItsKeysOnceItIsEmpty) {
  ASSERT_EQ(status(Bench::install_domain(kDomainAid, gp::Privileges::kAuthorizedManagement)),
            0x9000);
  bench_.select(kDomainAid);
  host_ = bench_.open(test_keys(kIsdKeys));
  ASSERT_EQ(status(Bench::put_key(*host_, 0x40, test_keys(0x51)).encode().value()), 0x9000);
  ASSERT_EQ(status(install_test_application()), 0x9000);
  host_ = bench_.open_isd();
  EXPECT_EQ(status(erase(kDomainAid)), 0x6985);
  ASSERT_EQ(status(erase(kTestAid)), 0x9000);
  EXPECT_EQ(status(erase(kDomainAid)), 0x9000);
  EXPECT_TRUE(bench_.element->nvm().names("key/" + std::string(kDomainAid)).empty());
  ASSERT_EQ(status(Bench::install_domain(kDomainAid)), 0x9000);
  bench_.select(kDomainAid);
  EXPECT_TRUE(bench_.open(test_keys(kIsdKeys), 0x30)->open());
}

// GPCS 9.5: what is not deleted
TEST_F(ContentCommandsTest, DoesNotDeleteWhatIsInUseOrBuiltIn) {
  ASSERT_EQ(status(install_test_application()), 0x9000);
  EXPECT_EQ(status(erase(kIsdAid)), 0x6985);
  EXPECT_EQ(status(erase(kTestFile)), 0x6985);
  const std::uint8_t channel = bench_.open_channel();
  bench_.select(kTestAid, channel);
  EXPECT_EQ(status(erase(kTestAid)), 0x6985);
  bench_.select("", channel);
  EXPECT_EQ(status(erase(kTestAid)), 0x9000);
}

// GPCS 7.3.3, 11.5.2.3.6: INSTALL [for personalization]
TEST_F(ContentCommandsTest, PersonalizesAnApplicationBlockByBlock) {
  ASSERT_EQ(status(install_test_application()), 0x9000);
  ASSERT_EQ(status(personalize(kTestAid)), 0x9000);
  EXPECT_EQ(store(0x08, 0x00, "01"), 0x9000);
  EXPECT_EQ(stored(), "01");
  EXPECT_EQ(store(0x08, 0x02, "02"), 0x6A86) << "a gap";
  EXPECT_EQ(store(0x08, 0x01, "FF"), 0x6A80) << "refused by the application";
  EXPECT_EQ(stored(), "01");
  EXPECT_EQ(store(0x88, 0x01, "03"), 0x9000);
  EXPECT_EQ(stored(), "03");
  EXPECT_EQ(store(0x88, 0x00, "04"), 0x6A80) << "the last block ended it: the domain's own again";
  EXPECT_EQ(stored(), "03");
}

TEST_F(ContentCommandsTest, AnotherCommandEndsPersonalization) {
  ASSERT_EQ(status(install_test_application()), 0x9000);
  ASSERT_EQ(status(personalize(kTestAid)), 0x9000);
  ASSERT_EQ(status(scp::PlainCommand{.ins = 0xCA, .p2 = 0x66}), 0x9000);
  EXPECT_NE(store(0x88, 0x00, "01"), 0x9000);
  EXPECT_EQ(stored(), "");
}

// GPCS 7.3.3: associated applications alone
TEST_F(ContentCommandsTest, PersonalizesItsOwnApplicationsOnly) {
  ASSERT_EQ(status(install_test_application()), 0x9000);
  ASSERT_EQ(status(Bench::install_domain(kDomainAid)), 0x9000);
  EXPECT_EQ(status(personalize("F0000000020102")), 0x6A88);
  EXPECT_EQ(status(personalize(kDomainAid)), 0x9000);
  EXPECT_EQ(status(personalize(kIsdAid)), 0x6985) << "itself";
  bench_.select(kDomainAid);
  host_ = bench_.open(test_keys(kIsdKeys));
  EXPECT_EQ(status(personalize(kTestAid)), 0x6985);
}

}  // namespace
}  // namespace kagibin::se
