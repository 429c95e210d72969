// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/content/memory.h"

#include <algorithm>

#include "kagibin/se/open/instances.h"

namespace kagibin::se {

namespace {

std::uint64_t octets_of(const Nvm& nvm, std::string_view prefix) {
  std::uint64_t out = 0;
  for (const std::string& name : nvm.names(prefix)) {
    out += name.size() + nvm.get(name)->size();
  }
  return out;
}

struct Use {
  std::uint64_t non_volatile = 0;
  std::uint64_t volatile_octets = 0;
};

Use use_of(const Platform& platform) {
  Use out{.non_volatile = octets_of(platform.nvm, "")};
  for (const LoadFileEntry& file : platform.registry.load_files()) {
    out.non_volatile += file.octets;
  }
  for (const RegistryEntry& entry : platform.registry.entries()) {
    out.volatile_octets += entry.memory.reserved_volatile;
    const std::uint64_t reserved = entry.memory.reserved_data;
    if (reserved > 0) {
      const std::uint64_t filled = octets_of(platform.nvm, record_prefix(entry.aid));
      out.non_volatile += reserved - std::min(reserved, filled);
    }
  }
  return out;
}

std::uint64_t non_volatile_octets(const Platform& platform) {
  const std::uint64_t said = platform.facts.memory_octets;
  return said > 0 ? said : kNonVolatileOctets;
}

std::uint64_t rest(std::uint64_t all, std::uint64_t used) { return all - std::min(all, used); }

}  // namespace

FreeMemory free_memory(const Platform& platform) {
  const Use use = use_of(platform);
  return {.non_volatile = rest(non_volatile_octets(platform), use.non_volatile),
          .volatile_octets = rest(kVolatileOctets, use.volatile_octets)};
}

Result<void> check_memory(const Platform& platform) {
  const Use use = use_of(platform);
  if (use.non_volatile > non_volatile_octets(platform)) {
    return fail(Errc::kNoSpace,
                "the non-volatile memory of this element is full: delete something, or ask for "
                "less (GPCS 11.5.3.2)");
  }
  if (use.volatile_octets > kVolatileOctets) {
    return fail(Errc::kNoSpace,
                "the volatile memory of this element is all reserved: ask for less in D7 (GPCS "
                "11.5.3.2)");
  }
  return {};
}

Result<void> check_quota(const Platform& platform, const RegistryEntry& application) {
  const std::uint64_t filled = octets_of(platform.nvm, record_prefix(application.aid));
  if (filled > application.memory.data_quota) {
    return fail(Errc::kNoSpace,
                "the application's records are more than its quota C8 (GPCS 11.5.2.3.7)");
  }
  return {};
}

}  // namespace kagibin::se
