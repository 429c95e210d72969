// SPDX-License-Identifier: Apache-2.0
// What a status word says in general, where that is specified, and what a host does about it: for
// people. What one application means by it may be narrower (kda/status_meaning.h).
//
// Total: every word has a meaning. Ownership: views of literals. Thread-safety: values.
//
//   apdu::status_meaning(sw::kNotFound).text == "the application or file was not found";
#pragma once

#include <string_view>

#include "kagibin/base/status_word.h"

namespace kagibin::apdu {

struct StatusMeaning {
  std::string_view text{};
  std::string_view clause{};
  std::string_view advice{};  // what to do, a clause without a full stop
};

StatusMeaning status_meaning(StatusWord sw);

// Neither success nor a warning nor an answer that goes on: 9000, 61xx, 62xx and 6310 are none.
bool is_refusal(StatusWord sw);

}  // namespace kagibin::apdu
