// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include <gtest/gtest.h>

#include "kagibin/link/card_port.h"
#include "kagibin/link/in_process_link.h"
#include "kagibin/link/pcsc_reader.h"
#include "kagibin/link/tcp_reader.h"
#include "kagibin/link/vpcd_card.h"

namespace kagibin::link {
namespace {

// Answers a command with its own octets and 9000; goes mute on INS FF.
class EchoCard final : public CardSide {
 public:
  void power_on() override { ++powered_on; }
  void power_off() override { ++powered_off; }
  void reset() override { ++resets; }
  Bytes atr() const override { return *from_hex("3B800181"); }
  Result<Bytes> transmit(ByteView command) override {
    if (command.size() > 1 && command[1] == 0xFF) {
      return fail(Errc::kCardLink, "mute");
    }
    Bytes out(command.begin(), command.end());
    append(out, *from_hex("9000"));
    return out;
  }
  std::atomic<int> powered_on = 0;
  std::atomic<int> powered_off = 0;
  std::atomic<int> resets = 0;
};

class VpcdLinkTest : public testing::Test {
 protected:
  VpcdLinkTest()
      : listener_(ListeningSocket::open("127.0.0.1", 0).value()),
        port_(listener_.port()),
        server_([this] { result_ = VpcdCard(card_).serve_listening(listener_, stop_); }) {}
  ~VpcdLinkTest() override { finish(); }
  void finish() {
    stop_.raise();
    if (server_.joinable()) {
      server_.join();
    }
  }

  EchoCard card_;
  StopSignal stop_;
  ListeningSocket listener_;
  std::uint16_t port_;
  Result<void> result_;
  std::thread server_;
};

TEST_F(VpcdLinkTest, CarriesApdusOfEveryLengthBothWays) {
  auto reader = TcpReader::connect("127.0.0.1", port_).value();
  EXPECT_EQ(to_hex(reader->atr().value()), "3B800181");
  for (const std::size_t size : {4UZ, 5UZ, 255UZ, 256UZ, 261UZ, 4'096UZ, 65'533UZ}) {
    const Bytes command(size, 0x5A);
    const auto answer = reader->transmit(command);
    ASSERT_TRUE(answer.has_value()) << size;
    EXPECT_EQ(answer->size(), size + 2);
  }
  EXPECT_TRUE(reader->reset().has_value());
  EXPECT_TRUE(reader->atr().has_value());
  EXPECT_EQ(card_.resets, 1);
  EXPECT_EQ(card_.powered_on, 1);
}

TEST_F(VpcdLinkTest, ServesReadersOneAfterTheOther) {
  for (int i = 0; i < 3; ++i) {
    auto reader = TcpReader::connect("127.0.0.1", port_).value();
    EXPECT_TRUE(reader->transmit(*from_hex("00A40400")).has_value());
  }
  finish();
  EXPECT_EQ(card_.powered_on, 3);
  EXPECT_GE(card_.powered_off, 3);
  EXPECT_TRUE(result_.has_value());
}

TEST_F(VpcdLinkTest, MuteCardLooksRemovedToTheReader) {
  auto reader = TcpReader::connect("127.0.0.1", port_).value();
  const auto answer = reader->transmit(*from_hex("00FF0000"));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, Errc::kCardLink);
  finish();
  EXPECT_FALSE(result_.has_value());
}

TEST_F(VpcdLinkTest, RefusesACommandShorterThanItsHeader) {
  auto reader = TcpReader::connect("127.0.0.1", port_).value();
  EXPECT_EQ(reader->transmit(*from_hex("00A4")).error().code, Errc::kInvalidArgument);
}

// vpcd may put a control octet and the next frame into one segment: lengths decide, not reads.
TEST_F(VpcdLinkTest, SplitsFramesThatShareASegmentByTheirLengths) {
  auto socket = Socket::connect("127.0.0.1", port_, 1'000).value();
  EXPECT_TRUE(socket.write_frame(*from_hex("01")).has_value());
  EXPECT_TRUE(socket.write_frame(*from_hex("02")).has_value());
  EXPECT_TRUE(socket.write_frame(*from_hex("04")).has_value());
  EXPECT_TRUE(socket.write_frame(*from_hex("00B00000")).has_value());
  EXPECT_EQ(to_hex(socket.read_frame(1'000, nullptr).value()), "3B800181");
  EXPECT_EQ(to_hex(socket.read_frame(1'000, nullptr).value()), "00B000009000");
}

TEST(TcpReaderTest, SaysThatNoCardListens) {
  const std::uint16_t port = [] { return ListeningSocket::open("127.0.0.1", 0).value().port(); }();
  const auto reader = TcpReader::connect("127.0.0.1", port);
  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().code, Errc::kCardLink);
}

TEST(SocketTest, ReadGivesUpAfterItsLimit) {
  auto listener = ListeningSocket::open("127.0.0.1", 0).value();
  auto socket = Socket::connect("127.0.0.1", listener.port(), 1'000).value();
  EXPECT_EQ(socket.read_frame(50, nullptr).error().code, Errc::kNetwork);
  const StopSignal stop;
  stop.raise();
  EXPECT_EQ(socket.read_frame(-1, &stop).error().code, Errc::kInterrupted);
}

TEST(InProcessLinkTest, PowersTheCardOnAndPassesAnswers) {
  EchoCard card;
  InProcessLink link(card);
  EXPECT_EQ(card.powered_on, 1);
  EXPECT_EQ(to_hex(link.transmit(*from_hex("00B00000")).value()), "00B000009000");
}

TEST(PcscReaderTest, SaysThatNoPcscdAnswers) {
  setenv("PCSCLITE_CSOCK_NAME", "/nonexistent/pcscd.comm", 1);
  EXPECT_EQ(pcsc_reader_names().error().code, Errc::kCardLink);
  EXPECT_EQ(PcscReader::connect("0").error().code, Errc::kCardLink);
}

// Cards 0 to 9; card 3 is always taken, card 4 broken. A card tells its number.
class TenCards final : public CardBox {
 public:
  class Card final : public CardSide {
   public:
    Card(std::uint8_t number, std::atomic<int>& in) : number_(number), in_(in) { ++in_; }
    ~Card() override { --in_; }
    void power_on() override {}
    void power_off() override {}
    void reset() override {}
    Bytes atr() const override { return {0x3B, number_}; }
    Result<Bytes> transmit(ByteView /*command*/) override { return Bytes{number_, 0x90, 0x00}; }

   private:
    std::uint8_t number_;
    std::atomic<int>& in_;
  };
  Result<std::unique_ptr<CardSide>> take(std::uint32_t number) override {
    if (number >= 10) {
      return fail(Errc::kNotFound, "no such card");
    }
    if (number == 3) {
      return fail(Errc::kConflict, "taken");
    }
    if (number == 4) {
      return fail(Errc::kEncoding, "broken");
    }
    return std::make_unique<Card>(static_cast<std::uint8_t>(number), in);
  }
  std::atomic<int> in = 0;
};

class CardPortTest : public testing::Test {
 protected:
  CardPortTest()
      : ports_(CardPort::open("127.0.0.1", 0, 2).value()),
        server_([this] { ports_.serve(box_, stop_); }) {}
  ~CardPortTest() override { finish(); }
  void finish() {
    stop_.raise();
    if (server_.joinable()) {
      server_.join();
    }
  }
  auto connect(std::optional<std::uint32_t> number, std::uint16_t port = 0) {
    return TcpReader::connect("127.0.0.1", static_cast<std::uint16_t>(ports_.port() + port),
                              number);
  }

  TenCards box_;
  StopSignal stop_;
  CardPort ports_;
  std::thread server_;
};

TEST_F(CardPortTest, ReachesEachCardByItsNumberAndTheFirstOnesByTheirPorts) {
  const Bytes command = *from_hex("00A40400");
  for (const std::uint32_t number : {0U, 1U, 9U}) {
    auto reader = connect(number).value();
    EXPECT_EQ(reader->transmit(command).value()[0], number);
    EXPECT_EQ(reader->atr().value()[1], number);
    // The number counts, whichever port it came to.
    EXPECT_EQ(connect(number, 1).value()->transmit(command).value()[0], number);
  }
  EXPECT_EQ(connect({}).value()->transmit(command).value()[0], 0);
  EXPECT_EQ(connect({}, 1).value()->transmit(command).value()[0], 1);
}

TEST_F(CardPortTest, SaysWhyACardIsNotToBeHad) {
  EXPECT_EQ(connect(10).error().code, Errc::kNotFound);
  EXPECT_EQ(connect(0xFFFFFFFF).error().code, Errc::kNotFound);
  EXPECT_NE(connect(3).error().detail.text().find("another reader"), std::string_view::npos);
  EXPECT_NE(connect(4).error().detail.text().find("does not work"), std::string_view::npos);
}

TEST_F(CardPortTest, ManyReadersAreServedAtOnceAndAllCardsGoBack) {
  std::vector<std::unique_ptr<TcpReader>> readers;
  for (int i = 0; i < 100; ++i) {
    readers.push_back(connect(static_cast<std::uint32_t>(5 + i % 5)).value());
  }
  for (std::size_t i = 0; i < readers.size(); ++i) {
    EXPECT_EQ(readers[i]->transmit(*from_hex("00A40400")).value()[0], 5 + i % 5);
  }
  EXPECT_EQ(box_.in, 100);
  finish();
  EXPECT_EQ(box_.in, 0);
}

TEST_F(VpcdLinkTest, ACardAloneBehindItsPortDoesNotKnowNumbers) {
  const auto reader = TcpReader::connect("127.0.0.1", port_, 1);
  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().code, Errc::kCardLink);
}

}  // namespace
}  // namespace kagibin::link
