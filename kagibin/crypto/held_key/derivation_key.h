// SPDX-License-Identifier: Apache-2.0
// An AES master key that keys of elements are derived from, wherever it is held (signing_key.h):
// SP 800-108 in counter mode with AES-CMAC, as diversify_cmac (kdf.h). From a token the derived key
// comes out, for that is what is delivered; the master key does not.
//
// Ownership: a handle; copies share one holder. Thread-safety: const use may be shared.
//
//   const DerivationKey master = KB_TRY(records.derivation_key("master.fleet-2026"));
//   const SecretBytes key = KB_TRY(master.diversify(ascii("KB1-KDV"), context, 16));
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::crypto {

class DerivationKey {
 public:
  class Holder {
   public:
    Holder() = default;
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    virtual ~Holder() = default;
    virtual Result<SecretBytes> diversify(ByteView label,
                                          ByteView context,
                                          std::size_t size) const = 0;
    virtual std::string_view token_uri() const { return {}; }
  };

  // kInvalidArgument unless it is an AES key: 16, 24 or 32 octets.
  static Result<DerivationKey> in_memory(SecretBytes key);
  explicit DerivationKey(std::shared_ptr<const Holder> holder) : holder_(std::move(holder)) {}

  // Its name (RFC 7512) where it is in a token; empty where it is not.
  std::string_view token_uri() const { return holder_->token_uri(); }
  // `size`: 1 octet to 1 MiB; a token takes no more than kTokenLimit. kInvalidArgument, kCrypto,
  // and what a token answers.
  Result<SecretBytes> diversify(ByteView label, ByteView context, std::size_t size) const {
    return holder_->diversify(label, context, size);
  }
  static constexpr std::size_t kTokenLimit = 1024;

 private:
  std::shared_ptr<const Holder> holder_;
};

}  // namespace kagibin::crypto
