// SPDX-License-Identifier: Apache-2.0
// kagibin/se/nvm/cut_medium.h under the names that tests use.
#pragma once

#include "kagibin/se/nvm/cut_medium.h"

namespace kagibin::test {

using se::Cut;
using se::CutMedium;
using se::Power;

}  // namespace kagibin::test
