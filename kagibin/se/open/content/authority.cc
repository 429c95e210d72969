// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/content/authority.h"

#include "kagibin/se/open/content/hierarchy.h"

namespace kagibin::se {

namespace {

using gp::Acceptance;

const std::optional<Acceptance>& acceptance_of(const RegistryEntry& domain, Request request) {
  switch (request) {
    case Request::kExtraditionHere:
      return domain.extradition_here;
    case Request::kExtraditionAway:
      return domain.extradition_away;
    default:
      return domain.deletion;
  }
}

bool share_a_manager(const Registry& registry, const Aid& one, const Aid& other) {
  auto manager = registry.find(one);
  while (manager) {
    if (manager->authorized_management() && is_within(registry, other, manager->aid)) {
      return true;
    }
    if (manager->is_root()) {
      return false;
    }
    manager = registry.find(manager->security_domain);
  }
  return false;
}

}  // namespace

bool takes_request(const Registry& registry,
                   const RegistryEntry& domain,
                   const RegistryEntry& requester,
                   Request request,
                   Content content) {
  if (requester.aid == domain.aid) {
    return true;
  }
  const bool same_hierarchy = root_of(registry, domain.aid) == root_of(registry, requester.aid);
  const std::optional<Acceptance>& said = acceptance_of(domain, request);
  if (!said) {
    return same_hierarchy;
  }
  const std::uint8_t bits = content == Content::kLoadFile ? said->load_files : said->applications;
  const bool manages = requester.authorized_management();
  const auto says = [bits](std::uint8_t bit) { return (bits & bit) != 0; };
  return (says(Acceptance::kAncestor) && manages &&
          is_within(registry, domain.aid, requester.aid)) ||
         (says(Acceptance::kHierarchy) && manages && same_hierarchy) ||
         (says(Acceptance::kIssuer) && requester.is_issuer()) ||
         (says(Acceptance::kEveryManager) && manages) ||
         (says(Acceptance::kDelegated) &&
          requester.privileges.has(gp::Privileges::kDelegatedManagement) &&
          share_a_manager(registry, requester.aid, domain.aid));
}

}  // namespace kagibin::se
