// SPDX-License-Identifier: Apache-2.0
// The demo as a user runs it: its last line, its exit code, its table, and that the table notices
// what it must.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kagibin/crypto/hpke/ml_kem.h"

namespace kagibin {
namespace {

struct Demo {
  int code = -1;
  std::string out;  // standard output

  std::string last_line() const {
    const std::size_t end = out.find_last_not_of('\n');
    const std::size_t begin = out.rfind('\n', end);
    return end == std::string::npos ? "" : out.substr(begin + 1, end - begin);
  }
  // The object of --json, which stands in the last line but one.
  boost::json::value object() const {
    const std::size_t begin = out.find('{');
    const std::size_t end = out.find('\n', begin);
    return boost::json::parse(out.substr(begin, end - begin));
  }
  boost::json::array rows() const { return object().at("rows").as_array(); }
  std::int64_t count(std::string_view who, const char* column) const {
    for (const boost::json::value& row : rows()) {
      if (row.at("who").as_string() == who) {
        return row.at(column).to_number<std::int64_t>();
      }
    }
    return -1;
  }
  std::string cell(std::string_view who, const char* column) const {
    for (const boost::json::value& row : rows()) {
      if (row.at("who").as_string() == who) {
        return row.at(column).as_array().empty() ? "nothing" : "something";
      }
    }
    return "no such row";
  }
};

Demo demo(const std::string& options) {
  Demo out;
  const std::string command =
      std::string(KAGIBIN_BINARY_DIR) + "/bin/kagibin-demo --json " + options;
  // NOLINTNEXTLINE(cert-env33-c): the program is what is tested
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    return out;
  }
  std::array<char, 4096> buffer{};
  while (fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
    out.out += buffer.data();
  }
  const int status = pclose(pipe);
  out.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

TEST(DemoTest, SealedSchemeDeliversAndOnlyManagerWithDeviceCanDeriveTheKey) {
  const Demo run = demo("");
  EXPECT_EQ(run.last_line(), "delivered");
  ASSERT_EQ(run.code, 0);
  EXPECT_EQ(run.rows().size(), 6U);
  for (const char* who : {"B", "C", "D", "device", "B + C", "C + device"}) {
    EXPECT_EQ(run.cell(who, "found"), "nothing") << who;
    const bool coalition = std::string_view(who) == "C + device";
    EXPECT_EQ(run.cell(who, "derived"), coalition ? "something" : "nothing") << who;
    EXPECT_EQ(run.cell(who, "not_searched"), "nothing") << who;
  }
}

TEST(DemoTest, SealedSchemeDeliversWithoutAReaderAndLeavesNoFolderBehind) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("kagibin-demo-test-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread
  setenv("TMPDIR", folder.c_str(), 1);
  const Demo run = demo("--no-pcsc");
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread
  unsetenv("TMPDIR");
  EXPECT_EQ(run.last_line(), "delivered");
  EXPECT_EQ(run.code, 0);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove_all(folder);
}

// Above RL1 no row derives the key, and the manager with the device had what to try.
void expect_nobody_knows(const Demo& run, const char* tried) {
  EXPECT_EQ(run.last_line(), "delivered");
  ASSERT_EQ(run.code, 0);
  EXPECT_EQ(run.rows().size(), 6U);
  for (const char* who : {"B", "C", "D", "device", "B + C", "C + device"}) {
    for (const char* column : {"found", "derived", "not_searched"}) {
      EXPECT_EQ(run.cell(who, column), "nothing") << who << " " << column;
    }
  }
  EXPECT_GT(run.count("C + device", tried), 0);
}

TEST(DemoTest, AtRl2NotEvenManagerWithDeviceCanDeriveTheKey) {
  const Demo run = demo("--level RL2");
  expect_nobody_knows(run, "agreements");
  EXPECT_GT(run.count("C + device", "agreements_tried"), 30);
}

TEST(DemoTest, AtRl2DeliversWithoutAReader) {
  expect_nobody_knows(demo("--level RL2 --no-pcsc"), "agreements_tried");
}

TEST(DemoTest, AtRl3NotEvenManagerWithDeviceCanDeriveTheKey) {
  const Demo run = demo("--level RL3");
  expect_nobody_knows(run, "sets_tried");
  EXPECT_GT(run.count("C + device", "sessions"), 0);
}

TEST(DemoTest, AtRl4DeliversOrSaysWhatItTakes) {
  if (crypto::has_ml_kem()) {
    const Demo run = demo("--level RL4 --no-pcsc");
    expect_nobody_knows(run, "sets_tried");
    EXPECT_GT(run.count("C + device", "agreements_tried"), 30);
    return;
  }
  const Demo run = demo("--level RL4 2>&1");
  EXPECT_EQ(run.code, 2);
  EXPECT_NE(run.out.find("NOTHING WAS DELIVERED"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("scripts/openssl35"), std::string::npos) << run.out;
}

TEST(DemoTest, AtOsNothingIsRelayedAndNobodyKnows) {
  for (const char* options : {"--level OS", "--level OS --no-pcsc"}) {
    const Demo run = demo(options);
    EXPECT_EQ(run.last_line(), "delivered") << options;
    ASSERT_EQ(run.code, 0) << options;
    for (const char* who : {"B", "C", "D", "device", "B + C", "C + device"}) {
      for (const char* column : {"found", "derived", "not_searched"}) {
        EXPECT_EQ(run.cell(who, column), "nothing") << who << " " << column;
      }
    }
    EXPECT_EQ(run.count("C + device", "sessions"), 0);
    EXPECT_EQ(run.count("C + device", "agreements"), 0);
    EXPECT_GT(run.count("C + device", "keys_tried"), 0);
  }
}

constexpr std::size_t kLongTermKeys = 9;  // of E, M, A (3), C (3), and SK.SP.KEM

void expect_keys_stay_in_tokens(const Demo& run) {
  EXPECT_EQ(run.last_line(), "delivered");
  ASSERT_EQ(run.code, 0);
  const boost::json::value found = run.object().at("long_term_keys");
  EXPECT_EQ(found.at("keys").as_array().size(), kLongTermKeys);
  EXPECT_EQ(found.at("found_by_control").to_number<std::size_t>(), kLongTermKeys);
  for (const char* column : {"outside", "pins", "not_searched"}) {
    EXPECT_TRUE(found.at(column).as_array().empty()) << found;
  }
  EXPECT_GT(found.at("memory_looks").to_number<int>(), 15);
  EXPECT_GT(found.at("records").to_number<std::size_t>(), kLongTermKeys);
}

TEST(DemoTest, WithAnHsmNoLongTermKeyIsFoundOutsideTheTokens) {
  expect_keys_stay_in_tokens(demo("--hsm --no-pcsc"));
}

// The key set is agreed on with the domain's CASD under a signature of the token.
TEST(DemoTest, WithAnHsmAtRl3NoLongTermKeyIsFoundOutsideTheTokens) {
  const Demo run = demo("--hsm --no-pcsc --level RL3");
  expect_keys_stay_in_tokens(run);
  expect_nobody_knows(run, "sets_tried");
}

TEST(DemoTest, WithoutAnHsmTheSameSearchFindsEachOfThem) {
  const Demo run = demo("--no-pcsc --look-for-keys");
  EXPECT_EQ(run.last_line(), "leaked");
  ASSERT_EQ(run.code, 3);
  const boost::json::value found = run.object().at("long_term_keys");
  for (const boost::json::value& key : found.at("keys").as_array()) {
    const std::string name(key.as_string());
    EXPECT_TRUE(std::ranges::any_of(found.at("outside").as_array(), [&](const auto& where) {
      return where.as_string().starts_with(name + " (");
    })) << name;
  }
  EXPECT_FALSE(found.at("in_memory").as_array().empty()) << "a program that runs has its key";
}

TEST(DemoTest, RefusesALevelThatIsNotBuiltAndNamesThoseThatAre) {
  for (const char* level : {"RL0", "RL5", "2"}) {
    const Demo run = demo(std::string("--level ") + level + " 2>&1");
    EXPECT_EQ(run.code, 2) << level;
    EXPECT_NE(run.out.find("RL1 to RL4 and OS are built"), std::string::npos) << run.out;
  }
  EXPECT_EQ(demo("--scheme conventional --level RL2 2>/dev/null").code, 2);
  EXPECT_EQ(demo("--scheme conventional --hsm 2>/dev/null").code, 2);
}

TEST(DemoTest, ConventionalSchemeLeaksToTheOperatorAndTheSearchShowsIt) {
  const Demo run = demo("--scheme conventional");
  EXPECT_EQ(run.last_line(), "leaked");
  ASSERT_EQ(run.code, 0);
  EXPECT_EQ(run.cell("B", "found"), "something");
  EXPECT_EQ(run.cell("C", "found"), "nothing");
  EXPECT_EQ(run.cell("D", "found"), "nothing");
  EXPECT_EQ(run.cell("device", "found"), "nothing");
  EXPECT_EQ(run.cell("C + device", "derived"), "something");
}

// Planted at two of the four at a time: each run shows what is found, and what is not.
class PlantedSecret : public testing::TestWithParam<std::pair<const char*, std::set<std::string>>> {
};

TEST_P(PlantedSecret, IsFoundInTheRowsOfItsPartiesAlone) {
  const auto& [options, rows] = GetParam();
  const Demo run = demo(std::string("--no-pcsc ") + options);
  EXPECT_EQ(run.last_line(), "leaked");
  ASSERT_EQ(run.code, 3);
  for (const char* who : {"B", "C", "D", "device"}) {
    EXPECT_EQ(run.cell(who, "found"), rows.contains(who) ? "something" : "nothing") << who;
  }
}

using Rows = std::set<std::string>;
INSTANTIATE_TEST_SUITE_P(
    Parties,
    PlantedSecret,
    testing::Values(std::pair{"--plant distributor --plant carrier", Rows{"B", "D"}},
                    std::pair{"--plant manager --plant device", Rows{"C", "device"}}));

TEST(DemoTest, RefusesASchemeThatItDoesNotKnow) {
  EXPECT_EQ(demo("--scheme other 2>/dev/null").code, 2);
}

}  // namespace
}  // namespace kagibin
