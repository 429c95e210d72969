// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/check/read_back.h"

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/cli/fleet/players/virtual_device.h"
#include "kagibin/gp/select.h"
#include "kagibin/scp/scp03/scp03_link.h"

#include "tests/support/must.h"

namespace kagibin::simulation {

using test::must;

bool opens_with(ElementSide& element,
                const roles::service_provider::ChannelKeySet& keys,
                std::uint8_t key_version,
                crypto::Rng& rng) {
  element.forget_plan();
  const auto awake = must(element.wake());
  const auto channel = must(apdu::ChannelLink::open(*awake));
  const Aid domain = cli::fleet::domain_aid();
  must(apdu::exchange(
      *channel, gp::Select{.name = Bytes(domain.view().begin(), domain.view().end())}.encode()));
  const auto set = must(
      scp::Scp03KeySet::create(keys.enc.duplicate(), keys.mac.duplicate(), keys.dek.duplicate()));
  return scp::Scp03Link::open(*channel, set, {.key_version_number = key_version},
                              scp::highest_level(scp::Scp03Parameter{cli::fleet::kDomainScp03}),
                              rng)
      .has_value();
}

}  // namespace kagibin::simulation
