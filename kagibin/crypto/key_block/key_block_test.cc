// SPDX-License-Identifier: Apache-2.0
// Key blocks: the numbers of the standards and of a device, the decoder's strictness, and that
// every character is under the MAC.
#include "kagibin/crypto/key_block/key_block.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "kagibin/crypto/key_block/check_value.h"
#include "kagibin/crypto/key_block/key_block_protection.h"
#include "kagibin/crypto/key_block/key_usage.h"
#include "kagibin/crypto/sha256.h"

#include "tests/support/failing_rng.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/must.h"
#include "tests/support/mutations.h"
#include "tests/support/vector_file.h"

namespace kagibin::crypto {
namespace {

using test::must;

constexpr std::string_view kFolder = "kagibin/crypto/key_block/testdata/";

SecretBytes key_of(std::uint8_t first, std::size_t size) {
  SecretBytes out(size);
  for (std::size_t i = 0; i < size; ++i) {
    out.expose_mutable()[i] = static_cast<std::uint8_t>(first + i);
  }
  return out;
}

Result<SecretBytes> open_text(ByteView characters, const SecretBytes& kbpk) {
  const KeyBlock block = KB_TRY(KeyBlock::decode(characters));
  return open_key_block(kbpk, block);
}

KeyBlockHeader header_of(std::vector<OptionalBlock> blocks) {
  KeyBlockHeader out{.key_usage = "B3",
                     .algorithm = 'A',
                     .mode_of_use = 'X',
                     .key_version_number = "07",
                     .exportability = 'E',
                     .key_context = '0',
                     .optional_blocks = std::move(blocks)};
  out.pad();
  return out;
}

// ANSI X9.143, 6.2, 6.3.6, 7
TEST(KeyBlockTest, OpensTheBlocksOfTheStandardsAndOfADevice) {
  test::for_each_vector(std::string(kFolder) + "key_block.vec", [](test::VectorCase& vector) {
    const Bytes characters = vector.octets("Block");
    const KeyBlock block = must(KeyBlock::decode(characters));
    EXPECT_TRUE(equal(must(block.encode()), characters));
    const SecretBytes key =
        must(open_key_block(SecretBytes::copy_of(vector.octets("Kbpk")), block));
    EXPECT_EQ(to_hex(sha256(key.expose())), to_hex(vector.octets("Sha256")));
    const Bytes expected = vector.octets("Key");
    EXPECT_TRUE(expected.empty() || equal(expected, key.expose()));
  });
}

TEST(KeyBlockTest, RefusesWhatDiffersByTheNameOfTheError) {
  test::for_each_vector(
      std::string(kFolder) + "key_block_invalid.vec", [](test::VectorCase& vector) {
        const auto opened =
            open_text(vector.octets("Block"), SecretBytes::copy_of(vector.octets("Kbpk")));
        ASSERT_FALSE(opened) << "it opened";
        EXPECT_EQ(name(opened.error().code), vector.section()) << opened.error().detail.text();
      });
}

// A random source that gives what a block of somebody else was padded with.
class PaddingOf final : public Rng {
 public:
  explicit PaddingOf(ByteView padding) : padding_(padding.begin(), padding.end()) {}
  Result<void> fill(MutableByteView out) override {
    KB_CHECK(out.size() == padding_.size());
    std::ranges::copy(padding_, out.begin());
    return {};
  }

 private:
  Bytes padding_;
};

// The octets behind the key, by KBEK as X9.143 derives it under a KBPK of 256 bits.
Bytes padding_of(const SecretBytes& kbpk, const KeyBlock& block, std::size_t key_size) {
  Bytes kbek;
  for (const char* info : {"0100000000040100", "0200000000040100"}) {
    append(kbek, must(aes_cmac(kbpk.expose(), {from_hex(info).value()})));
  }
  const SecretBytes data = must(aes_cbc_decrypt(kbek, block.mac, block.encrypted));
  const ByteView padding = data.expose().subspan(2 + key_size);
  return {padding.begin(), padding.end()};
}

// ANSI X9.143, 7
TEST(KeyBlockTest, ProtectsAsOthersDoWhenThePaddingIsTheirs) {
  std::size_t compared = 0;
  test::for_each_vector(std::string(kFolder) + "key_block.vec", [&](test::VectorCase& vector) {
    const SecretBytes kbpk = SecretBytes::copy_of(vector.octets("Kbpk"));
    const Bytes characters = vector.octets("Block");
    const SecretBytes key = SecretBytes::copy_of(vector.octets("Key"));
    EXPECT_EQ(vector.octets("Sha256").size(), 32U);
    const KeyBlock block = must(KeyBlock::decode(characters));
    if (key.empty() || block.encrypted.size() != 48) {
      return;  // a key of another kind, or a block that shows its key's length
    }
    PaddingOf padding(padding_of(kbpk, block, key.size()));
    const KeyBlock again = must(protect_key(kbpk, block.header, key, padding));
    EXPECT_TRUE(equal(must(again.encode()), characters));
    ++compared;
  });
  EXPECT_EQ(compared, 2U);  // X9.143-2021, 8.1, and a payShield's
}

TEST(KeyBlockTest, EveryKeySizeComesBackAndAllSizesLookAlike) {
  test::FixedRng rng("key blocks");
  for (const std::size_t kbpk_size : {16U, 24U, 32U}) {
    const SecretBytes kbpk = key_of(0x40, kbpk_size);
    std::set<std::size_t> sizes;
    for (const std::size_t size : {1U, 16U, 24U, 32U}) {
      const SecretBytes key = key_of(1, size);
      const Bytes text = must(must(protect_key(kbpk, header_of({}), key, rng)).encode());
      sizes.insert(text.size());
      EXPECT_TRUE(ct_equal(must(open_text(text, kbpk)).expose(), key.expose()));
    }
    EXPECT_EQ(sizes, std::set<std::size_t>{144});
    const SecretBytes long_key = key_of(1, 400);
    const Bytes text = must(must(protect_key(kbpk, header_of({}), long_key, rng)).encode());
    EXPECT_TRUE(ct_equal(must(open_text(text, kbpk)).expose(), long_key.expose()));
  }
}

TEST(KeyBlockTest, TheSameKeyTwiceMakesTwoBlocks) {
  test::FixedRng rng("twice");
  const SecretBytes kbpk = key_of(0x40, 32);
  const KeyBlock one = must(protect_key(kbpk, header_of({}), key_of(1, 16), rng));
  const KeyBlock two = must(protect_key(kbpk, header_of({}), key_of(1, 16), rng));
  EXPECT_NE(one.mac, two.mac);
  EXPECT_NE(one.encrypted, two.encrypted);
}

// ANSI X9.143, 6.3.6
TEST(KeyBlockTest, OptionalBlocksOfBothLengthsComeBackAsTheyWere) {
  test::FixedRng rng("optional blocks");
  const SecretBytes kbpk = key_of(0x40, 32);
  for (const std::size_t size : {0U, 1U, 10U, 12U, 251U, 252U, 300U, 3000U}) {
    const KeyBlockHeader header = header_of({{.id = "LB", .data = std::string(size, 'x')},
                                             {.id = "TS", .data = "20261129T120000Z"},
                                             {.id = "KP", .data = "010102030405"}});
    const KeyBlock block = must(protect_key(kbpk, header, key_of(1, 32), rng));
    const Bytes text = must(block.encode());
    EXPECT_EQ(must(KeyBlock::decode(text)), block);
    EXPECT_TRUE(open_text(text, kbpk)) << size;
    ASSERT_NE(block.header.find("TS"), nullptr);
    EXPECT_EQ(*block.header.find("TS"), "20261129T120000Z");
    EXPECT_EQ(block.header.find("KS"), nullptr);
  }
}

TEST(KeyBlockTest, EveryCharacterIsUnderTheMac) {
  test::FixedRng rng("flips");
  const SecretBytes kbpk = key_of(0x40, 16);
  const KeyBlockHeader header = header_of({{.id = "LB", .data = "a label"}});
  const Bytes text = must(must(protect_key(kbpk, header, key_of(1, 16), rng)).encode());
  ASSERT_TRUE(open_text(text, kbpk));
  const auto opens = [&](const Bytes& changed) { return open_text(changed, kbpk).has_value(); };
  EXPECT_EQ(test::accepted(test::bit_flips(text), opens), test::Names{});
  EXPECT_EQ(test::accepted(test::truncations(text), opens), test::Names{});
  // And by characters that are valid in their places.
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char c : std::string_view("0123456789ABCDEFNSXZ")) {
      Bytes changed = text;
      changed[at] = static_cast<std::uint8_t>(c);
      EXPECT_TRUE(changed == text || !opens(changed)) << at << c;
    }
  }
}

TEST(KeyBlockTest, AWrongKeyAndAChangedBlockFailAlike) {
  test::FixedRng rng("alike");
  const SecretBytes kbpk = key_of(0x40, 32);
  const KeyBlock block = must(protect_key(kbpk, header_of({}), key_of(1, 16), rng));
  KeyBlock changed = block;
  changed.encrypted[0] ^= 1U;  // would change the key's length
  KeyBlock other = block;
  other.header.exportability = 'S';
  const auto wrong_key = open_key_block(key_of(0x41, 32), block);
  for (const auto& refused : {open_key_block(kbpk, changed), open_key_block(kbpk, other),
                              open_key_block(key_of(0x40, 16), block)}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kAuthentication);
    EXPECT_EQ(refused.error().detail.text(), wrong_key.error().detail.text());
  }
}

TEST(KeyBlockTest, OptionalBlocksThatLimitTheKeyAreRefusedByName) {
  for (const char* id : {"DA", "FL", "10", "ZZ", "pb"}) {
    const OptionalBlock block{.id = id, .data = "00000000"};
    EXPECT_EQ(block.check().error().code, Errc::kNotSupported) << id;
  }
  EXPECT_EQ((OptionalBlock{.id = "K!", .data = ""}).check().error().code, Errc::kEncoding);
  EXPECT_EQ((OptionalBlock{.id = "KS", .data = "0G"}).check().error().code, Errc::kEncoding);
  EXPECT_EQ((OptionalBlock{.id = "KP", .data = "ab"}).check().error().code, Errc::kEncoding);
  EXPECT_EQ((OptionalBlock{.id = "LB", .data = "\x7F"}).check().error().code, Errc::kEncoding);
  EXPECT_EQ((OptionalBlock{.id = "LB", .data = std::string(9990, 'x')}).check().error().code,
            Errc::kLimit);
}

TEST(KeyBlockTest, HeadersThatCannotBeAreNotWritten) {
  const auto refused = [](const auto& change) {
    KeyBlockHeader header = header_of({{.id = "LB", .data = "label"}});
    change(header);
    const auto text = header.encode(128);
    return !text ? text.error().code : Errc::kState;
  };
  EXPECT_EQ(refused([](auto& h) { h.key_usage = "D"; }), Errc::kValue);
  EXPECT_EQ(refused([](auto& h) { h.algorithm = ' '; }), Errc::kValue);
  EXPECT_EQ(refused([](auto& h) { h.key_version_number = "0-"; }), Errc::kValue);
  EXPECT_EQ(refused([](auto& h) { h.exportability = 'X'; }), Errc::kValue);
  EXPECT_EQ(refused([](auto& h) { h.key_context = '3'; }), Errc::kValue);
  EXPECT_EQ(refused([](auto& h) { h.optional_blocks.pop_back(); }), Errc::kLength);
  EXPECT_EQ(refused([](auto& h) { h.optional_blocks.push_back(h.optional_blocks[0]); }),
            Errc::kValue);
  EXPECT_EQ(refused([](auto& h) { std::ranges::swap(h.optional_blocks[0], h.optional_blocks[1]); }),
            Errc::kValue);
  EXPECT_EQ(refused([](auto& h) {
              h.optional_blocks = {{.id = "LB", .data = std::string(9900, 'x')}};
              h.pad();
            }),
            Errc::kLimit);
}

// One form of every length: 252 characters of data are the first that take the long one.
TEST(KeyBlockTest, ALengthInTheLongFormForNothingIsRefused) {
  const auto read = [](const std::string& text) {
    ByteReader in(ascii(text));
    return OptionalBlock::read(in);
  };
  EXPECT_TRUE(read("LBFF" + std::string(251, 'x')));
  EXPECT_TRUE(read("LB00020106" + std::string(252, 'x')));
  EXPECT_EQ(read("LB00020105" + std::string(251, 'x')).error().code, Errc::kEncoding);
  EXPECT_EQ(read("LB0001FF" + std::string(247, 'x')).error().code, Errc::kEncoding);
  EXPECT_EQ(read("LB00020009").error().code, Errc::kLength);
  EXPECT_EQ(read("LB03").error().code, Errc::kLength);
  EXPECT_EQ(read("LB0Ax").error().code, Errc::kTruncated);
}

TEST(KeyBlockTest, NothingIsProtectedWithoutRandomPadding) {
  test::FailingRng rng("padding", 1);
  EXPECT_EQ(protect_key(key_of(1, 32), header_of({}), key_of(2, 16), rng).error().code,
            Errc::kCrypto);
  test::FixedRng good("padding");
  EXPECT_EQ(protect_key(key_of(1, 32), header_of({}), SecretBytes(), good).error().code,
            Errc::kLength);
  EXPECT_EQ(protect_key(key_of(1, 20), header_of({}), key_of(2, 16), good).error().code,
            Errc::kInvalidArgument);
}

// TR-31:2018, A.7.4 and X9.143-2021, 8.1 and 8.5 name their keys' check values; the third is
// X9.143's KBPK.
TEST(CheckValueTest, AgreesWithTheStandards) {
  const auto values = [](std::string_view hex) {
    return must(check_values(SecretBytes::copy_of(from_hex(hex).value())));
  };
  EXPECT_EQ(to_hex(values("3F419E1CB7079442AA37474C2EFBF8B8").cmac), "08793E25AB");
  EXPECT_EQ(to_hex(values("FA36E44278DB3AB5F298F9F7DA8F1F88").cmac), "D77F007724");
  EXPECT_EQ(to_hex(values("88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6").cmac),
            "2331550BC9");
}

// FIPS 197 with a key of zeros gives 66E94BD4EF8A..., GPCS B.6 for 40..4F 504A77.
TEST(CheckValueTest, MatchesWhatCustodiansWriteAndNothingElse) {
  EXPECT_EQ(to_hex(must(check_values(SecretBytes(16))).legacy), "66E94B");
  const CheckValues gp = must(check_values(key_of(0x40, 16)));
  EXPECT_EQ(to_hex(gp.gp), "504A77");
  const CheckValues values = must(
      check_values(SecretBytes::copy_of(from_hex("3F419E1CB7079442AA37474C2EFBF8B8").value())));
  for (const char* digits : {"08793E25AB", "08793e25ab", "08793E"}) {
    EXPECT_TRUE(values.matches(digits)) << digits;
  }
  EXPECT_TRUE(values.matches(to_hex(values.legacy)));
  EXPECT_TRUE(values.matches(to_hex(values.gp)));
  for (const char* digits :
       {"", "08", "0879", "08793E25", "08793E25AC", "08793E25AB00", "08 793E", "zz793E"}) {
    EXPECT_FALSE(values.matches(digits)) << digits;
  }
  EXPECT_FALSE(check_values(SecretBytes(15)));
}

// ANSI X9.143, 6.3.1, 6.3.3
TEST(KeyUsageTest, ModesGoWithUsages) {
  ASSERT_NE(find_key_usage("B3"), nullptr);
  EXPECT_TRUE(find_key_usage("B3")->allows('X'));
  EXPECT_TRUE(find_key_usage("B3")->allows('N'));
  EXPECT_FALSE(find_key_usage("B3")->allows('B'));
  EXPECT_TRUE(find_key_usage("K1")->allows('D'));
  EXPECT_FALSE(find_key_usage("M6")->allows('E'));
  EXPECT_EQ(find_key_usage("10"), nullptr);
  EXPECT_EQ(mode_name('X'), "derivation of keys");
  EXPECT_TRUE(mode_name('1').empty());
}

}  // namespace
}  // namespace kagibin::crypto
