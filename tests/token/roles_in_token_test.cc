// SPDX-License-Identifier: Apache-2.0
// The long-term keys of every role in a token: made, used, exchanged for others, and gone.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "kagibin/base/clock.h"
#include "kagibin/crypto/cms.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/token/pkcs11_tokens.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/roles/controlling_authority/authority_folder.h"
#include "kagibin/roles/element_maker/maker_folder.h"
#include "kagibin/roles/security_module_manager/manager_folder.h"
#include "kagibin/roles/service_provider/keys/ceremony/key_ceremony.h"
#include "kagibin/roles/service_provider/keys/key_store.h"

#include "tests/support/fake_clock.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/memory_journal.h"
#include "tests/support/must.h"
#include "tests/token/faults.h"
#include "tests/token/soft_token.h"

namespace kagibin::test {
namespace {

namespace fs = std::filesystem;
using crypto::KeyPlace;
using crypto::token::Pkcs11Tokens;
using crypto::token::TokenUri;
using roles::service_provider::KeyStore;

constexpr crypto::ScryptCost kCheap{.log2_n = 10, .r = 1, .p = 1};

class RolesInTokenTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!token_.missing().empty()) {
      GTEST_SKIP() << token_.missing();
    }
    faults_.emplace();
  }

  KeyPlace made(std::string_view name) const {
    return {.uri = token_.uri(name), .is_made_there = true};
  }
  fs::path folder(std::string_view name) const { return token_.folder() / name; }
  static std::unique_ptr<Pkcs11Tokens> way() {
    return std::make_unique<Pkcs11Tokens>([](const TokenUri&) -> Result<SecretBytes> {
      return SecretBytes::copy_of(ascii(SoftToken::pin()));
    });
  }
  KeyStore new_store(crypto::KeyTokens* tokens) {
    return {must(crypto::RecordFolder::create(folder("provider"), passphrase_, rng_, kCheap)),
            journal_, rng_, tokens};
  }
  KeyStore store(crypto::KeyTokens* tokens) {
    return {must(crypto::RecordFolder::open(folder("provider"), passphrase_)), journal_, rng_,
            tokens};
  }

  SoftToken token_{SoftToken::Make::kSoftHsm, true};
  std::optional<Faults> faults_;
  std::unique_ptr<Pkcs11Tokens> tokens_ = way();
  FixedRng rng_{"roles"};
  FakeClock clock_;
  MemoryJournal journal_;
  SecretBytes passphrase_ = SecretBytes::copy_of(ascii("passphrase"));
};

TEST_F(RolesInTokenTest, TheProviderSignsDerivesAndOpensFilesInTheToken) {
  std::string pem;
  SecretBytes derived;
  std::optional<crypto::EcPublicKey> point;
  {
    KeyStore keys = new_store(tokens_.get());
    must(keys.create_signing_key(made("signing")));
    must(keys.create_exchange_key(made("exchange")));
    must(keys.create_master_key("fleet", 32, made("fleet")));
    EXPECT_EQ(keys.create_signing_key(made("other")).error().code, Errc::kConflict);
    EXPECT_EQ(keys.create_master_key("fleet", 32, made("other")).error().code, Errc::kConflict);
    pem = must(crypto::self_signed_certificate(must(keys.exchange_key_as_signer()), "provider", 0,
                                               365, false, rng_));
    point = must(keys.signing_key()).public_key();
    derived = must(must(keys.master_key("fleet")).diversify(ascii("L"), ascii("C"), 16));
  }
  for (const char* name : {"signing", "exchange"}) {
    EXPECT_TRUE(token_.is_kept_inside(name, CKO_PRIVATE_KEY)) << name;
  }
  EXPECT_TRUE(token_.is_kept_inside("fleet", CKO_SECRET_KEY));

  tokens_ = way();
  KeyStore keys = store(tokens_.get());
  const crypto::SigningKey signing = must(keys.signing_key());
  EXPECT_EQ(signing.public_key(), *point);
  EXPECT_EQ(signing.in_memory(), nullptr);
  const Bytes signature = must(signing.sign_der({ascii("E0")}, rng_));
  EXPECT_TRUE(crypto::ecdsa_verify_der(*point, {ascii("E0")}, signature));
  const auto again = must(must(keys.master_key("fleet")).diversify(ascii("L"), ascii("C"), 16));
  EXPECT_TRUE(ct_equal(derived.expose(), again.expose()));

  // RFC 5652, 5753: the file of somebody who holds its key in memory
  const auto manager = must(crypto::EcPrivateKey::generate(rng_));
  const std::string manager_pem =
      must(crypto::self_signed_certificate(manager, "manager", 0, 365, false, rng_));
  const Bytes file = must(crypto::cms_seal(ascii("content"), manager, manager_pem, pem));
  const auto opened = must(crypto::cms_open(file, must(keys.exchange_key()), pem));
  EXPECT_EQ(to_hex(opened.content.expose()), to_hex(ascii("content")));
  EXPECT_EQ(opened.signer, manager.public_key());
  // And what the key in the token signs, for somebody else.
  const Bytes back = must(
      crypto::cms_seal(ascii("answer"), must(keys.exchange_key_as_signer()), pem, manager_pem));
  EXPECT_EQ(to_hex(must(crypto::cms_open(back, manager, manager_pem)).content.expose()),
            to_hex(ascii("answer")));
  Bytes changed = file;
  changed[changed.size() / 2] ^= 0x01U;
  EXPECT_FALSE(crypto::cms_open(changed, must(keys.exchange_key()), pem));
}

TEST_F(RolesInTokenTest, KemKeysAreMadeInTheTokenAndErasedFromIt) {
  KeyStore keys = new_store(tokens_.get());
  const auto order = must(delivery::OrderId::from("order-1"));
  const auto in_memory = must(keys.make_kem_key(order, 1, 0));
  EXPECT_EQ(in_memory.record.size(), crypto::kEcScalarSize);
  EXPECT_EQ(keys.keep_kem_keys_in("file:///x").error().code, Errc::kValue);
  must(keys.keep_kem_keys_in(token_.token_uri()));
  const auto first = must(keys.make_kem_key(order, 1, 0));
  const auto second = must(keys.make_kem_key(order, 1, 0));  // the first never got into the journal
  EXPECT_NE(first.point, second.point);
  ASSERT_TRUE(crypto::is_place_in_token(first.record.expose()));
  const auto peer = must(crypto::EcPrivateKey::generate(rng_));
  const auto kem = must(keys.kem_key_in_token(first.record.expose()));
  EXPECT_EQ(kem.public_key(), first.point);
  must(kem.agree(peer.public_key()));
  EXPECT_TRUE(must(keys.erase_kem_key_in_token(first.record.expose())));
  EXPECT_FALSE(must(keys.erase_kem_key_in_token(first.record.expose())));
  EXPECT_EQ(keys.kem_key_in_token(first.record.expose()).error().code, Errc::kNotFound);
  must(keys.kem_key_in_token(second.record.expose()));
}

TEST_F(RolesInTokenTest, AMasterKeyThatIsBroughtGoesIntoTheTokenAndNoRecordHasIt) {
  const SecretBytes key = must(crypto::random_secret(rng_, 32));
  const auto own = must(crypto::DerivationKey::in_memory(key.duplicate()));
  const SecretBytes expected = must(own.diversify(ascii("L"), ascii("C"), 48));
  KeyStore keys = new_store(tokens_.get());
  must(keys.add_master_key("fleet", key, token_.uri("fleet")));
  EXPECT_TRUE(token_.is_kept_inside("fleet", CKO_SECRET_KEY));
  EXPECT_EQ(keys.add_master_key("fleet", key).error().code, Errc::kConflict);
  EXPECT_EQ(keys.add_master_key("other", key, token_.uri("fleet")).error().code, Errc::kConflict)
      << "a name in the token is never taken over";
  EXPECT_FALSE(keys.has_master_key("other"));
  EXPECT_EQ(keys.master_key_octets("fleet").error().code, Errc::kPolicy);
  EXPECT_TRUE(must(keys.is_master_key("fleet", key)));
  EXPECT_FALSE(must(keys.is_master_key("fleet", SecretBytes(32))));
  KeyStore later = store(tokens_.get());
  const SecretBytes derived =
      must(must(later.master_key("fleet")).diversify(ascii("L"), ascii("C"), 48));
  EXPECT_TRUE(ct_equal(derived.expose(), expected.expose()));

  // Half way: the token takes the key, and what it is asked then fails. Nothing stays behind.
  faults_->fail("C_SignInit", CKR_GENERAL_ERROR, {.skipped = 0, .times = -1});
  EXPECT_FALSE(keys.add_master_key("second", key, token_.uri("second")));
  faults_->clear();
  EXPECT_FALSE(keys.has_master_key("second"));
  must(keys.add_master_key("second", key, token_.uri("second")));
}

TEST_F(RolesInTokenTest, ACeremonyEndsInTheToken) {
  using roles::service_provider::KeyCeremony;
  using roles::service_provider::KeyPurpose;
  KeyStore keys = new_store(tokens_.get());
  auto ceremony = must(KeyCeremony::start(
      "zone",
      {.purpose = KeyPurpose::kMasterKey, .components = 2, .size_bytes = 32, .check_value = {}},
      keys));
  for (std::uint8_t number = 1; number <= 2; ++number) {
    const SecretBytes component = must(crypto::random_secret(rng_, 32));
    must(ceremony.enter(number, component, to_hex(must(crypto::check_values(component)).cmac)));
  }
  faults_->fail("C_CreateObject", CKR_DEVICE_REMOVED, {.skipped = 0, .times = -1});
  EXPECT_EQ(ceremony.finish(token_.uri("zone")).error().code, Errc::kIo);
  faults_->clear();
  EXPECT_FALSE(keys.has_master_key("zone"));
  auto again = must(KeyCeremony::resume("zone", keys));
  EXPECT_TRUE(again.is_complete()) << "the components are still there";
  must(again.finish(token_.uri("zone")));
  EXPECT_TRUE(token_.is_kept_inside("zone", CKO_SECRET_KEY));
  EXPECT_EQ(KeyCeremony::resume("zone", keys).error().code, Errc::kNotFound);

  auto protection = must(
      KeyCeremony::start("kbpk", {.components = 2, .size_bytes = 16, .check_value = {}}, keys));
  for (std::uint8_t number = 1; number <= 2; ++number) {
    const SecretBytes component = must(crypto::random_secret(rng_, 16));
    must(protection.enter(number, component, to_hex(must(crypto::check_values(component)).cmac)));
  }
  EXPECT_EQ(protection.finish(token_.uri("kbpk")).error().code, Errc::kInvalidArgument);
  must(protection.finish());
}

TEST_F(RolesInTokenTest, AnotherKeyUnderTheSameNameIsNotTaken) {
  KeyStore keys = new_store(tokens_.get());
  must(keys.create_signing_key(made("signing")));
  must(keys.create_master_key("fleet", 16, made("fleet")));
  for (const char* name : {"signing", "fleet"}) {
    must(tokens_->erase(token_.uri(name)));
  }
  must(tokens_->generate_signing_key(token_.uri("signing")));
  must(tokens_->generate_derivation_key(token_.uri("fleet"), 16));
  KeyStore later = store(tokens_.get());
  const auto signing = later.signing_key();
  ASSERT_FALSE(signing.has_value());
  EXPECT_EQ(signing.error().code, Errc::kIo) << "it says nothing about an order";
  EXPECT_NE(signing.error().text.find("another key under this name"), std::string::npos);
  EXPECT_EQ(later.master_key("fleet").error().code, Errc::kUntrusted);
}

TEST_F(RolesInTokenTest, WithoutAWayToTokensNothingIsDone) {
  {
    KeyStore keys = new_store(tokens_.get());
    must(keys.create_signing_key(made("signing")));
  }
  KeyStore keys = store(nullptr);
  EXPECT_EQ(keys.signing_key().error().code, Errc::kIo);
  EXPECT_EQ(keys.create_master_key("fleet", 16, made("fleet")).error().code, Errc::kNotSupported);
  EXPECT_EQ(keys.keep_kem_keys_in(token_.token_uri()).error().code, Errc::kNotSupported);
}

TEST_F(RolesInTokenTest, TheAuthorityHasBothRootsInTheToken) {
  using roles::controlling_authority::Authority;
  using roles::controlling_authority::AuthorityFolder;
  using roles::element_maker::MakerFolder;
  {
    auto folder_of = must(AuthorityFolder::create(folder("authority"), passphrase_, "AUTH", rng_,
                                                  kCheap, made("root"), tokens_.get()));
    Authority authority = must(folder_of.authority(clock_, rng_));
    must(authority.prepare_successor(must(tokens_->generate_signing_key(token_.uri("root-2")))));
    must(folder_of.save(authority, rng_));
  }
  auto folder_of = must(AuthorityFolder::open(folder("authority"), passphrase_, tokens_.get()));
  Authority authority = must(folder_of.authority(clock_, rng_));
  ASSERT_TRUE(authority.keys().successor);
  EXPECT_EQ(authority.keys().current.token_uri(), token_.uri("root"));

  auto maker = must(MakerFolder::create(folder("maker"), passphrase_, "ACME", rng_, kCheap,
                                        made("maker"), tokens_.get()));
  const Bytes request = must(must(maker.identity()).request(rng_));
  const auto certificate =
      must(authority.certify_maker(must(pki::CertificationRequest::decode(request)), {}, 365));
  must(maker.install(certificate, authority.anchors().roots.front()));
  EXPECT_TRUE(must(maker.identity()).certificate);

  must(authority.adopt_successor());
  must(folder_of.save(authority, rng_));
  auto later = must(AuthorityFolder::open(folder("authority"), passphrase_, tokens_.get()));
  EXPECT_EQ(must(later.authority(clock_, rng_)).keys().current.token_uri(), token_.uri("root-2"));
  auto blind = must(AuthorityFolder::open(folder("authority"), passphrase_));
  EXPECT_EQ(blind.authority(clock_, rng_).error().code, Errc::kNotSupported);
}

TEST_F(RolesInTokenTest, TheManagerKeepsItsThreeKeysThere) {
  using roles::security_module_manager::ManagerFolder;
  auto folder_of = must(ManagerFolder::create(
      folder("manager"), passphrase_, "manager", clock_, rng_, kCheap,
      {.signing = made("m-sign"), .exchange = made("m-exchange"), .master = made("m-master")},
      tokens_.get()));
  const roles::security_module_manager::DomainName name{
      .iin = *from_hex("4204B00142"),
      .cin = *from_hex("01"),
      .security_domain = *Aid::from_hex("F0574C4B0101"),
      .key_version = 0x30};
  const auto keys = must(folder_of.domain_keys(name, 16, 0x70));
  auto later = must(ManagerFolder::open(folder("manager"), passphrase_, tokens_.get()));
  const auto again = must(later.domain_keys(name, 16, 0x70));
  EXPECT_TRUE(ct_equal(keys.key_enc.expose(), again.key_enc.expose()));
  EXPECT_FALSE(
      ManagerFolder::create(folder("manager"), passphrase_, "manager", clock_, rng_, kCheap));
}

TEST_F(RolesInTokenTest, AFoundationThatFailsHalfWayLeavesNeitherKeysNorFolder) {
  using roles::security_module_manager::ManagerFolder;
  faults_->hide(CKM_ECDH1_DERIVE);
  const auto refused = ManagerFolder::create(
      folder("manager"), passphrase_, "manager", clock_, rng_, kCheap,
      {.signing = made("m-sign"), .exchange = made("m-exchange"), .master = made("m-master")},
      tokens_.get());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kNotSupported);
  EXPECT_FALSE(fs::exists(folder("manager") / "keys"));
  faults_->clear();
  tokens_ = way();
  EXPECT_EQ(tokens_->signing_key(token_.uri("m-sign")).error().code, Errc::kNotFound);
  must(ManagerFolder::create(
      folder("manager"), passphrase_, "manager", clock_, rng_, kCheap,
      {.signing = made("m-sign"), .exchange = made("m-exchange"), .master = made("m-master")},
      tokens_.get()));
}

}  // namespace
}  // namespace kagibin::test
