// SPDX-License-Identifier: Apache-2.0
// A TCP forwarder: the carrier's part of the way. It opens one connection to the server for each
// that a client opens, passes octets both ways unchanged, and shows each piece to a tap.
//
// Limits: 256 connections at a time; 16 KiB a piece. Errors of open(): kNetwork. Thread-safety:
// run() in one thread, stop() from any thread (not from a signal handler).
//
//   TcpRelay relay = ...open({"127.0.0.1", 0}, {"127.0.0.1", 8443}, tap);
//   relay->run();
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::net {

struct RelayEndpoint {
  std::string host;
  std::uint16_t port = 0;
};

class TcpRelay {
 public:
  // `to_server` tells the direction; connections count from 1. Called before the piece goes on.
  using Tap = std::function<void(std::uint32_t connection, bool to_server, ByteView octets)>;

  // Listens when it returns; port 0 takes a free one.
  static Result<std::unique_ptr<TcpRelay>> open(const RelayEndpoint& listen,
                                                const RelayEndpoint& server,
                                                Tap tap);
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;
  ~TcpRelay();

  std::uint16_t port() const;
  void run();
  void stop();

 private:
  struct Parts;
  explicit TcpRelay(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kagibin::net
