// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/crypto/cms.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/roles/security_module_manager/card_manager.h"
#include "kagibin/roles/security_module_manager/domain_keys.h"
#include "kagibin/roles/security_module_manager/manager_folder.h"

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::roles::security_module_manager {
namespace {

using test::must;

constexpr crypto::ScryptCost kCheap{.log2_n = 10, .r = 1, .p = 1};
// NOLINTNEXTLINE(cert-err58-cpp,readability-identifier-naming): a constant of this test
const Aid kDomain = *Aid::from_hex("A00000015153504B09");

bool same_keys(const delivery::KeyExport& a, const delivery::KeyExport& b) {
  return ct_equal(a.key_enc.expose(), b.key_enc.expose()) &&
         ct_equal(a.key_mac.expose(), b.key_mac.expose()) &&
         ct_equal(a.key_dek.expose(), b.key_dek.expose());
}

TEST(DomainKeysTest, DifferByEveryPartOfTheName) {
  const crypto::DerivationKey master = must(crypto::DerivationKey::in_memory(
      SecretBytes::copy_of(*from_hex("000102030405060708090A0B0C0D0E0F"))));
  const DomainName name{
      .iin = {1, 2}, .cin = {3, 4}, .security_domain = kDomain, .key_version = 0x30};
  const auto keys = must(diversified_keys(master, name, 16, 0x60));
  EXPECT_TRUE(same_keys(keys, must(diversified_keys(master, name, 16, 0x60))));
  EXPECT_FALSE(ct_equal(keys.key_enc.expose(), keys.key_mac.expose()));
  // The boundary between IIN and CIN counts, not only the octets.
  for (const DomainName& other :
       {DomainName{{1}, {2, 3, 4}, kDomain, 0x30}, DomainName{{1, 2}, {3, 5}, kDomain, 0x30},
        DomainName{{1, 2}, {3, 4}, *Aid::from_hex("A00000015153504B08"), 0x30},
        DomainName{{1, 2}, {3, 4}, kDomain, 0x31}}) {
    EXPECT_FALSE(same_keys(keys, must(diversified_keys(master, other, 16, 0x60))));
  }
  EXPECT_FALSE(diversified_keys(master, name, 20, 0x60));
  EXPECT_FALSE(crypto::DerivationKey::in_memory(SecretBytes(7)));
}

class CardManagerTest : public testing::Test {
 protected:
  std::unique_ptr<apdu::ChannelLink> channel() {
    return must(apdu::ChannelLink::open(*card_.element));
  }
  test::Deployment world_{"manager"};
  test::DeployedCard& card_ = world_.add_card("phone-1");
};

TEST_F(CardManagerTest, CreatesADomainOfEveryKeySizeAndFormOfTheChannel) {
  int number = 1;
  for (const std::size_t size : {std::size_t{16}, std::size_t{24}, std::size_t{32}}) {
    for (const std::uint8_t i : {std::uint8_t{0x00}, std::uint8_t{0x60}, std::uint8_t{0x71}}) {
      const auto link = channel();
      CardManager manager(*link, card_.issuer_keys, world_.rng);
      const DomainPlan plan{.aid = *Aid::from_hex("A00000015153504B1" + std::to_string(number++)),
                            .key_size = size,
                            .scp03 = must(scp::Scp03Parameter::from(i))};
      const auto made = manager.create_domain(plan, world_.manager_master_key());
      ASSERT_TRUE(made) << size << " " << int{i} << " " << made.error().detail.text();
      EXPECT_EQ(made->key_enc.size(), size);
      EXPECT_TRUE(same_keys(*made, must(manager.key_set_of(plan, world_.manager_master_key()))));
    }
  }
}

TEST_F(CardManagerTest, MayBeCalledAgainAfterAnInterruptionAtEveryWrite) {
  const Bytes before = card_.power->content;
  for (std::uint64_t write = 1;; ++write) {
    card_.power->content = before;
    world_.reopen(card_);
    card_.power->cut_at(write, test::Cut::kAfter);
    bool cut = false;
    {
      const auto link = channel();
      CardManager manager(*link, card_.issuer_keys, world_.rng);
      cut = !manager.create_domain({.aid = kDomain}, world_.manager_master_key());
    }
    world_.reopen(card_);
    const auto link = channel();
    CardManager manager(*link, card_.issuer_keys, world_.rng);
    const auto made = manager.create_domain({.aid = kDomain}, world_.manager_master_key());
    ASSERT_TRUE(made) << "write " << write << ": " << made.error().detail.text();
    if (!cut) {
      EXPECT_GT(write, 2U);
      break;
    }
  }
}

TEST_F(CardManagerTest, WrongIssuerKeysAreNoticedBeforeATryIsUsed) {
  test::DeployedCard& strict = world_.add_card("phone-2", {.authentication_failure_limit = 2});
  delivery::KeyExport wrong = must(diversified_keys(
      world_.manager_master_key(),
      {.iin = {1}, .cin = {2}, .security_domain = kDomain, .key_version = 0x30}, 16, 0x60));
  wrong.security_domain = strict.issuer_keys.security_domain;
  const auto link = must(apdu::ChannelLink::open(*strict.element));
  CardManager manager(*link, wrong, world_.rng);
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(manager.create_domain({.aid = kDomain}, world_.manager_master_key()).error().code,
              Errc::kAuthentication);
  }
  CardManager right(*link, strict.issuer_keys, world_.rng);
  EXPECT_TRUE(right.create_domain({.aid = kDomain}, world_.manager_master_key()));
}

TEST_F(CardManagerTest, TheFolderTakesIssuerKeysFromThePinnedMakerAndExportsToTheProvider) {
  const test::TemporaryFolder parent;
  const std::filesystem::path path = parent.path() / "manager";
  const SecretBytes passphrase = SecretBytes::copy_of(ascii("pass"));
  const auto folder_made =
      ManagerFolder::create(path, passphrase, "manager", world_.clock, world_.rng, kCheap);
  ASSERT_TRUE(folder_made);
  auto folder = must(ManagerFolder::open(path, passphrase));
  const auto text_of = [](const std::filesystem::path& file) {
    const auto octets = must(crypto::read_file(file));
    return std::string(octets.expose().begin(), octets.expose().end());
  };

  const auto maker = must(crypto::EcPrivateKey::generate(world_.rng));
  const std::string maker_pem = must(
      crypto::self_signed_certificate(maker, "maker", world_.clock.now(), 10, false, world_.rng));
  const SecretBytes content = must(delivery::encode_key_exports(std::span(&card_.issuer_keys, 1)));
  const Bytes sealed = must(crypto::cms_seal(content.expose(), maker, maker_pem,
                                             text_of(ManagerFolder::exchange_certificate(path))));
  const auto stranger = must(crypto::EcPrivateKey::generate(world_.rng));
  EXPECT_EQ(folder.import_issuer_keys(sealed, stranger.public_key(), world_.rng).error().code,
            Errc::kUntrusted);
  EXPECT_FALSE(folder.issuer_keys(card_.issuer_keys.iin, card_.issuer_keys.cin));
  EXPECT_EQ(must(folder.import_issuer_keys(sealed, maker.public_key(), world_.rng)), 1U);
  const auto issuer = must(folder.issuer_keys(card_.issuer_keys.iin, card_.issuer_keys.cin));
  EXPECT_TRUE(same_keys(issuer, card_.issuer_keys));

  const auto provider = must(crypto::EcPrivateKey::generate(world_.rng));
  const std::string provider_pem = must(crypto::self_signed_certificate(
      provider, "provider", world_.clock.now(), 10, false, world_.rng));
  const Bytes file = must(folder.seal_exports(std::span(&card_.domain_keys, 1), provider_pem));
  const auto opened = must(crypto::cms_open(file, provider, provider_pem));
  EXPECT_EQ(
      opened.signer,
      must(crypto::public_key_of_certificate(text_of(ManagerFolder::signing_certificate(path)))));
  const auto records = must(delivery::decode_key_exports(opened.content.expose()));
  EXPECT_TRUE(same_keys(records.at(0), card_.domain_keys));
  EXPECT_FALSE(crypto::cms_open(file, stranger, provider_pem));
}

TEST_F(CardManagerTest, TheFolderKeepsKeySetsOfDomainsThatTheMakerMadeBesideTheIssuers) {
  const test::TemporaryFolder parent;
  const std::filesystem::path path = parent.path() / "manager";
  const SecretBytes passphrase = SecretBytes::copy_of(ascii("pass"));
  must(ManagerFolder::create(path, passphrase, "manager", world_.clock, world_.rng, kCheap));
  auto folder = must(ManagerFolder::open(path, passphrase));
  const auto maker = must(crypto::EcPrivateKey::generate(world_.rng));
  const std::string maker_pem = must(
      crypto::self_signed_certificate(maker, "maker", world_.clock.now(), 10, false, world_.rng));
  const SecretBytes exchange = must(crypto::read_file(ManagerFolder::exchange_certificate(path)));
  const DomainName name{.iin = card_.issuer_keys.iin,
                        .cin = card_.issuer_keys.cin,
                        .security_domain = kDomain,
                        .key_version = 0x30};
  const crypto::DerivationKey other =
      must(crypto::DerivationKey::in_memory(must(crypto::random_secret(world_.rng, 16))));
  std::vector<delivery::KeyExport> handed;
  handed.push_back(must(diversified_keys(other, name, 16, 0x70)));
  handed.front().security_domain = card_.issuer_keys.security_domain;
  handed.push_back(must(diversified_keys(other, name, 16, 0x70)));
  const SecretBytes content = must(delivery::encode_key_exports(handed));
  const Bytes sealed =
      must(crypto::cms_seal(content.expose(), maker, maker_pem,
                            std::string(exchange.expose().begin(), exchange.expose().end())));
  EXPECT_FALSE(same_keys(must(folder.domain_keys(name, 16, 0x70)), handed.back()));
  EXPECT_EQ(must(folder.import_issuer_keys(sealed, maker.public_key(), world_.rng)), 1U);
  EXPECT_EQ(must(folder.issuer_keys(name.iin, name.cin)).security_domain,
            card_.issuer_keys.security_domain);
  EXPECT_TRUE(same_keys(must(folder.domain_keys(name, 16, 0x70)), handed.back()));
  DomainName next = name;
  next.key_version = 0x31;
  EXPECT_TRUE(same_keys(must(folder.domain_keys(next, 16, 0x70)),
                        must(diversified_keys(must(folder.master_key()), next, 16, 0x70))));
}

}  // namespace
}  // namespace kagibin::roles::security_module_manager
