// SPDX-License-Identifier: Apache-2.0
// A host's elements as link::CardBox: one a connection. Ownership: refers to the host, which
// outlives it. Thread-safety: any threads.
#pragma once

#include "kagibin/link/card_port.h"
#include "kagibin/se/host/element_host.h"

namespace kagibin::cli {

class HostedCards final : public link::CardBox {
 public:
  // Whether refusals are explained on standard error, with the element's number
  // (explaining_card.h).
  enum class Explain : std::uint8_t { kNo, kText, kJson };
  explicit HostedCards(se::ElementHost& host, Explain explain = Explain::kNo)
      : host_(host), explain_(explain) {}
  // Waits two seconds for another reader: one that comes back at once may find its last connection
  // not over yet.
  Result<std::unique_ptr<link::CardSide>> take(std::uint32_t number) override;

 private:
  se::ElementHost& host_;
  Explain explain_;
};

}  // namespace kagibin::cli
