// SPDX-License-Identifier: Apache-2.0
// What the load files on an element hold, and the code of their modules: built in (the program's
// ModuleRegistry), or come by LOAD. There is no bytecode here: a module that was loaded runs a
// built-in one of the same AID when there is such a one, and is a LoadedApplication otherwise. For
// se/ only.
#pragma once

#include <vector>

#include "kagibin/se/application.h"
#include "kagibin/se/open/platform.h"

namespace kagibin::se {

struct Executables {
  std::array<std::uint8_t, 2> version{};  // of the load file
  std::vector<Aid> modules{};
};

// Empty for one that should be built in and is not.
std::optional<Executables> executables_of(const Platform& platform, const LoadFileEntry& file);

// A new application of this module. nullptr: there is none, or it is the security domain, which is
// part of OPEN. Precondition: context.code_hash is the file's.
std::unique_ptr<Application> make_application(const Platform& platform,
                                              const LoadFileEntry& file,
                                              const Aid& module,
                                              const ApplicationContext& context);

}  // namespace kagibin::se
