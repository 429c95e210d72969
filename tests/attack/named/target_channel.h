// SPDX-License-Identifier: Apache-2.0
// The provider's domain as somebody meets it who speaks to the element past the agent: a logical
// channel of its own, the manager's keys, and a host that a maker let in. Ownership: a channel
// refers to the element of its card. Thread-safety: none.
//
//   TargetChannel channel(card);
//   channel.select();
//   const apdu::ResponseApdu answer = channel.ask(must(host.initialize_update(rng)));
#pragma once

#include <memory>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/scp/scp03/scp03_host.h"

#include "tests/support/deployment.h"

namespace kagibin::attack {

class TargetChannel {
 public:
  explicit TargetChannel(test::DeployedCard& card);
  // Ends what session there was.
  void select();
  apdu::ResponseApdu ask(const apdu::CommandApdu& command);

 private:
  std::unique_ptr<apdu::ChannelLink> channel_;
};

// What C exported of a domain.
scp::Scp03KeySet key_set_of(const delivery::KeyExport& record);

// CERT.OCE of this key, by whoever has the issuer's: the names are those of the card's own maker.
pki::Certificate host_certificate(test::Deployment& world,
                                  const test::DeployedCard& card,
                                  const crypto::EcPublicKey& key,
                                  const crypto::EcPrivateKey& issuer);

}  // namespace kagibin::attack
