// SPDX-License-Identifier: Apache-2.0
// Key exports of the manager: what is taken, and that nothing which we hold is ever replaced by
// one.
#include "kagibin/roles/service_provider/keys/key_import.h"

#include <array>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/crypto/cms.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/delivery/exchange/key_export.h"
#include "kagibin/roles/service_provider/keys/channel_uses.h"

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::roles::service_provider {
namespace {

using test::must;

class KeyImportTest : public testing::Test {
 protected:
  static crypto::EcPrivateKey fresh_key(crypto::Rng& rng) {
    return must(crypto::EcPrivateKey::generate(rng));
  }
  std::string self_signed(const crypto::SigningKey& key, const char* name) {
    return must(
        crypto::self_signed_certificate(key, name, world_.clock.now(), 365, false, world_.rng));
  }
  // A key set of the card's own domain; `octet` tells sets apart.
  delivery::KeyExport entry(std::uint8_t key_version, std::uint8_t octet) {
    const auto key = [&](unsigned at) {
      SecretBytes out(16);
      out.expose_mutable()[at] = octet;
      return out;
    };
    return {.iin = card_.shipped.iin,
            .cin = card_.shipped.cin,
            .security_domain = test::Deployment::domain_aid(),
            .key_version_number = key_version,
            .i = 0x70,
            .key_enc = key(0),
            .key_mac = key(1),
            .key_dek = key(2)};
  }
  Checked<std::size_t> import_signed(std::span<const delivery::KeyExport> entries,
                                     const crypto::EcPrivateKey& signer) {
    const SecretBytes content = must(delivery::encode_key_exports(entries));
    const Bytes file = must(
        crypto::cms_seal(content.expose(), signer, self_signed(signer, "manager"), exchange_pem_));
    return import_key_exports(file, manager_.public_key(), exchange_pem_, world_.shipments,
                              world_.journal, *world_.keys);
  }
  template <typename... Entry>
  Checked<std::size_t> import(Entry... entry) {
    std::vector<delivery::KeyExport> entries;
    (entries.push_back(std::move(entry)), ...);
    return import_signed(entries, manager_);
  }
  bool holds(std::uint8_t key_version, const delivery::KeyExport& entry) {
    const auto found =
        must(world_.keys->channel_keys(card_.seid, entry.security_domain, key_version));
    return found && ct_equal(found->enc.expose(), entry.key_enc.expose()) &&
           ct_equal(found->mac.expose(), entry.key_mac.expose()) &&
           ct_equal(found->dek.expose(), entry.key_dek.expose());
  }

  test::Deployment world_{"key import"};
  test::DeployedCard& card_ = world_.add_card("phone-1");
  crypto::EcPrivateKey manager_ = fresh_key(world_.rng);
  std::string exchange_pem_ = self_signed(must(world_.keys->exchange_key_as_signer()), "provider");
};

TEST_F(KeyImportTest, TakesWhatTheManagerExportedAndTheSameAgain) {
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(must(import(entry(0x40, 1), entry(0x41, 2))), 2U);
    EXPECT_TRUE(holds(0x40, entry(0x40, 1)));
    EXPECT_TRUE(holds(0x41, entry(0x41, 2)));
  }
}

TEST_F(KeyImportTest, TheManagersKeysCountAsThoseOfASession) {
  const ChannelUses uses(world_.journal);
  EXPECT_FALSE(must(uses.has(entry(0x40, 1).key_enc)));
  must(import(entry(0x40, 1)));
  EXPECT_TRUE(must(uses.has(entry(0x40, 1).key_enc)));
  EXPECT_FALSE(must(uses.has(entry(0x40, 2).key_enc)));
}

TEST_F(KeyImportTest, AnExportNeverReplacesKeysThatWeHold) {
  must(import(entry(0x40, 1)));
  const auto refused = import(entry(0x41, 2), entry(0x40, 3));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kConflict);
  EXPECT_NE(refused.error().text.find("nothing was stored"), std::string::npos)
      << refused.error().text;
  EXPECT_TRUE(holds(0x40, entry(0x40, 1)));
  EXPECT_FALSE(must(world_.keys->channel_keys(card_.seid, test::Deployment::domain_aid(), 0x41)));
}

TEST_F(KeyImportTest, OneChangedKeyOfTheThreeIsAnotherKeySet) {
  must(import(entry(0x40, 1)));
  for (std::size_t which = 0; which < 3; ++which) {
    delivery::KeyExport changed = entry(0x40, 1);
    const std::array keys{&changed.key_enc, &changed.key_mac, &changed.key_dek};
    keys.at(which)->expose_mutable()[15] ^= 1U;
    const auto refused = import(std::move(changed));
    ASSERT_FALSE(refused) << which;
    EXPECT_EQ(refused.error().code, Errc::kConflict) << which;
    EXPECT_TRUE(holds(0x40, entry(0x40, 1))) << which;
  }
}

// Keys that a delivery of our own put there stand under the same rule.
TEST_F(KeyImportTest, AnExportDoesNotReplaceKeysThatWeDelivered) {
  const auto order = world_.open_order("order-1", card_);
  ASSERT_EQ(world_.deliver(card_, order.id).verdict.verdict, delivery::Verdict::kConfirmed);
  const std::uint8_t version = test::Deployment::kNewKeyVersion;
  const auto refused = import(entry(version, 9));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kConflict);
  EXPECT_FALSE(holds(version, entry(version, 9)));
}

TEST_F(KeyImportTest, AnotherSignerAndAnUnknownCardAreRefused) {
  std::vector<delivery::KeyExport> entries;
  entries.push_back(entry(0x40, 1));
  EXPECT_EQ(import_signed(entries, fresh_key(world_.rng)).error().code, Errc::kUntrusted);
  delivery::KeyExport elsewhere = entry(0x40, 1);
  elsewhere.cin[0] ^= 1U;
  EXPECT_EQ(import(entry(0x41, 2), std::move(elsewhere)).error().code, Errc::kNotFound);
  for (const std::uint8_t version : {std::uint8_t{0x40}, std::uint8_t{0x41}}) {
    EXPECT_FALSE(
        must(world_.keys->channel_keys(card_.seid, test::Deployment::domain_aid(), version)));
  }
}

}  // namespace
}  // namespace kagibin::roles::service_provider
