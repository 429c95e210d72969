// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/profile/profile_folder.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kagibin/crypto/key_file/key_file.h"

namespace kagibin::cli {

namespace fs = std::filesystem;

fs::path shipped_profiles_folder() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) {
    return {};
  }
  return self.parent_path().parent_path() / "share/kagibin/profiles";
}

std::vector<std::string> shipped_profiles() {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(shipped_profiles_folder(), error)) {
    if (entry.path().extension() == ".json") {
      out.push_back(entry.path().stem().string());
    }
  }
  std::ranges::sort(out);
  return out;
}

namespace {

std::string no_such_profile(const std::string& name) {
  const std::string folder = shipped_profiles_folder().string();
  const std::vector<std::string> shipped = shipped_profiles();
  if (shipped.empty()) {
    return fmt::format(
        "there is no profile \"{}\": the shipped ones should be in {}, and none is there. Install "
        "the folder share with the program, or name a file of your own by its path.",
        name, folder);
  }
  return fmt::format(
      "there is no profile \"{}\" in {}. Shipped: {}. A file of your own is named by its path.",
      name, folder, fmt::join(shipped, ", "));
}

}  // namespace

std::expected<FoundProfile, ProfileProblem> find_profile(const std::string& name_or_file) {
  const bool is_file =
      name_or_file.find('/') != std::string::npos || name_or_file.ends_with(".json");
  const fs::path path =
      is_file ? fs::path(name_or_file) : shipped_profiles_folder() / (name_or_file + ".json");
  const auto octets = crypto::read_file(path);
  if (!octets) {
    if (octets.error().code == Errc::kNotFound && !is_file) {
      return std::unexpected(ProfileProblem{Errc::kInvalidArgument, no_such_profile(name_or_file)});
    }
    if (octets.error().code == Errc::kNotFound) {
      return std::unexpected(ProfileProblem{
          Errc::kInvalidArgument, fmt::format("{}: there is no such file.", path.string())});
    }
    return std::unexpected(ProfileProblem{
        octets.error().code, fmt::format("{}: {}.", path.string(), octets.error().detail.text())});
  }
  std::string text(octets->expose().begin(), octets->expose().end());
  auto profile = ProfileFile::parse(text);
  if (!profile) {
    return std::unexpected(ProfileProblem{
        profile.error().code, fmt::format("{}: {}", path.string(), profile.error().text)});
  }
  return FoundProfile{.profile = std::move(*profile), .path = path, .text = std::move(text)};
}

}  // namespace kagibin::cli
