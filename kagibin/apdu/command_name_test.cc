// SPDX-License-Identifier: Apache-2.0
// Names of commands and meanings of status words.
#include "kagibin/apdu/command_name.h"

#include <gtest/gtest.h>

#include "kagibin/apdu/apdu.h"
#include "kagibin/apdu/status_meaning.h"
#include "kagibin/apdu/status_words.h"

namespace kagibin::apdu {
namespace {

// GPCS 11.5.2.1: P1 of INSTALL
TEST(CommandNameTest, InstallIsNamedByItsPurpose) {
  EXPECT_EQ(command_name(0x80, ins::kInstall, 0x02, 0).text, "INSTALL [for load]");
  EXPECT_EQ(command_name(0x84, ins::kInstall, 0x0C, 0).text,
            "INSTALL [for install and make selectable]");
  EXPECT_EQ(command_name(0x80, ins::kInstall, 0xA0, 0).text, "INSTALL [for personalization]")
      << "b8: more follows";
  EXPECT_EQ(command_name(0x80, ins::kInstall, 0x7E, 0).text, "INSTALL");
  EXPECT_EQ(command_name(0x80, ins::kInstall, 0x02, 0).clause, "GPCS 11.5");
}

TEST(CommandNameTest, AKeyInP2MakesItACommandOfScp11) {
  EXPECT_EQ(command_name(0x84, 0x82, 0x33, 0x00).text, "EXTERNAL AUTHENTICATE");
  EXPECT_EQ(command_name(0x80, 0x82, 0x03, 0x11).text, "MUTUAL AUTHENTICATE");
  EXPECT_EQ(command_name(0x80, 0x88, 0x03, 0x13).clause, "Amendment F, 7.7");
  EXPECT_EQ(command_name(0x00, 0x88, 0x00, 0x01).clause, "ISO/IEC 7816-4, 11.5.2");
}

TEST(CommandNameTest, AnUnknownInstructionHasNoName) {
  EXPECT_EQ(command_name(0x80, 0x52, 0, 0).text, "");
}

// ISO/IEC 7816-4, 5.6: status bytes
TEST(StatusMeaningTest, EveryWordHasAMeaningAClauseAndAdvice) {
  for (std::uint32_t value = 0x6000; value <= 0x9FFF; ++value) {
    const StatusMeaning meaning = status_meaning(StatusWord{static_cast<std::uint16_t>(value)});
    ASSERT_FALSE(meaning.text.empty() || meaning.clause.empty() || meaning.advice.empty()) << value;
  }
  EXPECT_EQ(status_meaning(sw::kWrongLength).text, "a length is wrong");
}

TEST(StatusMeaningTest, SuccessWarningsAndAnswersThatGoOnAreNoRefusals) {
  for (const unsigned value : {0x9000U, 0x6110U, 0x6310U, 0x6200U}) {
    EXPECT_FALSE(is_refusal(StatusWord{static_cast<std::uint16_t>(value)})) << value;
  }
  for (const unsigned value : {0x6300U, 0x6982U, 0x6C10U, 0x6D00U, 0x6640U}) {
    EXPECT_TRUE(is_refusal(StatusWord{static_cast<std::uint16_t>(value)})) << value;
  }
}

}  // namespace
}  // namespace kagibin::apdu
