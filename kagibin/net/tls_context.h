// SPDX-License-Identifier: Apache-2.0
// TLS 1.3 with certificates on both ends (RFC 8446), for http_server.cc and http_client.cc only:
// other units never see Asio.
//
// Both ends trust one CA, or two while one replaces the other, and nothing of the system. A server
// lets a client without a certificate in (it may ask for its health and nothing else) and refuses
// one whose certificate is not good. Failures: kTls with what is wrong with the identity.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "kagibin/base/result.h"
#include "kagibin/net/tls_identity.h"

namespace kagibin::net {

// A context whose key log, where asked for, lives as long as it.
class TlsContext {
 public:
  static Result<TlsContext> server(const TlsIdentity& identity,
                                   const std::optional<DemoKeyLog>& key_log);
  static Result<TlsContext> client(const TlsIdentity& identity,
                                   const std::optional<DemoKeyLog>& key_log);

  // Certificates are checked at this time (seconds since 1970) instead of the system's.
  void verify_at(std::int64_t seconds);
  boost::asio::ssl::context& get() { return *context_; }

 private:
  explicit TlsContext(std::unique_ptr<boost::asio::ssl::context> context)
      : context_(std::move(context)) {}
  static Result<TlsContext> make(const TlsIdentity& identity,
                                 const std::optional<DemoKeyLog>& key_log,
                                 bool server);

  std::unique_ptr<boost::asio::ssl::context> context_;
};

// The common name of the certificate that the other end proved to hold; empty when it showed none,
// or when its subject has not exactly one common name.
std::optional<std::string> peer_common_name(ssl_st* connection);

}  // namespace kagibin::net
