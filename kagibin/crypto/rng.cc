// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/rng.h"

#include <algorithm>
#include <climits>

#include <openssl/rand.h>

#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {

Result<void> SystemRng::fill(MutableByteView out) {
  const ErrorScope errors;
  while (!out.empty()) {
    const std::size_t count = std::min<std::size_t>(out.size(), INT_MAX);
    if (RAND_priv_bytes(out.data(), static_cast<int>(count)) != 1) {
      return fail(Errc::kCrypto, "the system's random source failed");
    }
    out = out.subspan(count);
  }
  return {};
}

Result<SecretBytes> random_secret(Rng& rng, std::size_t size) {
  SecretBytes out(size);
  KB_TRY(rng.fill(out.expose_mutable()));
  return out;
}

}  // namespace kagibin::crypto
