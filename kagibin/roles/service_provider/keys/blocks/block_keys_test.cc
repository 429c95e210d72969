// SPDX-License-Identifier: Apache-2.0
// Keys that come and go as key blocks: what is taken for what, what never leaves again, and that
// nothing is stored of what is refused.
#include "kagibin/roles/service_provider/keys/blocks/block_keys.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "kagibin/crypto/key_block/key_block_protection.h"
#include "kagibin/roles/service_provider/payload/payload_builder.h"

#include "tests/support/deployment.h"
#include "tests/support/must.h"
#include "tests/support/mutations.h"

namespace kagibin::roles::service_provider {
namespace {

using test::must;

SecretBytes key_of(std::uint8_t octet, std::size_t size = 16) {
  SecretBytes out(size);
  std::ranges::fill(out.expose_mutable(), octet);
  return out;
}

class BlockKeysTest : public testing::Test {
 protected:
  BlockKeysTest() {
    seid_.octets[0] = 1;
    must(add_stored_key(
        KeyPurpose::kProtectionKey, "zone",
        {.attributes = {.key_usage = "K1", .mode_of_use = 'B'}, .key = kbpk_.duplicate()}, keys_));
  }
  static crypto::KeyBlockHeader header(const char* usage, char mode, char exportability) {
    crypto::KeyBlockHeader out;
    out.key_usage = usage;
    out.mode_of_use = mode;
    out.exportability = exportability;
    return out;
  }
  Bytes block(const crypto::KeyBlockHeader& of, const SecretBytes& key) {
    return must(must(crypto::protect_key(kbpk_, of, key, world_.rng)).encode());
  }
  Checked<ImportedKey> import(const crypto::KeyBlockHeader& of,
                              const SecretBytes& key,
                              std::string name = "k",
                              std::optional<KeyBinding> binding = {}) {
    return import_key_block(block(of, key), {std::move(name), "zone", std::move(binding)}, keys_);
  }
  KeyBinding binding(std::optional<KeySlot> slot = {}) {
    return {.seid = seid_, .target = must(Aid::from_hex("A00000015153504B01")), .slot = slot};
  }
  bool nothing_stored(std::string_view name = "k") {
    return !has_stored_key(KeyPurpose::kMasterKey, name, keys_) &&
           !has_stored_key(KeyPurpose::kElementKey, name, keys_) &&
           !has_stored_key(KeyPurpose::kProtectionKey, name, keys_);
  }

  test::Deployment world_{"block keys"};
  KeyStore& keys_ = *world_.keys;
  SecretBytes kbpk_ = key_of(0x77, 32);
  Seid seid_;
};

// ANSI X9.143, 6.3.1, 6.3.3
TEST_F(BlockKeysTest, AMasterKeyDerivesAndItsBlockIsRemembered) {
  const ImportedKey taken = must(import(header("B3", 'X', 'E'), key_of(5, 32), "m"));
  EXPECT_EQ(taken.purpose, KeyPurpose::kMasterKey);
  EXPECT_EQ(taken.size_bytes, 32U);
  EXPECT_TRUE(ct_equal(must(keys_.master_key_octets("m")).expose(), key_of(5, 32).expose()));
  EXPECT_EQ(must(stored_key(KeyPurpose::kMasterKey, "m", keys_)).attributes, taken.attributes);
}

// ANSI X9.143, 6.3.5
TEST_F(BlockKeysTest, WhatIsNotExportableNeverLeavesAgain) {
  must(import(header("B3", 'X', 'N'), key_of(5, 32), "never"));
  must(import(header("B3", 'X', 'E'), key_of(6, 32), "may"));
  for (const char* name : {"never", "fleet"}) {
    const auto refused = export_key_block(KeyPurpose::kMasterKey, name, "zone", keys_, world_.rng);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, Errc::kPolicy);
    EXPECT_NE(refused.error().text.find("exportability N"), std::string::npos);
  }
  const Bytes out =
      must(export_key_block(KeyPurpose::kMasterKey, "may", "zone", keys_, world_.rng));
  const crypto::KeyBlock back = must(crypto::KeyBlock::decode(out));
  EXPECT_EQ(back.header.key_usage, "B3");
  EXPECT_EQ(back.header.exportability, 'E');
  EXPECT_TRUE(ct_equal(must(crypto::open_key_block(kbpk_, back)).expose(), key_of(6, 32).expose()));
  // And comes in again, its own check values in it.
  EXPECT_TRUE(import_key_block(out, {"again", "zone"}, keys_));
}

TEST_F(BlockKeysTest, AnImportThatWasCutLeavesNothingToAnotherKeyOfTheName) {
  must(import(header("B3", 'X', 'E'), key_of(5, 32), "m"));
  must(keys_.erase_record("master.m"));  // as if the key had never been written
  must(keys_.create_master_key("m", 32));
  EXPECT_EQ(must(stored_key(KeyPurpose::kMasterKey, "m", keys_)).attributes, KeyAttributes{});
  EXPECT_EQ(export_key_block(KeyPurpose::kMasterKey, "m", "zone", keys_, world_.rng).error().code,
            Errc::kPolicy);
}

TEST_F(BlockKeysTest, AKeyOfOneElementIsForItsPlaceThereAlone) {
  const KeySlot slot{.key_version = 0x70, .key_identifier = 0x01};
  must(import(header("D0", 'B', 'E'), key_of(7), "gift", binding(slot)));
  EXPECT_TRUE(ct_equal(must(keys_.literal_key("gift")).expose(), key_of(7).expose()));
  const Aid target = binding().target;
  EXPECT_TRUE(check_binding("gift", seid_, target, slot, keys_));
  Seid other = seid_;
  other.octets[1] = 9;
  const KeySlot elsewhere{.key_version = 0x71, .key_identifier = 0x01};
  EXPECT_EQ(check_binding("gift", other, target, slot, keys_).error().code, Errc::kPolicy);
  EXPECT_EQ(
      check_binding("gift", seid_, must(Aid::from_hex("A000000151")), slot, keys_).error().code,
      Errc::kPolicy);
  EXPECT_EQ(check_binding("gift", seid_, target, elsewhere, keys_).error().code, Errc::kPolicy);
  EXPECT_EQ(check_binding("gift", seid_, target, std::nullopt, keys_).error().code, Errc::kPolicy);
  EXPECT_EQ(keys_.claim_key("gift", key_of(7), other).error().code, Errc::kPolicy);
  EXPECT_EQ(keys_.add_literal_key("gift", key_of(8)).error().code, Errc::kConflict);
}

TEST_F(BlockKeysTest, APayloadThatPutsItElsewhereIsRefused) {
  must(import(header("M6", 'C', 'S'), key_of(7), "gift", binding(KeySlot{0x70, 0x01})));
  must(keys_.put_channel_keys(seid_, must(Aid::from_hex("A00000015153504B01")), 0x30,
                              {.i = 0, .enc = key_of(1), .mac = key_of(2), .dek = key_of(3)}));
  const auto check = [&](const std::string& version, const std::string& target) {
    const auto file = must(PayloadFile::parse(
        R"({"target":")" + target + R"(","channel":{"security_domain":"A00000015153504B01",)" +
        R"("key_version":"30"},"actions":[{"put_key":{"key_version":")" + version +
        R"(","key_identifier":"01","keys":[{"literal":"gift"}]}}]})"));
    const std::array one{seid_};
    return PayloadBuilder(file, world_.csv, keys_, world_.rng).check(one);
  };
  EXPECT_TRUE(check("70", "A00000015153504B01"));
  for (const auto& refused :
       {check("71", "A00000015153504B01"), check("70", "A00000015153504B02")}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kPolicy);
    EXPECT_NE(refused.error().text.find("key block"), std::string::npos) << refused.error().text;
  }
}

// ANSI X9.143, 6.3.1, 6.3.2, 6.3.3
TEST_F(BlockKeysTest, AKeyThatDoesNotFitIsRefusedWithTheReason) {
  struct Case {
    const char* usage;
    char algorithm;
    char mode;
    char exportability;
    const char* version;
    const char* word;
  };
  for (const Case& c :
       {Case{"B0", 'A', 'X', 'E', "00", "DUKPT"}, Case{"E0", 'A', 'X', 'E', "00", "EMV"},
        Case{"K4", 'A', 'B', 'E', "00", "ISO 20038"},
        Case{"V1", 'A', 'V', 'E', "00", "no AES key that"},
        Case{"B3", 'T', 'X', 'E', "00", "AES keys"},
        Case{"B3", 'A', 'B', 'E', "00", "mode of use B"},
        Case{"D0", 'A', 'X', 'E', "00", "mode of use X"},
        Case{"10", 'A', 'X', 'E', "00", "none of ANSI X9.143"},
        Case{"B3", 'A', 'X', 'E', "c1", "component"},
        Case{"D0", 'A', 'B', 'N', "00", "hand it on"}}) {
    crypto::KeyBlockHeader of = header(c.usage, c.mode, c.exportability);
    of.algorithm = c.algorithm;
    of.key_version_number = c.version;
    const auto refused = import(of, key_of(7), "k", binding());
    ASSERT_FALSE(refused) << c.usage;
    EXPECT_NE(refused.error().text.find(c.word), std::string::npos) << refused.error().text;
    EXPECT_NE(refused.error().text.find("Nothing was stored"), std::string::npos);
    EXPECT_TRUE(nothing_stored()) << c.usage;
  }
  crypto::KeyBlockHeader stored = header("B3", 'X', 'E');
  stored.key_context = '1';
  EXPECT_EQ(import(stored, key_of(7)).error().code, Errc::kPolicy);
}

TEST_F(BlockKeysTest, AnElementKeyWantsItsElementAndNoOtherDoes) {
  EXPECT_EQ(import(header("D0", 'B', 'E'), key_of(7)).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(import(header("B3", 'X', 'E'), key_of(7), "k", binding()).error().code,
            Errc::kInvalidArgument);
  EXPECT_EQ(import(header("D0", 'B', 'E'), key_of(7, 20), "k", binding()).error().code,
            Errc::kLength);
  EXPECT_TRUE(nothing_stored());
}

TEST_F(BlockKeysTest, AnyChangedCharacterAndAnotherProtectionKeyStoreNothing) {
  const Bytes text = block(header("B3", 'X', 'E'), key_of(7));
  const auto takes = [&](const Bytes& changed) {
    return import_key_block(changed, {"k", "zone"}, keys_).has_value();
  };
  EXPECT_EQ(test::accepted(test::bit_flips(text), takes), test::Names{});
  must(add_stored_key(
      KeyPurpose::kProtectionKey, "other",
      {.attributes = {.key_usage = "K1", .mode_of_use = 'D'}, .key = key_of(0x78, 32)}, keys_));
  const auto refused = import_key_block(text, {"k", "other"}, keys_);
  EXPECT_EQ(refused.error().code, Errc::kAuthentication);
  EXPECT_EQ(import_key_block(text, {"k", "none"}, keys_).error().code, Errc::kNotFound);
  EXPECT_TRUE(nothing_stored());
  Bytes with_line_end = text;
  append(with_line_end, ascii("\r\n"));
  EXPECT_TRUE(takes(with_line_end));
}

TEST_F(BlockKeysTest, ABlockThatNamesItsProtectionKeySaysWhichItWas) {
  crypto::KeyBlockHeader of = header("B3", 'X', 'E');
  const crypto::CheckValues values = must(crypto::check_values(kbpk_));
  of.optional_blocks = {{.id = "KP", .data = "01" + to_hex(values.cmac)}};
  must(add_stored_key(
      KeyPurpose::kProtectionKey, "other",
      {.attributes = {.key_usage = "K1", .mode_of_use = 'B'}, .key = key_of(0x78, 32)}, keys_));
  const auto refused = import_key_block(block(of, key_of(7)), {"k", "other"}, keys_);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find(to_hex(values.cmac)), std::string::npos)
      << refused.error().text;
  of.optional_blocks = {{.id = "KC", .data = "010102030405"}};
  EXPECT_EQ(import(of, key_of(7)).error().code, Errc::kValue);
  EXPECT_TRUE(nothing_stored());
}

TEST_F(BlockKeysTest, ProtectionKeysDoWhatTheirModeSaysAndNoMore) {
  must(import(header("K1", 'D', 'E'), key_of(0x21, 32), "opens"));
  must(import(header("K1", 'E', 'N'), key_of(0x22, 32), "protects"));
  must(import(header("B3", 'X', 'E'), key_of(6, 32), "m"));
  const auto out = [&](const char* kbpk) {
    return export_key_block(KeyPurpose::kMasterKey, "m", kbpk, keys_, world_.rng);
  };
  EXPECT_EQ(out("opens").error().code, Errc::kPolicy);
  const Bytes text = must(out("protects"));
  EXPECT_EQ(import_key_block(text, {"k", "protects"}, keys_).error().code, Errc::kPolicy);
  // A protection key under a protection key, and one that stays.
  EXPECT_TRUE(export_key_block(KeyPurpose::kProtectionKey, "opens", "zone", keys_, world_.rng));
  EXPECT_FALSE(export_key_block(KeyPurpose::kProtectionKey, "protects", "zone", keys_, world_.rng));
}

TEST_F(BlockKeysTest, AKeyIsNotPutUnderAWeakerOne) {
  must(import(header("K1", 'B', 'N'), key_of(0x21, 16), "weak"));
  must(import(header("B3", 'X', 'E'), key_of(6, 32), "m"));
  const auto refused = export_key_block(KeyPurpose::kMasterKey, "m", "weak", keys_, world_.rng);
  EXPECT_EQ(refused.error().code, Errc::kPolicy);
  EXPECT_NE(refused.error().text.find("256 bits"), std::string::npos);
}

TEST_F(BlockKeysTest, ATakenNameKeepsItsKey) {
  must(import(header("B3", 'X', 'N'), key_of(5), "m"));
  EXPECT_EQ(import(header("B3", 'X', 'E'), key_of(6), "m").error().code, Errc::kConflict);
  EXPECT_TRUE(ct_equal(must(keys_.master_key_octets("m")).expose(), key_of(5).expose()));
  EXPECT_EQ(must(stored_key(KeyPurpose::kMasterKey, "m", keys_)).attributes.exportability, 'N');
  must(import(header("D0", 'B', 'E'), key_of(7), "g", binding()));
  EXPECT_EQ(import(header("D0", 'B', 'E'), key_of(8), "g", binding()).error().code,
            Errc::kConflict);
  EXPECT_EQ(import(header("K1", 'B', 'E'), key_of(8), "zone").error().code, Errc::kConflict);
}

TEST_F(BlockKeysTest, StoredAttributesComeBackAndDamageIsSeen) {
  const StoredKey stored{.attributes = {.key_usage = "D0",
                                        .mode_of_use = 'B',
                                        .key_version_number = "07",
                                        .exportability = 'E',
                                        .binding = binding(KeySlot{0x70, 0x02})},
                         .key = key_of(7)};
  const SecretBytes octets = stored.encode();
  const StoredKey back = must(StoredKey::decode(octets.expose()));
  EXPECT_EQ(back.attributes, stored.attributes);
  EXPECT_TRUE(ct_equal(back.key.expose(), stored.key.expose()));
  const std::size_t head = octets.size() - stored.key.size();
  for (std::size_t size = 0; size < head; ++size) {
    EXPECT_FALSE(StoredKey::decode(octets.expose().first(size))) << size;
  }
  Bytes changed(octets.expose().begin(), octets.expose().end());
  changed[0] = 3;
  EXPECT_EQ(StoredKey::decode(changed).error().code, Errc::kEncoding);
}

}  // namespace
}  // namespace kagibin::roles::service_provider
