// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/tenants/kept_answers.h"

#include <utility>

#include "kagibin/crypto/sha256.h"
#include "kagibin/delivery/problem.h"
#include "kagibin/roles/key_distribution_operator/answers.h"
#include "kagibin/roles/key_distribution_operator/routes.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::AnswerRow;
using delivery::HttpResponse;
using delivery::Party;
using delivery::Refusal;

namespace {

constexpr std::uint32_t kUntilSomeAreOver = 600;

// sf-string: DQUOTE *( unescaped / "\" ( DQUOTE / "\" ) ) DQUOTE, without parameters.
Result<std::string> key_in(std::string_view field) {
  const auto refused = [] {
    return fail(Errc::kValue,
                "Idempotency-Key is one string in double quotes, of 1 to 128 visible characters or "
                "spaces, with a backslash before a quote and a backslash (RFC 9651, 3.3.3)");
  };
  if (field.size() < 2 || field.front() != '"' || field.back() != '"') {
    return refused();
  }
  const std::string_view inside = field.substr(1, field.size() - 2);
  std::string key;
  bool escaped = false;
  for (const char c : inside) {
    const bool special = c == '"' || c == '\\';
    if (c < 0x20 || c > 0x7E || (escaped && !special) || (!escaped && c == '"')) {
      return refused();
    }
    escaped = !escaped && c == '\\';
    if (!escaped) {
      key.push_back(c);
    }
  }
  if (escaped || key.empty() || key.size() > kMaxIdempotencyKey) {
    return refused();
  }
  return key;
}

// The invitation's own name is its token, which the store does not hold.
std::string owner_of(const delivery::Subject& subject) {
  return subject.party == Party::kInvitation
             ? "invitation " + to_hex(crypto::sha256(ascii(subject.id)))
             : subject.common_name();
}

}  // namespace

Result<Once> once_of(const delivery::HttpRequest& request, const delivery::Subject& subject) {
  Once once;
  once.name.key = KB_TRY(key_in(request.idempotency_key.value_or("")));
  once.name.owner = owner_of(subject);
  std::string asked;
  asked.append(name(request.method)).append("\n").append(request.target).append("\n");
  asked.append(request.body);
  once.request = crypto::sha256(ascii(asked));
  once.of_many = request.method == delivery::HttpMethod::kPost;
  return once;
}

Result<std::optional<HttpResponse>> KeptAnswers::instead_of(const Once& once) {
  const std::optional<AnswerRow> kept = KB_TRY(store_.answers().find_answer(once.name, now_));
  if (kept) {
    if (kept->request != once.request) {
      return problem_response(
          problem_of(Refusal::kIdempotencyKey,
                     "this Idempotency-Key came with another method, path or body; take a fresh "
                     "key for another request"));
    }
    HttpResponse again = json(kept->status, kept->body);
    return std::optional(std::move(again));
  }
  const bool device = once.name.owner.starts_with("device:");
  const std::uint64_t count = KB_TRY(store_.answers().count_answers(once.name.owner));
  if (count >= (device ? kMaxKeptOfADevice : kMaxKept)) {
    HttpResponse full = problem_response(
        problem_of(Refusal::kQuota,
                   "as many answers are kept for this owner of Idempotency-Keys as may be; send it "
                   "without the field, for names make it repeatable, or come back later"));
    full.retry_after_seconds = kUntilSomeAreOver;
    return std::optional(std::move(full));
  }
  return std::optional<HttpResponse>();
}

Result<void> KeptAnswers::keep(const Once& once, const HttpResponse& response) {
  const bool opened_none = once.of_many && response.wakes.empty();
  if (response.status >= 300 || opened_none) {
    return {};
  }
  return store_.answers().put_answer({.name = once.name,
                                      .request = once.request,
                                      .status = response.status,
                                      .body = response.body},
                                     now_);
}

Result<void> KeptAnswers::forget(std::uint32_t limit) {
  KB_TRY(store_.answers().forget_answers(now_, limit));
  return {};
}

}  // namespace kagibin::roles::key_distribution_operator
