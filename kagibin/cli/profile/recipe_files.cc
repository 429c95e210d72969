// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/profile/recipe_files.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "kagibin/crypto/key_file/key_file.h"

namespace kagibin::cli {

namespace {

Result<ProfileKeys> read_keys(const std::filesystem::path& file) {
  if (file.empty()) {
    return ProfileKeys();
  }
  const SecretBytes text = KB_TRY(crypto::read_file(file));
  return ProfileKeys::parse(text);
}

Result<void> draw_keys(ProfileKeys& keys,
                       const ProfileFile& profile,
                       const std::filesystem::path& file,
                       crypto::Rng& rng) {
  std::error_code error;
  if (std::filesystem::exists(file, error)) {
    return fail(Errc::kConflict, "it exists already: keys are not written over keys");
  }
  KB_TRY(keys.fill(profile, rng));
  return crypto::write_file(file, keys.encode().expose(), true);
}

ProfileProblem problem_with(const std::filesystem::path& file, const Error& error) {
  // A file that was named and is not there is wrong usage (console.h).
  return {error.code == Errc::kNotFound ? Errc::kInvalidArgument : error.code,
          fmt::format("{}: {}.", file.string(), error.detail.text())};
}

}  // namespace

std::expected<ElementRecipe, ProfileProblem> open_recipe(const RecipeFiles& files,
                                                         crypto::Rng& rng) {
  auto found = find_profile(files.profile);
  if (!found) {
    return std::unexpected(std::move(found.error()));
  }
  auto keys = read_keys(files.keys);
  if (!keys) {
    return std::unexpected(problem_with(files.keys, keys.error()));
  }
  const std::string missing = keys->missing(found->profile);
  if (!missing.empty()) {
    if (files.keys_out.empty()) {
      return std::unexpected(ProfileProblem{
          Errc::kInvalidArgument,
          fmt::format("the profile needs the key {}. Give --keys FILE with a line \"{} = "
                      "HEXADECIMAL\", or have it drawn and written down: --keys-out FILE.",
                      missing, missing)});
    }
    if (auto drawn = draw_keys(*keys, found->profile, files.keys_out, rng); !drawn) {
      return std::unexpected(problem_with(files.keys_out, drawn.error()));
    }
  }
  auto recipe = ElementRecipe::create(std::move(found->profile), std::move(*keys));
  if (!recipe) {
    return std::unexpected(problem_with(files.keys, recipe.error()));
  }
  return std::move(*recipe);
}

}  // namespace kagibin::cli
