// SPDX-License-Identifier: Apache-2.0
// The first key set of a security domain, diversified for one domain of one card from the manager's
// master key: SP 800-108 in counter mode with AES-CMAC.
//
//   Key-ENC | Key-MAC | Key-DEK = KDF(master, label "KB1-SDK", context 81 IIN | 82 CIN | 83 SD AID
//   | 84 KVN as TLVs, 3 * size octets)
//
//   const KeyExport keys = KB_TRY(diversified_keys(master, {.iin = iin, ...}, 16, 0x60));
#pragma once

#include <cstdint>

#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/held_key/derivation_key.h"
#include "kagibin/delivery/exchange/key_export.h"

namespace kagibin::roles::security_module_manager {

struct DomainName {
  Bytes iin;
  Bytes cin;
  Aid security_domain;
  std::uint8_t key_version = 0;
};

// kInvalidArgument unless `key_size` is 16, 24 or 32.
Result<delivery::KeyExport> diversified_keys(const crypto::DerivationKey& master_key,
                                             const DomainName& name,
                                             std::size_t key_size,
                                             std::uint8_t i);

}  // namespace kagibin::roles::security_module_manager
