// SPDX-License-Identifier: Apache-2.0
// By what right a security domain manages content, and how such a command ends (GPCS 9.1.3, 9.2).
// For se/ only.
//
//   const Right right = KB_TRY(right_of(command, p2_and_data...));      // before anything changes
//   NvmTransaction transaction(command.platform.nvm);
//   return conclude(command, transaction, the_change(), right, gp::receipt_for::...);
#pragma once

#include <optional>

#include "kagibin/se/domain/delegated/delegated_management.h"
#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

// Authorized Management, or a token that was right.
struct Right {
  std::optional<DelegatedUse> token{};
};

// Of an INSTALL or a DELETE. `token`: what it carries; `objects`: where the token's control
// reference may stand, all before the token when absent. kValue for a token where none is needed;
// kPolicy and kAuthentication as of verify_token().
Result<Right> right_of(const DomainCommand& command,
                       std::uint8_t instruction,
                       ByteView token,
                       std::optional<ByteView> objects);

// Who gives the privileges of what the command makes or changes: the domain itself, or the one that
// verified its token.
Aid granter_of(const DomainCommand& command, const Right& right);

// `domain` is the one that asks, or associated with it directly or indirectly: what it manages
// without Global Delete. kPolicy otherwise.
Result<void> check_within(const DomainCommand& command, const Aid& domain);

// Marks the token as used, without a receipt. kPolicy when it was used meanwhile; kLimit.
Result<void> spend(Platform& platform, const Right& right);

// Marks the token as used, makes the receipt, and commits; or the status word of what went wrong,
// and nothing has changed. The answer's data are 00 without a receipt.
apdu::ResponseApdu conclude(const DomainCommand& command,
                            NvmTransaction& transaction,
                            const Result<void>& changed,
                            const Right& right,
                            ByteView what_was_done);

}  // namespace kagibin::se
