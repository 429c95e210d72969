// SPDX-License-Identifier: Apache-2.0
// Tokens and receipts on the way to a card that is played here: what is signed, and which receipts
// are believed. Against an element: tests/system/gp_tool_test.py.
#include "kagibin/roles/security_module_manager/card/delegated_port.h"

#include <functional>

#include <gtest/gtest.h>

#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/content/extradition.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/gp/content/install_load.h"
#include "kagibin/gp/content/load.h"
#include "kagibin/gp/registry/get_status.h"

#include "tests/support/fixed_rng.h"

namespace kagibin::roles::security_module_manager {
namespace {

using Verdict = CheckedReceipt::Verdict;

Aid aid(std::string_view digits) { return Aid::from_hex(std::string(digits)).value(); }
const Aid kDomain = aid("F0574C4B0101");
const Aid kOther = aid("F0574C4B0102");
const Aid kPackage = aid("F04B41474901");
const Aid kApplication = aid("F04B4147490101");

gp::Key aes(std::uint8_t octet) { return gp::Key::aes(Bytes(16, octet)).value(); }
constexpr std::uint8_t kTokenOctet = 0x70;
constexpr std::uint8_t kReceiptOctet = 0x71;

// A card that does everything, and answers `answer` to INSTALL, DELETE and the last LOAD.
class PlayedCard final : public CommandPort {
 public:
  Result<gp::SensitiveCipher> cipher() const override { return fail(Errc::kState, "none"); }
  std::size_t longest_data() const override { return 255; }

  std::vector<apdu::CommandApdu> commands{};
  Bytes answer{0x00};
  StatusWord sw{0x9000};

 private:
  Result<apdu::ResponseApdu> exchange(const scp::PlainCommand& command) override {
    if (command.ins == apdu::ins::kGetStatus) {
      return list(gp::GetStatus::decode(command.p1, command.p2, command.data).value());
    }
    commands.push_back({.cla = command.cla,
                        .ins = command.ins,
                        .p1 = command.p1,
                        .p2 = command.p2,
                        .data = Bytes(command.data.begin(), command.data.end()),
                        .le = command.le});
    return apdu::ResponseApdu{.data = answer, .sw = sw};
  }
  static Result<apdu::ResponseApdu> list(const gp::GetStatus& query) {
    if (query.scope != gp::StatusScope::kApplications) {
      return apdu::ResponseApdu{.data = {}, .sw = StatusWord{0x6A88}};
    }
    const gp::StatusEntry entry{.aid = kApplication,
                                .state = 0x07,
                                .privileges = gp::Privileges{},
                                .load_file = kPackage,
                                .security_domain = kDomain};
    return apdu::ResponseApdu{.data = gp::encode_entry(entry, query), .sw = StatusWord{0x9000}};
  }
};

class DelegatedPortTest : public testing::Test {
 protected:
  DelegatedPort port(bool token = true, bool receipt = true) {
    DelegationKeys keys;
    if (token) {
      keys.token = aes(kTokenOctet);
    }
    if (receipt) {
      keys.receipt = aes(kReceiptOctet);
    }
    return DelegatedPort(card_, std::move(keys), kDomain, rng_);
  }
  // What a card answers that did this.
  Bytes receipt_of(const Bytes& what_was_done, std::uint8_t key = kReceiptOctet) {
    gp::Confirmation out{.counter = 7, .domain_data = Bytes(4, 0x42)};
    EXPECT_TRUE(gp::sign_receipt(aes(key), out, what_was_done, rng_));
    return out.encode();
  }
  static bool has_right_token(const apdu::CommandApdu& command) {
    const auto split = gp::split_token(command).value();
    return gp::verify(aes(kTokenOctet), gp::token_data(command.p1, command.p2, split.covered),
                      split.token);
  }

  PlayedCard card_{};
  test::FixedRng rng_{"delegated port"};
};

gp::Install install() {
  return {.load_file = kPackage,
          .module = kApplication,
          .application = kApplication,
          .parameters = {0xC9, 0x00}};
}

struct Case {
  apdu::CommandApdu command;
  Bytes what;
};

std::vector<Case> every_command() {
  const gp::Privileges trusted{gp::Privileges::kTrustedPath};
  return {{install().encode().value(), gp::receipt_for::install(kPackage, kApplication)},
          {gp::Install{.purpose = gp::InstallFor::kMakeSelectable, .application = kApplication}
               .encode()
               .value(),
           gp::receipt_for::install(kPackage, kApplication)},
          {gp::Extradition{.security_domain = kOther, .object = kApplication}.encode().value(),
           gp::receipt_for::extradition(kDomain, kApplication, kOther)},
          {gp::RegistryUpdate{.application = kApplication, .privileges = trusted}.encode().value(),
           gp::receipt_for::registry_update(kDomain, kApplication, {}, trusted, {})},
          {gp::DeleteObject{.aid = kApplication}.encode(), gp::receipt_for::remove(kApplication)}};
}

// GPCS 9.2.1, 9.2.3, C.4, C.5: tokens signed and receipts checked by the host
TEST_F(DelegatedPortTest, SignsEveryCommandAndBelievesItsReceiptAlone) {
  for (const Case& one : every_command()) {
    for (const Case& other : every_command()) {
      DelegatedPort delegated = port();
      card_.commands.clear();
      card_.answer = receipt_of(other.what);
      ASSERT_TRUE(delegated.send(one.command, "refused"));
      ASSERT_EQ(card_.commands.size(), 1U);
      EXPECT_TRUE(has_right_token(card_.commands.front()));
      ASSERT_EQ(delegated.receipts().size(), 1U);
      EXPECT_EQ(delegated.receipts().front().verdict,
                one.what == other.what ? Verdict::kRight : Verdict::kWrong);
      EXPECT_EQ(delegated.receipts().front().confirmation->counter, 7);
    }
  }
}

TEST_F(DelegatedPortTest, TheReceiptOfALoadComesWithItsLastBlock) {
  const gp::InstallForLoad announcement{.load_file = kPackage, .hash = Bytes(32, 0x11)};
  for (const Aid& domain : {kDomain, kOther}) {
    DelegatedPort delegated = port();
    card_.commands.clear();
    card_.answer = {0x00};
    gp::InstallForLoad request = announcement;
    if (domain == kOther) {
      request.security_domain = kOther;
    }
    ASSERT_TRUE(delegated.send(request.encode().value(), "refused"));
    EXPECT_TRUE(has_right_token(card_.commands.front()));
    ASSERT_TRUE(delegated.send(gp::Load{.last = false, .block = 0}.encode(Bytes(9)), "refused"));
    EXPECT_TRUE(delegated.receipts().empty());
    card_.answer = receipt_of(gp::receipt_for::load(kPackage, domain));
    ASSERT_TRUE(delegated.send(gp::Load{.last = true, .block = 1}.encode(Bytes(9)), "refused"));
    ASSERT_EQ(delegated.receipts().size(), 1U);
    EXPECT_EQ(delegated.receipts().front().verdict, Verdict::kRight);
  }
}

TEST_F(DelegatedPortTest, WrongKeysCutAndMissingReceiptsAreNoProof) {
  const Bytes what = gp::receipt_for::remove(kApplication);
  const Bytes right = receipt_of(what);
  std::vector<std::pair<Bytes, Verdict>> answers{{receipt_of(what, 0x72), Verdict::kWrong},
                                                 {{0x00}, Verdict::kMissing},
                                                 {{}, Verdict::kMissing}};
  for (std::size_t size = 1; size < right.size(); ++size) {
    answers.emplace_back(Bytes(right.begin(), right.begin() + static_cast<std::ptrdiff_t>(size)),
                         Verdict::kWrong);
  }
  for (std::size_t at = 0; at < right.size(); ++at) {
    Bytes changed = right;
    changed[at] ^= 0x01U;
    answers.emplace_back(changed, Verdict::kWrong);
  }
  for (const auto& [answer, verdict] : answers) {
    DelegatedPort delegated = port();
    card_.answer = answer;
    ASSERT_TRUE(delegated.send(gp::DeleteObject{.aid = kApplication}.encode(), "refused"));
    ASSERT_EQ(delegated.receipts().size(), 1U) << to_hex(answer);
    EXPECT_EQ(delegated.receipts().front().verdict, verdict) << to_hex(answer);
  }
}

// A warning stands for done (ISO/IEC 7816-4, 5.6), and is no way past the receipt.
TEST_F(DelegatedPortTest, ACardThatWarnsOwesItsReceiptToo) {
  for (const StatusWord word : {StatusWord{0x6200}, StatusWord{0x6283}, StatusWord{0x6310}}) {
    card_.sw = word;
    card_.answer = {0x00};
    DelegatedPort delegated = port();
    ASSERT_TRUE(delegated.send(gp::DeleteObject{.aid = kApplication}.encode(), "refused"));
    ASSERT_EQ(delegated.receipts().size(), 1U);
    EXPECT_EQ(delegated.receipts().front().verdict, Verdict::kMissing);
  }
}

TEST_F(DelegatedPortTest, WithoutKeysCommandsPassAsTheyAre) {
  DelegatedPort delegated = port(false, false);
  for (const Case& one : every_command()) {
    ASSERT_TRUE(delegated.send(one.command, "refused"));
    EXPECT_EQ(card_.commands.back(), one.command);
  }
  EXPECT_TRUE(delegated.receipts().empty());
  card_.answer = receipt_of(gp::receipt_for::remove(kApplication));
  ASSERT_TRUE(delegated.send(gp::DeleteObject{.aid = kApplication}.encode(), "refused"));
  ASSERT_EQ(delegated.receipts().size(), 1U);
  EXPECT_EQ(delegated.receipts().front().verdict, Verdict::kUnchecked);
}

TEST_F(DelegatedPortTest, WhatTakesNoTokenGetsNone) {
  DelegatedPort delegated = port();
  const std::vector<apdu::CommandApdu> others{
      gp::Install{.purpose = gp::InstallFor::kPersonalization, .application = kApplication}
          .encode()
          .value(),
      gp::DeleteKeys{.identifier = {}, .version = 0x31}.encode(),
      {.cla = 0x80, .ins = apdu::ins::kStoreData, .p1 = 0x80, .p2 = 0, .data = {0x01}}};
  for (const apdu::CommandApdu& one : others) {
    ASSERT_TRUE(delegated.send(one, "refused"));
    EXPECT_EQ(card_.commands.back(), one);
  }
  gp::Install with_token = install();
  with_token.token = Bytes(64, 0x01);
  ASSERT_TRUE(delegated.send(with_token.encode().value(), "refused"));
  EXPECT_EQ(card_.commands.back(), with_token.encode().value()) << "somebody else's token stays";
}

TEST_F(DelegatedPortTest, ARefusedCommandHasNoReceipt) {
  DelegatedPort delegated = port();
  card_.sw = StatusWord{0x6985};
  EXPECT_EQ(delegated.send(install().encode().value(), "refused").error().sw.value, 0x6985);
  EXPECT_TRUE(delegated.receipts().empty());
}

}  // namespace
}  // namespace kagibin::roles::security_module_manager
