// SPDX-License-Identifier: Apache-2.0
// What the operator of a virtual element reads when a command is refused.
#include "kagibin/cli/se/explaining_card.h"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "kagibin/cli/se/element_card.h"
#include "kagibin/se/element_test_support.h"

namespace kagibin::cli {
namespace {

class ExplainingCardTest : public testing::Test {
 protected:
  static se::ElementProfile profile() {
    se::ElementProfile out;
    out.authentication_failure_limit = 3;
    return out;
  }
  std::string said(std::string_view command, bool json) {
    ElementCard card(*bench_.element);
    ExplainingCard explaining(card, *bench_.element, json);
    testing::internal::CaptureStderr();
    const auto answer = explaining.transmit(se::hex(command));
    EXPECT_TRUE(answer.has_value());
    answer_ = to_hex(*answer);
    return testing::internal::GetCapturedStderr();
  }
  se::Bench bench_{profile()};
  std::string answer_;
};

TEST_F(ExplainingCardTest, SaysNothingWhenACommandIsDone) {
  EXPECT_EQ(said("00A4040000", false), "");
  EXPECT_EQ(said("00A4040000", true), "");
}

TEST_F(ExplainingCardTest, SaysWhyInLinesOfText) {
  said("8050300008 0001020304050607 00", false);
  const std::string text = said("8482330010 00112233445566778899AABBCCDDEEFF", false);
  EXPECT_EQ(answer_, "6300");
  EXPECT_EQ(text,
            "refused: EXTERNAL AUTHENTICATE (84 82 33 00), channel 0, A000000151000000 selected\n"
            "  6300   authentication failed\n"
            "  why    the host cryptogram is wrong: the host has other keys for this key version "
            "(Amendment D, 6.2.2.3)\n"
            "  clause Amendment D, 6.2.2.3\n"
            "  key    KVN 30 of A000000151000000\n"
            "  tries  2 left\n"
            "  do     check the key version and the keys before another try\n");
}

TEST_F(ExplainingCardTest, SaysTheSameInOneObjectOnOneLine) {
  const std::string line = said("80CA9F7F00", true);
  ASSERT_EQ(line.find('\n'), line.size() - 1);
  const auto object = boost::json::parse(line).as_object();
  EXPECT_EQ(object.at("refused"), "GET DATA");
  EXPECT_EQ(object.at("header"), "80CA9F7F");
  EXPECT_EQ(object.at("sw"), "6A88");
  EXPECT_EQ(object.at("tag"), "9F7F");
  EXPECT_EQ(object.at("selected"), "A000000151000000");
  EXPECT_EQ(object.at("channel"), 0);
  EXPECT_FALSE(object.contains("tries_left"));
}

// The data fields of a whole refused command are told nowhere.
TEST_F(ExplainingCardTest, TellsNoOctetOfADataField) {
  for (const bool json : {false, true}) {
    said("8050300008 A1A2A3A4A5A6A7A8 00", json);
    const std::string text = said("8482330010 F1F2F3F4F5F6F7F8E1E2E3E4E5E6E7E8", json);
    EXPECT_EQ(text.find("F1F2"), std::string::npos);
    EXPECT_EQ(text.find("E1E2"), std::string::npos);
    EXPECT_EQ(text.find("A1A2"), std::string::npos);
  }
}

}  // namespace
}  // namespace kagibin::cli
