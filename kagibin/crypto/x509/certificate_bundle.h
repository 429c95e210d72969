// SPDX-License-Identifier: Apache-2.0
// Several certificates in PEM, one behind the other: the roots that are believed at one time, of
// which there are two while one takes the other's place.
//
//   const std::vector<std::string> roots = KB_TRY(split_certificates(bundle, 2));
//   if (KB_TRY(is_issued_by(certificate, roots.front()))) { ... }
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::crypto {

// Each certificate's own PEM text, in order; nothing but white space stands between. kEncoding for
// anything else, kLimit over `most`, kValue for none and for one that stands twice.
Result<std::vector<std::string>> split_certificates(std::string_view bundle, std::size_t most);

// A root's word for the one that follows it: its signature over the other's certificate. kEncoding.
Result<Bytes> sign_successor(const EcPrivateKey& key, std::string_view successor_pem, Rng& rng);
// False for any other root, certificate and signature.
Result<bool> is_successor(std::string_view successor_pem,
                          std::string_view root_pem,
                          ByteView signature);

// By name and signature. kEncoding when either is not one certificate.
Result<bool> is_issued_by(std::string_view certificate_pem, std::string_view issuer_pem);

}  // namespace kagibin::crypto
