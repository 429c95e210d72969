// SPDX-License-Identifier: Apache-2.0
// Looks for secrets in octets: raw, in hexadecimal digits of either case, and in base64 (both
// alphabets) at its three alignments (promises, I5).
//
// A secret longer than 16 octets is looked for by its first 16 and by its last 16, so that a part
// that long is found too. Secrets of fewer than 16 octets are not taken (KB_CHECK). Speed: one pass
// for all secrets. Ownership: copies what it looks for; the copies are wiped. Thread-safety: const
// use may be shared.
//
//   SecretSearch search;
//   search.add("Kr", key);
//   for (const SecretSearch::Hit& hit : search.find(file)) { ... hit.name, hit.form ... }
#pragma once

#include <compare>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "kagibin/base/secret.h"

namespace kagibin::cli::demo {

class SecretSearch {
 public:
  struct Hit {
    std::string name;
    std::string form;  // "raw", "hex", "base64"
    friend auto operator<=>(const Hit&, const Hit&) = default;
  };

  void add(const std::string& name, ByteView secret);
  std::set<Hit> find(ByteView octets) const;

 private:
  static constexpr std::size_t kUnit = 16;
  struct Needle {
    std::size_t name;
    const char* form;
    SecretBytes octets;
  };
  void add_unit(std::size_t name, ByteView unit);
  void add_needle(std::size_t name, const char* form, ByteView octets);

  std::vector<std::string> names_;
  std::vector<Needle> needles_;
  std::vector<bool> starts_ = std::vector<bool>(std::size_t{1} << 16U);   // by the first two octets
  std::unordered_map<std::uint32_t, std::vector<std::size_t>> by_start_;  // by the first four
};

}  // namespace kagibin::cli::demo
