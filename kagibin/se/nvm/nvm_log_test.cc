// SPDX-License-Identifier: Apache-2.0
// Frames whose checks are right and whose content is not: what no power cut leaves behind.
#include "kagibin/se/nvm/nvm_log.h"

#include <gtest/gtest.h>

namespace kagibin::se::nvm_log {
namespace {

Bytes log_of(const std::vector<std::pair<std::uint32_t, Bytes>>& frames) {
  Bytes out;
  append(out, ascii(kMagic));
  for (const auto& [sequence, changes] : frames) {
    append(out, frame(sequence, changes).expose());
  }
  return out;
}

Bytes hex(std::string_view text) { return from_hex(text).value(); }

TEST(NvmLogTest, ReplaysChangesInTheirOrder) {
  ByteWriter first;
  put_change(first, "a", Bytes{1});
  put_change(first, "b", Bytes{2});
  ByteWriter second;
  erase_change(second, "a");
  erase_change(second, "never there");
  put_change(second, "b", Bytes{3});
  const auto replayed = replay(log_of({{0, first.take()}, {1, second.take()}}));
  ASSERT_TRUE(replayed.has_value());
  EXPECT_EQ(replayed->next_sequence, 2U);
  EXPECT_FALSE(replayed->torn);
  ASSERT_EQ(replayed->records.size(), 1U);
  EXPECT_TRUE(ct_equal(replayed->records.at("b").expose(), Bytes{3}));
}

TEST(NvmLogTest, AWholeLogReadsBack) {
  Records records;
  records.emplace("a", SecretBytes::copy_of(Bytes{1}));
  records.emplace("b", SecretBytes());
  const SecretBytes log = whole_log(records);
  const auto replayed = replay(log.expose());
  ASSERT_TRUE(replayed.has_value());
  EXPECT_EQ(replayed->next_sequence, 1U);
  EXPECT_TRUE(ct_equal(whole_log(replayed->records).expose(), log.expose()));
  EXPECT_TRUE(replay({})->records.empty());
}

TEST(NvmLogTest, ChangesThatAreNoneAreDamage) {
  for (const std::string_view changes : {
           "00",            // neither put nor erase
           "030161",        // nor this
           "01",            // no name
           "020261",        // a name that ends early
           "010161",        // no length
           "01016100",      // half a length
           "0101610002AA",  // content that ends early
           "02016101",      // a second change that ends early
       }) {
    const auto replayed = replay(log_of({{0, hex(changes)}}));
    ASSERT_FALSE(replayed.has_value()) << changes;
    EXPECT_EQ(replayed.error().code, Errc::kEncoding) << changes;
  }
}

TEST(NvmLogTest, AFrameOutOfItsOrderIsDamage) {
  const Bytes change = hex("0101610001AA");
  EXPECT_TRUE(replay(log_of({{0, change}, {1, change}})).has_value());
  EXPECT_EQ(replay(log_of({{1, change}})).error().code, Errc::kEncoding);
  EXPECT_EQ(replay(log_of({{0, change}, {0, change}})).error().code, Errc::kEncoding);
  EXPECT_EQ(replay(log_of({{0, change}, {2, change}})).error().code, Errc::kEncoding);
}

TEST(NvmLogTest, AHeadThatIsWrongIsATornTailOnlyWhenAllBehindItIsZero) {
  const Bytes change = hex("0101610001AA");
  Bytes log = log_of({{0, change}});
  log.resize(log.size() + 40);
  ASSERT_TRUE(replay(log).has_value());
  EXPECT_TRUE(replay(log)->torn);
  log.back() = 0x01;
  EXPECT_EQ(replay(log).error().code, Errc::kEncoding);
}

TEST(NvmLogTest, AFrameThatFailsItsCheckIsATornTailOnlyAtTheEnd) {
  const Bytes change = hex("0101610001AA");
  Bytes last = log_of({{0, change}, {1, change}});
  last.back() ^= 0x01;
  ASSERT_TRUE(replay(last).has_value());
  EXPECT_TRUE(replay(last)->torn);
  EXPECT_EQ(replay(last)->next_sequence, 1U);
  Bytes first = log_of({{0, change}});
  first.back() ^= 0x01;
  append(first, frame(1, change).expose());
  EXPECT_EQ(replay(first).error().code, Errc::kEncoding);
}

TEST(NvmLogTest, AnotherMagicIsNoMemory) {
  for (std::size_t size = 1; size < kMagic.size(); ++size) {
    EXPECT_EQ(replay(ascii(kMagic).first(size)).error().code, Errc::kEncoding) << size;
  }
  EXPECT_TRUE(replay(ascii(kMagic)).has_value());
  EXPECT_EQ(replay(ascii("KBNVM02\n")).error().code, Errc::kEncoding);
}

}  // namespace
}  // namespace kagibin::se::nvm_log
