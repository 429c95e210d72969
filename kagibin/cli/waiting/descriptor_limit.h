// SPDX-License-Identifier: Apache-2.0
// As many open files, and so connections, as the system lets this process have (RLIMIT_NOFILE).
#pragma once

namespace kagibin::cli {

// Raises the soft limit to the hard one; where that fails, it stays as it is.
void raise_descriptor_limit();

}  // namespace kagibin::cli
