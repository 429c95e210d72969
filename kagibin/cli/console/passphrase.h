// SPDX-License-Identifier: Apache-2.0
// The passphrase of a role's key records, or the PIN of a token: from a file, a systemd credential,
// or a prompt; never from argv or the environment.
//
// Looked for in this order: the file named by --passphrase-file (mode 0600 or 0400, owned by the
// caller or root); the credential "kagibin-passphrase" in $CREDENTIALS_DIRECTORY (systemd.exec,
// LoadCredential=); a prompt without echo when standard input is a terminal. One trailing line feed
// is dropped. Limits: 1 to 1,024 octets. Errors: kInvalidArgument with what to do; kNotFound;
// kPolicy for a file that others may read.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::cli {

// `twice`: a prompt asks again and compares (for init). `credential`: its name in that folder.
Result<SecretBytes> read_passphrase(const std::optional<std::filesystem::path>& file,
                                    std::string_view prompt,
                                    bool twice,
                                    std::string_view credential = "kagibin-passphrase");

// One line of at most 1,024 octets from the terminal, without echo; kInvalidArgument when standard
// input is none.
Result<SecretBytes> ask_without_echo(std::string_view prompt);

}  // namespace kagibin::cli
