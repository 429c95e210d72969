// SPDX-License-Identifier: Apache-2.0
// The lines where a value computed from secrets becomes one that everybody may know: the verdict on
// a MAC, the length behind a padding. Only behind such a line may control flow follow a secret.
//
// It changes nothing. tests/secrets runs the code with its secrets marked as undefined memory, and
// there this function takes the mark away: what branches on a secret elsewhere is found.
// Thread-safety: any.
//
//   return declassified(difference) == 0;
#pragma once

#include <cstddef>

namespace kagibin {

std::size_t declassified(std::size_t value);

}  // namespace kagibin
