// SPDX-License-Identifier: Apache-2.0
// A master key of two halves in two tokens with a PIN each: what is derived is the XOR of both, no
// token alone is enough, and one token or one key in the place of two is refused.
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "kagibin/crypto/held_key/joined_halves.h"
#include "kagibin/crypto/kdf/kdf.h"
#include "kagibin/crypto/token/pkcs11_tokens.h"
#include "kagibin/crypto/token/token_initialisation.h"
#include "kagibin/roles/service_provider/keys/blocks/block_keys.h"
#include "kagibin/roles/service_provider/keys/exposed_keys.h"
#include "kagibin/roles/service_provider/keys/key_store.h"
#include "kagibin/roles/service_provider/payload/payload_builder.h"

#include "tests/support/fixed_rng.h"
#include "tests/support/memory_journal.h"
#include "tests/support/must.h"
#include "tests/token/faults.h"
#include "tests/token/soft_token.h"

namespace kagibin::test {
namespace {

using crypto::DerivationKey;
using crypto::token::Pkcs11Tokens;
using crypto::token::TokenUri;
using roles::service_provider::ExposedKeys;
using roles::service_provider::Exposure;
using roles::service_provider::KeyPurpose;
using roles::service_provider::KeyStore;

constexpr crypto::ScryptCost kCheap{.log2_n = 10, .r = 1, .p = 1};
constexpr std::string_view kSoftHsm = "/usr/lib/softhsm/libsofthsm2.so";
constexpr std::string_view kOtherPin = "16180339";
constexpr std::array<std::uint8_t, 3> kContext{0x01, 0x02, 0x03};

SecretBytes key_of(std::uint8_t octet, std::size_t size = 32) {
  SecretBytes out(size);
  std::ranges::fill(out.expose_mutable(), octet);
  return out;
}

SecretBytes joined(const SecretBytes& left, const SecretBytes& right, std::size_t size) {
  SecretBytes out = must(crypto::diversify_cmac(left.expose(), ascii("KB1-KDV"), kContext, size));
  const SecretBytes other =
      must(crypto::diversify_cmac(right.expose(), ascii("KB1-KDV"), kContext, size));
  for (std::size_t i = 0; i < size; ++i) {
    out.expose_mutable()[i] ^= other.expose()[i];
  }
  return out;
}

SecretBytes derived(const DerivationKey& key, std::size_t size = 16) {
  return must(key.diversify(ascii("KB1-KDV"), kContext, size));
}

// Two tokens: of SoftHSM, with a PIN each; or of NSS, behind the module that fails, and of SoftHSM.
class HalvedKeysTest : public testing::TestWithParam<bool> {
 protected:
  HalvedKeysTest() {
    if (is_mixed()) {
      nss_.emplace(SoftToken::Make::kNss);
    }
  }
  void SetUp() override {
    for (const std::string& missing : {hsm_.missing(), nss_ ? nss_->missing() : std::string()}) {
      if (!missing.empty()) {
        GTEST_SKIP() << missing;
      }
    }
    if (!is_mixed()) {
      SecretBytes officer = SecretBytes::copy_of(ascii("87654321"));
      SecretBytes pin = SecretBytes::copy_of(ascii(kOtherPin));
      must(crypto::token::initialise_token(must(TokenUri::parse(second_token())), officer, pin));
    }
    faults_.emplace();
  }
  static bool is_mixed() { return GetParam(); }
  std::string second_token() const {
    return is_mixed() ? nss_->token_uri()
                      : std::string("pkcs11:token=second?module-path=").append(kSoftHsm);
  }
  std::string left(std::string_view key) const { return hsm_.uri(key); }
  std::string right(std::string_view key) const {
    std::string out = second_token();
    out.insert(out.find('?'), std::string(";object=").append(key));
    return out;
  }
  crypto::KeyTokens& tokens() {
    if (!tokens_) {
      tokens_ = std::make_unique<Pkcs11Tokens>([this](const TokenUri& uri) {
        const bool is_second = uri.text().starts_with("pkcs11:token=second");
        ++pins_;
        const std::string_view pin = second_pin_ && (is_second || uri.text() == second_token() ||
                                                     uri.module_path() != kSoftHsm)
                                         ? *second_pin_
                                     : is_second ? kOtherPin
                                                 : SoftToken::pin();
        return Result<SecretBytes>(SecretBytes::copy_of(ascii(pin)));
      });
    }
    return *tokens_;
  }
  KeyStore store() {
    const SecretBytes passphrase = SecretBytes::copy_of(ascii("passphrase"));
    const auto folder = hsm_.folder() / "keys";
    auto records = std::filesystem::exists(folder)
                       ? must(crypto::RecordFolder::open(folder, passphrase))
                       : must(crypto::RecordFolder::create(folder, passphrase, rng_, kCheap));
    return {std::move(records), journal_, rng_, &tokens()};
  }
  // As after a new start.
  void forget_tokens() { tokens_.reset(); }
  void put(const SecretBytes& one, const SecretBytes& other) {
    must(tokens().put_derivation_key(left("half"), one));
    must(tokens().put_derivation_key(right("half"), other));
  }
  static crypto::KeyPlace there(std::string uri) { return {.uri = std::move(uri)}; }
  static crypto::KeyPlace made(std::string uri) {
    return {.uri = std::move(uri), .is_made_there = true};
  }

  SoftToken hsm_{SoftToken::Make::kSoftHsm};
  std::optional<SoftToken> nss_;
  std::optional<Faults> faults_;
  std::optional<std::string_view> second_pin_;
  int pins_ = 0;
  FixedRng rng_{"halved keys"};
  MemoryJournal journal_;
  std::unique_ptr<Pkcs11Tokens> tokens_;
};

INSTANTIATE_TEST_SUITE_P(Tokens, HalvedKeysTest, testing::Bool(), [](const auto& info) {
  return info.param ? "SoftHsmAndNss" : "TwoOfSoftHsm";
});

// SP 800-108 4.1: of both halves
TEST_P(HalvedKeysTest, WhatIsDerivedIsTheXorOfWhatBothHalvesDerive) {
  put(key_of(0x11), key_of(0x22));
  KeyStore keys = store();
  must(keys.create_halved_master_key("fleet", 32, there(left("half")), there(right("half"))));
  for (const std::size_t size : {std::size_t{16}, std::size_t{24}, std::size_t{32}}) {
    const SecretBytes key = derived(must(keys.master_key("fleet")), size);
    EXPECT_TRUE(ct_equal(key.expose(), joined(key_of(0x11), key_of(0x22), size).expose()));
    for (const std::string& uri : {left("half"), right("half")}) {
      EXPECT_FALSE(
          ct_equal(key.expose(), derived(must(tokens().derivation_key(uri)), size).expose()))
          << "one token is enough";
    }
  }
  forget_tokens();
  KeyStore later = store();
  EXPECT_TRUE(ct_equal(derived(must(later.master_key("fleet"))).expose(),
                       joined(key_of(0x11), key_of(0x22), 16).expose()));
}

TEST_P(HalvedKeysTest, HalvesAreMadeInTheTokensAndStayThere) {
  KeyStore keys = store();
  must(keys.create_halved_master_key("fleet", 32, made(left("a")), made(right("b"))));
  derived(must(keys.master_key("fleet")));
  EXPECT_TRUE(hsm_.is_kept_inside("a", CKO_SECRET_KEY));
  if (nss_) {
    EXPECT_TRUE(nss_->is_kept_inside("b", CKO_SECRET_KEY));
  }
  const auto octets = keys.master_key_octets("fleet");
  ASSERT_FALSE(octets);
  EXPECT_EQ(octets.error().code, Errc::kPolicy);
  EXPECT_NE(octets.error().text.find("never leaves"), std::string::npos);
  EXPECT_TRUE(must(keys.master_key("fleet")).token_uri().empty()) << "it is in no one token";
  EXPECT_EQ(
      keys.create_halved_master_key("fleet", 32, made(left("c")), made(right("c"))).error().code,
      Errc::kConflict);
}

TEST_P(HalvedKeysTest, OneTokenOrOneKeyInThePlaceOfTwoIsRefusedAndNothingStays) {
  KeyStore keys = store();
  // The same token by the same URI, and by less of it.
  const auto one = keys.create_halved_master_key("fleet", 32, made(left("a")), made(left("b")));
  ASSERT_FALSE(one);
  EXPECT_EQ(one.error().code, Errc::kConflict);
  EXPECT_NE(one.error().text.find("one token"), std::string::npos) << one.error().text;
  std::string again = left("b");
  again.replace(again.find("token="), std::string_view("token=kagibin").size(),
                "token=kagibin;manufacturer=SoftHSM%20project");
  EXPECT_EQ(keys.create_halved_master_key("fleet", 32, made(left("a")), made(again)).error().code,
            Errc::kConflict);
  EXPECT_EQ(tokens().derivation_key(left("a")).error().code, Errc::kNotFound);
  // The same key in both.
  put(key_of(0x33), key_of(0x33));
  const auto same =
      keys.create_halved_master_key("fleet", 32, there(left("half")), there(right("half")));
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().code, Errc::kConflict);
  EXPECT_NE(same.error().text.find("zeros"), std::string::npos) << same.error().text;
  EXPECT_FALSE(keys.has_master_key("fleet"));
  // A half that is taken: the other one, which was made just now, goes again.
  must(tokens().generate_derivation_key(right("taken"), 32));
  EXPECT_FALSE(keys.create_halved_master_key("fleet", 32, made(left("new")), made(right("taken"))));
  EXPECT_EQ(tokens().derivation_key(left("new")).error().code, Errc::kNotFound);
  must(tokens().derivation_key(right("taken")));
  EXPECT_FALSE(keys.has_master_key("fleet"));
}

TEST_P(HalvedKeysTest, AWrongSecondPinGivesNothingAndIsTriedOnce) {
  put(key_of(0x11), key_of(0x22));
  {
    KeyStore keys = store();
    must(keys.create_halved_master_key("fleet", 32, there(left("half")), there(right("half"))));
  }
  forget_tokens();
  second_pin_ = "31415926";
  {
    KeyStore keys = store();
    const auto refused = keys.master_key("fleet");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kAuthentication) << refused.error().text;
    EXPECT_NE(refused.error().text.find("PIN"), std::string::npos) << refused.error().text;
    const int asked = pins_;
    EXPECT_FALSE(keys.master_key("fleet"));
    EXPECT_EQ(pins_, asked) << "a PIN that was refused was tried again";
  }
  forget_tokens();
  second_pin_.reset();
  KeyStore keys = store();
  derived(must(keys.master_key("fleet")));
}

TEST_P(HalvedKeysTest, AnExchangedHalfIsSeen) {
  put(key_of(0x11), key_of(0x22));
  KeyStore keys = store();
  must(keys.create_halved_master_key("fleet", 32, there(left("half")), there(right("half"))));
  must(tokens().erase(right("half")));
  EXPECT_EQ(keys.master_key("fleet").error().code, Errc::kNotFound);
  must(tokens().put_derivation_key(right("half"), key_of(0x23)));
  EXPECT_EQ(keys.master_key("fleet").error().code, Errc::kUntrusted);
}

// The second token is NSS, behind the module that takes it away.
TEST_P(HalvedKeysTest, ASecondTokenThatIsRemovedInTheMiddleGivesNoKeyAndComesBack) {
  if (!is_mixed()) {
    GTEST_SKIP() << "SoftHSM is not behind the module that fails here";
  }
  put(key_of(0x11), key_of(0x22));
  KeyStore keys = store();
  must(keys.create_halved_master_key("fleet", 32, there(left("half")), there(right("half"))));
  const DerivationKey master = must(keys.master_key("fleet"));
  const SecretBytes expected = joined(key_of(0x11), key_of(0x22), 16);
  ASSERT_TRUE(ct_equal(derived(master).expose(), expected.expose()));
  faults_->close_sessions();
  faults_->remove_token({.skipped = 0, .times = -1});
  const auto gone = master.diversify(ascii("KB1-KDV"), kContext, 16);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::kIo) << gone.error().detail.text();
  faults_->clear();
  EXPECT_TRUE(ct_equal(derived(master).expose(), expected.expose()));
}

TEST_P(HalvedKeysTest, NoHalfIsWrappableAndNoTokenSealsWhatTwoDerive) {
  using roles::service_provider::PayloadBuilder;
  using roles::service_provider::PayloadFile;
  KeyStore keys = store();
  crypto::KeyPlace wrappable = made(left("a"));
  wrappable.may_be_wrapped = true;
  EXPECT_EQ(keys.create_halved_master_key("fleet", 32, wrappable, made(right("b"))).error().code,
            Errc::kInvalidArgument);
  must(keys.create_halved_master_key("fleet", 32, made(left("a")), made(right("b"))));
  const PayloadFile payload = must(PayloadFile::parse(
      R"({"target":"A00000015153504B01","channel":{"key_version":"30","agreement_key_version":"03"},)"
      R"("actions":[{"put_key":{"key_version":"40","key_identifier":"01",)"
      R"("keys":[{"derive":{"master":"fleet","size":16}}]}}]})"));
  const std::array seids{Seid{}};
  const roles::service_provider::CsvFiles none;
  EXPECT_TRUE(PayloadBuilder(payload, none, keys, rng_).check(seids));
  const auto inside = PayloadBuilder(payload, none, keys, rng_, true).check(seids);
  ASSERT_FALSE(inside);
  EXPECT_EQ(inside.error().code, Errc::kPolicy);
  EXPECT_NE(inside.error().text.find("two tokens"), std::string::npos) << inside.error().text;
}

// A key that came as a block and went into a token is found there by another name.
TEST_P(HalvedKeysTest, ASecondNameForAKeyThatOthersHaveIsMarkedAsTheFirst) {
  KeyStore keys = store();
  const auto mark = [&](std::string_view name) { return must(ExposedKeys(keys).master(name)); };
  const auto take = [&](const char* name, std::uint8_t octet, const std::string& uri) {
    must(add_stored_key(KeyPurpose::kMasterKey, name, {.attributes = {}, .key = key_of(octet)},
                        keys, false, uri, Exposure::kCame));
  };
  take("partner", 0x11, left("half"));
  must(tokens().put_derivation_key(right("half"), key_of(0x22)));
  must(keys.create_master_key("alias", 32, there(left("half"))));
  EXPECT_EQ(mark("alias"), Exposure::kCame);
  must(keys.create_master_key("ours", 32, there(right("half"))));
  EXPECT_EQ(mark("ours"), std::nullopt);
  must(keys.create_halved_master_key("one", 32, there(left("half")), there(right("half"))));
  EXPECT_EQ(mark("one"), std::nullopt) << "nobody else has the second half";
  take("other", 0x33, right("known"));
  must(keys.create_halved_master_key("both", 32, there(left("half")), there(right("known"))));
  EXPECT_EQ(mark("both"), Exposure::kCame);
}

TEST(JoinedHalvesTest, AHalfThatFailsOrIsTheOtherOneIsNoKey) {
  const auto in_memory = [](std::uint8_t octet) {
    return must(DerivationKey::in_memory(key_of(octet)));
  };
  const DerivationKey key = must(crypto::join_halves(in_memory(1), in_memory(2)));
  EXPECT_TRUE(ct_equal(derived(key).expose(), joined(key_of(1), key_of(2), 16).expose()));
  EXPECT_FALSE(key.diversify(ascii("KB1-KDV"), kContext, 0));
  EXPECT_EQ(crypto::join_halves(in_memory(1), in_memory(1)).error().code, Errc::kConflict);
}

TEST_P(HalvedKeysTest, ADamagedRecordOfHalvesIsSeen) {
  put(key_of(0x11), key_of(0x22));
  KeyStore keys = store();
  must(keys.create_halved_master_key("fleet", 32, there(left("half")), there(right("half"))));
  const SecretBytes record = must(keys.record("master.fleet"));
  // Up to the scheme of the second URI: a shorter URI may still name a token.
  const std::size_t head = 4 + 8 + 8 + 2 + left("half").size() + std::string_view("pkcs11:").size();
  for (std::size_t size = 33; size <= head; ++size) {
    must(keys.put_record("master.fleet", SecretBytes::copy_of(record.expose().first(size))));
    EXPECT_FALSE(keys.master_key("fleet")) << size;
  }
}

}  // namespace
}  // namespace kagibin::test
