// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/check/read_back.h"

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/gp/get_data.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/gp/select.h"
#include "kagibin/scp/scp03/scp03_link.h"

namespace kagibin::cli::fleet {

Result<void> read_back(VirtualDevice& device,
                       const Silicon& silicon,
                       const std::optional<roles::service_provider::ChannelKeySet>& new_keys,
                       Seen& seen) {
  device.memory->restore();
  const auto element = KB_TRY(ElementInUse::wake(device, silicon));
  seen.installs = device.installs;
  const auto channel = KB_TRY(apdu::ChannelLink::open(*element));
  const Aid domain = domain_aid();
  const gp::Select select{.name = Bytes(domain.view().begin(), domain.view().end())};
  KB_TRY(apdu::exchange(*channel, select.encode()));
  const apdu::ResponseApdu told = KB_TRY(
      apdu::exchange(*channel, gp::GetData{.tag = gp::data_object::kKeyInformation}.encode()));
  const auto keys = KB_TRY(gp::KeyInformation::decode(told.data));
  seen.has_first_keys = keys.holds(kFirstKeyVersion);
  seen.has_new_keys = keys.holds(kNewKeyVersion);
  if (new_keys) {
    const auto set = KB_TRY(scp::Scp03KeySet::create(
        new_keys->enc.duplicate(), new_keys->mac.duplicate(), new_keys->dek.duplicate()));
    seen.opens_with_new_keys =
        scp::Scp03Link::open(*channel, set, {.key_version_number = kNewKeyVersion},
                             scp::highest_level(scp::Scp03Parameter{kDomainScp03}), silicon.rng)
            .has_value();
  }
  return {};
}

}  // namespace kagibin::cli::fleet
