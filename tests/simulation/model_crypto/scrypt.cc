// SPDX-License-Identifier: Apache-2.0
// The model of kagibin/crypto/record/scrypt.h: a hash, without the cost.
#include "kagibin/crypto/record/scrypt.h"

#include "tests/simulation/model_crypto/mixing.h"

namespace kagibin::crypto {

Result<SecretArray<32>> run_scrypt(const SecretBytes& passphrase,
                                   ByteView salt,
                                   const ScryptCost& cost) {
  SecretArray<32> key;
  model_crypto::Mixing("scrypt")
      .add(passphrase.expose())
      .add(salt)
      .add(std::uint64_t{cost.log2_n} << 16U | std::uint64_t{cost.r} << 8U | cost.p)
      .give(key.expose_mutable());
  return key;
}

}  // namespace kagibin::crypto
