// SPDX-License-Identifier: Apache-2.0
// kagibin se make, profiles and show-profile: what each does with what main.cc read from the
// command line. Every function returns an exit code (console.h) and prints its own result or
// failure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "kagibin/cli/console/program.h"
#include "kagibin/cli/profile/recipe_files.h"

namespace kagibin::cli {

struct MakeOptions {
  RecipeFiles files;
  std::filesystem::path state;
  std::uint32_t serial = 1;
};

int se_make(const Program& program, const MakeOptions& options);
int se_profiles(const Program& program);
int se_show_profile(const Program& program, const std::string& name);
// What a profile warns of, on standard error.
void say_warning(Console& console, const ProfileFile& profile);

}  // namespace kagibin::cli
