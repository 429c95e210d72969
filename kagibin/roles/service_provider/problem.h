// SPDX-License-Identifier: Apache-2.0
// What went wrong, as one clear sentence for the person who runs the service provider: what
// happened, what state things are in, what to do.
//
// An Error's detail is a literal; a Problem may name files, members and identifiers. No key gets
// in: nothing here formats a secret type. Ownership: values. Thread-safety: values.
//
//   Checked<Policy> policy = Policy::parse(text);
//   if (!policy) { fmt::print("{}\n", policy.error().text); }
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "kagibin/base/result.h"

namespace kagibin::roles::service_provider {

struct Problem {
  Errc code = Errc::kInvalidArgument;
  std::string text;

  Problem(Errc errc, std::string sentence) : code(errc), text(std::move(sentence)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): KB_TRY passes a lower layer's Error up as it is
  Problem(const Error& error) : code(error.code), text(error.detail.text()) {}
};

template <typename T>
using Checked = std::expected<T, Problem>;

inline std::unexpected<Problem> problem(Errc code, std::string sentence) {
  return std::unexpected(Problem(code, std::move(sentence)));
}

}  // namespace kagibin::roles::service_provider
