// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/hsm/soft_hsm.h"

#include <cstdlib>
#include <system_error>

#include <fmt/format.h>

#include "kagibin/crypto/key_file/key_file.h"

namespace kagibin::cli::demo {

namespace {

constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";

}  // namespace

Outcome<SoftHsm> SoftHsm::create(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(kModule)) {
    return failure(fmt::format("{} is not installed: scripts/setup", kModule));
  }
  SoftHsm out(folder);
  std::error_code error;
  std::filesystem::create_directories(out.tokens(), error);
  if (error) {
    return failure("SoftHSM's folder could not be made");
  }
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  const std::filesystem::path settings = folder / "softhsm2.conf";
  const std::string text =
      fmt::format("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
                  out.tokens().string());
  KB_TRY(crypto::write_file(settings, ascii(text), false));
  // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread; the children inherit it
  setenv("SOFTHSM2_CONF", settings.c_str(), 1);
  return out;
}

std::string SoftHsm::token_uri(std::string_view token) const {
  return fmt::format("pkcs11:token={}?module-path={}", token, kModule);
}

std::string SoftHsm::key_uri(std::string_view token, std::string_view key) const {
  return fmt::format("pkcs11:token={};object={}?module-path={}", token, key, kModule);
}

}  // namespace kagibin::cli::demo
