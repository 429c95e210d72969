// SPDX-License-Identifier: Apache-2.0
// What was answered to a write with the field Idempotency-Key is answered again, status and body,
// for a day and at any distributor of the store (draft-ietf-httpapi-idempotency-key-header-07,
// 2.6). For after the caller was found to be allowed to do it.
//
// A key is its owner's: of whoever stands in the certificate, with its roles. With another request
// than the first it is refused (422). Kept is an answer below 300, in the same transaction; a
// refusal changed nothing and is decided anew, also where it is that of each of many orders. Names
// make every PUT repeatable without a key. There is no answer while the first is being handled (409
// in the draft): who comes then waits for its commit, and is given its answer.
//
// Limits: 100,000 an owner, 100 a device, where each counts 1 and 1 more for each KiB; over that,
// 429. Several distributors at a time may count one for two. Ownership: refers to the transaction.
//
//   if (auto again = KB_TRY(kept.instead_of(once))) return *again;
//   ... do it ...
//   KB_TRY(kept.keep(once, response));
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "kagibin/base/result.h"
#include "kagibin/delivery/http_port.h"
#include "kagibin/delivery/names.h"
#include "kagibin/delivery/order_store.h"

namespace kagibin::roles::key_distribution_operator {

inline constexpr std::uint64_t kMaxKept = 100'000;
inline constexpr std::uint64_t kMaxKeptOfADevice = 100;
inline constexpr std::size_t kMaxIdempotencyKey = 128;

// A write that is to be done once.
struct Once {
  delivery::AnswerName name{};
  std::array<std::uint8_t, 32> request{};  // SHA-256 of method, target and body
  bool of_many = false;                    // a submission: its 200 may refuse every order
};
// kValue: the field is no string of RFC 9651 (3.3.3) with 1 to kMaxIdempotencyKey characters.
Result<Once> once_of(const delivery::HttpRequest& request, const delivery::Subject& subject);

class KeptAnswers {
 public:
  KeptAnswers(delivery::OrderTransaction& store, std::int64_t now) : store_(store), now_(now) {}

  // Empty: it has to be done.
  Result<std::optional<delivery::HttpResponse>> instead_of(const Once& once);
  // Keeps an answer below 300 that refused nothing, or did something, and no other.
  Result<void> keep(const Once& once, const delivery::HttpResponse& response);
  // Those that are over; up to `limit`.
  Result<void> forget(std::uint32_t limit);

 private:
  delivery::OrderTransaction& store_;
  std::int64_t now_;
};

}  // namespace kagibin::roles::key_distribution_operator
