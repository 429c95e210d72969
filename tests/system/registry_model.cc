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
constexpr std::uint8_t kLocked = 0x80;
constexpr std::uint32_t kSecurityDomain = 0x800000;
constexpr std::uint32_t kAuthorizedManagement = 0x004000;

}  // namespace

bool ModelEntry::locked() const { return (state & kLocked) != 0; }

RegistryModel::RegistryModel(const Aid& issuer,
                             std::uint32_t privileges,
                             ModelKeySet keys,
                             const std::vector<Aid>& built_in)
    : issuer_(issuer) {
  entries_.emplace(issuer, ModelEntry{.is_domain = true,
                                      .domain = issuer,
                                      .file = built_in.front(),
                                      .state = 1,
                                      .privileges = privileges});
  keys_[issuer].push_back(std::move(keys));
  for (const Aid& file : built_in) {
    files_.emplace(file, ModelLoadFile{.domain = issuer});
  }
}

// GPCS 9.1.3.
bool RegistryModel::manages(const Aid& actor) const {
  return actor == issuer_ || (entries_.at(actor).privileges & kAuthorizedManagement) != 0;
}

bool RegistryModel::is_within(Aid domain, const Aid& above) const {
  while (domain != above && domain != issuer_) {
    domain = entries_.at(domain).domain;
  }
  return domain == above;
}

bool RegistryModel::is_movable(const Aid& actor, const Aid& aid) const {
  return entries_.contains(aid) && aid != actor && aid != issuer_;
}

// GPCS 9.3.5.
bool RegistryModel::load(const Aid& actor, const Aid& file, const Aid& domain) {
  const auto found = entries_.find(domain);
  if (!manages(actor) || found == entries_.end() || !found->second.is_domain ||
      found->second.locked() || !is_within(domain, actor) || files_.contains(file)) {
    return false;
  }
  files_.emplace(file, ModelLoadFile{.domain = domain, .loaded = true});
  return true;
}

// GPCS 9.3.6.
bool RegistryModel::install(const Aid& actor, const Installation& what) {
  const bool wants_domain = (what.privileges & kSecurityDomain) != 0;
  const bool for_domains = (what.privileges & kAuthorizedManagement) != 0;
  const auto file = files_.find(what.file);
  if (!manages(actor) || entries_.contains(what.aid) || wants_domain != what.is_domain ||
      (for_domains && !what.is_domain) || file == files_.end()) {
    return false;
  }
  const Aid domain = is_within(file->second.domain, actor) ? file->second.domain : actor;
  if (entries_.at(domain).locked()) {
    return false;
  }
  entries_.emplace(what.aid, ModelEntry{.is_domain = what.is_domain,
                                        .domain = domain,
                                        .file = what.file,
                                        .state = what.selectable ? kSelectable : kInstalled,
                                        .privileges = what.privileges});
  return true;
}

bool RegistryModel::make_selectable(const Aid& actor, const Aid& aid) {
  const auto entry = entries_.find(aid);
  if (!manages(actor) || entry == entries_.end() || !is_within(entry->second.domain, actor) ||
      entry->second.state != kInstalled) {
    return false;
  }
  entry->second.state = kSelectable;
  return true;
}

// GPCS 9.5.
bool RegistryModel::remove(const Aid& actor, const Aid& aid) {
  const bool has_guests =
      std::ranges::any_of(
          entries_,
          [&](const auto& entry) { return entry.first != aid && entry.second.domain == aid; }) ||
      std::ranges::any_of(files_, [&](const auto& file) { return file.second.domain == aid; });
  if (!manages(actor) || !is_movable(actor, aid) || has_guests ||
      !is_within(entries_.at(aid).domain, actor)) {
    return false;
  }
  entries_.erase(aid);
  keys_.erase(aid);
  return true;
}

bool RegistryModel::remove_file(const Aid& actor, const Aid& file, bool related) {
  const auto found = files_.find(file);
  if (!manages(actor) || found == files_.end() || !found->second.loaded ||
      !is_within(found->second.domain, actor)) {
    return false;
  }
  const auto is_instance = [&](const auto& entry) { return entry.second.file == file; };
  const auto may_go = [&](const auto& entry) { return is_within(entry.second.domain, actor); };
  for (const auto& entry : entries_) {
    if (is_instance(entry) && (!related || !may_go(entry))) {
      return false;
    }
  }
  std::erase_if(entries_, is_instance);
  files_.erase(file);
  return true;
}

// GPCS 9.4.1.
bool RegistryModel::extradite(const Aid& actor, const Aid& object, const Aid& to) {
  const auto target = entries_.find(to);
  const bool takes = target != entries_.end() && target->second.is_domain &&
                     !target->second.locked() &&
                     (to == issuer_ || target->second.state >= kSelectable);
  const auto file = files_.find(object);
  const bool is_entry = is_movable(actor, object);
  if (!manages(actor) || !takes || (!is_entry && file == files_.end())) {
    return false;
  }
  Aid& domain = is_entry ? entries_.at(object).domain : file->second.domain;
  const bool circles = is_entry && entries_.at(object).is_domain && is_within(to, object);
  if (!is_within(domain, actor) || circles) {
    return false;
  }
  domain = to;
  return true;
}

// GPCS 5.3.1.3, 5.3.2.4, 11.10.2.
bool RegistryModel::set_locked(const Aid& actor, const Aid& aid, bool lock, bool with_below) {
  const auto found = entries_.find(aid);
  if (found == entries_.end() || aid == issuer_ || (with_below && !found->second.is_domain) ||
      (aid == actor ? !lock : !is_within(found->second.domain, actor))) {
    return false;
  }
  bool changed = false;
  for (auto& [name, entry] : entries_) {
    const bool meant =
        name == aid || (with_below && name != issuer_ && is_within(entry.domain, aid));
    if (meant && entry.locked() != lock) {
      entry.state = static_cast<std::uint8_t>(entry.state ^ kLocked);
      changed = true;
    }
  }
  return changed;
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
    if (entry.is_domain && (aid == issuer_ || (entry.state >= kSelectable && may_open(aid)))) {
      out.push_back(aid);
    }
  }
  return out;
}

// Neither it nor one on the way to the keys that serve it is locked.
bool RegistryModel::may_open(const Aid& domain) const {
  Aid at = domain;
  while (!entries_.at(at).locked() && keys(at).empty()) {
    at = entries_.at(at).domain;
  }
  return !entries_.at(at).locked();
}

const ModelKeySet& RegistryModel::session_keys(const Aid& domain) const {
  Aid at = domain;
  while (keys(at).empty()) {
    KB_CHECK(at != issuer_);
    at = entries_.at(at).domain;
  }
  return keys(at).front();
}

}  // namespace kagibin::test
