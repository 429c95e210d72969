// SPDX-License-Identifier: Apache-2.0
// SoftHSM 2 in a folder of the demo's: one token each for those roles that have long-term keys.
//
// SoftHSM is a double of a hardware security module: the tokens are files of this folder, and their
// keys are used in the memory of the program that loads it. The folder stands for the modules.
// Thread-safety: one thread; SOFTHSM2_CONF of the environment is set, for the children to inherit.
//
//   const SoftHsm hsm = KB_TRY(SoftHsm::create(root / "hsm"));
//   arguments.push_back(hsm.key_uri("provider", "signing"));
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "kagibin/cli/demo/failure.h"

namespace kagibin::cli::demo {

class SoftHsm {
 public:
  // Makes the folder; there is no token in it yet. Fails when SoftHSM is not installed.
  static Outcome<SoftHsm> create(const std::filesystem::path& folder);

  std::string token_uri(std::string_view token) const;
  std::string key_uri(std::string_view token, std::string_view key) const;
  // With the token's PIN: all files of all tokens.
  std::filesystem::path tokens() const { return folder_ / "tokens"; }

 private:
  explicit SoftHsm(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
};

}  // namespace kagibin::cli::demo
