// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/payload/relay_exposure.h"

#include <gtest/gtest.h>

namespace kagibin::roles::service_provider {
namespace {

constexpr std::string_view kCommand =
    R"({"command":{"header":"80520100","data":[{"value":"AA"},{"key":{"random":16}},{"kcv":true}],)"
    R"("probe":{"header":"80540100","data":[{"kcv":true}]}}})";
constexpr std::string_view kDelete = R"({"delete_key":{"key_version":"31"}})";
constexpr std::string_view kChannel = R"("channel":{"key_version":"30"},)";

std::string text(std::string_view channel, const std::string& actions) {
  return R"({"target":"A0000001510000F0",)" + std::string(channel) + R"("actions":[)" + actions +
         "]}";
}

std::string refusal(const std::string& payload) {
  const auto parsed = PayloadFile::parse(payload);
  return parsed ? "" : parsed.error().text;
}

bool says(const std::string& refusal, std::initializer_list<std::string_view> parts) {
  bool all = true;
  for (const std::string_view part : parts) {
    const bool found = refusal.find(part) != std::string::npos;
    EXPECT_TRUE(found) << part << " is not in: " << refusal;
    all = all && found;
  }
  return all;
}

TEST(RelayExposureTest, ATargetWithoutAChannelIsRefusedByWhatTheDeviceWouldSee) {
  EXPECT_TRUE(says(refusal(text("", std::string(kDelete) + "," + std::string(kCommand))),
                   {"payload.channel", "payload.actions[1]", "own command 80520100",
                    "the random key of 16 octets", "not deliverable"}));
  EXPECT_TRUE(
      says(refusal(text("", R"({"put_key":{"key_version":"70","key_identifier":"01","keys":[)"
                            R"({"derive":{"master":"fleet","size":32}},{"literal":"one"}]}})")),
           {"payload.actions[0]", "PUT KEY 80D8", "32 octets derived from master key fleet",
            "literal key one"}));
  EXPECT_TRUE(
      says(refusal(text("", R"({"store_data":{"under_key_dek":false,"groups":[{"dgi":"8020",)"
                            R"("key":{"csv":{"file":"k.csv","column":"mac"}}}]}})")),
           {"STORE DATA 80E2", "k.csv, column mac"}));
  EXPECT_TRUE(says(refusal(text("", std::string(kDelete))), {"DELETE 80E4", "all of its data"}));
  const auto parsed = PayloadFile::parse(text("", std::string(kCommand)));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Errc::kPolicy);
  EXPECT_EQ(refusal(text(kChannel, std::string(kCommand))), "");
}

TEST(RelayExposureTest, ATargetThatAnswersInTheClearIsRefusedForCommandsAndProbes) {
  const auto refused = [](const std::string& actions, std::uint8_t mask) {
    const auto payload = PayloadFile::parse(text(kChannel, actions));
    EXPECT_TRUE(payload) << payload.error().text;
    const auto done =
        refuse_answers_in_clear(planned_commands(*payload), mask, "Nothing was ordered.");
    EXPECT_TRUE(done || done.error().code == Errc::kPolicy);
    return done ? std::string() : done.error().text;
  };
  const std::string both = std::string(kDelete) + "," + std::string(kCommand);
  for (const std::uint8_t mask : std::array<std::uint8_t, 4>{0x00, 0x20, 0x40, 0x9F}) {
    EXPECT_TRUE(says(refused(both, mask), {"payload.actions[1]", "own command 80520100",
                                           "required_i_mask", "Nothing was ordered."}));
    EXPECT_EQ(refused(std::string(kDelete), mask), "");
  }
  EXPECT_EQ(refused(both, 0x60), "");
  EXPECT_EQ(refused(both, 0xE1), "");
  const std::string store =
      R"({"store_data":{"under_key_dek":true,"groups":[{"dgi":"8020","key":{"random":16}}])";
  EXPECT_EQ(refused(store + "}}", 0x00), "");
  EXPECT_TRUE(says(refused(store + R"(,"probe":"80CA00CF"}})", 0x20), {"the probe 80CA00CF"}));
}

TEST(RelayExposureTest, CommandsThatBothEndsRefuseAreNamedBeforeAnythingIsOrdered) {
  for (const char* header : {"84520100", "81520100", "90520100", "0C520100"}) {
    EXPECT_TRUE(says(refusal(text(kChannel, std::string(R"({"command":{"header":")") + header +
                                                R"(","data":[{"value":"AA"}]}})")),
                     {"payload.actions[0].command.header", header, "class octet"}));
  }
  const auto probe = [](const std::string& value) {
    return refusal(text(
        kChannel,
        R"({"command":{"header":"80520100","data":[{"value":"AA"}],"probe":")" + value + R"("}})"));
  };
  EXPECT_EQ(probe("8054010001AA"), "");
  EXPECT_TRUE(says(probe("84540100"), {"payload.actions[0].command.probe", "84540100"}));
  EXPECT_TRUE(says(probe("8054010002AA"), {"short command"}));
}

}  // namespace
}  // namespace kagibin::roles::service_provider
