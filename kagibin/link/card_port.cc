// SPDX-License-Identifier: Apache-2.0
#include "kagibin/link/card_port.h"

#include <atomic>
#include <chrono>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "kagibin/base/byte_io.h"

namespace kagibin::link {

namespace {

constexpr std::size_t kAddressOctets = 5;
constexpr std::uint8_t kAddress = 0x05;
constexpr int kFirstFrameTimeoutMs = 30'000;
constexpr std::chrono::milliseconds kPauseAfterFailure{100};

enum Answer : std::uint8_t { kIn = 0x00, kNoSuchCard = 0x01, kTaken = 0x02, kBroken = 0x03 };

Answer answer_to(Errc code) {
  switch (code) {
    case Errc::kNotFound:
      return kNoSuchCard;
    case Errc::kConflict:
      return kTaken;
    default:
      return kBroken;
  }
}

std::optional<std::uint32_t> number_in(ByteView frame) {
  ByteReader in(frame);
  if (frame.size() != kAddressOctets || *in.u8() != kAddress) {
    return std::nullopt;
  }
  return *in.u32();
}

Result<void> serve_one(Socket& connection,
                       std::uint32_t number,
                       CardBox& box,
                       const StopSignal& stop) {
  Bytes first = KB_TRY(connection.read_frame(kFirstFrameTimeoutMs, &stop));
  const auto addressed = number_in(first);
  auto card = box.take(addressed.value_or(number));
  if (addressed) {
    const Bytes answer{card ? kIn : answer_to(card.error().code)};
    KB_TRY(connection.write_frame(answer));
  }
  if (!card) {
    return std::unexpected(card.error());
  }
  VpcdCard vpcd(**card);
  if (!addressed) {
    KB_TRY(vpcd.answer(connection, first));
  }
  return vpcd.serve(connection, stop);
}

// The connections of all ports, each with its thread.
class Connections {
 public:
  Connections(CardBox& box, const StopSignal& stop) : box_(box), stop_(stop) {}

  // Takes connections of one port until stopped.
  void accept_all(ListeningSocket& port, std::uint32_t number) {
    for (;;) {
      auto connection = port.accept(stop_);
      if (!connection && stop_.raised()) {
        return;
      }
      if (!connection) {  // too many descriptors, perhaps: some will be closed
        std::this_thread::sleep_for(kPauseAfterFailure);
        continue;
      }
      add(std::move(*connection), number);
    }
  }

 private:
  struct Connection {
    std::atomic<bool> over = false;
    std::jthread thread{};
  };

  void add(Socket socket, std::uint32_t number) {
    const std::lock_guard lock(mutex_);
    std::erase_if(connections_, [](const Connection& one) { return one.over.load(); });
    if (connections_.size() >= CardPort::kMaxConnections) {
      return;
    }
    Connection& one = connections_.emplace_back();
    one.thread = std::jthread([this, &one, number, peer = std::move(socket)]() mutable {
      static_cast<void>(serve_one(peer, number, box_, stop_));
      one.over = true;
    });
  }

  CardBox& box_;
  const StopSignal& stop_;
  std::mutex mutex_;
  std::list<Connection> connections_;  // ends first: its threads use what stands above
};

}  // namespace

Bytes card_address(std::uint32_t number) { return ByteWriter().u8(kAddress).u32(number).take(); }

Result<CardPort> CardPort::open(const std::string& host, std::uint16_t port, std::size_t count) {
  if (count == 0 || count > kMaxPorts) {
    return fail(Errc::kLimit, "1 to 64 ports are listened on");
  }
  constexpr int kTries = 20;  // a free port may have a neighbour in use
  for (int tries = 0; tries < (port == 0 ? kTries : 1); ++tries) {
    std::vector<ListeningSocket> ports;
    ports.push_back(KB_TRY(ListeningSocket::open(host, port)));
    const std::uint16_t first = ports.front().port();
    while (ports.size() < count && first + ports.size() <= 0xFFFF) {
      auto next = ListeningSocket::open(host, static_cast<std::uint16_t>(first + ports.size()));
      if (!next) {
        break;
      }
      ports.push_back(std::move(*next));
    }
    if (ports.size() == count) {
      return CardPort(std::move(ports));
    }
  }
  return fail(Errc::kNetwork, "not all of these neighbouring ports are free");
}

void CardPort::serve(CardBox& box, const StopSignal& stop) {
  Connections connections(box, stop);
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < ports_.size(); ++i) {
    others.emplace_back([&connections, &port = ports_[i], i] {
      connections.accept_all(port, static_cast<std::uint32_t>(i));
    });
  }
  connections.accept_all(ports_.front(), 0);
}

}  // namespace kagibin::link
