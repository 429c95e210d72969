// SPDX-License-Identifier: Apache-2.0
// Ceremonies by components, and master keys under dual control: the odd cases above all.
#include "kagibin/roles/service_provider/keys/ceremony/key_ceremony.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::roles::service_provider {
namespace {

using test::must;

constexpr crypto::ScryptCost kCheap{.log2_n = 10, .r = 8, .p = 1};

SecretBytes key_of(std::uint8_t octet, std::size_t size = 16) {
  SecretBytes out(size);
  std::ranges::fill(out.expose_mutable(), octet);
  return out;
}

std::string form(const SecretBytes& component) {
  return to_hex(must(crypto::check_values(component)).cmac);
}

class KeyCeremonyTest : public testing::Test {
 protected:
  static CeremonyPlan plan(std::uint8_t components = 2) {
    return {.purpose = KeyPurpose::kProtectionKey,
            .components = components,
            .size_bytes = 16,
            .exportability = 'N',
            .dual_control = false,
            .check_value = {}};
  }
  // Every component in a session of its own.
  Checked<crypto::CheckValues> enter(std::uint8_t number, const SecretBytes& component) {
    return KB_TRY(KeyCeremony::resume("zone", keys_)).enter(number, component, form(component));
  }
  Checked<crypto::CheckValues> finish() {
    return KB_TRY(KeyCeremony::resume("zone", keys_)).finish();
  }
  SecretBytes made() {
    return std::move(must(stored_key(KeyPurpose::kProtectionKey, "zone", keys_)).key);
  }

  test::TemporaryFolder folder_;
  test::Deployment world_{"ceremony"};
  KeyStore& keys_ = *world_.keys;
};

TEST_F(KeyCeremonyTest, TheKeyIsTheSumOfTwoOrThreeComponentsInAnyOrder) {
  must(KeyCeremony::start("zone", plan(3), keys_));
  must(enter(3, key_of(0x44)));
  must(enter(1, key_of(0x11)));
  EXPECT_EQ(finish().error().code, Errc::kState);
  must(enter(2, key_of(0x22)));
  const crypto::CheckValues values = must(finish());
  EXPECT_TRUE(ct_equal(made().expose(), key_of(0x77).expose()));
  EXPECT_EQ(values, must(crypto::check_values(key_of(0x77))));
  EXPECT_EQ(KeyCeremony::resume("zone", keys_).error().code, Errc::kNotFound);
}

TEST_F(KeyCeremonyTest, AWrongCheckValueTakesNothingAndTheRightOneGoesOn) {
  must(KeyCeremony::start("zone", plan(), keys_));
  KeyCeremony ceremony = must(KeyCeremony::resume("zone", keys_));
  const auto refused = ceremony.enter(1, key_of(0x11), form(key_of(0x12)));
  EXPECT_EQ(refused.error().code, Errc::kValue);
  EXPECT_NE(refused.error().text.find(form(key_of(0x11))), std::string::npos);
  EXPECT_FALSE(ceremony.enter(1, key_of(0x11), ""));
  EXPECT_FALSE(must(KeyCeremony::resume("zone", keys_)).has(1));
  EXPECT_TRUE(ceremony.enter(1, key_of(0x11), form(key_of(0x11)).substr(0, 6)));
  EXPECT_TRUE(must(KeyCeremony::resume("zone", keys_)).has(1));
}

TEST_F(KeyCeremonyTest, TheSameComponentTwiceAndZerosAreRefused) {
  must(KeyCeremony::start("zone", plan(3), keys_));
  must(enter(1, key_of(0x11)));
  EXPECT_EQ(enter(2, key_of(0x11)).error().code, Errc::kPolicy);
  EXPECT_EQ(enter(2, key_of(0)).error().code, Errc::kPolicy);
  EXPECT_EQ(enter(1, key_of(0x22)).error().code, Errc::kConflict);
  EXPECT_EQ(enter(2, key_of(0x22, 32)).error().code, Errc::kLength);
  EXPECT_EQ(enter(0, key_of(0x22)).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(enter(4, key_of(0x22)).error().code, Errc::kInvalidArgument);
  must(enter(2, key_of(0x22)));
  must(enter(3, key_of(0x33)));  // and the three cancel
  EXPECT_EQ(finish().error().code, Errc::kPolicy);
  must(must(KeyCeremony::resume("zone", keys_)).abandon());
  EXPECT_FALSE(keys_.has_record("ceremony.zone"));
  EXPECT_FALSE(has_stored_key(KeyPurpose::kProtectionKey, "zone", keys_));
}

TEST_F(KeyCeremonyTest, ACheckValueThatWasAgreedOnHoldsTheKey) {
  CeremonyPlan wanted = plan();
  wanted.check_value = form(key_of(0x33));
  must(KeyCeremony::start("zone", wanted, keys_));
  must(enter(1, key_of(0x11)));
  must(enter(2, key_of(0x24)));
  EXPECT_EQ(finish().error().code, Errc::kValue);
  EXPECT_FALSE(has_stored_key(KeyPurpose::kProtectionKey, "zone", keys_));
  must(must(KeyCeremony::resume("zone", keys_)).abandon());
  must(KeyCeremony::start("zone", wanted, keys_));
  must(enter(1, key_of(0x11)));
  must(enter(2, key_of(0x22)));
  must(finish());
}

TEST_F(KeyCeremonyTest, AFinishThatWasCutShortIsFinishedAgain) {
  must(KeyCeremony::start("zone", plan(), keys_));
  must(enter(1, key_of(0x11)));
  must(enter(2, key_of(0x22)));
  // The key is there, and the record of the ceremony still is.
  must(add_stored_key(KeyPurpose::kProtectionKey, "zone",
                      {.attributes = {.key_usage = "K1", .mode_of_use = 'B'}, .key = key_of(0x33)},
                      keys_));
  must(finish());
  EXPECT_FALSE(keys_.has_record("ceremony.zone"));
  // Another key of that name is never replaced.
  must(KeyCeremony::start("y", plan(), keys_));
  KeyCeremony other = must(KeyCeremony::resume("y", keys_));
  must(other.enter(1, key_of(0x11), form(key_of(0x11))));
  must(other.enter(2, key_of(0x22), form(key_of(0x22))));
  must(add_stored_key(KeyPurpose::kProtectionKey, "y",
                      {.attributes = {.key_usage = "K1", .mode_of_use = 'B'}, .key = key_of(0x55)},
                      keys_));
  EXPECT_EQ(other.finish().error().code, Errc::kConflict);
}

TEST_F(KeyCeremonyTest, PlansThatMakeNoSenseAndTakenNamesAreRefused) {
  must(KeyCeremony::start("zone", plan(), keys_));
  EXPECT_EQ(KeyCeremony::start("zone", plan(), keys_).error().code, Errc::kConflict);
  CeremonyPlan fleet = plan();
  fleet.purpose = KeyPurpose::kMasterKey;
  EXPECT_EQ(KeyCeremony::start("fleet", fleet, keys_).error().code, Errc::kConflict);
  const auto refused = [&](const auto& change) {
    CeremonyPlan wrong = plan();
    change(wrong);
    const auto started = KeyCeremony::start("x", wrong, keys_);
    return !started && started.error().code == Errc::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](auto& p) { p.components = 1; }));
  EXPECT_TRUE(refused([](auto& p) { p.components = 4; }));
  EXPECT_TRUE(refused([](auto& p) { p.size_bytes = 20; }));
  EXPECT_TRUE(refused([](auto& p) { p.exportability = 'X'; }));
  EXPECT_TRUE(refused([](auto& p) { p.purpose = KeyPurpose::kElementKey; }));
  EXPECT_TRUE(refused([](auto& p) { p.dual_control = true; }));
  EXPECT_TRUE(refused([](auto& p) { p.check_value = "12"; }));
  EXPECT_TRUE(refused([](auto& p) { p.check_value = "no hex"; }));
}

class DualControlTest : public KeyCeremonyTest {
 protected:
  DualControlTest() {
    must(crypto::RecordFolder::create(folder_.path() / "keys", first_, world_.rng, kCheap));
    KeyStore keys = open();
    must(keys.create_second_custodian(second_, kCheap));
    must(keys.add_dual_master_key("m", key_of(5, 32)));
  }
  KeyStore open() {
    return {must(crypto::RecordFolder::open(folder_.path() / "keys", first_)), world_.journal,
            world_.rng};
  }
  static auto brings(const SecretBytes& passphrase) {
    return [&passphrase]() -> Result<SecretBytes> { return passphrase.duplicate(); };
  }

  SecretBytes first_ = key_of('1');
  SecretBytes second_ = key_of('2');
};

TEST_F(DualControlTest, AKeyOpensWithBothPassphrasesAndWithNeitherAlone) {
  KeyStore alone = open();
  const auto refused = alone.master_key("m");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kPolicy);
  EXPECT_NE(refused.error().text.find("dual control"), std::string::npos);
  KeyStore both = open();
  int asked = 0;
  both.on_second_custodian([&]() -> Result<SecretBytes> {
    ++asked;
    return second_.duplicate();
  });
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(ct_equal(must(both.master_key_octets("m")).expose(), key_of(5, 32).expose()));
  }
  EXPECT_EQ(asked, 1);
  EXPECT_FALSE(crypto::RecordFolder::open(folder_.path() / "keys", second_));
}

TEST_F(DualControlTest, TheStoreAloneHoldsNoOctetOfTheKey) {
  const auto records = must(crypto::RecordFolder::open(folder_.path() / "keys", first_));
  for (const std::string& name : must(records.names(""))) {
    const SecretBytes content = must(records.get(name));
    EXPECT_TRUE(std::ranges::search(content.expose(), key_of(5, 8).expose()).empty()) << name;
  }
}

TEST_F(DualControlTest, AWrongSecondPassphraseIsToldAndOneThatIsTheFirstIsNotTaken) {
  KeyStore keys = open();
  const SecretBytes wrong = key_of('3');
  keys.on_second_custodian(brings(wrong));
  EXPECT_EQ(keys.master_key("m").error().code, Errc::kAuthentication);
  keys.on_second_custodian(brings(first_));
  EXPECT_EQ(keys.master_key("m").error().code, Errc::kAuthentication);
  keys.on_second_custodian(brings(second_));
  EXPECT_TRUE(keys.master_key("m"));
  EXPECT_EQ(keys.create_second_custodian(key_of('4'), kCheap).error().code, Errc::kConflict);
  must(crypto::RecordFolder::create(folder_.path() / "other", first_, world_.rng, kCheap));
  KeyStore other(must(crypto::RecordFolder::open(folder_.path() / "other", first_)), world_.journal,
                 world_.rng);
  EXPECT_EQ(other.create_second_custodian(first_, kCheap).error().code, Errc::kPolicy);
  EXPECT_EQ(other.add_dual_master_key("m", key_of(1)).error().code, Errc::kPolicy);
}

TEST_F(DualControlTest, NamesAreOneSpaceAndAreNotOverwritten) {
  KeyStore keys = open();
  keys.on_second_custodian(brings(second_));
  EXPECT_EQ(keys.add_master_key("m", key_of(1)).error().code, Errc::kConflict);
  EXPECT_EQ(keys.add_dual_master_key("m", key_of(1)).error().code, Errc::kConflict);
  must(keys.add_master_key("plain", key_of(1)));
  EXPECT_EQ(keys.add_dual_master_key("plain", key_of(1)).error().code, Errc::kConflict);
  EXPECT_EQ(keys.add_dual_master_key("short", key_of(1, 5)).error().code, Errc::kLength);
}

TEST_F(DualControlTest, ACeremonyMayEndInAMasterKeyUnderDualControl) {
  KeyStore keys = open();
  keys.on_second_custodian(brings(second_));
  CeremonyPlan wanted = plan();
  wanted.purpose = KeyPurpose::kMasterKey;
  wanted.dual_control = true;
  KeyCeremony ceremony = must(KeyCeremony::start("n", wanted, keys));
  must(ceremony.enter(1, key_of(0x11), form(key_of(0x11))));
  must(ceremony.enter(2, key_of(0x22), form(key_of(0x22))));
  must(ceremony.finish());
  EXPECT_FALSE(open().master_key("n"));
  EXPECT_TRUE(ct_equal(must(keys.master_key_octets("n")).expose(), key_of(0x33).expose()));
}

}  // namespace
}  // namespace kagibin::roles::service_provider
