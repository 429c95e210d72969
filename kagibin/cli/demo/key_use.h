// SPDX-License-Identifier: Apache-2.0
// What a service wants a key in an element for: its server authenticates the user's element. The
// session's card cryptogram is the proof; and the key set that was replaced, where there was one,
// opens nothing any more.
//
//   KB_TRY(use_key(element.reader, &first, delivered, narrator));
#pragma once

#include <string>

#include "kagibin/cli/demo/failure.h"
#include "kagibin/cli/demo/narrator.h"
#include "kagibin/scp/scp03/scp03.h"

namespace kagibin::cli::demo {

Outcome<void> use_key(const std::string& reader,
                      const scp::Scp03KeySet* first,
                      const scp::Scp03KeySet& delivered,
                      Narrator& narrator);

}  // namespace kagibin::cli::demo
