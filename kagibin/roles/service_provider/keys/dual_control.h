// SPDX-License-Identifier: Apache-2.0
// Dual control of master keys: what a second custodian's passphrase adds to the key store's own.
//
// A key under dual control is sealed under the second passphrase (crypto/record/sealed_record.h)
// and the result under the store's: it opens with both alone. Record "dual_control" tells a wrong
// second passphrase from a damaged key. Limits: one second custodian a key store; both passphrases
// are in one process while a key is in use, and doc/key_blocks.md says what that does not stop.
// Ownership: keeps the key that opens. Thread-safety: const use may be shared.
//
//   const DualControl second = KB_TRY(DualControl::open(passphrase, record.expose()));
//   const SecretBytes key = KB_TRY(second.unseal("dual.fleet", sealed.expose()));
#pragma once

#include <string_view>

#include "kagibin/crypto/record/sealed_record.h"

namespace kagibin::roles::service_provider {

class DualControl {
 public:
  // A new second custodian; `record` becomes what open() takes. kInvalidArgument for an empty
  // passphrase.
  static Result<DualControl> create(const SecretBytes& passphrase,
                                    crypto::Rng& rng,
                                    Bytes& record,
                                    crypto::ScryptCost cost = {});
  // kAuthentication for another passphrase.
  static Result<DualControl> open(const SecretBytes& passphrase, ByteView record);

  Result<Bytes> seal(std::string_view label, ByteView key, crypto::Rng& rng) const {
    return key_.seal(label, key, rng);
  }
  Result<SecretBytes> unseal(std::string_view label, ByteView sealed) const {
    return key_.open(label, sealed);
  }

 private:
  explicit DualControl(crypto::RecordKey key) : key_(std::move(key)) {}
  crypto::RecordKey key_;
};

}  // namespace kagibin::roles::service_provider
