// SPDX-License-Identifier: Apache-2.0
// Making an element's first content out of its profile, inside one transaction, and comparing the
// code that the program has with the code that an element was made with. For se/ only.
#pragma once

#include "kagibin/se/open/instances.h"

namespace kagibin::se {

Result<void> manufacture(Platform& platform, Instances& instances, const ElementProfile& profile);

// Every load file on the element that was not loaded is built in with the same code hash
// (kNotFound, kConflict), or is updated to the program's when `update` says so.
Result<void> check_code(Platform& platform, bool update);

}  // namespace kagibin::se
