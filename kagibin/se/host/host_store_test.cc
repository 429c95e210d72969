// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/host/host_store.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/se/element_test_support.h"
#include "kagibin/se/host/element_host.h"
#include "kagibin/se/nvm/nvm_file.h"
#include "kagibin/se/nvm/nvm_memory.h"

#include "tests/support/cut_medium.h"
#include "tests/support/must.h"

namespace kagibin::se {
namespace {

using test::Cut;
using test::CutMedium;
using test::must;
using test::Power;

constexpr std::uint32_t kCount = 4;
constexpr std::string_view kCount1 = "8050000008010203040506070800";  // stores a counter

ElementSnapshot small_snapshot() {
  ElementSnapshot out{.name = {1, 2, 3}, .label = "payment"};
  for (const char* text : {"first", "", "third element"}) {
    out.elements.push_back(SecretBytes::copy_of(ascii(text)));
  }
  return out;
}

TEST(ElementSnapshotTest, ReadsBackWhatItWrites) {
  const SecretBytes file = small_snapshot().encode();
  const ElementSnapshot again = must(ElementSnapshot::decode(file.expose()));
  EXPECT_EQ(again.label, "payment");
  EXPECT_EQ(again.elements.size(), 3U);
  EXPECT_TRUE(equal(again.elements[2].expose(), ascii("third element")));
  EXPECT_TRUE(equal(again.encode().expose(), file.expose()));
}

TEST(ElementSnapshotTest, RefusesEveryTruncationAndEveryFlippedBit) {
  const SecretBytes file = small_snapshot().encode();
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(ElementSnapshot::decode(file.expose().first(size)).has_value()) << size;
  }
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    SecretBytes other = file.duplicate();
    std::uint8_t& octet = other.expose_mutable()[bit / 8];
    octet = static_cast<std::uint8_t>(octet ^ (1U << (bit % 8)));
    EXPECT_FALSE(ElementSnapshot::decode(other.expose()).has_value()) << bit;
  }
  Bytes longer(file.expose().begin(), file.expose().end());
  longer.push_back(0);
  EXPECT_EQ(ElementSnapshot::decode(longer).error().code, Errc::kTrailing);
}

TEST(ElementSnapshotTest, TakesNoMemoryForElementsThatAreOnlyAnnounced) {
  const Bytes head = ByteWriter()
                         .bytes(ascii("KBHOST1\n"))
                         .bytes(Bytes(16))
                         .u8(0)
                         .u32(1'000'000)
                         .bytes(Bytes(100))
                         .take();
  EXPECT_EQ(ElementSnapshot::decode(head).error().code, Errc::kTruncated);
}

TEST(HostJournalTest, ATornEndIsDroppedAndAnyOtherDamageRefused) {
  const SnapshotName name{9};
  HostJournal journal(name);
  Bytes file = journal.begin();
  std::vector<std::size_t> ends{file.size()};
  for (std::uint32_t number = 0; number < 3; ++number) {
    append(file, journal.frame({.number = number, .octets = ascii("octets")}).expose());
    journal.keep();
    ends.push_back(file.size());
  }
  for (std::size_t size = ends[0]; size <= file.size(); ++size) {
    const auto replayed = HostJournal::replay(ByteView(file).first(size), name);
    ASSERT_TRUE(replayed.has_value()) << size;
    const auto whole = std::ranges::count_if(ends, [&](std::size_t end) { return end <= size; });
    EXPECT_EQ(replayed->writes.size(), static_cast<std::size_t>(whole - 1)) << size;
    EXPECT_EQ(replayed->torn, std::ranges::find(ends, size) == ends.end()) << size;
  }
  EXPECT_EQ(HostJournal::replay(file, {8}).error().code, Errc::kNotFound);
  EXPECT_EQ(HostJournal::replay({}, name).error().code, Errc::kNotFound);
  for (std::size_t octet = ends[0]; octet < ends[2]; ++octet) {
    Bytes other = file;
    other[octet] ^= 0x10;
    EXPECT_EQ(HostJournal::replay(other, name).error().code, Errc::kEncoding) << octet;
  }
  Bytes hollow = file;
  hollow.resize(file.size() + 100);
  EXPECT_EQ(must(HostJournal::replay(hollow, name)).writes.size(), 3U);
}

TEST(HostJournalTest, AFrameThatFailsItsCheckAtTheEndIsTornAndAnotherKindIsRefused) {
  const SnapshotName name{9};
  HostJournal journal(name);
  const Bytes begin = journal.begin();
  Bytes file = begin;
  append(file, journal.frame({.number = 1, .octets = ascii("octets")}).expose());
  file.back() ^= 0x01;
  const auto torn = must(HostJournal::replay(file, name));
  EXPECT_TRUE(torn.torn);
  EXPECT_TRUE(torn.writes.empty());
  file = begin;
  append(file,
         journal.frame({.number = 1, .kind = HostJournal::Kind{0x7F}, .octets = ascii("octets")})
             .expose());
  EXPECT_EQ(HostJournal::replay(file, name).error().code, Errc::kEncoding);
}

class HostStoreTest : public testing::Test {
 protected:
  std::unique_ptr<HostStore> store() {
    return std::make_unique<HostStore>(std::make_unique<CutMedium>(snapshot_),
                                       std::make_unique<CutMedium>(journal_));
  }
  ElementHost::Environment environment() {
    return {.rng = rng_, .clock = clock_, .modules = modules_};
  }
  Result<std::unique_ptr<ElementHost>> make() {
    return ElementHost::create({.count = kCount,
                                .profile = [](std::uint32_t number) -> Result<ElementProfile> {
                                  ElementProfile out;
                                  out.scp03 = scp::Scp03Parameter{0x70};
                                  out.cin = ByteWriter().u32(number).take();
                                  out.key_sets.push_back({out.isd_aid, 0x30, test_keys(1)});
                                  return out;
                                },
                                .threads = 1},
                               environment(), {.awake = 0, .store = store()});
  }
  Result<std::unique_ptr<ElementHost>> restore() {
    return ElementHost::restore(environment(), {.awake = 0, .store = store()});
  }
  // Sequence counters of all elements, as their next INITIALIZE UPDATE would tell them; without
  // changing them on the media.
  std::vector<std::uint32_t> counters() {
    ElementSnapshot now = must(store()->load());
    auto host = must(ElementHost::restore(std::move(now), environment(), {}));
    std::vector<std::uint32_t> out;
    for (std::uint32_t number = 0; number < host->count(); ++number) {
      auto lease = must(host->take(number));
      const Bytes answer = must(lease.element().transmit(hex(kCount1)));
      out.push_back(
          static_cast<std::uint32_t>(answer[answer.size() - 4] << 8U | answer[answer.size() - 3]));
    }
    return out;
  }
  static Result<Bytes> count(ElementHost& host, std::uint32_t number) {
    auto lease = KB_TRY(host.take(number));
    return lease.element().transmit(hex(kCount1));
  }
  void restore_power() {
    snapshot_->restore();
    journal_->restore();
  }

  std::shared_ptr<Power> snapshot_ = std::make_shared<Power>();
  std::shared_ptr<Power> journal_ = std::make_shared<Power>();
  test::FixedRng rng_{"store"};
  test::FakeClock clock_;
  ModuleRegistry modules_;
};

TEST_F(HostStoreTest, WhatAnElementWroteIsThereWithoutAnySaving) {
  {
    auto host = must(make());
    must(count(*host, 1));
    must(count(*host, 1));
    must(count(*host, 3));
  }
  const std::vector<std::uint32_t> expected{0, 2, 0, 1};
  EXPECT_EQ(counters(), expected);
  auto again = must(restore());
  must(count(*again, 0));
  again.reset();
  EXPECT_EQ(counters(), (std::vector<std::uint32_t>{1, 2, 0, 1}));
}

TEST_F(HostStoreTest, IsNotMadeOverElementsThatAreThere) {
  must(make());
  EXPECT_EQ(make().error().code, Errc::kConflict);
  snapshot_->content[40] ^= 1;
  EXPECT_EQ(make().error().code, Errc::kEncoding);
  EXPECT_EQ(restore().error().code, Errc::kEncoding);
}

TEST_F(HostStoreTest, APowerCutWhileElementsAreMadeLeavesAllOrNone) {
  for (const Cut cut : {Cut::kBefore, Cut::kHalfWay, Cut::kAfter}) {
    snapshot_ = std::make_shared<Power>();
    journal_ = std::make_shared<Power>();
    snapshot_->cut_at(1, cut);
    EXPECT_FALSE(make().has_value());
    restore_power();
    const auto there = restore();
    EXPECT_EQ(there.has_value(), cut == Cut::kAfter);
    EXPECT_TRUE(there ? (*there)->count() == kCount : there.error().code == Errc::kNotFound);
  }
}

TEST_F(HostStoreTest, APowerCutAtAnyWriteOfASnapshotLosesNothing) {
  // Writes of save(): the snapshot, then the journal's new head.
  for (const bool in_snapshot : {true, false}) {
    for (const Cut cut : {Cut::kBefore, Cut::kHalfWay, Cut::kAfter}) {
      snapshot_ = std::make_shared<Power>();
      journal_ = std::make_shared<Power>();
      {
        auto host = must(make());
        must(count(*host, 1));
        (in_snapshot ? snapshot_ : journal_)->cut_at(1, cut);
        EXPECT_FALSE(host->save().has_value());
      }
      restore_power();
      EXPECT_EQ(counters(), (std::vector<std::uint32_t>{0, 1, 0, 0}));
      auto again = must(restore());
      must(count(*again, 1));
      again.reset();
      EXPECT_EQ(counters(), (std::vector<std::uint32_t>{0, 2, 0, 0}));
    }
  }
}

TEST_F(HostStoreTest, APowerCutInAWriteLeavesTheElementMuteAndItsOldStateOrItsNewOne) {
  for (const Cut cut : {Cut::kBefore, Cut::kHalfWay, Cut::kAfter}) {
    snapshot_ = std::make_shared<Power>();
    journal_ = std::make_shared<Power>();
    {
      auto host = must(make());
      must(count(*host, 2));
      journal_->cut_at(1, cut);
      EXPECT_EQ(count(*host, 2).error().code, Errc::kCardLink);
    }
    restore_power();
    const std::uint32_t expected = cut == Cut::kAfter ? 2 : 1;
    EXPECT_EQ(counters(), (std::vector<std::uint32_t>{0, 0, expected, 0}));
  }
}

TEST_F(HostStoreTest, WritesGoOnAfterASaveThatTheFullDiskRefused) {
  auto host = must(make());
  must(count(*host, 0));
  snapshot_->full = true;
  EXPECT_EQ(host->save().error().code, Errc::kNoSpace);
  must(count(*host, 0));
  snapshot_->full = false;
  journal_->full = true;
  EXPECT_EQ(host->save().error().code, Errc::kNoSpace);  // saved, but no journal goes on from it
  EXPECT_EQ(to_hex(must(count(*host, 0))), "6581");
  journal_->full = false;
  must(count(*host, 0));
  host.reset();
  EXPECT_EQ(counters(), (std::vector<std::uint32_t>{3, 0, 0, 0}));
}

TEST_F(HostStoreTest, ElementsInFilesLastLikeOneElementInItsFile) {
  std::string pattern = (std::filesystem::temp_directory_path() / "kagibin-host-XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  const std::filesystem::path folder = pattern;
  const auto files = [&] {
    return std::make_unique<HostStore>(
        must(NvmFile::open(folder / "many", NvmFile::Sync::kNo)),
        must(NvmFile::open(folder / "many.log", NvmFile::Sync::kNo)));
  };
  {
    auto host =
        must(ElementHost::create({.count = 2,
                                  .profile = [](std::uint32_t) -> Result<ElementProfile> {
                                    ElementProfile out;
                                    out.scp03 = scp::Scp03Parameter{0x70};
                                    out.key_sets.push_back({out.isd_aid, 0x30, test_keys(1)});
                                    return out;
                                  }},
                                 environment(), {.store = files()}));
    EXPECT_EQ(NvmFile::open(folder / "many").error().code, Errc::kConflict);
    must(count(*host, 1));
  }
  auto again = must(ElementHost::restore(environment(), {.store = files()}));
  const Bytes answer = must(count(*again, 1));
  EXPECT_EQ(answer[answer.size() - 3], 1U);
  again.reset();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace kagibin::se
