// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/record/pending_folder.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace kagibin::crypto {
namespace {

namespace fs = std::filesystem;

struct PendingFolderTest : testing::Test {
  PendingFolderTest() {
    std::string name = fs::temp_directory_path() / "kagibin-pending-XXXXXX";
    folder = ::mkdtemp(name.data());
  }
  ~PendingFolderTest() override { fs::remove_all(folder); }
  fs::path home() const { return folder / "home"; }
  fs::path keys() const { return home() / "keys"; }
  std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(home()), fs::directory_iterator()));
  }
  static void fill(const PendingFolder& pending) { std::ofstream(pending.path() / "key") << "k"; }
  fs::path folder;
};

TEST_F(PendingFolderTest, ItHasItsNameWhenItIsWholeAndNotBefore) {
  PendingFolder pending = PendingFolder::create(keys()).value();
  fill(pending);
  EXPECT_EQ(fs::status(pending.path()).permissions(), fs::perms::owner_all);
  EXPECT_FALSE(fs::exists(keys()));
  ASSERT_TRUE(pending.take_name().has_value());
  EXPECT_TRUE(fs::exists(keys() / "key"));
  EXPECT_EQ(entries(), 1U);
}

TEST_F(PendingFolderTest, NothingIsLeftOfOneThatWasGivenUp) {
  {
    const PendingFolder pending = PendingFolder::create(keys()).value();
    fill(pending);
  }
  EXPECT_EQ(entries(), 0U);
}

TEST_F(PendingFolderTest, WhatAnEndedProcessLeftGoesWithTheNext) {
  fs::create_directories(home() / "keys.part-abcdef" / "deep");
  fs::create_directories(home() / "keys.of-others");
  PendingFolder pending = PendingFolder::create(keys()).value();
  fill(pending);
  ASSERT_TRUE(pending.take_name().has_value());
  EXPECT_FALSE(fs::exists(home() / "keys.part-abcdef"));
  EXPECT_EQ(entries(), 2U);
}

TEST_F(PendingFolderTest, ANameThatIsTakenStaysAsItIs) {
  {
    PendingFolder pending = PendingFolder::create(keys()).value();
    fill(pending);
    fs::create_directories(keys());
    std::ofstream(keys() / "other") << "k";
    EXPECT_EQ(pending.take_name().error().code, Errc::kConflict);
  }
  EXPECT_EQ(PendingFolder::create(keys()).error().code, Errc::kConflict);
  EXPECT_TRUE(fs::exists(keys() / "other"));
  EXPECT_FALSE(fs::exists(keys() / "key"));
}

TEST_F(PendingFolderTest, OfTwoAtOnceTheLaterOneFailsAndHarmsNothing) {
  PendingFolder first = PendingFolder::create(keys()).value();
  fill(first);
  EXPECT_EQ(PendingFolder::create(keys()).error().code, Errc::kInterrupted);
  EXPECT_TRUE(first.take_name().has_value());
  EXPECT_TRUE(fs::exists(keys() / "key"));
}

// What it leads to may come back: a volume that is not mounted.
TEST_F(PendingFolderTest, ALinkThatLeadsNowhereHasTheName) {
  fs::create_directories(home());
  fs::create_directory_symlink(folder / "elsewhere", keys());
  EXPECT_EQ(PendingFolder::create(keys()).error().code, Errc::kConflict);
  EXPECT_EQ(entries(), 1U);
}

}  // namespace
}  // namespace kagibin::crypto
