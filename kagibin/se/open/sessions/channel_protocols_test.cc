// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/sessions/channel_protocols.h"

#include <gtest/gtest.h>

#include "kagibin/se/nvm/nvm_memory.h"
#include "kagibin/se/open/registry.h"

namespace kagibin::se {
namespace {

using Protocols = std::vector<gp::ChannelProtocol>;

Bytes hex(std::string_view text) { return from_hex(text).value(); }

// GPCS H.2: secure channel protocols of the card
TEST(ChannelProtocolsTest, TheIssuerSpeaksWhatTheProfileSays) {
  ElementProfile profile;
  profile.scp03 = scp::Scp03Parameter{0x71};
  EXPECT_EQ(protocols_of(profile), (Protocols{{0x03, 0x71}}));
  profile.scp02 = scp::Scp02Parameter{0x15};
  EXPECT_EQ(protocols_of(profile), (Protocols{{0x03, 0x71}, {0x02, 0x15}}));
}

// GPCS H.2, E.5.1.2: the first protocol listed is that of the key set INITIALIZE UPDATE uses when
// asked for none
TEST(ChannelProtocolsTest, TheProtocolOfTheIssuersFirstKeySetComesFirst) {
  const auto key = [] { return SecretBytes::copy_of(hex("404142434445464748494A4B4C4D4E4F")); };
  ElementProfile profile;
  profile.scp02 = scp::Scp02Parameter{0x55};
  profile.key_sets.push_back({Aid::from_hex("F000000001AA01").value(), 0x01,
                              scp::Scp02KeySet::create(key(), key(), key()).value()});
  EXPECT_EQ(protocols_of(profile), (Protocols{{0x03, 0x60}, {0x02, 0x55}}));
  profile.key_sets.push_back(
      {profile.isd_aid, 0x20, scp::Scp02KeySet::create(key(), key(), key()).value()});
  EXPECT_EQ(protocols_of(profile), (Protocols{{0x02, 0x55}, {0x03, 0x60}}));
  profile.key_sets.insert(
      profile.key_sets.begin(),
      {profile.isd_aid, 0x30, scp::Scp03KeySet::create(key(), key(), key()).value()});
  EXPECT_EQ(protocols_of(profile), (Protocols{{0x03, 0x60}, {0x02, 0x55}}));
}

// GPCS 11.5.2.3.7: secure channel protocols of a domain, 81
TEST(ChannelProtocolsTest, ADomainSpeaksWhatItAskedForOrWhatItsParentDoes) {
  const Protocols off{{0x03, 0x60}};
  const Protocols on{{0x03, 0x60}, {0x02, 0x55}};
  const auto of = [](std::string_view parameters, const Protocols& parent) {
    return protocols_of(hex(parameters), parent);
  };
  EXPECT_EQ(of("", off), off);
  EXPECT_EQ(of("", on), on);
  EXPECT_EQ(of("81020370", off), (Protocols{{0x03, 0x70}}));
  EXPECT_EQ(of("81020370", on), (Protocols{{0x03, 0x70}}));
  EXPECT_EQ(of("81020215", on), (Protocols{{0x02, 0x15}}));
  EXPECT_EQ(of("81020200", on), (Protocols{{0x02, 0x55}})) << "as hosts ask that know no i";
  EXPECT_EQ(of("81020200", off).error().code, Errc::kPolicy);
  EXPECT_EQ(of("8102021581020300", on), (Protocols{{0x02, 0x15}, {0x03, 0x00}}));
  EXPECT_EQ(of("81020255", off).error().code, Errc::kPolicy);
  EXPECT_EQ(of("81020255", off).error().detail.text(), kScp02IsOff.text());
  for (const std::string_view wrong :
       {"8102021A", "81020302", "81020115", "810203", "8101", "8103036000", "820203608102",
        "8102036081020370", "8102036082020300"}) {
    EXPECT_FALSE(of(wrong, on).has_value()) << wrong;
  }
}

TEST(ChannelProtocolsTest, TheRegistryKeepsThemAndReadsElementsMadeBefore) {
  auto nvm = Nvm::open(std::make_unique<NvmMemory>()).value();
  Registry registry(*nvm);
  RegistryEntry entry{.aid = Aid::from_hex("A000000151000000").value(),
                      .kind = EntryKind::kIssuerSecurityDomain,
                      .security_domain = Aid::from_hex("A000000151000000").value(),
                      .load_file = Aid::from_hex("A0000001515350").value(),
                      .module = Aid::from_hex("A000000151535041").value(),
                      .protocols = {{0x03, 0x70}, {0x02, 0x55}, {0x11, 0x0F86}}};
  ASSERT_TRUE(registry.put(entry).has_value());
  EXPECT_EQ(registry.find(entry.aid)->protocols, entry.protocols);
  entry.protocols.clear();
  ASSERT_TRUE(registry.put(entry).has_value());
  EXPECT_TRUE(registry.find(entry.aid)->protocols.empty());
  // 86 01 i of SCP03, in the place where the list stands now.
  ASSERT_TRUE(nvm->put("reg/A000000151000000", hex("800101"
                                                   "810101"
                                                   "8203000000"
                                                   "8308A000000151000000"
                                                   "8407A0000001515350"
                                                   "8508A000000151535041"
                                                   "860161"))
                  .has_value());
  EXPECT_EQ(registry.find(entry.aid)->protocols, (Protocols{{0x03, 0x61}}));
}

}  // namespace
}  // namespace kagibin::se
