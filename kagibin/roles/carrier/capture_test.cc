// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/carrier/capture.h"

#include <gtest/gtest.h>

namespace kagibin::roles::carrier {
namespace {

Bytes two_pieces() {
  Bytes out = capture_head();
  append(out, encode_piece({.time_us = 1, .connection = 1, .octets = {1, 2, 3}}));
  append(out,
         encode_piece(
             {.time_us = 2, .connection = 1, .direction = Direction::kToClient, .octets = {4}}));
  append(out, encode_piece({.time_us = 3, .connection = 1, .octets = {5}}));
  return out;
}

TEST(CaptureTest, RoundTripsAndJoinsADirection) {
  const auto pieces = decode_capture(two_pieces());
  ASSERT_TRUE(pieces.has_value());
  ASSERT_EQ(pieces->size(), 3U);
  EXPECT_EQ(joined(*pieces, 1, Direction::kToServer), (Bytes{1, 2, 3, 5}));
  EXPECT_EQ(joined(*pieces, 1, Direction::kToClient), Bytes{4});
  EXPECT_TRUE(joined(*pieces, 2, Direction::kToClient).empty());
  Bytes again = capture_head();
  for (const Piece& piece : *pieces) {
    append(again, encode_piece(piece));
  }
  EXPECT_EQ(again, two_pieces());
}

TEST(CaptureTest, TruncationAnywhereInsideARecordIsAnError) {
  const Bytes whole = two_pieces();
  std::size_t good = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    good += decode_capture(ByteView(whole).first(size)).has_value() ? 1U : 0U;
  }
  EXPECT_EQ(good, 3U);  // behind the head and behind each of the first two records
}

TEST(CaptureTest, RefusesForeignFilesDirectionsAndLengths) {
  EXPECT_EQ(decode_capture(ascii("pcap....")).error().code, Errc::kEncoding);
  Bytes octets = two_pieces();
  octets[7 + 12] = 2;
  EXPECT_EQ(decode_capture(octets).error().code, Errc::kValue);
  octets[7 + 12] = 0;
  octets[7 + 13] = 0x7F;
  EXPECT_EQ(decode_capture(octets).error().code, Errc::kLimit);
}

}  // namespace
}  // namespace kagibin::roles::carrier
