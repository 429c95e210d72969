// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/module_registry.h"

#include <algorithm>
#include <utility>

#include "kagibin/se/security_domain_sources.h"

namespace kagibin::se {

namespace {

constexpr std::array<std::uint8_t, 2> kSecurityDomainVersion{1, 0};

}  // namespace

Aid security_domain_load_file_aid() { return *Aid::from_hex("A0000001515350"); }
Aid security_domain_module_aid() { return *Aid::from_hex("A000000151535041"); }

Aid meant_load_file(const Aid& aid) {
  return aid == *Aid::from_hex("A0000000035350") ? security_domain_load_file_aid() : aid;
}
Aid meant_module(const Aid& aid) {
  return aid == *Aid::from_hex("A000000003535041") ? security_domain_module_aid() : aid;
}

ModuleRegistry::ModuleRegistry() {
  LoadFile file{.aid = security_domain_load_file_aid(),
                .version = kSecurityDomainVersion,
                .sources = kSecurityDomainSources,
                .modules = {security_domain_module_aid()}};
  // A security domain is part of OPEN, not an Application: no factory makes it.
  const Aid aid = file.aid;
  built_in_.emplace(aid, BuiltIn{.file = std::move(file), .factories = {ApplicationFactory()}});
}

Result<void> ModuleRegistry::add(BuiltIn built_in) {
  const LoadFile& file = built_in.file;
  if (file.modules.empty() || file.modules.size() > LoadFile::kMaxModules ||
      file.modules.size() != built_in.factories.size()) {
    return fail(Errc::kInvalidArgument, "a load file has 1 to 8 modules, with a factory each");
  }
  const Aid aid = file.aid;
  if (!built_in_.emplace(aid, std::move(built_in)).second) {
    return fail(Errc::kConflict, "this load file is built in already");
  }
  return {};
}

const LoadFile* ModuleRegistry::load_file(const Aid& aid) const {
  const auto found = built_in_.find(aid);
  return found == built_in_.end() ? nullptr : &found->second.file;
}

const ApplicationFactory* ModuleRegistry::factory(const Aid& load_file, const Aid& module) const {
  const auto found = built_in_.find(load_file);
  if (found == built_in_.end()) {
    return nullptr;
  }
  const BuiltIn& built_in = found->second;
  const auto at = std::ranges::find(built_in.file.modules, module);
  if (at == built_in.file.modules.end()) {
    return nullptr;
  }
  return &built_in.factories[static_cast<std::size_t>(at - built_in.file.modules.begin())];
}

const ApplicationFactory* ModuleRegistry::factory_of(const Aid& module) const {
  for (const auto& [aid, built_in] : built_in_) {
    const ApplicationFactory* found = factory(aid, module);
    if (found != nullptr && *found && !built_in.makes_domains) {
      return found;
    }
  }
  return nullptr;
}

bool ModuleRegistry::makes_domains(const Aid& load_file) const {
  const auto found = built_in_.find(load_file);
  return found != built_in_.end() && found->second.makes_domains;
}

std::vector<Aid> ModuleRegistry::load_files() const {
  std::vector<Aid> out;
  out.reserve(built_in_.size());
  for (const auto& [aid, built_in] : built_in_) {
    out.push_back(aid);
  }
  return out;
}

}  // namespace kagibin::se
