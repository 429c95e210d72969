// SPDX-License-Identifier: Apache-2.0
// The applications that every virtual element of ours can run, each with its load file:
// payment_credential.h and digital_key.h.
//
// Their AIDs are proprietary (ISO/IEC 7816-4, 8.2.1.2): F0 "PAYMENT" 01 and F0 "DIGIKEY" 01,
// modules with 01 appended.
//
//   se::ModuleRegistry modules;
//   KB_TRY(se::add_built_in_applications(modules));
#pragma once

#include "kagibin/se/module_registry.h"

namespace kagibin::se {

Aid payment_credential_load_file();
Aid payment_credential_module();
Aid digital_key_load_file();
Aid digital_key_module();

// kConflict when one is there already.
Result<void> add_built_in_applications(ModuleRegistry& modules);

}  // namespace kagibin::se
