// SPDX-License-Identifier: Apache-2.0
// A file with secrets that is read only when nobody but its owner may read it: mode 0600 or 0400,
// owned by the caller or root. Limit: 64 KiB. Errors: kNotFound, kPolicy, kLimit, kIo.
//
//   const SecretBytes keys = KB_TRY(read_private_file("card.keys"));
#pragma once

#include <filesystem>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::cli {

// kOthersToo: for files whose keeper is another program, such as systemd's credentials.
enum class Readers : std::uint8_t { kOwnerAlone, kOthersToo };

Result<SecretBytes> read_private_file(const std::filesystem::path& path,
                                      Readers readers = Readers::kOwnerAlone);

}  // namespace kagibin::cli
