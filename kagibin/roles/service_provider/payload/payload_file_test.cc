// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/payload/payload_file.h"

#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kagibin/roles/service_provider/keys/key_csv.h"

namespace kagibin::roles::service_provider {
namespace {

std::string payload(const std::string& actions) {
  return R"({"target":"A0000001510000F0","channel":{"key_version":"30"},"actions":[)" + actions +
         "]}";
}

constexpr const char* kThree = R"({"random":16},{"random":16},{"random":16})";
constexpr const char* kFour = R"({"random":16},{"random":16},{"random":16},{"random":16})";

std::string put_key(const std::string& members, const std::string& keys = kThree) {
  return R"({"put_key":{)" + members + R"("key_identifier":"01","keys":[)" + keys + "]}}";
}

std::string refusal(const std::string& text) {
  const auto parsed = PayloadFile::parse(text);
  return parsed ? "" : parsed.error().text;
}

TEST(PayloadFileTest, ReadsEveryActionAndEverySource) {
  const auto good = PayloadFile::parse(payload(
      put_key(R"("replace":"30","key_version":"31",)",
              R"({"derive":{"master":"fleet","size":16}},{"csv":{"file":"k.csv","column":"mac"}},)"
              R"({"literal":"one"})") +
      R"(,{"store_data":{"application":"F05041594D","under_key_dek":true,"probe":"80CA00E000",)"
      R"("groups":[{"dgi":"8020","key":{"random":16}}]}})"
      R"(,{"delete_key":{"key_version":"32"}})"
      R"(,{"command":{"header":"80520100","data":[{"value":"01"},)"
      R"({"key":{"derive":{"master":"fleet","size":16,"key_version":"01","key_identifier":"02"}}}]}})"));
  ASSERT_TRUE(good) << good.error().text;
  EXPECT_EQ(good->actions.size(), 4U);
  EXPECT_EQ(good->key_sources().size(), 5U);
  EXPECT_EQ(good->csv_files(), std::set<std::string>{"k.csv"});
  EXPECT_EQ(good->security_domain, good->target);
  const auto& derived = std::get<DerivedKey>(std::get<PlannedPutKey>(good->actions[0]).keys[0]);
  EXPECT_EQ(derived.key_version, 0x31);
  EXPECT_EQ(derived.key_identifier, 0x01);
}

TEST(PayloadFileTest, AKeyWrittenOutIsRefused) {
  EXPECT_NE(refusal(payload(put_key(R"("key_version":"40",)",
                                    R"({"value":"000102030405060708090A0B0C0D0E0F"})")))
                .find("never stands in a payload file"),
            std::string::npos);
  EXPECT_NE(refusal(payload(R"({"store_data":{"under_key_dek":true,"groups":[{"dgi":"8020",)"
                            R"("value":"000102030405060708090A0B0C0D0E0F"}]}})"))
                .find("written out"),
            std::string::npos);
}

TEST(PayloadFileTest, AddingOwnChannelKeysHasToTakeTheIssuersAway) {
  EXPECT_NE(refusal(payload(put_key(R"("key_version":"31",)"))).find("keeps its access"),
            std::string::npos);
  EXPECT_EQ(refusal(payload(put_key(R"("key_version":"31",)") +
                            R"(,{"delete_key":{"key_version":"30"}})")),
            "");
  EXPECT_EQ(refusal(payload(put_key(R"("replace":"30","key_version":"30",)"))), "");
  // A part of the set is replaced, and the rest opens a session still.
  EXPECT_NE(
      refusal(payload(put_key(R"("key_version":"31",)") +
                      R"(,{"put_key":{"replace":"30","key_version":"30","key_identifier":"01",)"
                      R"("keys":[{"random":16}]}})"))
          .find("keeps its access"),
      std::string::npos);
  // Keys that open no secure channel are no such set.
  EXPECT_EQ(refusal(payload(put_key(R"("key_version":"70",)"))), "");
}

TEST(PayloadFileTest, SaysWhetherAKeyHasTheSessionAlone) {
  const auto alone = [](const std::string& action) {
    const auto parsed = PayloadFile::parse(payload(action));
    EXPECT_TRUE(parsed) << parsed.error().text;
    return parsed && parsed->has_key_under_session_alone();
  };
  const std::string key = R"("groups":[{"dgi":"8020","key":{"random":16}}]}})";
  EXPECT_FALSE(alone(put_key(R"("replace":"30","key_version":"30",)")));
  EXPECT_FALSE(alone(R"({"store_data":{"under_key_dek":true,)" + key));
  EXPECT_TRUE(alone(R"({"store_data":{"under_key_dek":false,)" + key));
  EXPECT_FALSE(alone(R"({"store_data":{"groups":[{"dgi":"0101","value":"42"}]}})"));
  EXPECT_TRUE(alone(R"({"command":{"header":"80520000","data":[{"key":{"random":16}}]}})"));
  EXPECT_FALSE(alone(R"({"command":{"header":"80520000","data":[{"value":"42"}]}})"));
}

TEST(PayloadFileTest, MistakesAreNamedByTheirPlace) {
  for (const auto& [text, place] : {
           std::pair<std::string, std::string>{payload(""), "payload.actions"},
           {payload(R"({"put_key":{}})"), "payload.actions[0].put_key.key_version"},
           {payload(put_key(R"("key_version":"311",)")), "put_key.key_version"},
           {payload(put_key(R"("key_version":"70","more":1,)")), "put_key.more"},
           {payload(put_key(R"("key_version":"70",)", kFour)), "1 to 3 keys"},
           {payload(put_key(R"("key_version":"70",)", R"({"random":20})")), "keys[0].random"},
           {payload(put_key(R"("key_version":"70",)", R"({"random":16,"literal":"x"})")),
            "keys[0].literal"},
           {payload(put_key(R"("key_version":"70",)",
                            R"({"derive":{"master":"m","size":16,"key_version":"01"}})")),
            "derive.key_version"},
           {payload(R"({"erase":{}})"), "payload.actions[0]"},
           {payload(R"({"command":{"header":"8052","data":[{"value":"00"}]}})"), "command.header"},
           {payload(R"({"store_data":{"groups":[{"dgi":"8020","key":{"random":16}}]}})"),
            "store_data.under_key_dek"},
           {R"({"target":"A0","channel":{"key_version":"30"},"actions":[]})", "payload.target"},
           {R"({"target":"A000000151","actions":[]})", "payload.actions"},
           {R"({"target":"A000000151","channel":{},"actions":[]})", "payload.channel"},
       }) {
    EXPECT_NE(refusal(text).find(place), std::string::npos) << text << "\n" << refusal(text);
  }
}

TEST(PayloadFileTest, AKeyInAProbeIsRefusedAndItsCheckValueIsNot) {
  const auto command = [](const std::string& part) {
    return payload(R"({"command":{"header":"80520100","data":[{"key":{"random":16}},{"kcv":true}],)"
                   R"("probe":{"header":"80540100","data":[)" +
                   part + "]}}}");
  };
  EXPECT_EQ(refusal(command(R"({"kcv":true})")), "");
  EXPECT_NE(refusal(command(R"({"key":{"random":16}})")).find("a key into a probe"),
            std::string::npos);
  EXPECT_NE(refusal(command(R"({"kcv":false})")).find("kcv"), std::string::npos);
}

// doc/payload.md shows what is taken.
TEST(PayloadFileTest, TheDocumentsExampleIsTaken) {
  std::ifstream file(KAGIBIN_SOURCE_DIR "/doc/payload.md");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::string fence = "```json\n";
  const std::size_t start = text.find(fence);
  ASSERT_NE(start, std::string::npos);
  const std::size_t from = start + fence.size();
  EXPECT_EQ(refusal(text.substr(from, text.find("```", from) - from)), "");
}

TEST(PayloadFileTest, TheDigestTellsPayloadsApart) {
  const auto one = PayloadFile::parse(payload(put_key(R"("replace":"30","key_version":"31",)")));
  const auto two = PayloadFile::parse(payload(put_key(R"("replace":"30","key_version":"32",)")));
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->digest, two->digest);
}

constexpr const char* kSeidOne = "00112233445566778899AABBCCDDEEFF";
constexpr const char* kSeidTwo = "01112233445566778899AABBCCDDEEFF";
constexpr const char* kKeyOne = "404142434445464748494A4B4C4D4E4F";
constexpr const char* kKeyTwo = "505152535455565758595A5B5C5D5E5F";

Checked<KeyCsv> csv(const std::string& text) {
  return KeyCsv::parse("keys.csv", SecretBytes::copy_of(ascii(text)));
}

TEST(KeyCsvTest, FindsKeysBySeidAndColumn) {
  const auto keys =
      csv(fmt::format("seid, enc ,mac\r\n{},{},{}\r\n\n", kSeidOne, kKeyOne, kKeyTwo));
  ASSERT_TRUE(keys) << keys.error().text;
  const auto found = keys->key(*Seid::from_hex(kSeidOne), "mac");
  ASSERT_TRUE(found);
  EXPECT_EQ(to_hex(found->expose()), kKeyTwo);
  EXPECT_FALSE(keys->key(*Seid::from_hex(kSeidTwo), "mac"));
  EXPECT_FALSE(keys->key(*Seid::from_hex(kSeidOne), "dek"));
}

TEST(KeyCsvTest, OneKeyNeverServesTwoElements) {
  const auto keys = csv(fmt::format("seid,enc\n{0},{1}\n{2},{1}\n", kSeidOne, kKeyOne, kSeidTwo));
  ASSERT_FALSE(keys);
  EXPECT_NE(keys.error().text.find("row 3"), std::string::npos) << keys.error().text;
  EXPECT_EQ(keys.error().text.find("4041"), std::string::npos) << "the message holds a key";
}

TEST(KeyCsvTest, RefusesWhatIsNotATableOfKeys) {
  for (const std::string& text :
       {std::string(), std::string("enc,seid\n"), std::string("seid\n"), std::string("seid,a,a\n"),
        fmt::format("seid,enc\n{}\n", kSeidOne),
        fmt::format("seid,enc\n{},{},00\n", kSeidOne, kKeyOne),
        fmt::format("seid,enc\n{},4041\n", kSeidOne),
        fmt::format("seid,enc\n{},zz{}", kSeidOne, std::string_view(kKeyOne).substr(2)),
        fmt::format("seid,enc\n0011,{}\n", kKeyOne),
        fmt::format("seid,enc\n{0},{1}\n{0},{2}\n", kSeidOne, kKeyOne, kKeyTwo)}) {
    EXPECT_FALSE(csv(text)) << text;
  }
}

}  // namespace
}  // namespace kagibin::roles::service_provider
