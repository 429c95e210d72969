// SPDX-License-Identifier: Apache-2.0
// Where profiles lie: the shipped ones in share/kagibin/profiles beside the program's bin folder,
// in an installation as in a build tree, and anybody's own files by their path.
//
//   const auto profile = find_profile("factory");        // or "./mine.json"
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "kagibin/cli/profile/profile_file.h"

namespace kagibin::cli {

struct FoundProfile {
  ProfileFile profile;
  std::filesystem::path path;
  std::string text;  // the file as it stands
};

// Where they should lie; the folder need not be there.
std::filesystem::path shipped_profiles_folder();
// Names, in order.
std::vector<std::string> shipped_profiles();
// A shipped profile by its name, or a file: what has a slash or ends in .json. kNotFound, kIo and
// those of ProfileFile::parse; the text names the file.
std::expected<FoundProfile, ProfileProblem> find_profile(const std::string& name_or_file);

}  // namespace kagibin::cli
