// SPDX-License-Identifier: Apache-2.0
#include <set>

#include <gtest/gtest.h>

#include "kagibin/cli/profile/element_recipe.h"
#include "kagibin/cli/profile/key_derivation.h"
#include "kagibin/cli/profile/privilege_names.h"
#include "kagibin/cli/profile/recipe_files.h"
#include "kagibin/cli/se/standard_modules.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/cipher/des3.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/se/element.h"
#include "kagibin/se/nvm/nvm_memory.h"

#include "tests/support/failing_rng.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/must.h"

namespace kagibin::cli {
namespace {

using test::must;

constexpr std::string_view kShipped = KAGIBIN_SOURCE_DIR "/kagibin/cli/profile/shipped/";

std::string shipped_text(const std::string& name) {
  const auto octets = must(crypto::read_file(std::string(kShipped) + name + ".json"));
  return {octets.expose().begin(), octets.expose().end()};
}

SecretBytes secret(std::string_view hex) { return SecretBytes::copy_of(*from_hex(hex)); }

// The text with one piece replaced.
std::string with(std::string text, std::string_view piece, std::string_view other) {
  const std::size_t at = text.find(piece);
  EXPECT_NE(at, std::string::npos) << piece;
  return at == std::string::npos ? text : text.replace(at, piece.size(), other);
}

ProfileProblem problem_of(const std::string& text) {
  const auto parsed = ProfileFile::parse(text);
  EXPECT_FALSE(parsed.has_value());
  return parsed ? ProfileProblem{} : parsed.error();
}

TEST(KeyDerivationTest, AgreesWithTheCheckValuesThatAnotherToolPublishes) {
  // Check values from the tests of GlobalPlatformPro (TestPlaintextKeys, templates kdf3 and emv):
  // master key 40 41 42 ..., key diversification data 00 01 02 ... 09.
  const DiversificationData data{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  const auto aes_kcvs = [&](std::string_view master) {
    const auto keys = must(derive_kdf3(secret(master), data));
    return to_hex(must(crypto::aes_kcv(keys.enc.expose()))) + " " +
           to_hex(must(crypto::aes_kcv(keys.mac.expose()))) + " " +
           to_hex(must(crypto::aes_kcv(keys.dek.expose())));
  };
  EXPECT_EQ(aes_kcvs("404142434445464748494A4B4C4D4E4F"), "E79C05 D1BD77 3FDE8C");
  EXPECT_EQ(aes_kcvs("404142434445464748494A4B4C4D4E4F5051525354555657"), "1DE8EA 47C00C C04D76");
  EXPECT_EQ(aes_kcvs("404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F"),
            "2972D2 036F94 5D57B8");
  // A whole key, from the same tests.
  const auto external =
      must(derive_kdf3(secret("8C72C72CF908411653018807950D82FBAD947562F0828A0B10B8B9606ABF3BCD"),
                       {0xD9, 0xB1, 0xDE, 0x5D, 0x03, 0x62, 0xDE, 0xDC, 0xE4, 0xFB}));
  EXPECT_TRUE(
      ct_equal(external.enc.expose(),
               *from_hex("9AAC5D0B3601F89438A0D9D0B6B256CFB47E6462DFA5228D3420C4AC7C224781")));
  const auto des = must(derive_emv(secret("404142434445464748494A4B4C4D4E4F"), data));
  EXPECT_EQ(to_hex(must(crypto::des3_kcv(des.enc.expose()))), "C33013");
  EXPECT_EQ(to_hex(must(crypto::des3_kcv(des.mac.expose()))), "6F4CA6");
  EXPECT_EQ(to_hex(must(crypto::des3_kcv(des.dek.expose()))), "BB8179");
  EXPECT_FALSE(derive_kdf3(SecretBytes(17), data).has_value());
  EXPECT_FALSE(derive_emv(SecretBytes(24), data).has_value());
}

TEST(PrivilegeNamesTest, EveryNamedBitReadsBack) {
  for (std::uint32_t bit = 0x800000; bit >= 0x10; bit >>= 1U) {
    const auto names = names_of(gp::Privileges{bit});
    ASSERT_EQ(names.size(), 1U) << bit;
    EXPECT_EQ(must(privilege_of(names[0])).bits, bit);
  }
  EXPECT_EQ(privilege_of("card lock").error().code, Errc::kValue);
}

TEST(ProfileFileTest, NoShippedProfileHoldsAKeyButFactoryWhichSaysSoLoudly) {
  for (const char* name : {"factory", "payment", "secure-sd", "sim-uicc"}) {
    const std::string text = shipped_text(name);
    const ProfileFile profile = must(ProfileFile::parse(text));
    const bool factory = profile.name == "factory";
    EXPECT_EQ(profile.name, name);
    EXPECT_EQ(profile.has_published_keys(), factory) << name;
    EXPECT_EQ(text.find("\"value\"") != std::string::npos, factory) << name;
    EXPECT_EQ(profile.warning.find("PUBLISHED TEST KEYS") != std::string::npos, factory) << name;
    EXPECT_EQ(profile.element.scp02.has_value(), factory) << name;
    EXPECT_TRUE(profile.element.key_sets.empty());
  }
}

TEST(ProfileFileTest, EveryShippedProfileMakesDifferentElements) {
  const se::ModuleRegistry modules = must(standard_modules());
  test::FixedRng rng("profiles");
  const test::FakeClock clock;
  for (const char* name : {"factory", "payment", "secure-sd", "sim-uicc"}) {
    ProfileFile profile = must(ProfileFile::parse(shipped_text(name)));
    ProfileKeys keys;
    ASSERT_TRUE(keys.fill(profile, rng).has_value());
    const ElementRecipe recipe = must(ElementRecipe::create(std::move(profile), std::move(keys)));
    EXPECT_TRUE(recipe.makes_many());
    std::set<std::string> cins;
    std::set<std::string> cplcs;
    for (std::uint32_t serial = 7; serial < 10; ++serial) {
      const se::ElementProfile one = must(recipe.element(serial));
      cins.insert(to_hex(one.cin));
      cplcs.insert(to_hex(one.cplc));
      EXPECT_EQ(to_hex(ByteView(one.cplc).subspan(12, 4)), to_hex(ByteView(one.cin).last(4)));
      EXPECT_EQ(to_hex(ByteView(one.diversification_data).last(4)),
                to_hex(ByteView(one.cin).last(4)));
      auto element =
          must(se::Element::create(one, std::make_unique<se::NvmMemory>(), rng, clock, modules));
      EXPECT_TRUE(element->has_power());
    }
    EXPECT_EQ(cins.size(), 3U);
    EXPECT_EQ(cplcs.size(), 3U);
  }
}

TEST(ProfileFileTest, NamesTheMemberThatIsWrong) {
  const std::string good = shipped_text("factory");
  ASSERT_TRUE(ProfileFile::parse(good).has_value());
  EXPECT_EQ(problem_of(with(good, "\"channels\": 4", "\"channels\": 21")).text,
            "limits.channels: a JSON number is out of range.");
  EXPECT_EQ(problem_of(with(good, "\"i\": \"70\"", "\"i\": \"44\"")).code, Errc::kNotSupported);
  EXPECT_EQ(problem_of(with(good, "\"Card Lock\"", "\"card lock\"")).code, Errc::kValue);
  EXPECT_EQ(problem_of(with(good, "\"Security Domain\", ", "")).code, Errc::kValue);
  EXPECT_EQ(problem_of(with(good, "\"format\": 1", "\"format\": 2")).code, Errc::kValue);
  EXPECT_EQ(problem_of(with(good, "\"factory-scp02\"", "\"factory\"")).code, Errc::kConflict);
  EXPECT_EQ(problem_of(with(good, "\"3DES\"", "\"DES\"")).code, Errc::kValue);
  EXPECT_EQ(problem_of(with(good, "\"iin\": \"4204", "\"iin\": \"420")).code, Errc::kEncoding);
  EXPECT_EQ(problem_of(with(good, "\"cplc\": \"4B42", "\"cplc\": \"")).code, Errc::kLength);
  EXPECT_EQ(problem_of(with(good, "\"name\": \"factory\",\n  \"about\"",
                            "\"name\": \"factory\", \"form_factor\": \"card\",\n  \"about\""))
                .code,
            Errc::kEncoding);
  EXPECT_NE(problem_of(with(good, "\"format\": 1,", "\"format\": 1, \"format\": 1,"))
                .text.find("\"format\" stands twice"),
            std::string::npos);
  EXPECT_EQ(problem_of("{").code, Errc::kEncoding);
  EXPECT_EQ(problem_of("[]").code, Errc::kEncoding);
}

TEST(ProfileFileTest, RefusesASecretInAProfileAndScp02WithoutAReason) {
  const std::string good = shipped_text("factory");
  const ProfileProblem secret = problem_of(
      with(good, "404142434445464748494A4B4C4D4E4F", "404142434445464748494A4B4C4D4E00"));
  EXPECT_EQ(secret.code, Errc::kPolicy);
  EXPECT_EQ(secret.text.find("4E00"), std::string::npos);
  const std::size_t reason = good.find(",\n    \"reason\"");
  const std::size_t end = good.find("\n  },", reason);
  ASSERT_NE(end, std::string::npos);
  EXPECT_EQ(problem_of(std::string(good).erase(reason, end - reason)).code, Errc::kPolicy);
  const std::size_t scp02 = good.find("  \"scp02\"");
  const std::size_t limits = good.find("  \"limits\"");
  EXPECT_EQ(problem_of(std::string(good).erase(scp02, limits - scp02)).code, Errc::kPolicy);
}

TEST(ProfileFileTest, EveryTruncationIsRefused) {
  const std::string good = shipped_text("payment");
  for (std::size_t size = 0; size + 2 < good.size(); ++size) {
    EXPECT_FALSE(ProfileFile::parse(std::string_view(good).substr(0, size)).has_value()) << size;
  }
}

TEST(ProfileFileTest, HistoricalOctetsStandInTheAtr) {
  const std::string text =
      with(shipped_text("payment"), "\"identity\"",
           "\"answer_to_reset\": { \"historical_bytes\": \"0031C0\" },\n  \"identity\"");
  EXPECT_EQ(to_hex(must(ProfileFile::parse(text)).element.atr), "3B838131FE450031C079");
}

TEST(ProfileKeysTest, ReadsBackWhatItWritesAndDrawsOnlyWhatIsMissing) {
  const ProfileFile payment = must(ProfileFile::parse(shipped_text("payment")));
  ProfileKeys keys = must(ProfileKeys::parse(SecretBytes::copy_of(
      ascii("# by hand\nissuer.master = 000102030405060708090a0b0c0d0e0f  # lower case too\n\n"))));
  EXPECT_EQ(keys.missing(payment), "payment-service.master");
  test::FixedRng rng("keys");
  ASSERT_TRUE(keys.fill(payment, rng).has_value());
  EXPECT_EQ(keys.missing(payment), "");
  EXPECT_TRUE(ct_equal(keys.find("issuer", "master")->expose(),
                       *from_hex("000102030405060708090A0B0C0D0E0F")));
  const SecretBytes written = keys.encode();
  const ProfileKeys again = must(ProfileKeys::parse(written));
  EXPECT_TRUE(ct_equal(again.encode().expose(), written.expose()));
}

TEST(ProfileKeysTest, RefusesLinesThatAreNone) {
  const std::string octets32(64, '0');
  struct Row {
    std::string text;
    Errc code;
  };
  for (const Row& row : std::vector<Row>{
           {"issuer.master", Errc::kEncoding},
           {"issuer.master = 0", Errc::kEncoding},
           {"issuer.master = 0g", Errc::kEncoding},
           {"issuer.master = g0", Errc::kEncoding},
           {" = 00", Errc::kEncoding},
           {"a = \n", Errc::kEncoding},
           {std::string(49, 'a') + " = 00", Errc::kEncoding},
           {"a = " + octets32 + "00", Errc::kEncoding},
           {"a = 00\na = 00", Errc::kConflict},
       }) {
    const auto keys = ProfileKeys::parse(SecretBytes::copy_of(ascii(row.text)));
    ASSERT_FALSE(keys.has_value()) << row.text;
    EXPECT_EQ(keys.error().code, row.code) << row.text;
  }
  EXPECT_TRUE(ProfileKeys::parse(
                  SecretBytes::copy_of(ascii(std::string(48, 'a') + "\t= " + octets32 + "\r\n")))
                  .has_value());
}

TEST(ProfileKeysTest, AFileHasAtMost64ValuesAnd64KiB) {
  std::string text;
  for (int i = 0; i < 64; ++i) {
    text += "value" + std::to_string(i) + " = 00\n";
  }
  const auto parse = [](const std::string& lines) {
    return ProfileKeys::parse(SecretBytes::copy_of(ascii(lines)));
  };
  EXPECT_TRUE(parse(text).has_value());
  EXPECT_EQ(parse(text + "more = 00\n").error().code, Errc::kLimit);
  EXPECT_TRUE(parse(std::string(65'536, ' ')).has_value());
  EXPECT_EQ(parse(std::string(65'537, ' ')).error().code, Errc::kLimit);
}

TEST(ProfileKeysTest, NothingIsDrawnWhenTheRandomSourceFails) {
  const ProfileFile payment = must(ProfileFile::parse(shipped_text("payment")));
  ProfileKeys keys;
  test::FailingRng rng("keys", 1);
  EXPECT_EQ(keys.fill(payment, rng).error().code, Errc::kCrypto);
  EXPECT_EQ(keys.missing(payment), "issuer.master");
}

TEST(ProfileKeysTest, PublishedKeysNeedNoValue) {
  const ProfileFile factory = must(ProfileFile::parse(shipped_text("factory")));
  ProfileKeys keys;
  EXPECT_EQ(keys.missing(factory), "");
  test::FailingRng rng("keys", 1);
  EXPECT_TRUE(keys.fill(factory, rng).has_value());
  EXPECT_EQ(keys.encode().size(), 0U);
}

TEST(ElementRecipeTest, RefusesKeysThatAreMissingOrOfAnotherSize) {
  const auto create = [](std::string_view lines) {
    return ElementRecipe::create(must(ProfileFile::parse(shipped_text("secure-sd"))),
                                 must(ProfileKeys::parse(SecretBytes::copy_of(ascii(lines)))));
  };
  EXPECT_EQ(create("").error().code, Errc::kNotFound);
  EXPECT_EQ(create("issuer.master = 0001").error().code, Errc::kInvalidArgument);
  EXPECT_TRUE(create("issuer.master = 000102030405060708090A0B0C0D0E0F").has_value());
}

TEST(ElementRecipeTest, GivenKeysServeOneElementAlone) {
  const std::string text =
      with(shipped_text("secure-sd"), "\"from\": \"master\"", "\"from\": \"given\"");
  ProfileFile profile = must(ProfileFile::parse(text));
  ProfileKeys keys;
  test::FixedRng rng("given");
  ASSERT_TRUE(keys.fill(profile, rng).has_value());
  EXPECT_NE(keys.find("issuer", "enc"), nullptr);
  const ElementRecipe recipe = must(ElementRecipe::create(std::move(profile), std::move(keys)));
  EXPECT_FALSE(recipe.makes_many());
  EXPECT_EQ(must(recipe.element(1)).key_sets.size(), 1U);
}

// The base point of P-256, a public key as good as any.
constexpr std::string_view kAuthority =
    "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C2964FE342E2FE1A7F9B8EE7EB4A7C0F"
    "9E162BCE33576B315ECECBB6406837BF51F5";

ElementRecipe recipe_with_casd(const std::string& members) {
  const std::string text =
      with(shipped_text("factory"), "\"limits\"", "\"casd\": { " + members + " },\n  \"limits\"");
  return must(ElementRecipe::create(must(ProfileFile::parse(text)), {}));
}

// Amendment A: a CASD, its authority's key and mandated DAP by the profile
TEST(ElementRecipeTest, AProfileDescribesACasd) {
  const ElementRecipe recipe = recipe_with_casd("\"authority_key\": \"" + std::string(kAuthority) +
                                                "\", \"mandated_dap\": true");
  test::FixedRng rng("casd");
  const test::FakeClock clock;
  const se::ModuleRegistry modules = must(standard_modules());
  const auto element = must(se::Element::create(
      must(recipe.element(1)), std::make_unique<se::NvmMemory>(), rng, clock, modules));
  const auto answer = [&](std::string_view command) {
    return to_hex(must(element->transmit(*from_hex(command))));
  };
  EXPECT_TRUE(answer("00A404000CA0000001515350434153440000").ends_with("9000"));
  // The authority's key as 74/03, and for DAP as 73/01.
  const std::string keys = answer("80CA00E000");
  EXPECT_NE(keys.find("0374"), std::string::npos) << keys;
  EXPECT_NE(keys.find("0173"), std::string::npos) << keys;

  const ElementRecipe free = recipe_with_casd("\"authority_key\": \"" + std::string(kAuthority) +
                                              "\", \"mandated_dap\": false");
  EXPECT_FALSE(must(free.element(1)).casd->mandated_dap);
}

TEST(ElementRecipeTest, ACasdBelievesOneAuthorityWhoseKeyTheProfileOrTheMakerHas) {
  const Bytes authority = *from_hex(kAuthority);
  const ElementRecipe open = recipe_with_casd("\"mandated_dap\": false");
  EXPECT_EQ(open.element(1).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(must(open.element(1, authority)).casd->authority_key, authority);
  const ElementRecipe said = recipe_with_casd("\"authority_key\": \"" + std::string(kAuthority) +
                                              "\", \"mandated_dap\": false");
  EXPECT_EQ(must(said.element(1)).casd->authority_key, authority);
  EXPECT_EQ(must(said.element(1, authority)).casd->authority_key, authority);
  Bytes other = authority;
  other.back() ^= 1U;
  EXPECT_EQ(said.element(1, other).error().code, Errc::kConflict);
  // Without a CASD nobody is asked.
  const ElementRecipe none =
      must(ElementRecipe::create(must(ProfileFile::parse(shipped_text("factory"))), {}));
  EXPECT_FALSE(must(none.element(1, authority)).casd.has_value());
}

TEST(ElementRecipeTest, AnElementIsFullWhereItsProfileSaysSo) {
  ProfileFile profile = must(ProfileFile::parse(shipped_text("factory")));
  profile.element.memory_octets = 100;
  const ElementRecipe recipe = must(ElementRecipe::create(std::move(profile), {}));
  test::FixedRng rng("full");
  const test::FakeClock clock;
  const se::ModuleRegistry modules = must(standard_modules());
  const auto made = se::Element::create(must(recipe.element(1)), std::make_unique<se::NvmMemory>(),
                                        rng, clock, modules);
  EXPECT_EQ(made.error().code, Errc::kNoSpace);
}

}  // namespace
}  // namespace kagibin::cli
