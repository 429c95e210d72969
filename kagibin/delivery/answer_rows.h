// SPDX-License-Identifier: Apache-2.0
// Port: answers that were given to requests with an Idempotency-Key, kept in the transaction of
// what they did, to be given again (draft-ietf-httpapi-idempotency-key-header-07).
//
// A key is its owner's own. Of two transactions that keep the same name, the later fails to commit
// (kInterrupted), and finds the other's when it is tried again.
//
//   const auto kept = KB_TRY(transaction->answers().find_answer({.owner = who, .key = key}));
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kagibin/base/result.h"

namespace kagibin::delivery {

struct AnswerName {
  std::string owner{};
  std::string key{};
  friend auto operator<=>(const AnswerName&, const AnswerName&) = default;
};

struct AnswerRow {
  AnswerName name{};
  std::array<std::uint8_t, 32> request{};  // SHA-256 of what was asked
  int status = 200;
  std::string body{};
  std::int64_t kept_at = 0;
  friend bool operator==(const AnswerRow&, const AnswerRow&) = default;
};

class AnswerRows {
 public:
  AnswerRows() = default;
  AnswerRows(const AnswerRows&) = delete;
  AnswerRows& operator=(const AnswerRows&) = delete;
  virtual ~AnswerRows() = default;

  virtual Result<std::optional<AnswerRow>> find_answer(const AnswerName& name) = 0;
  // How many the owner has. Distributors that put at the same time may count one for two.
  virtual Result<std::uint64_t> count_answers(std::string_view owner) = 0;
  // In the place of the one of this name, where the caller found one.
  virtual Result<void> put_answer(const AnswerRow& row) = 0;
  // Those that were kept before `before`; how many there were, at most `limit`.
  virtual Result<std::uint32_t> forget_answers(std::int64_t before, std::uint32_t limit) = 0;
};

}  // namespace kagibin::delivery
