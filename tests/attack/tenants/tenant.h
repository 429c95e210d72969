// SPDX-License-Identifier: Apache-2.0
// A second service provider on one element and one key delivery application: certified by the same
// authority, with a domain, channel keys and deliveries of its own. Thread-safety: none.
//
//   Tenant tenant(world, card);
//   KB_CHECK(tenant.deliver());
#pragma once

#include <optional>
#include <vector>

#include "kagibin/envelope/delivery_message.h"

#include "tests/attack/named/other_provider.h"

namespace kagibin::attack {

class Tenant {
 public:
  static constexpr std::size_t kTargets = 4;  // a provider may have slots for

  // With this many domains; the first is target().
  Tenant(test::Deployment& world, test::DeployedCard& card, std::size_t domains = 1);

  static Aid target(std::size_t number = 0);
  const OtherProvider& provider() const { return provider_; }
  const delivery::KeyExport& channel() const { return channels_.front(); }

  Bytes request(std::size_t number = 0, bool cancel = false);
  // E4, opened: what the provider learns of the element.
  Result<envelope::AnswerContent> enrol(std::size_t number = 0);
  // E2 for the first domain: a whole key set in the place of the manager's.
  Bytes seal(const envelope::AnswerContent& answer, std::uint32_t seq = 1);
  // A whole delivery to the first domain; false unless the element says installed.
  bool deliver();
  // Keys that deliver() brought.
  const std::vector<SecretBytes>& keys() const { return keys_; }
  // Of the last envelope.
  const SecretArray<16>& receipt_key() const { return receipt_key_; }

 private:
  test::Deployment& world_;
  test::DeployedCard& card_;
  OtherProvider provider_;
  std::vector<delivery::KeyExport> channels_{};
  std::vector<SecretBytes> keys_{};
  SecretArray<16> receipt_key_{};
};

}  // namespace kagibin::attack
