// SPDX-License-Identifier: Apache-2.0
// The key of the audit log in a distributor's folder: made once, whoever else begins, and never
// beside a verifier key of another one.
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"

#include <array>
#include <barrier>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/roles/key_distribution_operator/audit/signed_note.h"
#include "kagibin/store/test_folder.h"

#include "tests/support/fixed_rng.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

struct LogKeyTest : testing::Test {
  std::string verifier(const DistributorFolder& of) {
    const SecretBytes text = crypto::read_file(of.log_verifier()).value();
    return {text.expose().begin(), text.expose().end()};
  }
  static std::string line(const crypto::Ed25519PrivateKey& key) {
    const VerifierKey of{.name = name_of_log(key.public_key()), .key = key.public_key()};
    return of.text() + "\n";
  }
  store::TestFolder folder;
  test::FixedRng rng{"log key"};
};

// promises: two distributors that begin on one older folder
TEST_F(LogKeyTest, TwoThatBeginTogetherHaveOneKey) {
  for (int round = 0; round < 50; ++round) {
    const std::filesystem::path path = folder / ("home" + std::to_string(round)).c_str();
    std::filesystem::create_directory(path);
    const DistributorFolder home(path);
    std::array<std::optional<crypto::Ed25519PrivateKey>, 2> keys;
    std::barrier together(2);
    const auto begin = [&](std::size_t who) {
      test::FixedRng own(who == 0 ? "one" : "other");
      together.arrive_and_wait();
      keys.at(who) = home.log_key(true, own).value();
    };
    {
      const std::jthread first(begin, 0);
      const std::jthread second(begin, 1);
    }
    const auto kept = home.log_key(false, rng).value();
    ASSERT_TRUE(kept && keys[0] && keys[1]);
    ASSERT_EQ(line(*keys[0]), line(*kept)) << round;
    ASSERT_EQ(line(*keys[1]), line(*kept)) << round;
    ASSERT_EQ(verifier(home), line(*kept)) << round;
  }
}

TEST_F(LogKeyTest, TheVerifierKeyFollowsTheKey) {
  const DistributorFolder home(folder / "");
  EXPECT_FALSE(home.log_key(false, rng).value().has_value());
  EXPECT_FALSE(std::filesystem::exists(home.log_verifier()));
  const auto own = home.log_key(true, rng).value();
  EXPECT_EQ(verifier(home), line(*own));
  // Another distributor's key was copied over it, and its log.vkey was not.
  const auto copied = crypto::Ed25519PrivateKey::generate(rng).value();
  const SecretBytes pem = copied.to_pem().value();
  ASSERT_TRUE(crypto::write_file(folder / "log.key.pem", pem.expose(), true).has_value());
  EXPECT_EQ(line(*home.log_key(false, rng).value()), line(copied));
  EXPECT_EQ(verifier(home), line(copied));
  std::filesystem::remove(home.log_verifier());
  ASSERT_TRUE(home.log_key(false, rng).has_value());
  EXPECT_EQ(verifier(home), line(copied));
}

TEST_F(LogKeyTest, AKeyThatCannotBeReadIsNotReplaced) {
  const DistributorFolder home(folder / "");
  ASSERT_TRUE(crypto::write_file(folder / "log.key.pem", ascii("cut"), true).has_value());
  EXPECT_FALSE(home.log_key(true, rng).has_value());
  const SecretBytes still = crypto::read_file(folder / "log.key.pem").value();
  EXPECT_EQ(still.expose().size(), 3U);
  EXPECT_EQ(DistributorFolder(folder / "nowhere").log_key(true, rng).error().code, Errc::kIo);
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
