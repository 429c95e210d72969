// SPDX-License-Identifier: Apache-2.0
// Signed notes (C2SP signed-note) with Ed25519, type 01, and the checkpoint of a log in one (C2SP
// tlog-checkpoint).
//
//   <origin>\n<size>\n<root, base64>\n\n— <name> <base64(key id | signature)>\n
//
// The key's name is the log's origin: not empty, without blanks and "+". A verifier key is
// "<name>+<key id, 8 hexadecimal digits>+<base64(01 | public key)>". Signatures of other keys
// (witnesses) are passed over; checkpoints with extension lines are refused. Limits: 16,384 octets.
// Pure values.
//
//   const std::string note = KB_TRY(sign(head, key, "kagibin-audit/0011223344556677"));
//   const TreeHead head = KB_TRY(open_checkpoint(note, verifier));
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kagibin/base/result.h"
#include "kagibin/crypto/ed25519/ed25519.h"
#include "kagibin/roles/key_distribution_operator/audit/merkle_proof.h"

namespace kagibin::roles::key_distribution_operator {

inline constexpr std::size_t kMaxNoteBytes = 16'384;

struct VerifierKey {
  std::string name;
  crypto::Ed25519PublicKey key{};
  friend bool operator==(const VerifierKey&, const VerifierKey&) = default;

  std::uint32_t id() const;
  std::string text() const;
  // kEncoding for everything else, a wrong key id too.
  static Result<VerifierKey> parse(std::string_view text);
};

// "kagibin-audit/" and the first 16 hexadecimal digits of the public key's SHA-256.
std::string name_of_log(const crypto::Ed25519PublicKey& key);

Result<std::string> sign(const TreeHead& head,
                         const crypto::Ed25519PrivateKey& key,
                         const std::string& name);
// kEncoding: not a checkpoint; kAuthentication: not signed by this key; kUntrusted: of another log.
Result<TreeHead> open_checkpoint(std::string_view note, const VerifierKey& verifier);

}  // namespace kagibin::roles::key_distribution_operator
