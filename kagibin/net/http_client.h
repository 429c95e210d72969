// SPDX-License-Identifier: Apache-2.0
// An HTTPS client (HTTP/1.1 over TLS 1.3) behind delivery/http_port.h: one connection that is kept,
// resumed sessions, the server's name checked under one pinned CA.
//
// send() blocks. It opens a connection when there is none, and once more when the kept one turns
// out to be closed before any octet of an answer; all else that goes wrong is the caller's to
// retry. Failures: kNetwork, kTls, kHttp; kInterrupted once `stop` asked us to end: a request that
// waits is given up at once, any other has half a second left. Limits: a header of 8 KiB, a body of
// max_body_bytes. Thread-safety: one thread at a time; `stop` is asked from any thread.
//
//   const auto http = KB_TRY(open_https_client({.host = "localhost", .port = 8443}, identity));
//   delivery::DeviceApi api(*http);
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "kagibin/base/result.h"
#include "kagibin/delivery/http_port.h"
#include "kagibin/net/tls_identity.h"

namespace kagibin::net {

struct HttpClientOptions {
  std::string host;  // where to connect: the server, or a carrier before it
  std::uint16_t port = 0;
  // The name or address that the server's certificate must have; empty: host.
  std::string server_name{};
  std::size_t max_body_bytes = 1U << 20U;
  std::chrono::seconds connect_timeout{10};   // with the handshake
  std::chrono::seconds request_timeout{100};  // longer than the longest ?wait=
  // The time to check the server's certificate at, for a device whose clock is wrong (protocol,
  // section 7); empty: the system's. Seconds since 1970-01-01 UTC.
  std::optional<std::int64_t> verification_time{};
  std::optional<DemoKeyLog> demo_key_log{};
  std::stop_token stop{};
};

// Does not connect yet. kTls (identity), kIo (key log).
Result<std::unique_ptr<delivery::HttpClient>> open_https_client(const HttpClientOptions& options,
                                                                const TlsIdentity& identity);

}  // namespace kagibin::net
