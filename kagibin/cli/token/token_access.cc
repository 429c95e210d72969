// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/token/token_access.h"

#include <algorithm>

#include "kagibin/cli/console/passphrase.h"

namespace kagibin::cli {
namespace {

constexpr std::string_view kFileScheme = "file:";

}  // namespace

TokenAccess::TokenAccess(Program& program)
    : tokens_([this](const crypto::token::TokenUri& uri) { return pin(uri, false); }) {
  program.app().add_option(
      "--pin-file", pin_file_,
      "file with the PIN of the token that keys are in (mode 0600); without it the file of the "
      "URI's pin-source, a systemd credential \"kagibin-pin\" or a prompt is used");
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
  std::optional<std::filesystem::path> file = pin_file_;
  if (!file && !uri.pin_source().empty()) {
    std::string_view source = uri.pin_source();
    if (source.starts_with(kFileScheme)) {
      source.remove_prefix(kFileScheme.size());
    }
    file = source;
  }
  return read_passphrase(file, is_new ? "PIN of the new token" : "PIN of the token", is_new,
                         "kagibin-pin");
}

}  // namespace kagibin::cli
