// SPDX-License-Identifier: Apache-2.0
// What a coalition can work out from what it holds: it derives SCP03 session keys from channel keys
// and the challenges that a device saw, unwraps the relayed commands, unwraps the keys of PUT KEY
// under Key-DEK, and uses what it gained again; and it tries every private key it has on every
// envelope, and in every way on the
// SCP11a sessions (agreement_solver.h).
//
// It is told more than a real coalition knows (which octets are an envelope, the hash of the sealed
// statement E1): it errs on the side of the attacker. Thread-safety: functions.
//
//   Derived derived = derive({.key_sets = {...}, .apdus = read_apdu_log(file), ...});
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kagibin/base/secret.h"
#include "kagibin/cli/solver/apdu_log.h"
#include "kagibin/crypto/curve/curve_key.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/scp/scp03/scp03.h"

namespace kagibin::cli {

struct SealedEnvelope {
  Bytes envelope;        // E2
  Bytes statement_hash;  // SHA-256(TLV E1)
};

struct CoalitionView {
  std::vector<scp::Scp03KeySet> key_sets{};
  std::vector<Exchange> apdus{};
  std::vector<SealedEnvelope> envelopes{};
  std::vector<crypto::EcPrivateKey> private_keys{};
  std::vector<crypto::CurvePublicKey> agreement_keys{};  // that certificates of SCP11 name
  std::vector<SecretBytes> static_deks{};                // of domains, beside SK.SD.ECKA
};

struct Derived {
  std::vector<SecretBytes> session_keys;  // of sessions whose card cryptogram verified
  std::vector<SecretBytes> keys;          // out of PUT KEY, and out of opened envelopes
  std::size_t sessions = 0;               // of SCP03 among the APDUs
  std::size_t sets_tried = 0;             // key sets times those sessions
  std::size_t tried = 0;                  // private keys times envelopes
  std::size_t agreements = 0;             // sessions of SCP11a among the APDUs
  std::size_t agreements_tried = 0;       // ways into them
};

// Adds the keys that one session carried, if it was read; of exactly three, the set that they are.
std::optional<scp::Scp03KeySet> add_carried(Derived& derived,
                                            const Result<std::vector<SecretBytes>>& carried);

Derived derive(const CoalitionView& view);

// Private keys that stand as PEM in the octets (PKCS#8, not encrypted).
std::vector<crypto::EcPrivateKey> private_keys_in(ByteView octets);

}  // namespace kagibin::cli
