// SPDX-License-Identifier: Apache-2.0
// A card as the manager shows it to a service provider who sets up keys with his domain in it
// (Amendment A, scenario 3): commands pass as they are, but STORE DATA goes through a session that
// the manager opens in the domain with the keys that it put there.
//
// The manager reads what it carries and learns no key from it (gp/confidential/agreed_key_set.h).
// Every other command passes in the clear and ends that session, as it does in the card; so one
// set-up is a STORE DATA after the other. Limits: the basic channel; commands of at most 255 octets
// wrapped. Ownership: refers to link and randomness, which outlive it. Thread-safety: one thread.
//
//   CarriedDomain domain(link, keys, rng);          // an apdu::CardLink for the provider
//   port.serve(domain)
#pragma once

#include <optional>

#include "kagibin/apdu/card_link.h"
#include "kagibin/base/aid.h"
#include "kagibin/scp/scp03/scp03_link.h"

namespace kagibin::roles::security_module_manager {

// What opens the domain's secure channel.
struct DomainChannel {
  Aid domain;
  std::uint8_t key_version = 0;
  scp::Scp03Parameter scp03{};
  scp::Scp03KeySet keys;
};

class CarriedDomain final : public apdu::CardLink {
 public:
  CarriedDomain(apdu::CardLink& card, DomainChannel channel, crypto::Rng& rng)
      : card_(card), channel_(std::move(channel)), rng_(rng) {}

  // 6982 for a STORE DATA for which the domain opens no session: `refusal` says why. kCardLink.
  Result<Bytes> transmit(ByteView command) override;
  // Why the last STORE DATA found no session; empty when none was refused so.
  const std::optional<Error>& refusal() const { return refusal_; }
  // STORE DATA commands that the card took.
  int stored() const { return stored_; }

 private:
  Result<void> open();

  apdu::CardLink& card_;
  DomainChannel channel_;
  crypto::Rng& rng_;
  std::optional<scp::Scp03Link> session_{};
  std::optional<Error> refusal_{};
  int stored_ = 0;
};

}  // namespace kagibin::roles::security_module_manager
