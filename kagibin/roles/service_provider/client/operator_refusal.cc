// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/client/operator_refusal.h"

#include <fmt/format.h>

namespace kagibin::roles::service_provider {

bool is_outage(Errc code) {
  return code == Errc::kNetwork || code == Errc::kTls || code == Errc::kHttp ||
         code == Errc::kInterrupted || code == Errc::kStore || code == Errc::kNoSpace ||
         code == Errc::kIo;
}

bool is_turned_down(Errc code) {
  return code == Errc::kState || code == Errc::kConflict || code == Errc::kExpired ||
         code == Errc::kNotFound || code == Errc::kUntrusted || code == Errc::kValue ||
         code == Errc::kEncoding || code == Errc::kLimit;
}

Problem not_taken(const Error& error) {
  const std::string_view remedy =
      error.code == Errc::kExpired
          ? "It is not sent again. By the operator's clock the order's time is over: compare the "
            "two clocks, then make a new order, with a longer --validity where devices come "
            "seldom."
      : is_turned_down(error.code)
          ? "It is not sent again; what we have of the order stands in the journal: kagibin "
            "provider show."
          : "What is open stands in the journal and is sent again at the next run.";
  return {error.code, fmt::format("The key distribution operator did not take a message: {}. {}",
                                  error.detail.text(), remedy)};
}

Problem orders_not_taken(const Error& error) {
  if (is_outage(error.code)) {
    return not_taken(error);
  }
  return {
      error.code,
      fmt::format(
          "The key distribution operator looked at none of our orders: {}. They stand "
          "in the journal and are sent again at the next run; ask the operator why{}.",
          error.detail.text(),
          error.code == Errc::kUntrusted ? ", and for a certificate with the role submit" : "")};
}

Problem not_withdrawn(const Error& error) {
  if (is_outage(error.code)) {
    return not_taken(error);
  }
  return {
      Errc::kPolicy,
      fmt::format(
          "The key distribution operator does not let us take an order back: {}. It stands in the "
          "journal as taken back, and the operator is told at the next run; ask it why{}.",
          error.detail.text(),
          error.code == Errc::kUntrusted ? ", and for a certificate with the role submit" : "")};
}

Checked<void> unless_outage(const Checked<void>& sent) {
  return !sent && is_outage(sent.error().code) ? sent : Checked<void>();
}

}  // namespace kagibin::roles::service_provider
