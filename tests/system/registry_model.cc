// SPDX-License-Identifier: Apache-2.0
#include "tests/system/registry_model.h"

#include <algorithm>
#include <utility>

#include "kagibin/base/result.h"

namespace kagibin::test {

namespace {

// GPCS tables 11-4, 11-5, 11-7.
constexpr std::uint8_t kInstalled = 0x03;
constexpr std::uint8_t kSelectable = 0x07;
constexpr std::uint8_t kPersonalized = 0x0F;
constexpr std::uint32_t kSecurityDomain = 0x800000;
constexpr std::uint32_t kAuthorizedManagement = 0x004000;

}  // namespace

RegistryModel::RegistryModel(const Aid& issuer, std::uint32_t privileges, ModelKeySet keys)
    : issuer_(issuer) {
  entries_.emplace(
      issuer,
      ModelEntry{.is_domain = true, .domain = issuer, .state = 1, .privileges = privileges});
  keys_[issuer].push_back(std::move(keys));
}

// GPCS 9.1.3.
bool RegistryModel::manages(const Aid& actor) const {
  return actor == issuer_ || (entries_.at(actor).privileges & kAuthorizedManagement) != 0;
}

bool RegistryModel::is_own(const Aid& actor, const Aid& aid) const {
  return actor == issuer_ || entries_.at(aid).domain == actor;
}

bool RegistryModel::install(const Aid& actor, const Installation& what) {
  const bool wants_domain = (what.privileges & kSecurityDomain) != 0;
  const bool for_domains = (what.privileges & kAuthorizedManagement) != 0;
  if (!manages(actor) || entries_.contains(what.aid) || wants_domain != what.is_domain ||
      (for_domains && !what.is_domain)) {
    return false;
  }
  entries_.emplace(what.aid, ModelEntry{.is_domain = what.is_domain,
                                        .domain = actor,
                                        .state = what.selectable ? kSelectable : kInstalled,
                                        .privileges = what.privileges});
  return true;
}

bool RegistryModel::make_selectable(const Aid& actor, const Aid& aid) {
  const auto entry = entries_.find(aid);
  if (!manages(actor) || entry == entries_.end() || !is_own(actor, aid) ||
      entry->second.state != kInstalled) {
    return false;
  }
  entry->second.state = kSelectable;
  return true;
}

bool RegistryModel::remove(const Aid& actor, const Aid& aid) {
  const bool has_guests = std::ranges::any_of(entries_, [&](const auto& entry) {
    return entry.first != aid && entry.second.domain == aid;
  });
  if (!manages(actor) || !entries_.contains(aid) || !is_own(actor, aid) || aid == actor ||
      aid == issuer_ || has_guests) {
    return false;
  }
  entries_.erase(aid);
  keys_.erase(aid);
  return true;
}

ModelKeySet* RegistryModel::find_set(const Aid& domain, std::uint8_t version) {
  const auto sets = keys_.find(domain);
  if (sets == keys_.end()) {
    return nullptr;
  }
  const auto set = std::ranges::find(sets->second, version, &ModelKeySet::version);
  return set == sets->second.end() ? nullptr : &*set;
}

bool RegistryModel::has_complete_set(const Aid& domain) const {
  return std::ranges::any_of(keys(domain), &ModelKeySet::complete);
}

// A supplementary domain is PERSONALIZED once it has keys of its own (GPCS 5.3.2).
void RegistryModel::personalize(const Aid& domain) {
  ModelEntry& entry = entries_.at(domain);
  if (domain != issuer_ && entry.state == kSelectable && has_complete_set(domain)) {
    entry.state = kPersonalized;
  }
}

bool RegistryModel::add_keys(const Aid& actor, std::uint8_t version, std::uint8_t first) {
  if (find_set(actor, version) != nullptr) {
    return false;
  }
  keys_[actor].push_back({.version = version, .identifiers = {1, 2, 3}, .first = first});
  personalize(actor);
  return true;
}

bool RegistryModel::replace_keys(const Aid& actor,
                                 std::uint8_t old_version,
                                 std::uint8_t new_version,
                                 std::uint8_t first) {
  ModelKeySet* set = find_set(actor, old_version);
  if (set == nullptr || (old_version != new_version && find_set(actor, new_version) != nullptr)) {
    return false;
  }
  set->version = new_version;
  set->first = first;
  personalize(actor);
  return true;
}

bool RegistryModel::delete_keys(const Aid& actor, std::uint8_t version) {
  if (find_set(actor, version) == nullptr || keys(actor).size() == 1) {
    return false;  // not there, or the last one
  }
  std::erase_if(keys_[actor], [&](const ModelKeySet& set) { return set.version == version; });
  return true;
}

const std::vector<ModelKeySet>& RegistryModel::keys(const Aid& domain) const {
  static const std::vector<ModelKeySet> none;
  const auto found = keys_.find(domain);
  return found == keys_.end() ? none : found->second;
}

std::vector<Aid> RegistryModel::actors() const {
  std::vector<Aid> out;
  for (const auto& [aid, entry] : entries_) {
    if (entry.is_domain && (aid == issuer_ || entry.state >= kSelectable)) {
      out.push_back(aid);
    }
  }
  return out;
}

const ModelKeySet& RegistryModel::session_keys(const Aid& domain) const {
  Aid at = domain;
  while (keys(at).empty()) {
    KB_CHECK(at != issuer_);
    at = entries_.at(at).domain;
  }
  return keys(at).front();
}

bool RegistryModel::is_far_below(const Aid& domain, const Aid& aid) const {
  const auto entry = entries_.find(aid);
  if (entry == entries_.end() || aid == issuer_) {
    return false;
  }
  for (Aid at = entry->second.domain; at != issuer_; at = entries_.at(at).domain) {
    if (entries_.at(at).domain == domain) {
      return true;
    }
  }
  return false;
}

}  // namespace kagibin::test
