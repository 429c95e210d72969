// SPDX-License-Identifier: Apache-2.0
// Whether the solver can open an SCP11a session at all: "nothing" from a solver that cannot proves
// nothing. The examiner, who has every key, opens a channel to the target as the key delivery
// application does, with CERT.OCE as it was relayed and an ephemeral key that it keeps, and puts a
// PUT KEY of its own into it, which is not sent. From what a device would have seen of that, and
// the private keys of one end, the solver has to find the key.
//
// With a static Key-DEK of the domain (RL4) the solver has to find nothing without it, whatever
// private keys it has, and nothing with it alone: only with both.
//
// Changes nothing in the element.
//
//   KB_TRY(rehearse_agreement(reader, read_apdu_log(file), host_key, domain_key));
#pragma once

#include <string>
#include <vector>

#include "kagibin/base/secret.h"
#include "kagibin/cli/demo/failure.h"
#include "kagibin/cli/solver/apdu_log.h"
#include "kagibin/crypto/ec/ec_key.h"

namespace kagibin::cli::demo {

// `seen`: with the delivery's certificates; `host_key`: SK.OCE.ECKA; `domain_key`: PK.SD.ECKA;
// `static_dek`: none below RL4.
Outcome<void> rehearse_agreement(const std::string& reader,
                                 const std::vector<Exchange>& seen,
                                 const crypto::EcPrivateKey& host_key,
                                 const crypto::EcPublicKey& domain_key,
                                 const SecretBytes* static_dek = nullptr);

}  // namespace kagibin::cli::demo
