// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/key_store.h"

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/roles/service_provider/payload/payload_builder.h"

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::roles::service_provider {
namespace {

using test::must;

SecretBytes key_of(std::uint8_t octet, std::size_t size = 16) {
  SecretBytes out(size);
  std::ranges::fill(out.expose_mutable(), octet);
  return out;
}

class KeyStoreTest : public testing::Test {
 protected:
  KeyStoreTest() {
    one_.octets[0] = 1;
    two_.octets[0] = 2;
  }
  test::TemporaryFolder folder_;
  test::Deployment world_{"key store"};
  KeyStore& keys_ = *world_.keys;
  Aid domain_ = test::Deployment::domain_aid();
  Seid one_;
  Seid two_;
};

TEST_F(KeyStoreTest, SigningAndExchangeKeyAreMadeOnce) {
  EXPECT_EQ(keys_.create_signing_key().error().code, Errc::kConflict);
  EXPECT_EQ(keys_.create_exchange_key().error().code, Errc::kConflict);
  EXPECT_NE(must(keys_.signing_key()).public_key(), must(keys_.exchange_key()).public_key());
}

TEST_F(KeyStoreTest, TheSigningKeyIsOpenedOnceAndIsTheSameAfterwards) {
  KeyStore empty(must(crypto::RecordFolder::create(folder_.path() / "empty", key_of(7), world_.rng,
                                                   {.log2_n = 10, .r = 8, .p = 1})),
                 world_.journal, world_.rng);
  EXPECT_EQ(empty.signing_key().error().code, Errc::kNotFound);  // and is asked for again
  must(empty.create_signing_key());
  const crypto::SigningKey first = must(empty.signing_key());
  const crypto::SigningKey second = must(empty.signing_key());
  const ByteView scalar = first.in_memory()->expose_scalar();
  EXPECT_TRUE(equal(scalar, second.in_memory()->expose_scalar()));
  EXPECT_EQ(second.public_key(), crypto::EcPrivateKey::from_scalar(scalar)->public_key());
}

TEST_F(KeyStoreTest, ChannelKeysArePutReplacedAndForgotten) {
  EXPECT_FALSE(must(keys_.channel_keys(one_, domain_, 0x30)));
  for (const std::uint8_t octet : {std::uint8_t{0x11}, std::uint8_t{0x22}}) {
    must(keys_.put_channel_keys(
        one_, domain_, 0x30,
        {.i = 0x70, .enc = key_of(octet), .mac = key_of(octet), .dek = key_of(octet)}));
    const auto found = must(keys_.channel_keys(one_, domain_, 0x30));
    ASSERT_TRUE(found);
    EXPECT_TRUE(ct_equal(found->dek.expose(), key_of(octet).expose()));
    EXPECT_EQ(found->i, 0x70);
  }
  EXPECT_FALSE(must(keys_.channel_keys(two_, domain_, 0x30)));
  EXPECT_FALSE(must(keys_.channel_keys(one_, domain_, 0x31)));
  must(keys_.forget_channel_keys(one_, domain_, 0x30));
  EXPECT_FALSE(must(keys_.channel_keys(one_, domain_, 0x30)));
  EXPECT_FALSE(keys_.put_channel_keys(
      one_, domain_, 0x30, {.i = 0, .enc = key_of(1), .mac = key_of(1, 24), .dek = key_of(1)}));
}

TEST_F(KeyStoreTest, NoKeyStandsInTheJournalInTheClear) {
  const SecretBytes key = key_of(0xA5);
  must(keys_.put_channel_keys(
      one_, domain_, 0x30,
      {.i = 0, .enc = key.duplicate(), .mac = key.duplicate(), .dek = key.duplicate()}));
  must(keys_.claim_key("a key", key, one_));
  for (const auto& [name, value] : world_.journal.state().records) {
    EXPECT_EQ(std::ranges::search(value, key.expose()).begin(), value.end()) << name.first;
    EXPECT_EQ(std::ranges::search(name.second, key.expose()).begin(), name.second.end());
  }
}

TEST_F(KeyStoreTest, AKeyOfOneElementIsNeverGivenToAnother) {
  must(keys_.add_literal_key("gift", key_of(7)));
  const SecretBytes key = must(keys_.literal_key("gift"));
  EXPECT_TRUE(keys_.check_claim("gift", key, one_));
  EXPECT_TRUE(keys_.claim_key("gift", key, one_));
  EXPECT_TRUE(keys_.claim_key("gift", key, one_));
  const auto other = keys_.claim_key("gift", key, two_);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::kPolicy);
  EXPECT_FALSE(keys_.check_claim("gift", key, two_));
  // Under another name it is the same key.
  must(keys_.add_literal_key("again", key_of(7)));
  EXPECT_FALSE(keys_.claim_key("again", must(keys_.literal_key("again")), two_));
}

TEST_F(KeyStoreTest, NamesAreNotOverwrittenAndSizesAreAesSizes) {
  must(keys_.add_master_key("m", key_of(1, 32)));
  EXPECT_EQ(keys_.add_master_key("m", key_of(2, 32)).error().code, Errc::kConflict);
  EXPECT_FALSE(keys_.add_master_key("short", key_of(1, 15)));
  EXPECT_FALSE(keys_.add_literal_key("../up", key_of(1)));
  EXPECT_EQ(keys_.master_key("nothing").error().code, Errc::kNotFound);
  EXPECT_FALSE(keys_.literal_key("m")) << "a master key is not a literal key";
}

class PayloadBuilderTest : public KeyStoreTest {
 protected:
  static std::string payload(const std::string& source) {
    return R"({"target":"A00000015153504B01","channel":{"key_version":"30"},"actions":[)"
           R"({"put_key":{"key_version":"70","key_identifier":"01","keys":[)" +
           source + "]}}]}";
  }
  void give_channel_keys(const Seid& seid) {
    must(keys_.put_channel_keys(seid, domain_, 0x30,
                                {.i = 0, .enc = key_of(1), .mac = key_of(2), .dek = key_of(3)}));
  }
  std::string first_key(const OrderPayload& payload) {
    return to_hex(
        std::get<envelope::PutKeyAction>(payload.actions.at(0)).keys.at(0).value.expose());
  }
};

TEST_F(PayloadBuilderTest, DerivedKeysDifferByElementAndComeAgain) {
  const auto file = must(PayloadFile::parse(payload(R"({"derive":{"master":"fleet","size":32}})")));
  PayloadBuilder builder(file, world_.csv, keys_, world_.rng);
  const std::string one = first_key(must(builder.build(one_)));
  EXPECT_EQ(one.size(), 64U);
  EXPECT_EQ(one, first_key(must(builder.build(one_))));
  EXPECT_NE(one, first_key(must(builder.build(two_))));
}

TEST_F(PayloadBuilderTest, ACommandCarriesItsKeysCheckValueAndSoDoesItsProbe) {
  const auto file = must(PayloadFile::parse(
      R"({"target":"A00000015153504B01","channel":{"key_version":"30"},"actions":[{"command":{)"
      R"("header":"80520100","data":[{"key":{"derive":{"master":"fleet","size":16,)"
      R"("key_version":"01","key_identifier":"01"}}},{"kcv":true}],)"
      R"("probe":{"header":"80540100","data":[{"kcv":true}]}}}]})"));
  const auto actions =
      must(PayloadBuilder(file, world_.csv, keys_, world_.rng).build(one_)).actions;
  const auto& command = std::get<envelope::CommandAction>(actions.at(0));
  ASSERT_EQ(command.data.size(), 19U);
  const auto kcv = must(crypto::aes_kcv(command.data.expose().first(16)));
  EXPECT_EQ(to_hex(command.data.expose().last(3)), to_hex(kcv));
  ASSERT_TRUE(command.probe);
  EXPECT_EQ(to_hex(*command.probe), "8054010003" + to_hex(kcv));
  const auto orphan = must(PayloadFile::parse(
      R"({"target":"A00000015153504B01","channel":{"key_version":"30"},"actions":[{"command":{)"
      R"("header":"80520100","data":[{"kcv":true}]}}]})"));
  EXPECT_FALSE(PayloadBuilder(orphan, world_.csv, keys_, world_.rng).build(one_));
}

TEST_F(PayloadBuilderTest, ALiteralKeyForTwoElementsIsRefusedBeforeAnythingIsBound) {
  must(keys_.add_literal_key("gift", key_of(7)));
  give_channel_keys(one_);
  give_channel_keys(two_);
  const auto file = must(PayloadFile::parse(payload(R"({"literal":"gift"})")));
  PayloadBuilder builder(file, world_.csv, keys_, world_.rng);
  const std::array both{one_, two_};
  const auto refused = builder.check(both);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kPolicy);
  EXPECT_NE(refused.error().text.find("2 elements"), std::string::npos) << refused.error().text;
  EXPECT_TRUE(builder.check(std::span(both).last(1))) << "the refusal bound the key";
  // One after the other is refused just the same.
  must(builder.build(one_));
  EXPECT_FALSE(builder.build(two_));
  EXPECT_FALSE(builder.check(std::span(both).last(1)));
}

TEST_F(PayloadBuilderTest, MissingChannelKeysMastersAndFilesAreNamed) {
  const auto file = must(PayloadFile::parse(payload(R"({"random":16})")));
  const std::array one{one_};
  const auto channel = PayloadBuilder(file, world_.csv, keys_, world_.rng).check(one);
  ASSERT_FALSE(channel);
  EXPECT_NE(channel.error().text.find("Import the key export"), std::string::npos);
  give_channel_keys(one_);
  EXPECT_TRUE(PayloadBuilder(file, world_.csv, keys_, world_.rng).check(one));
  for (const auto& [source, word] :
       {std::pair<std::string, std::string>{R"({"derive":{"master":"none","size":16}})", "none"},
        {R"({"literal":"none"})", "none"},
        {R"({"csv":{"file":"k.csv","column":"enc"}})", "k.csv"}}) {
    const auto wanting = must(PayloadFile::parse(payload(source)));
    const auto refused = PayloadBuilder(wanting, world_.csv, keys_, world_.rng).check(one);
    ASSERT_FALSE(refused) << source;
    EXPECT_NE(refused.error().text.find(word), std::string::npos) << refused.error().text;
  }
}

}  // namespace
}  // namespace kagibin::roles::service_provider
