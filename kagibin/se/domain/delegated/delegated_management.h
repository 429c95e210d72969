// SPDX-License-Identifier: Apache-2.0
// Delegated management on the element (GPCS 2.3.1, 9.2, C.4, C.5): a domain with the Delegated
// Management privilege manages content by tokens. For se/ only.
//
//   token     verified with key 70/01 of the next domain above with Token Verification: RSA or EC
//             public, or AES
//   receipt   made with key 71/01 of the next domain above with Receipt Generation: AES, 3DES, RSA
//   or
//             EC private. Without such a key there is no receipt: 00
//
// What the token's control reference says of a card, 42 and 45, must be that domain's own. A token
// with a number (93) is used once: its number is stored with what it allowed, or not at all, and
// the receipt repeats it. The counter of the receipt is stored before the answer leaves.
//
//   const DelegatedUse use = KB_TRY(verify_token(platform, domain, request));   // before anything
//   NvmTransaction transaction(nvm);
//   ... the operation ...
//   const Bytes answer = KB_TRY(confirm(platform, domain, use, receipt_for::install(...)));
//   transaction.commit()
#pragma once

#include <optional>

#include "kagibin/gp/delegated/receipt.h"
#include "kagibin/gp/delegated/token.h"
#include "kagibin/se/open/platform.h"

namespace kagibin::se {

struct TokenRequest {
  std::uint8_t p1 = 0;  // b8 clear
  std::uint8_t p2 = 0;
  ByteView covered;  // command data before the token
  ByteView token;
  // Where a control reference template may stand: the load or install parameters, or all of
  // `covered` of a DELETE.
  ByteView objects;
};

// A token that was right.
struct DelegatedUse {
  Aid verifier;  // the domain that verified it
  std::optional<Bytes> number{};
};

// Changes nothing. kPolicy: `requester` has not the privilege, carries no token, no domain above
// verifies tokens or it has no key for that, or the number was used; kAuthentication: the token is
// wrong or meant for another card; and what gp::find_token_reference says.
Result<DelegatedUse> verify_token(const Platform& platform,
                                  const RegistryEntry& requester,
                                  const TokenRequest& request);

// Inside the operation's transaction: marks the token's number as used and makes the receipt. The
// answer's data field. kLimit when a counter has come to its end, kCrypto.
Result<Bytes> confirm(Platform& platform,
                      const RegistryEntry& requester,
                      const DelegatedUse& use,
                      ByteView what_was_done);

}  // namespace kagibin::se
