// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/status.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/delivery/store_snapshot.h"

namespace kagibin::cli {

namespace kdo = roles::key_distribution_operator;
using delivery::State;

namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::array kStates = {
    State::kOrdered, State::kEnrolled,  State::kSealed,  State::kHandedOver, State::kReported,
    State::kUnknown, State::kConfirmed, State::kRefused, State::kExpired,    State::kCancelled};
static_assert(kStates.size() == delivery::kStateCount);

std::string age_of(std::int64_t seconds) {
  if (seconds < 120) {
    return fmt::format("{} seconds", seconds);
  }
  if (seconds < 7'200) {
    return fmt::format("{} minutes", seconds / 60);
  }
  return seconds < 2 * kDay ? fmt::format("{} hours", seconds / 3'600)
                            : fmt::format("{} days", seconds / kDay);
}

}  // namespace

Result<std::vector<DistributorStatus::Expiry>> DistributorStatus::expiries() const {
  const kdo::DistributorIdentity identity = KB_TRY(folder_.load());
  std::vector<Expiry> found;
  for (const auto& [name, pem] : {std::pair("server", identity.server_certificate_pem),
                                  std::pair("ca", identity.ca.certificate_pem())}) {
    const crypto::CertificateFacts facts = KB_TRY(crypto::certificate_facts(pem));
    found.push_back({.certificate = name, .not_after = facts.not_after});
  }
  return found;
}

Result<delivery::StoreFigures> DistributorStatus::figures() const {
  const auto store = KB_TRY(place_.open_to_read());
  const auto snapshot = KB_TRY(store->snapshot());
  return snapshot->figures();
}

void DistributorStatus::tell_orders(const delivery::StoreFigures& figures) {
  for (const State state : kStates) {
    const auto oldest = std::ranges::find(figures.oldest, state, &delivery::OldestOrder::state);
    boost::json::object object = {{"state", name(state)}, {"orders", figures.in(state)}};
    std::string more;
    if (oldest != figures.oldest.end()) {
      const std::int64_t age = std::max<std::int64_t>(now_ - oldest->created_at, 0);
      object["oldestSeconds"] = age;
      more = ", the oldest made " + age_of(age) + " ago";
    }
    console_.result(object, "{:<12} {:>9}{}", name(state), figures.in(state), more);
  }
  const bool many = figures.without_place == delivery::kMostWithoutPlace;
  console_.result({{"auditEntries", figures.entries}, {"withoutPlace", figures.without_place}},
                  "The audit log has {} entries; {}{} more wait for a place.", figures.entries,
                  many ? "at least " : "", figures.without_place);
}

int DistributorStatus::tell() {
  const auto certificates = expiries();
  if (!certificates) {
    return console_.failed(certificates.error(), "the folder cannot be read",
                           certificates.error().code == Errc::kNotFound
                               ? "Make it with: kagibin distributor init"
                               : "");
  }
  const auto store = figures();
  if (!store) {
    return console_.failed(store.error(), "the store cannot be read",
                           place_.advice(store.error().detail.text()));
  }
  tell_orders(*store);
  for (const Expiry& one : *certificates) {
    const std::int64_t days = (one.not_after - now_) / kDay;
    console_.result({{"certificate", one.certificate}, {"notAfter", one.not_after}, {"days", days}},
                    "The {} certificate is good for {} more days.", one.certificate,
                    std::max<std::int64_t>(days, 0));
  }
  return kExitOk;
}

}  // namespace kagibin::cli
