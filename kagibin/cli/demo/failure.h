// SPDX-License-Identifier: Apache-2.0
// What went wrong in the demo, as one sentence, and whose log says more.
//
// An Error's detail is a literal; a Failure may name programs and files. Nothing secret is
// formatted into one. Ownership: values. Thread-safety: values.
//
//   Outcome<std::uint16_t> port = serve();
//   return failure("the carrier did not start", child.log());
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <utility>

#include "kagibin/base/result.h"

namespace kagibin::cli::demo {

struct Failure {
  std::string text;
  std::filesystem::path log;  // of the process that failed; empty: none
  bool interrupted = false;   // somebody pressed Ctrl-C

  explicit Failure(std::string sentence, std::filesystem::path where = {})
      : text(std::move(sentence)), log(std::move(where)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): KB_TRY passes a lower layer's Error up as it is
  Failure(const Error& error)
      : text(error.detail.text()), interrupted(error.code == Errc::kInterrupted) {}
};

template <typename T>
using Outcome = std::expected<T, Failure>;

inline std::unexpected<Failure> failure(std::string sentence, std::filesystem::path log = {}) {
  return std::unexpected(Failure(std::move(sentence), std::move(log)));
}

}  // namespace kagibin::cli::demo
