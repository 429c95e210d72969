// SPDX-License-Identifier: Apache-2.0
// The file that `distributor invite` hands to a service provider or an agent: where the distributor
// is, its transport CA, and a one-time identity ("invitation:<token>") with which a certificate is
// fetched. Text with PEM blocks, so that openssl reads them too:
//
//   kagibin-invitation: 1
//   subject: device:phone-7
//   server: distributor.example:8443
//   <CA certificate> <invitation certificate> <invitation private key>
//
// Holds a private key: SecretBytes, mode 0600, worthless after use. Strict decoder (kEncoding);
// limit 16 KiB.
#pragma once

#include <string>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::delivery {

struct Invitation {
  std::string subject{};  // what the certificate will say
  std::string host{};
  std::uint16_t port = 0;
  std::string ca_certificate_pem{};
  std::string certificate_pem{};
  SecretBytes private_key_pem{};
};

Result<SecretBytes> encode_invitation(const Invitation& invitation);
Result<Invitation> decode_invitation(ByteView file);

}  // namespace kagibin::delivery
