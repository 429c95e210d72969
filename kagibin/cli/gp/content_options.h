// SPDX-License-Identifier: Apache-2.0
// What the commands for content of kagibin gp read out of their options alike: octets, files, AIDs,
// and the parameters of INSTALL with the control reference of a token (GPCS 11.5.2.3.7, C.4).
//
// Functions without state.
//
//   install.parameters = KB_TRY(other_parameters(options));
#pragma once

#include <optional>

#include "kagibin/base/aid.h"
#include "kagibin/cli/gp/gp_options.h"

namespace kagibin::cli {

// Empty for no text, no path.
Result<Bytes> optional_hex(const std::string& text);
// A file that cannot be read is named in `failed`.
Result<Bytes> optional_file(const std::filesystem::path& path, std::filesystem::path& failed);
Result<std::optional<Aid>> optional_aid(const std::string& text);

// The control reference of the token as --token-card, --token-provider and --token-number say it:
// B6, or its value. Empty when they say nothing.
Result<Bytes> token_reference_object(const GpOptions& options);
Result<Bytes> token_reference_value(const GpOptions& options);
// EF of --system-params, and B6.
Result<Bytes> other_parameters(const GpOptions& options);

}  // namespace kagibin::cli
