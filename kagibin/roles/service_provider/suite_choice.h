// SPDX-License-Identifier: Apache-2.0
// Which suite an order gets: the one that it names, or the first of the policy's terms for
// the target. Never another one than
// that: where it cannot be had, nothing is ordered (protocol, section 6).
//
//   const std::uint8_t suite = KB_TRY(choose_suite(terms, wish.suite));
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kagibin/roles/service_provider/terms.h"

namespace kagibin::roles::service_provider {

// kPolicy for a suite that terms.suites lacks; kNotSupported for 20 and 21 where the libcrypto of
// this process has no ML-KEM. Both say what would lift it.
Checked<std::uint8_t> choose_suite(const Terms& terms, std::optional<std::uint8_t> wished);
// Two hexadecimal digits, as people write suites. kValue, kNotSupported.
Checked<std::uint8_t> suite_by_name(std::string_view text);

}  // namespace kagibin::roles::service_provider
