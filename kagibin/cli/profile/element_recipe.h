// SPDX-License-Identifier: Apache-2.0
// A profile with its keys, out of which any number of different elements are made: each has its
// own serial number, and from it CIN, CPLC, key diversification data and derived keys
// (profile_file.h says which octets).
//
// Limits: those of the profile. Ownership: holds master keys. Thread-safety: const, any threads.
//
//   const ElementRecipe recipe = KB_TRY(ElementRecipe::create(profile, std::move(keys)));
//   auto element = KB_TRY(se::Element::create(KB_TRY(recipe.element(7)), ...));
#pragma once

#include "kagibin/cli/profile/profile_keys.h"

namespace kagibin::cli {

class ElementRecipe {
 public:
  // kNotFound when a value that the profile needs is missing; kInvalidArgument for one of another
  // size than the profile says.
  static Result<ElementRecipe> create(ProfileFile profile, ProfileKeys keys);

  const ProfileFile& profile() const { return profile_; }
  // True unless key sets are given for one element alone (KeySource::kGiven): one key never serves
  // two elements.
  bool makes_many() const;

  // `authority_key`: the controlling authority's public key, where whoever makes the element knows
  // it. kInvalidArgument when the profile has a CASD and neither says whose it is; kConflict when
  // they say two.
  Result<se::ElementProfile> element(std::uint32_t serial, ByteView authority_key = {}) const;

 private:
  se::ElementProfile element_without_keys(std::uint32_t serial) const;
  ElementRecipe(ProfileFile profile, ProfileKeys keys)
      : profile_(std::move(profile)), keys_(std::move(keys)) {}
  Result<se::InitialKeySet> key_set(const ProfileKeySet& set,
                                    const se::ElementProfile& element) const;

  ProfileFile profile_;
  ProfileKeys keys_;
};

}  // namespace kagibin::cli
