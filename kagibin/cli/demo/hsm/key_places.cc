// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/hsm/key_places.h"

#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "kagibin/cli/demo/knowledge/secret_search.h"
#include "kagibin/crypto/record/record_folder.h"

namespace kagibin::cli::demo {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMemory = "memory of ";
constexpr std::string_view kCommandLine = "command line of ";
constexpr std::string_view kEnvironment = "environment of ";

Bytes content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Where a PIN or passphrase has to be.
bool is_secret_file(std::string_view where) {
  return where.ends_with("/pin") || where.ends_with("/so-pin") || where.ends_with("/passphrase");
}

}  // namespace

KeyPlaces::KeyPlaces(const Site& site) : site_(site) {
  for (const Role role : kRolesWithKeys) {
    holdings_.try_emplace(role, std::vector<fs::path>{site.home(role)}, site.examiner());
  }
}

void KeyPlaces::watch(Role role, pid_t process, const std::string& name) {
  if (const auto held = holdings_.find(role); held != holdings_.end()) {
    held->second.watch(process, name);
  }
}

void KeyPlaces::look_at(Role role, pid_t process, const std::string& name) {
  Holdings& held = holdings_.at(role);
  held.look_at(process, name);
  const fs::path kernel = fmt::format("/proc/{}", process);
  held.add(std::string(kCommandLine).append(name), content_of(kernel / "cmdline"));
  held.add(std::string(kEnvironment).append(name), content_of(kernel / "environ"));
}

Child::LastLook KeyPlaces::last_look(Role role) {
  if (!holdings_.contains(role)) {
    return {};
  }
  return [this, role](pid_t process) {
    look_at(role, process, fmt::format("a program of the {} at its end", site_.token_of(role)));
  };
}

void KeyPlaces::look() {
  for (auto& [role, held] : holdings_) {
    held.look();
  }
}

void KeyPlaces::add_opened(Role role, std::string where, const SecretBytes& content) {
  const ByteView octets = content.expose();
  holdings_.at(role).add(std::move(where), Bytes(octets.begin(), octets.end()));
}

Outcome<std::size_t> KeyPlaces::open_records(const fs::path& folder,
                                             const SecretBytes& passphrase,
                                             Holdings& out) const {
  const auto records = KB_TRY(crypto::RecordFolder::open(folder, passphrase));
  const std::vector<std::string> names = KB_TRY(records.names(""));
  for (const std::string& name : names) {
    const SecretBytes content = KB_TRY(records.get(name));
    const ByteView octets = content.expose();
    out.add(fmt::format("record {} of {}, opened", name, folder.parent_path().filename().string()),
            Bytes(octets.begin(), octets.end()));
  }
  return names.size();
}

// The keys as records in a home of the examiner's own.
Outcome<std::size_t> KeyPlaces::control(const std::vector<Secret>& keys) const {
  constexpr crypto::ScryptCost kCheap{.log2_n = 10, .r = 1, .p = 1};
  crypto::SystemRng rng;
  const fs::path home = site_.examiner() / "control";
  const SecretBytes passphrase = KB_TRY(crypto::random_secret(rng, 16));
  {
    auto records = KB_TRY(crypto::RecordFolder::create(home / "keys", passphrase, rng, kCheap));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      KB_TRY(records.put(fmt::format("key-{}", i), keys[i].value.expose(), rng));
    }
  }
  Holdings held({home}, site_.examiner());
  held.look();
  KB_TRY(open_records(home / "keys", passphrase, held));
  SecretSearch search;
  for (const Secret& key : keys) {
    search.add(key.name, key.value.expose());
  }
  std::set<std::string> found;
  for (const Holdings::Piece& piece : held.pieces()) {
    for (const SecretSearch::Hit& hit : search.find(piece.octets)) {
      found.insert(hit.name);
    }
  }
  return found.size();
}

Outcome<KeyFindings> KeyPlaces::conclude(const std::vector<Secret>& keys) {
  look();
  KeyFindings out;
  SecretSearch search;
  SecretSearch pins;
  for (const Secret& key : keys) {
    search.add(key.name, key.value.expose());
    out.keys.push_back(key.name);
  }
  for (auto& [role, held] : holdings_) {
    const SecretBytes passphrase = KB_TRY(site_.passphrase(role));
    out.records += KB_TRY(open_records(site_.home(role) / "keys", passphrase, held));
    pins.add(fmt::format("the {}'s passphrase", site_.token_of(role)), passphrase.expose());
    if (site_.hsm()) {
      pins.add(fmt::format("the {}'s PIN", site_.token_of(role)), KB_TRY(site_.pin(role)).expose());
    }
  }
  for (const auto& [role, held] : holdings_) {
    for (const Holdings::Piece& piece : held.pieces()) {
      const bool is_memory = piece.where.starts_with(kMemory);
      for (const SecretSearch::Hit& hit : search.find(piece.octets)) {
        std::set<std::string>& kind = is_memory ? out.in_memory : out.outside;
        kind.insert(fmt::format("{} ({}, {})", hit.name, hit.form, piece.where));
      }
      if (!is_memory && !is_secret_file(piece.where)) {
        for (const SecretSearch::Hit& hit : pins.find(piece.octets)) {
          out.pins.insert(fmt::format("{} ({})", hit.name, piece.where));
        }
      }
    }
    out.files += held.files();
    out.memories += held.memories();
    out.octets += held.octets();
    out.unread.insert(held.unread().begin(), held.unread().end());
  }
  out.found_by_control = KB_TRY(control(keys));
  return out;
}

}  // namespace kagibin::cli::demo
