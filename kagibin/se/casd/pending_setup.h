// SPDX-License-Identifier: Apache-2.0
// A confidential set-up that has begun on a logical channel: what its first block of STORE DATA
// left behind. Gone with the next command that is no STORE DATA, and with the session.
#pragma once

#include <optional>

#include "kagibin/base/aid.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/gp/confidential/setup_messages.h"
#include "kagibin/gp/confidential/setup_pieces.h"

namespace kagibin::se {

struct PendingSetup {
  Aid domain;
  std::optional<crypto::EcPublicKey> provider{};  // whom a certificate named; then the challenge
  gp::SetupChallenge challenge{};
  Bytes reference{};                             // of the unsigned form
  std::optional<gp::SetupPieces> certificate{};  // as far as it came
};

}  // namespace kagibin::se
