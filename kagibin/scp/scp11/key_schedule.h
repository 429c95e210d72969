// SPDX-License-Identifier: Apache-2.0
// From the shared secrets of SCP11 to its session keys and its receipt, as both ends compute them
// (Amendment F v1.3, key derivation; X9.63 as in BSI TR-03111, 4.3.3). Inside scp11 and its tests.
//
//   receipt key | S-ENC | S-MAC | S-RMAC | S-DEK = X9.63(ShS1 | ShS2, SharedInfo)
//   SharedInfo = key usage | key type | key length, and when identities are asked for
//                HostID-LV | SIN-LV | SDIN-LV (SCP11a, b) or HostID-LV | Card Group ID-LV (SCP11c)
//   receipt = AES-CMAC(receipt key, data field of the command | 5F49 of the answer)
//
// The hash is SHA-256 on both curves: that is what published sessions show, on P-384 too, whatever
// the length of the keys. A card that takes another has it as a parameter.
#pragma once

#include "kagibin/crypto/hash.h"
#include "kagibin/scp/aes_messaging.h"
#include "kagibin/scp/scp11/key_agreement.h"

namespace kagibin::scp {

inline constexpr crypto::HashAlgorithm kScp11Hash = crypto::HashAlgorithm::kSha256;

struct SharedSecrets {
  SecretBytes first;   // of the ephemeral keys; in SCP11c of ePK.OCE with the domain's own
  SecretBytes second;  // with the domain's static key
};

struct AgreedKeys {
  Scp03SessionKeys session;
  SecretBytes dek;
  crypto::AesBlock receipt{};
};

// `request_data` is the command's data field as sent, `answer_point` the point in 5F49 of the
// answer. kNotFound when identities are asked for and one of the card's is empty.
Result<AgreedKeys> derive_keys(const SharedSecrets& secrets,
                               const KeyAgreementRequest& request,
                               ByteView request_data,
                               ByteView answer_point,
                               const Scp11CardIdentity& card,
                               crypto::HashAlgorithm hash);

// SharedInfo above.
Result<Bytes> shared_info(const KeyAgreementRequest& request, const Scp11CardIdentity& card);

}  // namespace kagibin::scp
