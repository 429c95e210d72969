// SPDX-License-Identifier: Apache-2.0
// Which key blocks fit which purpose here, by the usages and modes of ANSI X9.143 (6.3.1, 6.3.3,
// 6.3.5), as doc/key_blocks.md prints it:
//
//   B3        master key: element keys are derived from it; mode X or N
//   K1        protection key of further key blocks; modes B, D, E, N
//   B1, D0, D3, K0, M6, P0   key of one element, which uses it as the block says; never with
//                            exportability N, since its delivery hands it on
//
// All else is refused with the reason. Thread-safety: functions.
//
//   const KeyPurpose purpose = KB_TRY(purpose_of(block.header));
#pragma once

#include <cstdint>
#include <string_view>

#include "kagibin/crypto/key_block/key_block.h"
#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

enum class KeyPurpose : std::uint8_t { kMasterKey = 1, kProtectionKey = 2, kElementKey = 3 };

std::string_view name(KeyPurpose purpose);  // "master key"

// kPolicy, kNotSupported or kValue with the reason. To be asked of an authentic header.
Checked<KeyPurpose> purpose_of(const crypto::KeyBlockHeader& header);

// kPolicy when a key would lie under a weaker one.
Checked<void> check_strength(std::size_t key_bytes, std::size_t protection_key_bytes);

}  // namespace kagibin::roles::service_provider
