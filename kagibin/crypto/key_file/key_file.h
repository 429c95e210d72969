// SPDX-License-Identifier: Apache-2.0
// Keys and certificates as files: public keys and X.509 in PEM, transport private keys as PKCS#8 in
// PEM with mode 0600. Long-term private keys of roles that hold secrets are kept in
// sealed_record.h's records, never in these files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/ec/ec_key.h"

namespace kagibin::crypto {

Result<std::string> public_key_to_pem(const EcPublicKey& key);  // SubjectPublicKeyInfo
Result<EcPublicKey> public_key_from_pem(std::string_view pem);
// The key of an X.509 certificate on P-256.
Result<EcPublicKey> public_key_of_certificate(std::string_view certificate_pem);

Result<SecretBytes> private_key_to_pem(const EcPrivateKey& key);  // PKCS#8, not encrypted
Result<EcPrivateKey> private_key_from_pem(ByteView pem);

// Writes through a temporary file in the same folder, fsync, rename; mode 0600 when `secret`, else
// 0644.
Result<void> write_file(const std::filesystem::path& path, ByteView octets, bool secret);
// At most 16 MiB; kNotFound when it does not exist.
Result<SecretBytes> read_file(const std::filesystem::path& path);
// The same of a file that holds no secret: certificates, names, texts of others.
Result<std::string> read_text_file(const std::filesystem::path& path);

}  // namespace kagibin::crypto
