// SPDX-License-Identifier: Apache-2.0
// Port: answers that were given to requests with an Idempotency-Key, kept in the transaction of
// what they did, to be given again (draft-ietf-httpapi-idempotency-key-header-07).
//
// A key is its owner's own. Of two transactions that keep the same name, the later fails to commit
// (kInterrupted), and finds the other's when it is tried again. An answer is over when it was kept
// for longer than kKeptSeconds, or that far in the future, by the store's clock (tenant_rows.h):
// `now` where the store has none of its own.
//
//   const auto kept = KB_TRY(transaction->answers().find_answer({.owner = who, .key = key}, now));
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kagibin/base/result.h"

namespace kagibin::delivery {

inline constexpr std::int64_t kKeptSeconds = 86'400;

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
  std::int64_t kept_at = 0;  // given by the store
  friend bool operator==(const AnswerRow&, const AnswerRow&) = default;
};

constexpr bool is_over(const AnswerRow& row, std::int64_t now) {
  return row.kept_at < now - kKeptSeconds || row.kept_at > now + kKeptSeconds;
}
// What it counts: 1, and 1 for each KiB of its body.
constexpr std::int64_t units_of(const AnswerRow& row) {
  return 1 + static_cast<std::int64_t>(row.body.size() / 1'024);
}

class AnswerRows {
 public:
  AnswerRows() = default;
  AnswerRows(const AnswerRows&) = delete;
  AnswerRows& operator=(const AnswerRows&) = delete;
  virtual ~AnswerRows() = default;

  // Empty for one that is over.
  virtual Result<std::optional<AnswerRow>> find_answer(const AnswerName& name,
                                                       std::int64_t now) = 0;
  // Units from the owner's oldest to its newest. Distributors that put at the same time may count
  // one for two.
  virtual Result<std::uint64_t> count_answers(std::string_view owner) = 0;
  // In the place of one of this name that is over.
  virtual Result<void> put_answer(const AnswerRow& row, std::int64_t now) = 0;
  // Those that are over; how many there were, at most `limit`.
  virtual Result<std::uint32_t> forget_answers(std::int64_t now, std::uint32_t limit) = 0;
};

}  // namespace kagibin::delivery
