// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp03/scp03_link.h"

namespace kagibin::scp {

Result<Scp03Link> Scp03Link::open(apdu::CardLink& link,
                                  const Scp03KeySet& keys,
                                  const Scp03HostOptions& options,
                                  SecurityLevel level,
                                  crypto::Rng& rng) {
  auto host = std::make_unique<Scp03Host>(keys.duplicate(), options);
  const apdu::CommandApdu initialize = KB_TRY(host->initialize_update(rng));
  const apdu::ResponseApdu challenge = KB_TRY(exchange_opening(link, initialize));
  const apdu::CommandApdu authenticate = KB_TRY(host->external_authenticate(challenge, level));
  const apdu::ResponseApdu accepted = KB_TRY(exchange_opening(link, authenticate));
  KB_TRY(host->finish_authentication(accepted));
  return Scp03Link(link, std::move(host));
}

}  // namespace kagibin::scp
