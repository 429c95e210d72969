// SPDX-License-Identifier: Apache-2.0
// One element's channel keys out of a master key and its key diversification data (the ten octets
// that INITIALIZE UPDATE answers first), by the two derivations that GlobalPlatform tools know by
// name, so that a host with the same master key opens the same element.
//
//   KDF3  AES: SP 800-108 in counter mode with AES-CMAC,
//         counter (1) | 00 00 00 k | 00 | diversification data (10)
//         (no length behind it, as the standard would have)
//   EMV   3DES (EMV CPS 1.1, 4.1): ECB under the master key of
//         data[4..9] | F0 k | data[4..9] | 0F k
//
// k is 01 for Key-ENC, 02 for Key-MAC, 03 for Key-DEK. Derived keys are as long as the master key:
// 16, 24 or 32 octets (AES), 16 (3DES). Failures: kInvalidArgument for another size.
//
//   const scp::Scp03KeySet keys = KB_TRY(derive_kdf3(master, diversification_data));
#pragma once

#include <array>
#include <cstdint>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/scp/scp02/scp02.h"
#include "kagibin/scp/scp03/scp03.h"

namespace kagibin::cli {

using DiversificationData = std::array<std::uint8_t, 10>;

Result<scp::Scp03KeySet> derive_kdf3(const SecretBytes& master, const DiversificationData& data);
Result<scp::Scp02KeySet> derive_emv(const SecretBytes& master, const DiversificationData& data);

}  // namespace kagibin::cli
