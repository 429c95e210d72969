// SPDX-License-Identifier: Apache-2.0
// What an operator asks first of a distributor: its orders by state and the oldest of each, its
// audit log, and until when its certificates are good. Reads the store and changes nothing; whoever
// serves goes on. Failures: those of the folder and the store; one of an older version is refused.
//
//   return DistributorStatus(console, folder, place, now).tell();
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/cli/console/console.h"
#include "kagibin/cli/store/order_store_place.h"
#include "kagibin/delivery/store_figures.h"
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"

namespace kagibin::cli {

class DistributorStatus {
 public:
  DistributorStatus(Console console,
                    const roles::key_distribution_operator::DistributorFolder& folder,
                    const OrderStorePlace& place,
                    std::int64_t now)
      : console_(console), folder_(folder), place_(place), now_(now) {}

  int tell();

 private:
  struct Expiry {
    std::string certificate;
    std::int64_t not_after = 0;
  };
  Result<std::vector<Expiry>> expiries() const;
  Result<delivery::StoreFigures> figures() const;
  void tell_orders(const delivery::StoreFigures& figures);

  Console console_;
  const roles::key_distribution_operator::DistributorFolder& folder_;
  const OrderStorePlace& place_;
  std::int64_t now_;
};

}  // namespace kagibin::cli
