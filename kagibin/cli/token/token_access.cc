// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/token/token_access.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "kagibin/cli/console/passphrase.h"

namespace kagibin::cli {
namespace {

constexpr std::string_view kFileScheme = "file:";

// The token's name as the URI has it, or empty.
std::string name_of(const crypto::token::TokenUri& uri) {
  const Bytes label = uri.token_label();
  std::string out(label.begin(), label.end());
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

bool is_a_file_name(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos;
}

// Of this token where there is one, else of any.
std::string credential_of(const std::string& token) {
  const std::string own = "kagibin-pin-" + token;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): read once at the start, before any thread
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  const bool has_own = folder != nullptr && is_a_file_name(token) &&
                       std::filesystem::exists(std::filesystem::path(folder) / own);
  return has_own ? own : "kagibin-pin";
}

}  // namespace

TokenAccess::TokenAccess(Program& program)
    : tokens_([this](const crypto::token::TokenUri& uri) { return pin(uri, false); }) {
  program.app().add_option(
      "--pin-file", pin_file_,
      "file with the PIN of the token that keys are in (mode 0600); without it the file of the "
      "URI's pin-source, a systemd credential \"kagibin-pin\" or a prompt is used");
  program.app()
      .add_option("--token-pin-file", token_pin_files_,
                  "TOKEN=FILE: the file with the PIN of the token of this name, where there are "
                  "several; goes before --pin-file")
      ->check([](const std::string& value) {
        const std::size_t at = value.find('=');
        return at == 0 || at == std::string::npos || at + 1 == value.size()
                   ? std::string("it has to be TOKEN=FILE")
                   : std::string();
      });
}

void TokenAccess::add_place(CLI::App* command,
                            const std::string& option,
                            crypto::KeyPlace& place,
                            const std::string& what) {
  command->add_option(option, place.uri,
                      what +
                          " is in a PKCS#11 token, under this URI (RFC 7512, such as "
                          "pkcs11:token=NAME;object=KEY?module-path=/FILE.so); default: an "
                          "encrypted record");
  std::vector<const crypto::KeyPlace*>& places = places_[command];
  places.push_back(&place);
  if (places.size() == 1) {
    command->add_flag("--generate", generate_,
                      "make the keys in the token, which has none of these names yet");
    command->parse_complete_callback([this, &places, option] {
      const bool has_token = std::ranges::any_of(
          places, [](const crypto::KeyPlace* one) { return !one->uri.empty(); });
      if (generate_ && !has_token) {
        throw CLI::RequiresError("--generate", option + " or another URI that says in which token");
      }
    });
  }
}

crypto::KeyPlace TokenAccess::with_generate(crypto::KeyPlace place) const {
  place.is_made_there = generate_;
  return place;
}

Result<SecretBytes> TokenAccess::pin(const crypto::token::TokenUri& uri, bool is_new) const {
  const std::string token = name_of(uri);
  std::optional<std::filesystem::path> file = pin_file_;
  for (const std::string& named : token_pin_files_) {
    const std::size_t at = named.find('=');
    if (!token.empty() && named.substr(0, at) == token) {
      file = named.substr(at + 1);
    }
  }
  if (!file && !uri.pin_source().empty()) {
    std::string_view source = uri.pin_source();
    if (source.starts_with(kFileScheme)) {
      source.remove_prefix(kFileScheme.size());
    }
    file = source;
  }
  return read_passphrase(
      file,
      fmt::format("PIN of the {}token{}{}", is_new ? "new " : "", token.empty() ? "" : " ", token),
      is_new, credential_of(token));
}

}  // namespace kagibin::cli
