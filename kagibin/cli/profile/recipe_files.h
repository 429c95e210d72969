// SPDX-License-Identifier: Apache-2.0
// A recipe out of the files that a command line names: the profile, the key file, and where keys
// go that had to be drawn.
//
//   const auto recipe = open_recipe({.profile = "payment", .keys_out = "payment.keys"}, rng);
#pragma once

#include <filesystem>

#include "kagibin/cli/profile/element_recipe.h"
#include "kagibin/cli/profile/profile_folder.h"

namespace kagibin::cli {

struct RecipeFiles {
  std::string profile;               // a shipped one's name, or a file
  std::filesystem::path keys{};      // empty: none
  std::filesystem::path keys_out{};  // empty: nothing is drawn; else a file that does not exist yet
};

// Draws keys that are missing only when there is a place to write them to, and writes that file
// (mode 0600) before it returns. kNotFound names the first key that is missing otherwise; kConflict
// when keys_out exists; and those of find_profile and ElementRecipe::create.
std::expected<ElementRecipe, ProfileProblem> open_recipe(const RecipeFiles& files,
                                                         crypto::Rng& rng);

}  // namespace kagibin::cli
