// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/content/privilege_rules.h"

#include <algorithm>
#include <array>

#include "kagibin/se/open/content/hierarchy.h"

namespace kagibin::se {

namespace {

using gp::Privileges;

constexpr std::array kSingle{Privileges::kCardReset, Privileges::kFinalApplication};
constexpr std::uint32_t kCardWide =
    Privileges::kCardLock | Privileges::kCardTerminate | Privileges::kCardReset |
    Privileges::kCvmManagement | Privileges::kMandatedDapVerification | Privileges::kGlobalDelete |
    Privileges::kGlobalLock | Privileges::kGlobalRegistry | Privileges::kFinalApplication;

// Those that do something on this element.
constexpr std::uint32_t kHeldToGive = kCardWide & ~Privileges::kCvmManagement;

Result<void> check_supported(Privileges asked) {
  if (asked.has(Privileges::kGlobalService)) {
    return fail(Errc::kNotSupported,
                "Global Service is not given: applications offer each other none on this element "
                "(GPCS 8.1.3)");
  }
  if (asked.has(Privileges::kCipheredLoadFileDataBlock)) {
    return fail(Errc::kNotSupported,
                "Ciphered Load File Data Block is not given: load files are taken in the clear, or "
                "under the secure channel's encryption (GPCS 9.3.5)");
  }
  constexpr std::uint32_t kContactless =
      Privileges::kContactlessActivation | Privileges::kContactlessSelfActivation;
  if ((asked.bits & kContactless) != 0) {
    return fail(Errc::kNotSupported,
                "contactless privileges are not given: this element has no contactless interface "
                "(Amendment C)");
  }
  return {};
}

bool has_holder(const Registry& registry, std::uint32_t privilege, const std::optional<Aid>& but) {
  return std::ranges::any_of(registry.entries(), [&](const RegistryEntry& entry) {
    return !entry.is_issuer() && entry.aid != but && entry.privileges.has(privilege);
  });
}

}  // namespace

Result<void> check_privileges(const Registry& registry,
                              const Aid& holder,
                              Privileges asked,
                              const Aid& domain) {
  KB_TRY(asked.check());
  KB_TRY(check_supported(asked));
  const auto root = registry.find(root_of(registry, domain));
  KB_CHECK(root.has_value());
  if (!root->is_issuer() && (asked.bits & kCardWide) != 0) {
    return fail(Errc::kPolicy,
                "privileges over the whole card are given in the hierarchy of the ISD alone: a "
                "rule of this element (doc/element.md)");
  }
  for (const std::uint32_t privilege : kSingle) {
    if (asked.has(privilege) && has_holder(registry, privilege, holder)) {
      return fail(Errc::kConflict,
                  "Card Reset and Final Application have one holder at a time, and another "
                  "application has it (GPCS 6.6.2)");
    }
  }
  return {};
}

Result<void> check_grant(const Registry& registry, const Aid& granter, Privileges given) {
  const auto giver = registry.find(granter);
  if (!giver || !giver->is_security_domain()) {
    return fail(Errc::kPolicy, "the domain that gives privileges is gone (GPCS 9.1.3)");
  }
  if (!giver->is_issuer() && (given.bits & kHeldToGive & ~giver->privileges.bits) != 0) {
    return fail(Errc::kPolicy,
                "a privilege over the whole card is given by the ISD, or by a domain that holds it "
                "itself: a rule of this element (GPCS 6.6.2, 9.1.3)");
  }
  return {};
}

Result<void> settle_single_privileges(Registry& registry, Privileges given_up) {
  const std::vector<RegistryEntry> all = registry.entries();
  const auto issuer = std::ranges::find_if(all, &RegistryEntry::is_issuer);
  KB_CHECK(issuer != all.end());
  RegistryEntry changed = *issuer;
  for (const std::uint32_t privilege : kSingle) {
    if (has_holder(registry, privilege, std::nullopt)) {
      changed.privileges.bits &= ~privilege;
    } else if (given_up.has(privilege)) {
      changed.privileges.bits |= privilege;
    }
  }
  return changed.privileges == issuer->privileges ? Result<void>{} : registry.put(changed);
}

}  // namespace kagibin::se
