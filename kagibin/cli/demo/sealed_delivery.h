// SPDX-License-Identifier: Apache-2.0
// The paper's five steps, between the processes of a cast: told with their times.
//
//   SealedDelivery delivery(site, cast, narrator);
//   KB_TRY(delivery.order());  KB_TRY(delivery.seal());  KB_TRY(delivery.install());
#pragma once

#include "kagibin/cli/demo/cast.h"

namespace kagibin::cli::demo {

inline constexpr const char* kOrder = "demo-order-0001";

class SealedDelivery {
 public:
  SealedDelivery(Site& site, Cast& cast, Narrator& narrator)
      : site_(site), cast_(cast), narrator_(narrator) {}

  // Step 1: ordered, and the element's public key has come back.
  Outcome<void> order();
  // Step 2: sealed and given to the distributor. Ends when the provider says so.
  Outcome<void> seal();
  // Steps 3 to 5, the receipt, and the verdict.
  Outcome<void> install();
  // The provider's program that runs from seal() to the end of install().
  pid_t provider() const { return provider_->process(); }

 private:
  bool by_certificates() const {
    return cast_.element.is_at(envelope::RelayLevel::kRl2) ||
           cast_.element.is_at(envelope::RelayLevel::kRl4);
  }
  bool by_own_os() const { return cast_.element.is_at(envelope::RelayLevel::kOs); }
  void tell_relayed_steps(double opened_ms, double installed_ms);

  Site& site_;
  Cast& cast_;
  Narrator& narrator_;
  std::unique_ptr<Child> provider_;
};

}  // namespace kagibin::cli::demo
