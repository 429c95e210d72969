// SPDX-License-Identifier: Apache-2.0
// That the attack program can find what is there, says what it did, and can be contradicted.
#include <fstream>
#include <sstream>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "tests/attack/matrix.h"
#include "tests/attack/report.h"

namespace kagibin::attack {
namespace {

std::string file(const std::string& name) {
  const std::ifstream in(std::string(KAGIBIN_SOURCE_DIR "/") + name);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

Cell cell(std::string_view scheme, std::string_view coalition) {
  return attack_cell(find_scheme(scheme).value(), Coalition::parse(coalition).value());
}

TEST(AttackTest, CoalitionsAreNamedAsTheMatrixAndTheModelsNameThem) {
  for (const Coalition& one : coalitions()) {
    EXPECT_EQ(Coalition::parse(one.name()).value(), one) << one.name();
    EXPECT_EQ(Coalition::parse(one.column()).value(), one) << one.column();
  }
  EXPECT_EQ(Coalition::parse("B,C,D-active").value().name(), "B+C+Da");
  EXPECT_EQ(Coalition::parse("D-passive,D-active").value().name(), "Da");
  EXPECT_EQ(Coalition::parse("").value().name(), "outsider");
  EXPECT_FALSE(Coalition::parse("A"));
  EXPECT_FALSE(Coalition::parse("B,,C"));
}

TEST(AttackTest, ARowThatIsNotBuiltIsRefusedByNameAndAStrangeOneAsSuch) {
  EXPECT_EQ(find_scheme("c2").error().code, Errc::kNotSupported);
  EXPECT_EQ(find_scheme("c6").error().code, Errc::kNotSupported);
  EXPECT_EQ(find_scheme("z").error().code, Errc::kValue);
  EXPECT_EQ(find_scheme("").error().code, Errc::kValue);
}

// The key that is printed is the delivered one, and it came from the way that is said.
TEST(AttackTest, TheManagerAndAListenerReadTheKeyAtRl1AndNotAtRl2) {
  const Cell leak = cell("p1", "C,D-passive");
  ASSERT_TRUE(leak.leaks());
  EXPECT_EQ(leak.key->size(), 16U);
  EXPECT_EQ(leak.taken.front().way, "derive");
  EXPECT_EQ(leak.taken.front().found_how, "out of a session or an envelope");
  const Cell kept = cell("c3", "C,D-passive");
  EXPECT_FALSE(kept.leaks());
  EXPECT_GT(kept.tried(), 50U);
}

TEST(AttackTest, AnActiveDeviceReadsWhatTheManagersCertificateLetsItAnswer) {
  const Cell leak = cell("c4", "C,D-active");
  ASSERT_TRUE(leak.leaks());
  for (const WayTaken& one : leak.taken) {
    EXPECT_EQ(one.way == "play-domain", !one.found_how.empty()) << one.way;
  }
}

// That row o is secret means something: with an authority that C runs, the same program reads K.
TEST(AttackTest, AtOsTheManagersAuthorityReadsTheKeyAndANeutralOneDoesNot) {
  Scheme scheme = find_scheme("o").value();
  const Coalition manager = Coalition::parse("C").value();
  EXPECT_FALSE(attack_cell(scheme, manager).leaks());
  scheme.root = Scheme::RootKnownTo::kManager;
  scheme.is_maker_pinned = false;
  EXPECT_TRUE(attack_cell(scheme, manager).leaks());
}

TEST(AttackTest, AWayThatWasRefusedSaysByWhat) {
  const Cell kept = cell("p1", "outsider");
  ASSERT_EQ(kept.taken.size(), 3U);
  EXPECT_EQ(kept.taken[1].way, "substitute-key");
  EXPECT_NE(kept.taken[1].stopped_by.find("shipment list"), std::string::npos)
      << kept.taken[1].stopped_by;
  const auto json = boost::json::parse(cell_json(kept)).as_object();
  EXPECT_EQ(json.at("verdict"), "secret");
  EXPECT_FALSE(json.contains("key"));
  EXPECT_EQ(json.at("ways").as_array().size(), 3U);
}

TEST(AttackTest, AFindingIsStoppedWhenEveryTryIsAndEarnestWhenEveryControlSucceeds) {
  Finding finding;
  finding.tried("a try", true, "6985");
  EXPECT_TRUE(finding.is_stopped());
  EXPECT_FALSE(finding.is_earnest()) << "without a control nothing is shown";
  finding.control("a control", true, "taken");
  EXPECT_TRUE(finding.is_earnest());
  EXPECT_FALSE(finding.is_open());
  finding.open("known", true, "as the threat model says");
  EXPECT_TRUE(finding.is_open());
  EXPECT_TRUE(finding.is_stopped());
  finding.control("another control", false, "6985");
  EXPECT_FALSE(finding.is_earnest());
  finding.tried("another try", false, "taken");
  EXPECT_FALSE(finding.is_stopped());
  Finding idle;
  idle.look("a time", "t = 1");
  idle.control("a control", true, "taken");
  EXPECT_FALSE(idle.is_earnest()) << "nothing was tried";
  EXPECT_FALSE(find_attack("nothing"));
  EXPECT_EQ(find_attack("forge").value().name, "forge");
}

TEST(AttackTest, TheExpectedMatrixIsWhatWasProvedAndAChangedWordIsNoticed) {
  const std::string text = file("tests/attack/expected_matrix.txt");
  const std::string proofs = file("models/expected.txt");
  std::vector<std::string> unproved;
  EXPECT_EQ(ExpectedMatrix::parse(text).value().disagreements(proofs, unproved),
            std::vector<std::string>());
  EXPECT_EQ(unproved, (std::vector<std::string>{"c4 C+Da", "c4 B+C+Da"}));

  const std::string wrong = replaced(text, "c3_scp11a_neutral secret", "c3_scp11a_neutral leaks");
  const ExpectedMatrix changed = ExpectedMatrix::parse(wrong).value();
  EXPECT_EQ(changed.disagreements(proofs, unproved).size(), 1U);
  std::vector<Cell> cells;
  cells.push_back(cell("c3", "outsider"));
  cells.push_back(cell("c3", "B"));
  EXPECT_EQ(changed.differences(cells).size(), 1U);
  const std::string otherwise = replaced(proofs, "c3_scp11a_neutral N S", "c3_scp11a_neutral N A");
  EXPECT_EQ(ExpectedMatrix::parse(text).value().disagreements(otherwise, unproved).size(), 1U);
}

TEST(AttackTest, AMatrixOfOtherRowsColumnsOrWordsIsRefused) {
  const std::string text = file("tests/attack/expected_matrix.txt");
  EXPECT_TRUE(ExpectedMatrix::parse(text));
  EXPECT_FALSE(ExpectedMatrix::parse(""));
  EXPECT_FALSE(ExpectedMatrix::parse(replaced(text, "outsider B", "B outsider")));
  EXPECT_FALSE(ExpectedMatrix::parse(replaced(text, "\np1 ", "\np9 ")));
  EXPECT_FALSE(ExpectedMatrix::parse(replaced(text, "p1_env", "p2_env")));
  EXPECT_FALSE(ExpectedMatrix::parse(replaced(text, "secret secret", "secret perhaps")));
  EXPECT_FALSE(ExpectedMatrix::parse(replaced(text, "leaks .", "leaks secret")));
  EXPECT_FALSE(ExpectedMatrix::parse(text + "p1 p1_env_scp03_shared secret\n"));
}

}  // namespace
}  // namespace kagibin::attack
