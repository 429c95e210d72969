// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/content/executables.h"

#include <algorithm>

#include "kagibin/se/open/content/loaded_application.h"

namespace kagibin::se {

std::optional<Executables> executables_of(const Platform& platform, const LoadFileEntry& file) {
  if (file.loaded) {
    return Executables{.version = file.version, .modules = file.modules};
  }
  const LoadFile* built_in = platform.modules.load_file(file.aid);
  if (built_in == nullptr) {
    return std::nullopt;
  }
  return Executables{.version = built_in->version, .modules = built_in->modules};
}

std::unique_ptr<Application> make_application(const Platform& platform,
                                              const LoadFileEntry& file,
                                              const Aid& module,
                                              const ApplicationContext& context) {
  const ApplicationFactory* factory = file.loaded ? platform.modules.factory_of(module)
                                                  : platform.modules.factory(file.aid, module);
  if (factory != nullptr && *factory) {
    return (*factory)(context);
  }
  if (file.loaded && std::ranges::find(file.modules, module) != file.modules.end()) {
    return std::make_unique<LoadedApplication>();
  }
  return nullptr;
}

}  // namespace kagibin::se
