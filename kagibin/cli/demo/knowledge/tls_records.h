// SPDX-License-Identifier: Apache-2.0
// Takes TLS 1.3 (RFC 8446) off a carrier's capture, with the secrets that an end logged for the
// demo (SSLKEYLOGFILE's format): what a carrier would see that had broken TLS.
//
// Suites: TLS_AES_128_GCM_SHA256 and TLS_AES_256_GCM_SHA384; kNotSupported for others. Key updates
// are followed. Fails (kAuthentication) on a protected record that does not open, so that what
// comes out is everything; a record cut off by the capture's end is left. Thread-safety: functions.
//
//   const TlsKeyLog log = TlsKeyLog::parse(text);
//   const Bytes plain = KB_TRY(open_tls(to_server, to_client, log));
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::cli::demo {

class TlsKeyLog {
 public:
  // Lines that are no "LABEL RANDOM SECRET" are passed over.
  static TlsKeyLog parse(std::string_view text);
  // kNotFound when the log has none for this connection.
  Result<SecretBytes> secret(std::string_view label, ByteView client_random) const;

 private:
  std::map<std::string, SecretBytes, std::less<>> secrets_;  // by "LABEL RANDOM"
};

// The plaintext of both directions of one connection, handshake included: to the server, then to
// the client.
Result<Bytes> open_tls(ByteView to_server, ByteView to_client, const TlsKeyLog& log);

}  // namespace kagibin::cli::demo
