// SPDX-License-Identifier: Apache-2.0
// What our virtual elements have in ROM: the key delivery application and the built-in
// applications.
#pragma once

#include "kagibin/se/module_registry.h"

namespace kagibin::cli {

Result<se::ModuleRegistry> standard_modules();

}  // namespace kagibin::cli
