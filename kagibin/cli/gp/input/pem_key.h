// SPDX-License-Identifier: Apache-2.0
// Public and private keys in PEM (RFC 7468) as kagibin gp takes them: RSA and EC (P-256, P-384)
// public keys as SubjectPublicKeyInfo or in an X.509 certificate, EC private keys as PKCS #8 or
// SEC 1 and RSA private keys as PKCS #8 or PKCS #1, not encrypted, and certificates of SCP11 in PEM
// or in octets.
//
// Private keys come from files that nobody else may read (private_file.h). Errors: kEncoding for
// what is none of these, kNotSupported for another curve; kNotFound, kPolicy, kIo.
#pragma once

#include <filesystem>

#include "kagibin/gp/key/key.h"

namespace kagibin::cli {

Result<gp::Key> read_public_key(const std::filesystem::path& path);
Result<crypto::CurvePublicKey> read_curve_public_key(const std::filesystem::path& path);
Result<crypto::CurvePrivateKey> read_curve_private_key(const std::filesystem::path& path);
// RSA or EC, in PEM.
Result<gp::Key> read_private_key(const std::filesystem::path& path);
// A private key that signs tokens: RSA or EC in PEM, or the single symmetric key of a key file
// (key_file.h).
Result<gp::Key> read_signing_key(const std::filesystem::path& path);
// A key that verifies receipts: public, RSA or EC in PEM or in a certificate; or symmetric, as
// above.
Result<gp::Key> read_verifying_key(const std::filesystem::path& path);
// X.509 in PEM becomes DER; everything else is taken as it is.
Result<Bytes> read_certificate(const std::filesystem::path& path);

// The parts of the above that need no file.
Result<gp::Key> parse_public_key(std::string_view pem);
Result<crypto::CurvePrivateKey> parse_curve_private_key(ByteView pem);
Result<gp::Key> parse_private_key(ByteView pem);

}  // namespace kagibin::cli
