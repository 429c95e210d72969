// SPDX-License-Identifier: Apache-2.0
// A security domain's way into itself, for the code of its own that takes key deliveries
// (se/kda/own; doc/decisions/0018): PUT KEY, DELETE, INSTALL [for personalization] and STORE DATA
// as its provider sends them, with all their rules and refusals, and without an APDU. The session
// that they run in is on no logical channel of the card, has no keys, and nothing of it leaves.
//
// One apply() is one transaction. An application that was given data in one that came to nothing is
// made anew. Ownership: refers to the element's parts. For se/ only. Thread-safety: one thread.
#pragma once

#include "kagibin/se/application.h"
#include "kagibin/se/open/logical_channel.h"
#include "kagibin/se/open/platform.h"

namespace kagibin::se {

class Instances;

class OwnDomain final : public OwnDomainService {
 public:
  OwnDomain(Platform& platform, Instances& instances, LogicalChannels& channels, const Aid& domain)
      : platform_(platform), instances_(instances), channels_(channels), domain_(domain) {}

  Result<void> apply(std::span<const Command> commands,
                     const SecretArray<16>& sensitive,
                     const std::function<Result<void>()>& record) override;
  std::uint8_t highest_key_version() const override;

 private:
  Result<void> run(LogicalChannel& inside, const Command& command);

  Platform& platform_;
  Instances& instances_;
  LogicalChannels& channels_;
  Aid domain_;
};

}  // namespace kagibin::se
