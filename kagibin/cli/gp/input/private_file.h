// SPDX-License-Identifier: Apache-2.0
// A file with secrets that is read only when nobody but its owner may read it: mode 0600 or 0400,
// owned by the caller or root. Limit: 64 KiB. Errors: kNotFound, kPolicy, kLimit, kIo.
#pragma once

#include <filesystem>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::cli {

Result<SecretBytes> read_private_file(const std::filesystem::path& path);

}  // namespace kagibin::cli
