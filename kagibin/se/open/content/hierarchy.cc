// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/content/hierarchy.h"

namespace kagibin::se {

namespace {

RegistryEntry must_find(const Registry& registry, const Aid& domain) {
  const auto entry = registry.find(domain);
  KB_CHECK(entry.has_value() && entry->is_security_domain());
  return *entry;
}

}  // namespace

bool is_within(const Registry& registry, const Aid& domain, const Aid& ancestor) {
  RegistryEntry at = must_find(registry, domain);
  while (at.aid != ancestor && !at.is_root()) {
    at = must_find(registry, at.security_domain);
  }
  return at.aid == ancestor;
}

bool is_of(const Registry& registry, const RegistryEntry& entry, const Aid& domain) {
  return entry.aid == domain || is_within(registry, entry.security_domain, domain);
}

Aid root_of(const Registry& registry, const Aid& domain) {
  RegistryEntry at = must_find(registry, domain);
  while (!at.is_root()) {
    at = must_find(registry, at.security_domain);
  }
  return at.aid;
}

std::vector<RegistryEntry> associated_with(const Registry& registry, const Aid& domain) {
  std::vector<RegistryEntry> out;
  for (const RegistryEntry& entry : registry.entries()) {
    if (entry.aid != domain && is_within(registry, entry.security_domain, domain)) {
      out.push_back(entry);
    }
  }
  return out;
}

std::optional<RegistryEntry> nearest_with(const Registry& registry,
                                          const Aid& domain,
                                          std::uint32_t privileges) {
  RegistryEntry at = must_find(registry, domain);
  while (!at.privileges.has(privileges)) {
    if (at.is_root()) {
      return std::nullopt;
    }
    at = must_find(registry, at.security_domain);
  }
  return at;
}

}  // namespace kagibin::se
