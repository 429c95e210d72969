// SPDX-License-Identifier: Apache-2.0
// Golden transcripts: one enrolment, delivery and receipt, as testdata/*.apdu keeps them (format in
// transcript.h).
//
// The native KDA reproduces them byte for byte from their seed. Another implementation draws its
// own random numbers: every octet of a line's `random` fields may differ and everything else is
// equal, and what the fields mean is checked by opening and verifying it. An element with another
// seed stands for that other implementation here.
//
// To write the files anew after a change of the protocol: KAGIBIN_WRITE_GOLDEN=1
// golden_transcript_test.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/support/deployment.h"
#include "tests/support/must.h"
#include "tests/system/transcript.h"

namespace kagibin::test {
namespace {

struct Golden {
  const char* name;
  std::string payload;
};

std::vector<Golden> goldens() {
  const std::string keys =
      R"("keys":[{"derive":{"master":"fleet","size":16}},{"derive":{"master":"fleet","size":16}},{"derive":{"master":"fleet","size":16}}])";
  return {
      {"replace_key_set", Deployment::payload_text()},
      {"add_then_delete",
       R"({"target":"A00000015153504B01","channel":{"key_version":"30"},"actions":[{"put_key":{"key_version":"31","key_identifier":"01",)" +
           keys + R"(}},{"delete_key":{"key_version":"30"}}]})"},
  };
}

// The whole of one delivery with every APDU written down.
std::string run(const Golden& golden, std::string_view element_seed) {
  DeploymentOptions options;
  options.element_seed = element_seed;
  options.kda_sources = crypto::Digest256{};
  Deployment world(std::string("golden ") + golden.name, options);
  DeployedCard& card = world.add_card("phone-1");
  TranscriptWriter writer(*card.element);
  card.middle = &writer;
  writer.remark(std::string("golden transcript ") + golden.name +
                "; see golden_transcript_test.cc");
  writer.head("rng", std::string("golden ") + golden.name);
  writer.head("clock", std::to_string(world.clock.now()));
  const auto order = world.open_order("order-1", card, golden.payload);
  const auto e0 = world.request(order.id);
  writer.section("enrolment");
  const Bytes e4 = must(world.enrol(card, e0.message));
  writer.section("delivery");
  // seal() opens E4 with the KEM key and verifies E1, the certificates and the nonces in it: the
  // captured fields are checked here.
  const Bytes e2 = world.seal(order.id, e0.attempt, e4);
  const Bytes e3 = must(world.relay(card, e2));
  // judge() verifies 8E under Kr and opens 8F.
  const auto judgement = world.judge(order.id, e0.attempt, e3);
  EXPECT_EQ(judgement.verdict.verdict, delivery::Verdict::kConfirmed) << judgement.verdict.reason;
  return writer.text();
}

std::string file_of(const Golden& golden) {
  return std::string(KAGIBIN_SOURCE_DIR) + "/tests/system/testdata/" + golden.name + ".apdu";
}

std::string read(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(GoldenTranscriptTest, NativeRunsReproduceThemByteForByte) {
  for (const Golden& golden : goldens()) {
    const std::string now = run(golden, {});
    if (std::getenv("KAGIBIN_WRITE_GOLDEN") != nullptr) {
      std::ofstream(file_of(golden)) << now;
    }
    const std::string kept = read(file_of(golden));
    ASSERT_FALSE(kept.empty()) << file_of(golden);
    EXPECT_EQ(now, kept) << golden.name;
  }
}

TEST(GoldenTranscriptTest, AnotherSourceOfRandomnessDiffersInTheNamedFieldsOnly) {
  for (const Golden& golden : goldens()) {
    const auto kept = Transcript::parse(read(file_of(golden)));
    const auto other = Transcript::parse(run(golden, "another implementation's own randomness"));
    ASSERT_TRUE(kept.has_value() && other.has_value()) << golden.name;
    EXPECT_EQ(compare_outside_random_fields(*kept, *other), "") << golden.name;
    EXPECT_NE(compare_all(*kept, *other), "") << "the seeds made no difference: nothing was shown";
  }
}

TEST(GoldenTranscriptTest, AChangedOctetOutsideTheNamedFieldsIsNoticed) {
  const auto kept = must(Transcript::parse(read(file_of(goldens()[0]))));
  std::size_t noticed = 0;
  std::size_t changed = 0;
  for (std::size_t line = 0; line < kept.lines.size(); ++line) {
    for (std::size_t at = 0; at < kept.lines[line].octets.size(); ++at) {
      Transcript damaged = kept;
      damaged.lines[line].octets[at] ^= 0x01;
      const bool is_random = kept.lines[line].is_random(at);
      const bool seen = !compare_outside_random_fields(kept, damaged).empty();
      changed += is_random ? 0U : 1U;
      noticed += seen ? 1U : 0U;
      EXPECT_EQ(seen, !is_random) << "line " << line << " octet " << at;
    }
  }
  EXPECT_EQ(noticed, changed);
  EXPECT_GT(changed, 400U);
}

}  // namespace
}  // namespace kagibin::test
