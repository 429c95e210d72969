// SPDX-License-Identifier: Apache-2.0
// Commands in pieces: what is joined, what drops the pieces, and their limits.
#include "kagibin/gp/command_pieces.h"

#include "kagibin/se/domain/content/content_test_bench.h"

namespace kagibin::se {
namespace {

class CommandPiecesTest : public ContentBench {};

// INSTALL with parameters that no short command holds.
apdu::CommandApdu long_install() {
  return gp::Install{.load_file = aid(kTestFile),
                     .module = aid(kTestModule),
                     .application = aid(kTestAid),
                     .parameters = gp::with_application_parameters(Bytes(600, 0x42))}
      .encode()
      .value();
}
scp::PlainCommand plain(const apdu::CommandApdu& command) {
  return {.cla = command.cla,
          .ins = command.ins,
          .p1 = command.p1,
          .p2 = command.p2,
          .data = command.data,
          .le = command.le};
}

// GPCS 11.1.5.1: commands in pieces
TEST_F(CommandPiecesTest, TakesLongCommandsInPiecesByP1AndByClass) {
  for (const bool by_class : {false, true}) {
    const apdu::CommandApdu whole = long_install();
    const auto wrapped = host_->wrap(plain(whole), true).value();
    auto pieces = gp::cut_into_pieces(wrapped);
    ASSERT_EQ(pieces.size(), 3U);
    apdu::ResponseApdu last;
    for (apdu::CommandApdu& piece : pieces) {
      if (by_class && &piece != &pieces.back()) {
        piece.p1 &= 0x7F;
        piece.cla |= 0x10;
      }
      last = bench_.send(piece);
      if (&piece != &pieces.back()) {
        EXPECT_EQ(last.sw.value, 0x9000);
        EXPECT_TRUE(last.data.empty()) << "no R-MAC";
      }
    }
    const auto opened = host_->unwrap(last);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(opened->response.sw.value, 0x9000);
    EXPECT_EQ(status(erase(kTestAid)), 0x9000);
  }
}

TEST_F(CommandPiecesTest, AnotherCommandDropsThePieces) {
  const auto pieces = gp::cut_into_pieces(host_->wrap(plain(long_install()), true).value());
  ASSERT_EQ(bench_.send(pieces[0]).sw.value, 0x9000);
  EXPECT_EQ(bench_.send(pieces[2]).sw.value, 0x6982) << "one is missing: the C-MAC is wrong";
  open_isd();
  const auto again = gp::cut_into_pieces(host_->wrap(plain(long_install()), true).value());
  ASSERT_EQ(bench_.send(again[0]).sw.value, 0x9000);
  auto other = again[1];
  other.p2 = 0x01;
  EXPECT_EQ(bench_.send(other).sw.value, 0x9000) << "the first of another command";
  EXPECT_EQ(bench_.send(again[2]).sw.value, 0x6982);
  EXPECT_FALSE(entry(kTestAid).has_value());
}

TEST_F(CommandPiecesTest, PiecesHaveALimitAndNeedASession) {
  apdu::CommandApdu piece{.cla = 0x84, .ins = 0xE6, .p1 = 0x8C, .data = Bytes(255)};
  std::uint16_t answer = 0x9000;
  int count = 0;
  while (answer == 0x9000 && count < 100) {
    answer = bench_.send(piece).sw.value;
    ++count;
  }
  EXPECT_EQ(answer, 0x6700);
  EXPECT_EQ(count, 65);
  bench_.select("");
  piece.cla = 0x80;
  EXPECT_EQ(bench_.send(piece).sw.value, 0x6982);
  piece.p1 = 0x0C;
  piece.cla = 0x90;
  EXPECT_EQ(bench_.send(piece).sw.value, 0x6982);
  piece.ins = 0xF2;
  EXPECT_EQ(bench_.send(piece).sw.value, 0x6884);
}

}  // namespace
}  // namespace kagibin::se
