// SPDX-License-Identifier: Apache-2.0
// Tokens, receipts and DAP blocks as an element judges them.
#include <gtest/gtest.h>

#include "kagibin/gp/delegated/load_file_signature.h"
#include "kagibin/se/domain/data_objects.h"
#include "kagibin/se/domain/delegated/dap_verification.h"
#include "kagibin/se/domain/delegated/delegated_management.h"
#include "kagibin/se/nvm/nvm_memory.h"

#include "tests/support/fake_clock.h"
#include "tests/support/fixed_rng.h"

namespace kagibin::se {
namespace {

using Privileges = gp::Privileges;

Bytes hex(std::string_view text) { return from_hex(text).value(); }
Aid aid(std::string_view text) { return Aid::from_hex(text).value(); }
Aid isd() { return aid("A000000151000000"); }
Aid delegate() { return aid("F000000001AA01"); }  // with Delegated Management
Aid verifier() { return aid("F000000001AA02"); }  // with DAP Verification
Aid application() { return aid("D0D1D2D3D4D50101"); }
Aid load_file() { return aid("D0D1D2D3D4D501"); }

crypto::CurvePrivateKey issuer_key() {
  test::FixedRng rng("issuer");
  return crypto::CurvePrivateKey::generate(crypto::Curve::kP256, rng).value();
}

class DelegationTest : public ::testing::Test {
 protected:
  DelegationTest() {
    put(isd(), EntryKind::kIssuerSecurityDomain, isd(),
        Privileges::kSecurityDomain | Privileges::kTokenVerification |
            Privileges::kReceiptGeneration);
    put(delegate(), EntryKind::kSecurityDomain, isd(),
        Privileges::kSecurityDomain | Privileges::kDelegatedManagement);
    put(verifier(), EntryKind::kSecurityDomain, isd(),
        Privileges::kSecurityDomain | Privileges::kDapVerification);
    put_key(isd(), kTokenKeyVersion, gp::Key::ec_public(issuer_key().public_key()).value());
  }

  void put(const Aid& name, EntryKind kind, const Aid& domain, std::uint32_t privileges) {
    EXPECT_TRUE(registry_.put({.aid = name,
                               .kind = kind,
                               .life_cycle = gp::kSelectable,
                               .privileges = Privileges{privileges},
                               .security_domain = domain,
                               .load_file = load_file(),
                               .module = load_file()}));
  }
  void put_key(const Aid& domain, std::uint8_t version, const gp::Key& key) {
    EXPECT_TRUE(keys_.put_key(domain, {version, kFirstKeyIdentifier}, key).has_value());
  }
  RegistryEntry entry(const Aid& name) const { return registry_.find(name).value(); }

  // INSTALL data before its token, with these parameters, and the token over it.
  struct Request {
    Bytes covered;
    Bytes token;
    Bytes parameters;
    std::uint8_t p1 = 0x0C;
    TokenRequest view() const {
      return {.p1 = p1, .p2 = 0x00, .covered = covered, .token = token, .objects = parameters};
    }
  };
  Request request(const Bytes& parameters = hex("C900")) {
    Request out{.covered = hex("07D0D1D2D3D4D50108D0D1D2D3D4D5010108D0D1D2D3D4D501010100"),
                .token = {},
                .parameters = parameters};
    out.covered.push_back(static_cast<std::uint8_t>(parameters.size()));
    append(out.covered, parameters);
    out.token = gp::sign(gp::Key::ec_private(issuer_key()).value(),
                         gp::token_data(out.p1, 0x00, out.covered), rng_)
                    .value();
    return out;
  }
  Errc refusal(const Request& one, const Aid& requester = delegate()) const {
    const auto use = verify_token(platform_, entry(requester), one.view());
    return use ? Errc::kIo : use.error().code;
  }
  static Bytes with_number(std::string_view number) {
    Bytes out = hex("C900");
    append(out, gp::TokenReference{.number = hex(number)}.encode());
    return out;
  }

  std::unique_ptr<Nvm> nvm_ = Nvm::open(std::make_unique<NvmMemory>()).value();
  test::FixedRng rng_{"element"};
  test::FakeClock clock_;
  ModuleRegistry modules_;
  ElementFacts facts_{.atr = {}, .isd_aid = isd()};
  Registry registry_{*nvm_};
  KeyStore keys_{*nvm_};
  Platform platform_{*nvm_, rng_, clock_, modules_, facts_, registry_, keys_};
};

// GPCS 9.2.1, C.4: token verification
TEST_F(DelegationTest, TakesATokenForThisCommandAlone) {
  const Request good = request();
  const auto use = verify_token(platform_, entry(delegate()), good.view());
  ASSERT_TRUE(use.has_value()) << use.error().detail.text();
  EXPECT_EQ(use->verifier, isd());
  EXPECT_FALSE(use->number.has_value());
  for (std::size_t at = 0; at < good.covered.size(); ++at) {
    Request wrong = good;
    wrong.covered[at] ^= 0x01;
    EXPECT_EQ(refusal(wrong), Errc::kAuthentication) << at;
  }
  for (std::size_t at = 0; at < good.token.size(); ++at) {
    Request wrong = good;
    wrong.token[at] ^= 0x01;
    EXPECT_EQ(refusal(wrong), Errc::kAuthentication) << at;
  }
  Request wrong = good;
  wrong.p1 = 0x04;
  EXPECT_EQ(refusal(wrong), Errc::kAuthentication);
  wrong = good;
  wrong.token.clear();
  EXPECT_EQ(refusal(wrong), Errc::kPolicy) << "no token";
  EXPECT_EQ(refusal(good, verifier()), Errc::kPolicy) << "no Delegated Management";
}

// GPCS 9.2.1: the token key
TEST_F(DelegationTest, NeedsAKeyThatVerifies) {
  const Request good = request();
  ASSERT_TRUE(keys_.erase_version(isd(), kTokenKeyVersion).has_value());
  EXPECT_EQ(refusal(good), Errc::kPolicy) << "no key";
  const gp::Key key = gp::Key::ec_public(issuer_key().public_key()).value();
  const auto put = [&](gp::KeyPolicy policy) {
    std::vector<gp::KeyPart> parts;
    for (const gp::KeyPart& part : key.parts()) {
      parts.push_back({part.type, part.value.duplicate()});
    }
    put_key(isd(), kTokenKeyVersion, gp::Key::from(std::move(parts), policy).value());
  };
  put({.usage = {0x81, 0x00}, .usage_size = 1});
  EXPECT_EQ(refusal(good), Errc::kIo);
  put({.usage = {0x41, 0x00}, .usage_size = 1});
  EXPECT_EQ(refusal(good), Errc::kPolicy) << "it computes, and does not verify";
  put({.says_access = true, .access = gp::KeyPolicy::kApplicationsOnly});
  EXPECT_EQ(refusal(good), Errc::kPolicy) << "not for the domain";
  put_key(isd(), kTokenKeyVersion, gp::Key::des(Bytes(16, 1)).value());
  EXPECT_EQ(refusal(good), Errc::kPolicy) << "3DES makes no tokens";
  put_key(isd(), kTokenKeyVersion, gp::Key::aes(Bytes(16, 1)).value());
  Request mac = good;
  mac.token =
      gp::sign(gp::Key::aes(Bytes(16, 1)).value(), gp::token_data(mac.p1, 0x00, mac.covered), rng_)
          .value();
  EXPECT_EQ(refusal(mac), Errc::kIo) << "AES does";
}

TEST_F(DelegationTest, TheNextDomainAboveVerifies) {
  // A domain between the delegate and the ISD that verifies tokens with another key.
  const Aid between = aid("F000000001AA03");
  put(between, EntryKind::kSecurityDomain, isd(),
      Privileges::kSecurityDomain | Privileges::kTokenVerification);
  put(delegate(), EntryKind::kSecurityDomain, between,
      Privileges::kSecurityDomain | Privileges::kDelegatedManagement);
  EXPECT_EQ(refusal(request()), Errc::kPolicy) << "it has no key";
  put_key(between, kTokenKeyVersion, gp::Key::aes(Bytes(16, 1)).value());
  EXPECT_EQ(refusal(request()), Errc::kAuthentication) << "the ISD's key is not asked";
}

// GPCS C.4: token numbers
TEST_F(DelegationTest, ATokenWithANumberIsGoodOnce) {
  const Request good = request(with_number("0001"));
  const auto use = verify_token(platform_, entry(delegate()), good.view());
  ASSERT_TRUE(use.has_value()) << use.error().detail.text();
  EXPECT_EQ(use->number, hex("0001"));
  EXPECT_EQ(refusal(good), Errc::kIo) << "verifying alone uses nothing";
  {
    NvmTransaction given_up(*nvm_);
    EXPECT_TRUE(confirm(platform_, entry(delegate()), *use, hex("00")).has_value());
  }
  EXPECT_EQ(refusal(good), Errc::kIo) << "the operation was given up";
  ASSERT_TRUE(confirm(platform_, entry(delegate()), *use, hex("00")).has_value());
  EXPECT_EQ(refusal(good), Errc::kPolicy);
  EXPECT_EQ(refusal(request(with_number("0001"))), Errc::kPolicy) << "whatever it is for";
  EXPECT_EQ(refusal(request(with_number("01"))), Errc::kIo) << "another number";
  EXPECT_EQ(refusal(request()), Errc::kIo) << "no number";
  // A new key makes the old tokens worthless, and their numbers free.
  put_key(isd(), kTokenKeyVersion, gp::Key::ec_public(issuer_key().public_key()).value());
  EXPECT_EQ(refusal(good), Errc::kIo);
}

TEST_F(DelegationTest, NumbersOfTokensFillTheirMemory) {
  DelegatedUse use{.verifier = isd(), .number = Bytes(15, 0)};
  int count = 0;
  Result<Bytes> answer{};
  while (answer && count < 1'000) {
    (*use.number)[0] = static_cast<std::uint8_t>(count & 0xFF);
    (*use.number)[1] = static_cast<std::uint8_t>(count >> 8U);
    answer = confirm(platform_, entry(delegate()), use, hex("00"));
    ++count;
  }
  EXPECT_EQ(count, 513);
  EXPECT_EQ(answer.error().code, Errc::kLimit);
}

// GPCS C.4: 42 and 45 in B6
TEST_F(DelegationTest, ATokenForAnotherCardIsRefused) {
  ASSERT_TRUE(put_data_object(*nvm_, isd(), 0x42, hex("1234")).has_value());
  ASSERT_TRUE(put_data_object(*nvm_, isd(), 0x45, hex("5678")).has_value());
  const auto with = [](std::string_view identification, std::string_view image) {
    Bytes out = hex("C900");
    append(out,
           gp::TokenReference{.identification = hex(identification), .image = hex(image)}.encode());
    return out;
  };
  EXPECT_EQ(refusal(request(with("1234", "5678"))), Errc::kIo);
  EXPECT_EQ(refusal(request(with("1234", ""))), Errc::kIo);
  EXPECT_EQ(refusal(request(with("1234", "5679"))), Errc::kAuthentication);
  EXPECT_EQ(refusal(request(with("12", "5678"))), Errc::kAuthentication);
  EXPECT_EQ(refusal(request(hex("C900B603950101"))), Errc::kUnexpectedTag);
}

// GPCS C.5, 11.1.6: receipts
TEST_F(DelegationTest, AnswersAReceiptWhenThereIsAKeyForIt) {
  const Bytes done = gp::receipt_for::install(load_file(), application());
  const DelegatedUse use{.verifier = isd()};
  EXPECT_EQ(confirm(platform_, entry(delegate()), use, done).value(), hex("00"));
  EXPECT_EQ(keys_.confirmation_counter(isd()), 0);
  ASSERT_TRUE(put_data_object(*nvm_, isd(), 0x42, hex("1234")).has_value());
  ASSERT_TRUE(put_data_object(*nvm_, isd(), 0x45, hex("5678")).has_value());
  struct Pair {
    gp::Key stored;
    gp::Key verifying;
  };
  std::vector<Pair> pairs;
  pairs.push_back({gp::Key::aes(Bytes(32, 1)).value(), gp::Key::aes(Bytes(32, 1)).value()});
  pairs.push_back({gp::Key::des(Bytes(16, 1)).value(), gp::Key::des(Bytes(16, 1)).value()});
  pairs.push_back({gp::Key::ec_private(issuer_key()).value(),
                   gp::Key::ec_public(issuer_key().public_key()).value()});
  std::uint16_t counter = 0;
  for (const Pair& pair : pairs) {
    put_key(isd(), kReceiptKeyVersion, pair.stored);
    for (const auto& number : {std::optional<Bytes>{}, std::optional(hex("07"))}) {
      const DelegatedUse one{.verifier = isd(), .number = number};
      const auto answer = confirm(platform_, entry(delegate()), one, done);
      ASSERT_TRUE(answer.has_value());
      const auto confirmation = gp::Confirmation::decode(*answer).value();
      ASSERT_TRUE(confirmation.has_value());
      EXPECT_EQ(confirmation->counter, counter++);
      EXPECT_EQ(to_hex(confirmation->domain_data), "12345678");
      EXPECT_EQ(confirmation->token_number, number);
      EXPECT_TRUE(gp::verify_receipt(pair.verifying, *confirmation, done));
      EXPECT_FALSE(gp::verify_receipt(pair.verifying, *confirmation,
                                      gp::receipt_for::remove(application())));
    }
  }
  EXPECT_EQ(keys_.confirmation_counter(isd()), counter);
  put_key(isd(), kReceiptKeyVersion, gp::Key::ec_public(issuer_key().public_key()).value());
  EXPECT_EQ(confirm(platform_, entry(delegate()), use, done).value(), hex("00"))
      << "a public key makes none";
  put_key(isd(), kReceiptKeyVersion, gp::Key::aes(Bytes(16, 1)).value());
  ASSERT_TRUE(nvm_->put("cnf/A000000151000000/00", hex("FFFF")).has_value());
  EXPECT_EQ(confirm(platform_, entry(delegate()), use, done).error().code, Errc::kLimit);
}

// GPCS 9.2.1, C.3: DAP verification
TEST_F(DelegationTest, VerifiesEveryDapBlockAndMissesThoseThatAreDue) {
  const Bytes hash = gp::load_file_hash(crypto::HashAlgorithm::kSha256, Bytes(100, 0x5A));
  const gp::Key signing = gp::Key::ec_private(issuer_key()).value();
  const gp::DapBlock good{.security_domain = verifier(),
                          .signature = gp::sign_load_file(signing, hash, rng_).value()};
  const std::vector<RegistryEntry> due = {entry(verifier())};
  const auto code = [&](const std::vector<RegistryEntry>& domains,
                        const std::vector<gp::DapBlock>& blocks) {
    const auto verified = verify_dap_blocks(platform_, domains, blocks, hash);
    return verified ? Errc::kIo : verified.error().code;
  };
  EXPECT_EQ(code({}, {}), Errc::kIo);
  EXPECT_EQ(code(due, {}), Errc::kAuthentication);
  EXPECT_EQ(code(due, {good}), Errc::kPolicy) << "no key";
  put_key(verifier(), kDapKeyVersion, gp::Key::ec_public(issuer_key().public_key()).value());
  EXPECT_EQ(code(due, {good}), Errc::kIo);
  EXPECT_EQ(code({}, {good}), Errc::kIo);
  gp::DapBlock bad = good;
  bad.signature.back() ^= 0x01;
  EXPECT_EQ(code(due, {bad}), Errc::kAuthentication);
  EXPECT_EQ(code({}, {bad}), Errc::kAuthentication) << "not due, and wrong";
  bad = good;
  bad.security_domain = delegate();
  EXPECT_EQ(code({}, {bad}), Errc::kPolicy) << "without DAP Verification";
  bad.security_domain = application();
  EXPECT_EQ(code({}, {bad}), Errc::kPolicy) << "not there";
  EXPECT_EQ(code(due, {good, bad}), Errc::kPolicy);
  EXPECT_FALSE(verify_dap_blocks(platform_, due, {good}, ByteView(hash).first(31)).has_value());
  RegistryEntry locked = entry(verifier());
  locked.life_cycle |= gp::kLockedBit;
  ASSERT_TRUE(registry_.put(locked).has_value());
  EXPECT_EQ(code(due, {good}), Errc::kPolicy) << "locked";
}

}  // namespace
}  // namespace kagibin::se
