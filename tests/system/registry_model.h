// SPDX-License-Identifier: Apache-2.0
// What the registry and the keys of an element should be, as a few lines of sets and rules: the
// reference that registry_model_test.cc holds the element to. Test-only, no octets, no crypto.
//
// Every operation says whether it is done, and does it. `actor` is the security domain that takes
// the command, in a session of its own provider.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "kagibin/base/aid.h"

namespace kagibin::test {

struct ModelEntry {
  bool is_domain = false;
  Aid domain;  // associated; the ISD's own is itself
  Aid file;
  std::uint8_t state = 0;
  std::uint32_t privileges = 0;
  bool locked() const;
  friend bool operator==(const ModelEntry&, const ModelEntry&) = default;
};

struct ModelLoadFile {
  Aid domain;
  bool loaded = false;  // by LOAD, not built in
};

// The keys of one version. A complete one has 01, 02, 03, all made from `first`.
struct ModelKeySet {
  std::uint8_t version = 0;
  std::vector<std::uint8_t> identifiers{};
  std::uint8_t first = 0;
  bool complete() const { return identifiers.size() >= 3; }
};

class RegistryModel {
 public:
  RegistryModel(const Aid& issuer,
                std::uint32_t privileges,
                ModelKeySet keys,
                const std::vector<Aid>& built_in);

  // LOAD, for `domain`.
  bool load(const Aid& actor, const Aid& file, const Aid& domain);
  struct Installation {
    Aid file;
    Aid aid;
    bool is_domain = false;
    std::uint32_t privileges = 0;
    bool selectable = true;
  };
  bool install(const Aid& actor, const Installation& what);
  bool make_selectable(const Aid& actor, const Aid& aid);
  bool remove(const Aid& actor, const Aid& aid);
  // A load file, alone or with everything that was made from it.
  bool remove_file(const Aid& actor, const Aid& file, bool related);
  // Of an entry or a load file. Not modelled: a domain that goes to itself.
  bool extradite(const Aid& actor, const Aid& object, const Aid& to);
  // SET STATUS; `with_below`: of a domain and what is associated with it.
  bool set_locked(const Aid& actor, const Aid& aid, bool lock, bool with_below);
  // Keys 01 to 03 of a new version.
  bool add_keys(const Aid& actor, std::uint8_t version, std::uint8_t first);
  bool replace_keys(const Aid& actor,
                    std::uint8_t old_version,
                    std::uint8_t new_version,
                    std::uint8_t first);
  bool delete_keys(const Aid& actor, std::uint8_t version);

  const std::map<Aid, ModelEntry>& entries() const { return entries_; }
  const std::map<Aid, ModelLoadFile>& files() const { return files_; }
  const std::vector<ModelKeySet>& keys(const Aid& domain) const;
  const Aid& issuer() const { return issuer_; }
  // Domains that can be selected and have a session opened.
  std::vector<Aid> actors() const;
  // The set that INITIALIZE UPDATE with P1 = 00 takes: the domain's first complete one, or that of
  // the next domain above.
  const ModelKeySet& session_keys(const Aid& domain) const;

 private:
  bool manages(const Aid& actor) const;
  // `domain` is `above`, or associated with it directly or indirectly.
  bool is_within(Aid domain, const Aid& above) const;
  // It is there, and not what is selected while `actor` works: itself and the ISD.
  bool is_movable(const Aid& actor, const Aid& aid) const;
  bool may_open(const Aid& domain) const;
  ModelKeySet* find_set(const Aid& domain, std::uint8_t version);
  bool has_complete_set(const Aid& domain) const;
  void personalize(const Aid& domain);

  Aid issuer_;
  std::map<Aid, ModelEntry> entries_;
  std::map<Aid, ModelLoadFile> files_;
  std::map<Aid, std::vector<ModelKeySet>> keys_;
};

}  // namespace kagibin::test
