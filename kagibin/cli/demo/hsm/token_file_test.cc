// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/hsm/token_file.h"

#include <gtest/gtest.h>

#include "kagibin/base/byte_io.h"

namespace kagibin::cli::demo {
namespace {

// Of SoftHSM 2.6: a counter, a flag, a number, octets, a set of two mechanisms.
Bytes object_file() {
  return ByteWriter()
      .u64(7)
      .u64(0x02)
      .u64(1)
      .u8(0xFF)
      .u64(0x00)
      .u64(2)
      .u64(4)
      .u64(0x03)
      .u64(3)
      .u64(5)
      .bytes(ascii("fleet"))
      .u64(0x40000600)
      .u64(5)
      .u64(2)
      .u64(0x1087)
      .u64(0x108A)
      .take();
}

TEST(TokenFileTest, ReadsFlagsAndOctetsAndPassesOverTheRest) {
  const auto read = read_object_file(object_file());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->size(), 2U);
  EXPECT_EQ(read->at(0x02), Bytes{0xFF});
  EXPECT_EQ(to_hex(read->at(0x03)), to_hex(ascii("fleet")));
}

TEST(TokenFileTest, RefusesAFileThatIsCutInsideAnAttribute) {
  const Bytes whole = object_file();
  std::size_t refused = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    refused += read_object_file(ByteView(whole).first(size)) ? 0 : 1;
  }
  EXPECT_EQ(refused, whole.size() - 4) << "it reads as a shorter one behind the counter and each "
                                          "attribute but the last alone";
}

TEST(TokenFileTest, RefusesALengthBeyondTheFile) {
  for (const std::uint64_t kind : {3U, 4U, 5U}) {
    const Bytes file = ByteWriter().u64(0).u64(0x03).u64(kind).u64(~std::uint64_t{0}).take();
    EXPECT_FALSE(read_object_file(file).has_value()) << kind;
  }
}

}  // namespace
}  // namespace kagibin::cli::demo
