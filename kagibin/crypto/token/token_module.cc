// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/token_module.h"

#include <cstdlib>
#include <optional>

#include "kagibin/crypto/token/token_failure.h"

namespace kagibin::crypto::token {
namespace {

// Slots come and go between the two calls.
constexpr std::size_t kMostSlots = 256;

}  // namespace

Result<TokenModules> TokenModules::load(const TokenUri& uri) {
  TokenModules out;
  std::vector<CK_FUNCTION_LIST*> loaded;
  if (uri.module_path().empty()) {
    CK_FUNCTION_LIST** registered = p11_kit_modules_load(nullptr, 0);
    for (CK_FUNCTION_LIST** at = registered; at != nullptr && *at != nullptr; ++at) {
      loaded.push_back(*at);
    }
    // The list is p11-kit's; what is in it is released one by one.
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): p11-kit gives what free() takes
    std::free(static_cast<void*>(registered));
  } else if (CK_FUNCTION_LIST* module = p11_kit_module_load(uri.module_path().c_str(), 0)) {
    loaded.push_back(module);
  } else {
    return fail(
        Errc::kNotFound,
        "the PKCS#11 module of module-path cannot be loaded: no such file, or none of its kind");
  }
  for (CK_FUNCTION_LIST* module : loaded) {
    if (p11_kit_module_initialize(module) == CKR_OK) {
      out.modules_.push_back(module);
    } else {
      p11_kit_module_release(module);
    }
  }
  if (out.modules_.empty()) {
    return fail(loaded.empty() ? Errc::kNotFound : Errc::kCrypto,
                "no PKCS#11 module starts here: name one by module-path, or see what p11-kit "
                "list-modules says");
  }
  return out;
}

TokenModules::~TokenModules() {
  for (CK_FUNCTION_LIST* module : modules_) {
    p11_kit_module_finalize(module);
    p11_kit_module_release(module);
  }
}

Result<TokenPlace> TokenModules::find(const TokenUri& uri) const {
  std::optional<TokenPlace> found;
  CK_RV last = CKR_OK;
  for (CK_FUNCTION_LIST* module : modules_) {
    std::vector<CK_SLOT_ID> slots(kMostSlots);
    CK_ULONG count = slots.size();
    const CK_RV listed = module->C_GetSlotList(CK_TRUE, slots.data(), &count);
    if (listed != CKR_OK) {
      last = listed;
      continue;
    }
    slots.resize(count);
    for (const CK_SLOT_ID slot : slots) {
      TokenPlace place{.functions = module, .slot = slot};
      if (module->C_GetTokenInfo(slot, &place.info) != CKR_OK || !uri.matches(place.info)) {
        continue;
      }
      if (found) {
        return fail(Errc::kConflict,
                    "several tokens have this name; add serial= or module-path= to the URI");
      }
      found = place;
    }
  }
  if (!found && last != CKR_OK) {
    return failure(last);
  }
  if (!found) {
    return fail(Errc::kNotFound, "there is no token of this name; see what pkcs11-tool -L lists");
  }
  return *found;
}

Result<TokenPlace> TokenModules::find_blank() const {
  for (CK_FUNCTION_LIST* module : modules_) {
    std::vector<CK_SLOT_ID> slots(kMostSlots);
    CK_ULONG count = slots.size();
    if (module->C_GetSlotList(CK_TRUE, slots.data(), &count) != CKR_OK) {
      continue;
    }
    slots.resize(count);
    for (const CK_SLOT_ID slot : slots) {
      TokenPlace place{.functions = module, .slot = slot};
      if (module->C_GetTokenInfo(slot, &place.info) == CKR_OK &&
          (place.info.flags & CKF_TOKEN_INITIALIZED) == 0) {
        return place;
      }
    }
  }
  return fail(Errc::kNotFound,
              "no slot of this module has a token that was never initialised; make room for one "
              "with the maker's own tool");
}

Result<void> TokenModules::restart() {
  for (CK_FUNCTION_LIST* module : modules_) {
    p11_kit_module_finalize(module);
    const CK_RV started = p11_kit_module_initialize(module);
    if (started != CKR_OK) {
      return failure(started);
    }
  }
  return {};
}

}  // namespace kagibin::crypto::token
