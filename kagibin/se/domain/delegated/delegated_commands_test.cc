// SPDX-License-Identifier: Apache-2.0
// Delegated management by the commands: what a domain does with tokens, and the receipts it gets.
#include "kagibin/se/domain/content/content_test_bench.h"

namespace kagibin::se {
namespace {

using gp::Privileges;

const Bytes& receipt_octets() {
  static const Bytes kOctets(32, 0x5A);
  return kOctets;
}

class DelegatedCommandsTest : public ContentBench {
 protected:
  DelegatedCommandsTest() {
    install_domain(kDomainAid, Privileges::kDelegatedManagement);
    install_domain(kOtherDomain);
    EXPECT_EQ(status(put_one_key(*host_, 0x70, public_key("issuer"))), 0x9000);
    EXPECT_EQ(status(put_one_key(*host_, 0x71, gp::Key::aes(receipt_octets()).value())), 0x9000);
    open_domain(kDomainAid);
  }

  static apdu::CommandApdu with_token(const apdu::CommandApdu& command,
                                      std::string_view seed = "issuer") {
    test::FixedRng rng("token");
    return gp::add_token(command, private_key(seed), rng).value();
  }
  static gp::InstallForLoad load_request() {
    return {.load_file = aid(kPackage),
            .hash = gp::load_file_hash(crypto::HashAlgorithm::kSha256, small_cap())};
  }
  static Commands delegated_load() {
    Commands out = load_all(load_request());
    out.front() = with_token(out.front());
    return out;
  }
  // The counter of the receipt in the answer, which is of what was done.
  int receipt_of(const apdu::ResponseApdu& answer, const Bytes& what_was_done) {
    EXPECT_EQ(answer.sw.value, 0x9000) << reason();
    const auto confirmation = gp::Confirmation::decode(answer.data);
    if (!confirmation || !*confirmation) {
      ADD_FAILURE() << "no receipt";
      return -1;
    }
    EXPECT_TRUE(
        gp::verify_receipt(gp::Key::aes(receipt_octets()).value(), **confirmation, what_was_done));
    return (*confirmation)->counter;
  }
};

// GPCS 9.1.3.3, 9.2.1, C.4, C.5: delegated management
TEST_F(DelegatedCommandsTest, ManagesItsContentByTokensAndGetsReceipts) {
  int counter = 0;
  EXPECT_EQ(
      receipt_of(send_all(delegated_load()), gp::receipt_for::load(aid(kPackage), aid(kDomainAid))),
      counter++);
  EXPECT_EQ(load_file()->security_domain, aid(kDomainAid));
  auto install = install_loaded();
  install.purpose = gp::InstallFor::kInstall;
  const Bytes installed = gp::receipt_for::install(aid(kPackage), aid(kInstance));
  EXPECT_EQ(receipt_of(send(with_token(install.encode().value())), installed), counter++);
  EXPECT_EQ(entry(kInstance)->security_domain, aid(kDomainAid));
  const gp::Install make{.purpose = gp::InstallFor::kMakeSelectable, .application = aid(kInstance)};
  EXPECT_EQ(receipt_of(send(with_token(make.encode().value())), installed), counter++);
  const gp::RegistryUpdate update{.application = aid(kInstance),
                                  .privileges = Privileges{Privileges::kTrustedPath}};
  EXPECT_EQ(receipt_of(send(with_token(update.encode().value())),
                       gp::receipt_for::registry_update(aid(kDomainAid), update.application, {},
                                                        update.privileges, {})),
            counter++);
  EXPECT_EQ(
      receipt_of(send(with_token(extradite(kInstance, kOtherDomain))),
                 gp::receipt_for::extradition(aid(kDomainAid), aid(kInstance), aid(kOtherDomain))),
      counter++);
  EXPECT_EQ(entry(kInstance)->security_domain, aid(kOtherDomain));
  EXPECT_EQ(send(with_token(erase(kInstance))).sw.value, 0x6985) << "it is not its own any more";
  open_isd();
  EXPECT_EQ(status(erase(kInstance)), 0x9000);
  open_domain(kDomainAid);
  EXPECT_EQ(receipt_of(send(with_token(erase(kPackage))), gp::receipt_for::remove(aid(kPackage))),
            counter++);
  EXPECT_FALSE(load_file().has_value());
}

// GPCS 9.3.8, C.4: tokens of a combined load
TEST_F(DelegatedCommandsTest, ACombinedLoadHasATokenForEachInstall) {
  auto request = load_request();
  request.combined = true;
  auto last = install_loaded();
  last.purpose = gp::InstallFor::kLoadInstallAndMakeSelectable;
  Commands all = load_all(request);
  all.front() = with_token(all.front());
  EXPECT_EQ(to_hex(send_all(all).data), "00");
  EXPECT_EQ(receipt_of(send(with_token(last.encode().value())),
                       gp::receipt_for::install(aid(kPackage), aid(kInstance))),
            0);
  EXPECT_TRUE(load_file().has_value());
  EXPECT_TRUE(entry(kInstance).has_value());
}

// GPCS 9.2.1, C.4: tokens that are missing or wrong
TEST_F(DelegatedCommandsTest, DoesNothingWithoutTheRightToken) {
  const std::string before = memory();
  EXPECT_EQ(status(for_load(load_request())), 0x6985) << "no token";
  EXPECT_EQ(status(with_token(for_load(load_request()), "another")), 0x6A80);
  auto no_hash = load_request();
  no_hash.hash.clear();
  EXPECT_EQ(status(with_token(for_load(no_hash))), 0x6A80) << "nothing says what is loaded";
  auto other = load_request();
  other.security_domain = aid(kOtherDomain);
  EXPECT_EQ(status(with_token(for_load(other))), 0x6985) << "not its own domain";
  for (const apdu::CommandApdu& command :
       {install_test_application(), extradite(kTestAid, kOtherDomain), erase(kTestAid),
        gp::RegistryUpdate{.application = aid(kTestAid)}.encode().value(),
        gp::Install{.purpose = gp::InstallFor::kMakeSelectable, .application = aid(kTestAid)}
            .encode()
            .value()}) {
    EXPECT_EQ(status(command), 0x6985) << "no token";
    EXPECT_EQ(status(with_token(command, "another")), 0x6A80);
    apdu::CommandApdu flipped = with_token(command);
    flipped.data.back() ^= 1;
    EXPECT_EQ(status(flipped), 0x6A80);
    auto elsewhere = with_token(command);
    if (elsewhere.ins == 0xE6 && elsewhere.p1 == 0x0C) {
      elsewhere.p1 = 0x04;
      EXPECT_EQ(status(elsewhere), 0x6A80) << "the token is for another purpose";
    }
  }
  EXPECT_EQ(memory(), before);
  open_domain(kOtherDomain);
  EXPECT_EQ(status(with_token(install_test_application())), 0x6985) << "without the privilege";
}

// GPCS C.4: token numbers
TEST_F(DelegatedCommandsTest, ATokenWithANumberIsGoodOnceAndOnlyForWhatWasDone) {
  auto request = install_loaded();
  request.load_file = aid(kTestFile);
  request.module = aid(kTestModule);
  const auto numbered = [&](std::string_view c9) {
    request.parameters = hex(c9);
    append(request.parameters, gp::TokenReference{.number = hex("0001")}.encode());
    return with_token(request.encode().value());
  };
  EXPECT_EQ(status(numbered("C901FF")), 0x6A80) << "refused by the application";
  const auto answer = send(numbered("C90101"));
  EXPECT_EQ(answer.sw.value, 0x9000) << "the number was not used by what failed";
  EXPECT_EQ((*gp::Confirmation::decode(answer.data))->token_number, hex("0001"));
  EXPECT_EQ(status(with_token(erase(kInstance))), 0x9000);
  EXPECT_EQ(status(numbered("C90101")), 0x6985);
  EXPECT_NE(reason().find("used"), std::string_view::npos);
}

TEST_F(DelegatedCommandsTest, TheSameNumberOnTwoChannelsIsGoodOnOne) {
  auto request = load_request();
  append(request.parameters, gp::TokenReference{.number = hex("07")}.encode());
  Commands all = load_all(request);
  all.front() = with_token(all.front());
  ASSERT_EQ(status(all.front()), 0x9000);
  // Meanwhile, on another logical channel, another load under the same token number.
  const std::uint8_t channel = bench_.open_channel();
  ASSERT_EQ(bench_.select(kDomainAid, channel).sw.value, 0x9000);
  auto other = bench_.open(test_keys(kIsdKeys), 0, 0x33, channel);
  auto install = install_loaded();
  install.load_file = aid(kTestFile);
  install.module = aid(kTestModule);
  install.parameters = hex("C900");
  append(install.parameters, gp::TokenReference{.number = hex("07")}.encode());
  EXPECT_EQ(bench_.send(*other, with_token(install.encode().value()), channel).sw.value, 0x9000);
  EXPECT_EQ(status_of_all({all.begin() + 1, all.end()}), 0x6985);
  EXPECT_FALSE(load_file().has_value());
}

TEST_F(DelegatedCommandsTest, WithoutAReceiptKeyThereIsNoReceipt) {
  open_isd();
  ASSERT_EQ(status({.ins = 0xE4, .data = hex("D20171")}), 0x9000);
  open_domain(kDomainAid);
  const auto answer = send(with_token(install_test_application()));
  EXPECT_EQ(answer.sw.value, 0x9000);
  EXPECT_EQ(to_hex(answer.data), "00");
}

}  // namespace
}  // namespace kagibin::se
