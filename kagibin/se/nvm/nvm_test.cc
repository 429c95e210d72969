// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/nvm/nvm.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "kagibin/se/nvm/nvm_file.h"
#include "kagibin/se/nvm/nvm_memory.h"

#include "tests/support/cut_medium.h"

namespace kagibin::se {
namespace {

using test::Cut;
using test::CutMedium;
using test::Power;

std::string text(const Nvm& nvm, std::string_view name) {
  const SecretBytes* record = nvm.get(name);
  return record == nullptr ? "-" : to_hex(record->expose());
}

std::unique_ptr<Nvm> open_on(const std::shared_ptr<Power>& power) {
  return std::move(Nvm::open(std::make_unique<CutMedium>(power)).value());
}

TEST(NvmTest, KeepsRecordsOverOpening) {
  auto content = std::make_shared<Bytes>();
  {
    auto nvm = Nvm::open(std::make_unique<NvmMemory>(content)).value();
    ASSERT_TRUE(nvm->put("a/1", Bytes{1}).has_value());
    ASSERT_TRUE(nvm->put("a/2", Bytes{2}).has_value());
    ASSERT_TRUE(nvm->put("b", Bytes{}).has_value());
    ASSERT_TRUE(nvm->erase("a/1").has_value());
    EXPECT_EQ(nvm->writes(), 4U);
  }
  auto nvm = Nvm::open(std::make_unique<NvmMemory>(content)).value();
  EXPECT_EQ(text(*nvm, "a/1"), "-");
  EXPECT_EQ(text(*nvm, "a/2"), "02");
  EXPECT_EQ(text(*nvm, "b"), "");
  EXPECT_EQ(nvm->names("a/"), std::vector<std::string>{"a/2"});
  EXPECT_EQ(nvm->names("").size(), 2U);
}

TEST(NvmTest, OneTransactionIsOneWrite) {
  auto nvm = Nvm::open(std::make_unique<NvmMemory>()).value();
  NvmTransaction transaction(*nvm);
  ASSERT_TRUE(nvm->put("a", Bytes{1}).has_value());
  ASSERT_TRUE(nvm->put("a", Bytes{2}).has_value());
  ASSERT_TRUE(nvm->put("b", Bytes{3}).has_value());
  EXPECT_EQ(nvm->writes(), 0U);
  ASSERT_TRUE(transaction.commit().has_value());
  EXPECT_EQ(nvm->writes(), 1U);
  EXPECT_EQ(text(*nvm, "a"), "02");
}

TEST(NvmTest, ATransactionThatIsNotCommittedLeavesNothing) {
  auto nvm = Nvm::open(std::make_unique<NvmMemory>()).value();
  ASSERT_TRUE(nvm->put("a", Bytes{1}).has_value());
  {
    const NvmTransaction transaction(*nvm);
    ASSERT_TRUE(nvm->put("a", Bytes{2}).has_value());
    ASSERT_TRUE(nvm->erase("a").has_value());
    ASSERT_TRUE(nvm->put("b", Bytes{3}).has_value());
  }
  EXPECT_EQ(text(*nvm, "a"), "01");
  EXPECT_EQ(text(*nvm, "b"), "-");
  EXPECT_FALSE(nvm->in_transaction());
  EXPECT_EQ(nvm->writes(), 1U);
}

TEST(NvmTest, GivingUpAnInnerTransactionForbidsTheOuterOne) {
  auto nvm = Nvm::open(std::make_unique<NvmMemory>()).value();
  NvmTransaction outer(*nvm);
  ASSERT_TRUE(nvm->put("a", Bytes{1}).has_value());
  {
    const NvmTransaction inner(*nvm);
  }
  EXPECT_EQ(nvm->put("b", Bytes{2}).error().code, Errc::kState);
  EXPECT_EQ(outer.commit().error().code, Errc::kState);
  EXPECT_TRUE(nvm->names("").empty());
  EXPECT_TRUE(nvm->put("c", Bytes{3}).has_value());
}

TEST(NvmTest, RefusesNamesAndRecordsOutsideTheLimits) {
  auto nvm = Nvm::open(std::make_unique<NvmMemory>()).value();
  EXPECT_EQ(nvm->put("", Bytes{1}).error().code, Errc::kLimit);
  EXPECT_EQ(nvm->put(std::string(65, 'n'), Bytes{1}).error().code, Errc::kLimit);
  EXPECT_EQ(nvm->put("a", Bytes(8193)).error().code, Errc::kLimit);
  EXPECT_TRUE(nvm->put(std::string(64, 'n'), Bytes(8192)).has_value());
}

TEST(NvmTest, APowerCutAtAnyWriteLeavesTheOldStateOrTheNew) {
  for (const Cut cut : {Cut::kBefore, Cut::kHalfWay, Cut::kAfter}) {
    for (std::uint64_t write = 1; write <= 3; ++write) {
      auto power = std::make_shared<Power>();
      auto nvm = open_on(power);
      power->cut_at(write, cut);
      std::uint64_t acknowledged = 0;
      for (std::uint8_t i = 1; i <= 3; ++i) {
        NvmTransaction transaction(*nvm);
        static_cast<void>(nvm->put("x", Bytes{i}));
        static_cast<void>(nvm->put("y", Bytes{i}));
        acknowledged += transaction.commit().has_value() ? 1U : 0U;
      }
      EXPECT_EQ(acknowledged, write - 1);
      EXPECT_TRUE(nvm->dead());
      power->restore();
      auto again = open_on(power);
      const std::uint64_t seen = again->get("x") == nullptr ? 0 : again->get("x")->expose()[0];
      EXPECT_EQ(seen, cut == Cut::kAfter ? write : write - 1);
      EXPECT_EQ(text(*again, "x"), text(*again, "y"));
      // A torn tail does not hide what is written behind it.
      ASSERT_TRUE(again->put("z", Bytes{9}).has_value());
      ASSERT_TRUE(again->put("z", Bytes{8}).has_value());
      EXPECT_EQ(text(*open_on(power), "z"), "08");
      EXPECT_EQ(text(*open_on(power), "x"), text(*again, "x"));
    }
  }
}

TEST(NvmTest, ALogCutAtAnyOctetOpensAtAnEarlierState) {
  auto content = std::make_shared<Bytes>();
  auto nvm = Nvm::open(std::make_unique<NvmMemory>(content)).value();
  ASSERT_TRUE(nvm->put("a", Bytes{1}).has_value());
  const std::size_t first = content->size();
  ASSERT_TRUE(nvm->put("a", Bytes{2}).has_value());
  const Bytes whole = *content;
  for (std::size_t size = first; size <= whole.size(); ++size) {
    *content = Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    auto again = Nvm::open(std::make_unique<NvmMemory>(content));
    ASSERT_TRUE(again.has_value()) << size;
    EXPECT_EQ(text(**again, "a"), size == whole.size() ? "02" : "01") << size;
  }
}

TEST(NvmTest, AnAppendWhoseOctetsNeverArrivedIsDropped) {
  auto content = std::make_shared<Bytes>();
  auto nvm = Nvm::open(std::make_unique<NvmMemory>(content)).value();
  ASSERT_TRUE(nvm->put("a", Bytes{1}).has_value());
  content->resize(content->size() + 100);
  EXPECT_EQ(text(*Nvm::open(std::make_unique<NvmMemory>(content)).value(), "a"), "01");
}

TEST(NvmTest, OneFlippedBitBeforeTheLastFrameIsDamage) {
  auto content = std::make_shared<Bytes>();
  auto nvm = Nvm::open(std::make_unique<NvmMemory>(content)).value();
  ASSERT_TRUE(nvm->put("a", Bytes{1}).has_value());
  const std::size_t first = content->size();
  ASSERT_TRUE(nvm->put("a", Bytes{2}).has_value());
  const Bytes whole = *content;
  for (std::size_t at = 0; at < first; ++at) {
    *content = whole;
    (*content)[at] ^= 0x01;
    const auto again = Nvm::open(std::make_unique<NvmMemory>(content));
    ASSERT_FALSE(again.has_value()) << at;
    EXPECT_EQ(again.error().code, Errc::kEncoding);
  }
}

TEST(NvmTest, AFullDiskFailsTheTransactionAndNothingElse) {
  auto power = std::make_shared<Power>();
  auto nvm = open_on(power);
  ASSERT_TRUE(nvm->put("a", Bytes{1}).has_value());
  power->full = true;
  EXPECT_EQ(nvm->put("a", Bytes{2}).error().code, Errc::kNoSpace);
  EXPECT_FALSE(nvm->dead());
  EXPECT_EQ(text(*nvm, "a"), "01");
  power->full = false;
  EXPECT_TRUE(nvm->put("a", Bytes{3}).has_value());
  EXPECT_EQ(text(*open_on(power), "a"), "03");
}

TEST(NvmTest, WhatGoesBeyondTheLimitIsRolledBackAndWhatDoesNotGrowIsTaken) {
  auto power = std::make_shared<Power>();
  auto nvm = open_on(power);
  nvm->set_limit(10);
  ASSERT_TRUE(nvm->put("a", Bytes(9)).has_value());
  EXPECT_EQ(nvm->live_octets(), 10U);
  EXPECT_EQ(nvm->put("a", Bytes(10)).error().code, Errc::kNoSpace);
  EXPECT_EQ(nvm->put("b", Bytes{}).error().code, Errc::kNoSpace);
  EXPECT_EQ(nvm->live_octets(), 10U);
  EXPECT_FALSE(nvm->dead());
  EXPECT_TRUE(nvm->put("a", Bytes(9, 7)).has_value());
  nvm->set_limit(5);  // less than there is: what shrinks or stays is still taken
  EXPECT_TRUE(nvm->put("a", Bytes(8)).has_value());
  EXPECT_EQ(nvm->put("a", Bytes(9)).error().code, Errc::kNoSpace);
  EXPECT_TRUE(nvm->erase("a").has_value());
  EXPECT_EQ(open_on(power)->get("a"), nullptr);
}

TEST(NvmTest, TheLogDoesNotGrowWithoutEnd) {
  auto content = std::make_shared<Bytes>();
  auto nvm = Nvm::open(std::make_unique<NvmMemory>(content)).value();
  std::size_t longest = 0;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(nvm->put("a", Bytes(1000, static_cast<std::uint8_t>(i))).has_value());
    longest = std::max(longest, content->size());
  }
  EXPECT_LE(longest, 66'560U);
  EXPECT_EQ(Nvm::open(std::make_unique<NvmMemory>(content)).value()->get("a")->expose()[0],
            static_cast<std::uint8_t>(999));
}

class NvmFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "nvm_file_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path file() const { return folder_ / "element.nvm"; }
  std::filesystem::path folder_;
};

TEST_F(NvmFileTest, KeepsRecordsInAFileOfItsOwnerAlone) {
  {
    auto nvm = Nvm::open(NvmFile::open(file()).value()).value();
    ASSERT_TRUE(nvm->put("a", Bytes{1}).has_value());
    ASSERT_TRUE(nvm->put("b", Bytes{2}).has_value());
  }
  auto nvm = Nvm::open(NvmFile::open(file(), NvmFile::Sync::kNo).value()).value();
  EXPECT_EQ(text(*nvm, "a"), "01");
  EXPECT_EQ(text(*nvm, "b"), "02");
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(file()).permissions(), perms::owner_read | perms::owner_write);
}

TEST_F(NvmFileTest, GoesOnAfterATornTail) {
  {
    auto nvm = Nvm::open(NvmFile::open(file()).value()).value();
    ASSERT_TRUE(nvm->put("a", Bytes{1}).has_value());
    ASSERT_TRUE(nvm->put("a", Bytes{2}).has_value());
  }
  std::filesystem::resize_file(file(), std::filesystem::file_size(file()) - 1);
  {
    auto nvm = Nvm::open(NvmFile::open(file()).value()).value();
    EXPECT_EQ(text(*nvm, "a"), "01");
    ASSERT_TRUE(nvm->put("b", Bytes{3}).has_value());
    ASSERT_TRUE(nvm->put("c", Bytes{4}).has_value());
  }
  auto nvm = Nvm::open(NvmFile::open(file()).value()).value();
  EXPECT_EQ(text(*nvm, "a") + text(*nvm, "b") + text(*nvm, "c"), "010304");
}

TEST_F(NvmFileTest, RefusesASecondProcessOnTheSameElement) {
  const auto first = NvmFile::open(file()).value();
  const auto second = NvmFile::open(file());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::kConflict);
}

TEST_F(NvmFileTest, RefusesAFileThatIsNoMemory) {
  ASSERT_TRUE(NvmFile::open(file()).value()->append(Bytes(100, 0x41)).has_value());
  const auto nvm = Nvm::open(NvmFile::open(file()).value());
  ASSERT_FALSE(nvm.has_value());
  EXPECT_EQ(nvm.error().code, Errc::kEncoding);
}

TEST_F(NvmFileTest, FailsInAFolderThatDoesNotExist) {
  const auto medium = NvmFile::open(folder_ / "none" / "element.nvm");
  ASSERT_FALSE(medium.has_value());
  EXPECT_EQ(medium.error().code, Errc::kIo);
}

}  // namespace
}  // namespace kagibin::se
