// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/se/standard_modules.h"

#include "kagibin/se/applications/built_in_applications.h"
#include "kagibin/se/kda/key_delivery_application.h"
#include "kagibin/se/kda/own/own_delivery.h"

namespace kagibin::cli {

Result<se::ModuleRegistry> standard_modules() {
  se::ModuleRegistry modules;
  KB_TRY(modules.add(se::key_delivery_built_in()));
  KB_TRY(modules.add(se::own_delivery_built_in()));
  KB_TRY(se::add_built_in_applications(modules));
  return modules;
}

}  // namespace kagibin::cli
