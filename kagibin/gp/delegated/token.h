// SPDX-License-Identifier: Apache-2.0
// Tokens of delegated management (GPCS 2.3.1, 9.2.1 and C.4): the signature of whoever has the
// Token Verification privilege's key under one INSTALL or DELETE that a domain with the Delegated
// Management privilege sends.
//
//   signed   P1 | P2 | length of what follows (one octet, or 00 and two) | data up to the token
//   INSTALL  the token is the last field of the data, behind its length (BER)
//   DELETE   the token is the last object of the data, 9E
//
// P1 is that of the whole command: b8 clear (command_chain.h). The control reference template for
// digital signature, B6 { 42 identification number | 45 image number | 5F20 application provider |
// 93 token number }, stands in the load or install parameters, or in DELETE before 9E, and so is
// signed with the rest (11.5.2.3.7, 11.2.2.3.1). In a combined load (9.3.8) each INSTALL carries
// its own token. Functions without state.
//
//   const apdu::CommandApdu c = KB_TRY(add_token(KB_TRY(install.encode()), issuer_key, rng));
#pragma once

#include <optional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/gp/delegated/signature.h"

namespace kagibin::gp {

Bytes token_data(std::uint8_t p1, std::uint8_t p2, ByteView covered);

struct TokenSplit {
  ByteView covered;  // views of the command's data
  ByteView token;    // empty: none
};
// Of an INSTALL or a DELETE. kTruncated, kEncoding; kTrailing when something follows the token;
// kNotSupported for another command.
Result<TokenSplit> split_token(const apdu::CommandApdu& command);

// The command with a token: signed when it carries none yet. kConflict when it has one.
Result<apdu::CommandApdu> add_token(const apdu::CommandApdu& command,
                                    const Key& key,
                                    crypto::Rng& rng);
// The same with a token that somebody else made.
Result<apdu::CommandApdu> add_token(const apdu::CommandApdu& command, ByteView token);

// Value of B6.
struct TokenReference {
  Bytes identification{};  // 42, of the domain with Token Verification; empty: not said
  Bytes image{};           // 45, likewise
  Bytes provider{};        // 5F20
  Bytes number{};          // 93: the token's number

  // Each object once, in any order. kUnexpectedTag, kLength (1 to 16 octets), kEncoding.
  static Result<TokenReference> decode(ByteView value);
  Bytes encode() const;  // the whole object, B6
  friend bool operator==(const TokenReference&, const TokenReference&) = default;
};
// The reference among the objects of load or install parameters, or of DELETE. Empty without one.
// kConflict when it stands twice.
Result<std::optional<TokenReference>> find_token_reference(ByteView objects);

}  // namespace kagibin::gp
