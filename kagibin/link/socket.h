// SPDX-License-Identifier: Apache-2.0
// A TCP socket for whole frames of vpcd's protocol: 2-octet big-endian length, then the octets
// (doc/walkthrough.md).
//
// Every wait has a limit. After each read TCP_QUICKACK is set again and every frame leaves in one
// write with TCP_NODELAY: vpcd sends length and body in two writes, and with delayed
// acknowledgement that costs 40 ms an APDU. Ownership: the descriptor. Thread-safety: one thread;
// stop() of the owner's StopSignal may come from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::link {

// Wakes blocked waits. raise() is safe in a signal handler.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  ~StopSignal();
  void raise() const;
  bool raised() const;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

class Socket {
 public:
  // kNetwork with the reason. `timeout_ms` limits the connection attempt.
  static Result<Socket> connect(const std::string& host, std::uint16_t port, int timeout_ms);
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  // One frame of at most 65,535 octets. kNetwork when the peer has closed or `timeout_ms` passed
  // (negative: no limit), kInterrupted when `stop` was raised.
  Result<Bytes> read_frame(int timeout_ms, const StopSignal* stop);
  Result<void> write_frame(ByteView octets);

 private:
  Result<void> read_exact(MutableByteView out, int timeout_ms, const StopSignal* stop);

  int descriptor_ = -1;
};

class ListeningSocket {
 public:
  // Port 0 takes a free one. The host is an address such as 127.0.0.1.
  static Result<ListeningSocket> open(const std::string& host, std::uint16_t port);
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;
  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  std::uint16_t port() const { return port_; }
  // kInterrupted when `stop` was raised.
  Result<Socket> accept(const StopSignal& stop);

 private:
  ListeningSocket(int descriptor, std::uint16_t port) : descriptor_(descriptor), port_(port) {}
  int descriptor_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace kagibin::link
