// SPDX-License-Identifier: Apache-2.0
// Who we are on a TLS connection, and whom we believe.
#pragma once

#include <filesystem>
#include <string>

#include "kagibin/base/secret.h"

namespace kagibin::net {
struct TlsIdentity {
  std::string certificate_pem;  // ours; a chain is allowed
  SecretBytes key_pem;          // PKCS#8, not encrypted
  std::string ca_pem;           // the CA that we believe, or two while one replaces the other
};

// A file to which the TLS secrets of every connection are appended (the format of SSLKEYLOGFILE),
// so that a capture can be read. It undoes TLS: for the demo's search of the carrier's capture and
// for nothing else. There is no environment variable for it.
struct DemoKeyLog {
  std::filesystem::path path;
};

}  // namespace kagibin::net
