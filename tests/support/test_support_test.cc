// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "tests/support/failing_rng.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/vector_file.h"

namespace kagibin::test {
namespace {

constexpr std::string_view kHead = "# Source: this test\n# Licence: Apache-2.0\n";

std::string with_head(std::string_view body) { return std::string(kHead) + std::string(body); }

// Writes the text to a file of this test process and answers its name.
std::string write_vectors(std::string_view body) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "support.vec";
  std::ofstream(path) << with_head(body);
  return path.filename().string();
}

TEST(FixedRngTest, GivesTheSameStreamHoweverItIsCutIntoCalls) {
  FixedRng whole("seed");
  FixedRng pieces("seed");
  const auto expected = crypto::random_array<100>(whole).value();
  Bytes got;
  for (int i = 0; i < 4; ++i) {
    append(got, crypto::random_array<25>(pieces).value());
  }
  EXPECT_EQ(to_hex(got), to_hex(expected));
  EXPECT_EQ(pieces.octets_drawn(), 100U);
  EXPECT_EQ(pieces.calls(), 4U);
  EXPECT_EQ(whole.calls(), 1U);
}

TEST(FixedRngTest, BeginsWithTheHashOfSeedAndCounter) {
  FixedRng rng("seed");
  const auto first = crypto::random_array<32>(rng).value();
  EXPECT_EQ(to_hex(first), to_hex(crypto::sha256({ascii("seed"), Bytes(4)})));
  FixedRng other("other");
  EXPECT_NE(first, crypto::random_array<32>(other).value());
}

TEST(FailingRngTest, FailsAtTheNamedCallOnly) {
  FailingRng rng("seed", 2);
  EXPECT_TRUE(crypto::random_array<4>(rng).has_value());
  EXPECT_FALSE(rng.has_failed());
  EXPECT_EQ(crypto::random_array<4>(rng).error().code, Errc::kCrypto);
  EXPECT_TRUE(rng.has_failed());
  EXPECT_TRUE(crypto::random_array<4>(rng).has_value());
  EXPECT_EQ(rng.calls(), 3U);
}

TEST(FakeClockTest, MovesOnlyWhenTold) {
  FakeClock clock(1000);
  EXPECT_EQ(clock.now(), 1000);
  clock.advance_seconds(5);
  EXPECT_EQ(clock.now(), 1005);
  EXPECT_EQ(clock.uptime_ms(), 5000);
  clock.set_now(3);
  clock.advance_uptime_ms(7);
  EXPECT_EQ(clock.now(), 3);
  EXPECT_EQ(clock.uptime_ms(), 5007);
}

TEST(VectorFileTest, ReadsSectionsCasesAndEmptyValues) {
  auto cases =
      parse_vectors(with_head("[One]\nKey = 00ff\nEmpty =\n\n# between\n\nKey=01\n"
                              "[Two]\r\nSize = 0100\r\n"));
  ASSERT_TRUE(cases.has_value());
  ASSERT_EQ(cases->size(), 3U);
  EXPECT_EQ(cases->at(0).section(), "One");
  EXPECT_EQ(cases->at(0).line(), 4U);
  EXPECT_EQ(to_hex(cases->at(0).octets("Key")), "00FF");
  EXPECT_TRUE(cases->at(0).octets("Empty").empty());
  EXPECT_TRUE(cases->at(0).unused().empty());
  EXPECT_TRUE(cases->at(0).missing().empty());
  EXPECT_EQ(cases->at(1).unused(), std::vector<std::string>{"Key"});
  EXPECT_EQ(cases->at(2).section(), "Two");
  EXPECT_EQ(cases->at(2).number("Size"), 256U);
}

TEST(VectorFileTest, NotesWhatIsMissing) {
  auto cases = parse_vectors(with_head("Key = 00\nLong = 000102030405060708\n"));
  EXPECT_TRUE(cases->at(0).octets("Tag").empty());
  EXPECT_EQ(cases->at(0).number("Long"), 0U);
  EXPECT_EQ(cases->at(0).missing(), (std::vector<std::string>{"Long", "Tag"}));
}

TEST(VectorFileTest, RefusesFilesThatAreNotVectors) {
  EXPECT_EQ(parse_vectors("Key = 00\n").error().code, Errc::kNotFound);
  EXPECT_EQ(parse_vectors("# Source: x\nKey = 00\n").error().code, Errc::kNotFound);
  EXPECT_EQ(parse_vectors(with_head("")).error().code, Errc::kNotFound);
  EXPECT_EQ(parse_vectors(with_head("Key\n")).error().code, Errc::kEncoding);
  EXPECT_EQ(parse_vectors(with_head("Key = 0\n")).error().code, Errc::kEncoding);
  EXPECT_EQ(parse_vectors(with_head("= 00\n")).error().code, Errc::kEncoding);
  EXPECT_EQ(parse_vectors(with_head("Key = 00\nKey = 00\n")).error().code, Errc::kConflict);
}

TEST(VectorFileTest, FailsTheTestForAnAttributeThatNobodyReads) {
  static std::string name;  // static: the macro below runs its statement in a class of its own
  name = write_vectors("Key = 00\nComment = 01\n");
  EXPECT_NONFATAL_FAILURE(
      for_each_vector(testing::TempDir(), name, [](VectorCase& v) { v.octets("Key"); }),
      "does not read the attribute Comment");
}

TEST(VectorFileTest, FailsTheTestForAnAttributeThatIsMissing) {
  static std::string name;
  name = write_vectors("Key = 00\n");
  EXPECT_NONFATAL_FAILURE(for_each_vector(testing::TempDir(), name,
                                          [](VectorCase& v) {
                                            v.octets("Key");
                                            v.octets("Tag");
                                          }),
                          "missing or not a number: Tag");
}

TEST(VectorFileTest, FailsTheTestForAFileThatIsNotThere) {
  EXPECT_NONFATAL_FAILURE(for_each_vector(testing::TempDir(), "none.vec", [](VectorCase&) {}),
                          "cannot be read");
}

}  // namespace
}  // namespace kagibin::test
