// SPDX-License-Identifier: Apache-2.0
// X.509 certificates for tests: what an issuer of SCP11 certificates makes, and what a liar does.
//
//   const Bytes der = make_x509({.subject = "OCE", .issuer = "CA", .key = &key, .issuer_key =
//   &ca});
#pragma once

#include <cstdint>
#include <string>

#include "kagibin/base/bytes.h"
#include "kagibin/crypto/curve/curve_key.h"

namespace kagibin::test {

struct X509Wish {
  std::string subject = "subject";  // common names
  std::string issuer = "issuer";
  const crypto::CurvePublicKey* key = nullptr;
  const crypto::CurvePrivateKey* issuer_key = nullptr;
  Bytes serial{0x01};
  std::int64_t not_before = 1'767'225'600;  // 2026-01-01
  std::int64_t not_after = 1'924'905'600;   // 2030-12-31
  bool authority = false;                   // basic constraints, and key usage to go with it
  int path_length = -1;                     // of an authority, up to 127; -1: none
  bool key_usage = true;                    // keyAgreement, or keyCertSign of an authority
  Bytes subject_key_identifier{};           // empty: no such extension
  Bytes authority_key_identifier{};
  std::string extension_oid{};  // of one more extension, critical
  Bytes extension_value{0x05, 0x00};
};

// DER. The signature has the hash of the issuer's curve; its randomness is libcrypto's own.
Bytes make_x509(const X509Wish& wish);

}  // namespace kagibin::test
