// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/content/management.h"

#include <utility>

#include "kagibin/se/domain/delegated/used_tokens.h"
#include "kagibin/se/open/content/hierarchy.h"

namespace kagibin::se {

namespace {

constexpr std::uint8_t kNoReceipt = 0x00;

Result<void> check_unused(const Platform& platform, const DelegatedUse& use) {
  if (use.number && was_token_used(platform.nvm, use.verifier, *use.number)) {
    return fail(Errc::kPolicy,
                "the token was used meanwhile, on another logical channel (GPCS C.4)");
  }
  return {};
}

Result<Bytes> confirmation(const DomainCommand& command, const Right& right, ByteView done) {
  if (!right.token) {
    return Bytes{kNoReceipt};
  }
  KB_TRY(check_unused(command.platform, *right.token));
  return confirm(command.platform, command.domain, *right.token, done);
}

}  // namespace

Result<Right> right_of(const DomainCommand& command,
                       std::uint8_t instruction,
                       ByteView token,
                       std::optional<ByteView> objects) {
  if (command.domain.authorized_management()) {
    if (!token.empty()) {
      return fail(Errc::kValue,
                  "this domain manages content in its own right: send no token (GPCS 9.1.3.2)");
    }
    return Right{};
  }
  const apdu::CommandApdu whole{.ins = instruction,
                                .p1 = command.p1,
                                .p2 = command.p2,
                                .data = Bytes(command.data.begin(), command.data.end())};
  const gp::TokenSplit split = KB_TRY(gp::split_token(whole));
  return Right{KB_TRY(verify_token(command.platform, command.domain,
                                   {.p1 = command.p1,
                                    .p2 = command.p2,
                                    .covered = split.covered,
                                    .token = split.token,
                                    .objects = objects.value_or(split.covered)}))};
}

Aid granter_of(const DomainCommand& command, const Right& right) {
  return right.token ? right.token->verifier : command.domain.aid;
}

Result<void> check_within(const DomainCommand& command, const Aid& domain) {
  const auto found = command.platform.registry.find(domain);
  if (!found || !found->is_security_domain()) {
    return fail(Errc::kNotFound, "there is no such security domain");
  }
  if (!is_within(command.platform.registry, domain, command.domain.aid)) {
    return fail(Errc::kPolicy,
                "a security domain manages what is associated with it, directly or indirectly, and "
                "nothing else (GPCS 9.1.3)");
  }
  return {};
}

Result<void> spend(Platform& platform, const Right& right) {
  if (!right.token || !right.token->number) {
    return {};
  }
  KB_TRY(check_unused(platform, *right.token));
  return mark_token_used(platform.nvm, right.token->verifier, *right.token->number);
}

apdu::ResponseApdu conclude(const DomainCommand& command,
                            NvmTransaction& transaction,
                            const Result<void>& changed,
                            const Right& right,
                            ByteView what_was_done) {
  if (!changed) {
    return answer(status_of(changed.error()));
  }
  auto receipt = confirmation(command, right, what_was_done);
  if (!receipt) {
    return answer(status_of(receipt.error()));
  }
  return conclude(transaction, {}, std::move(*receipt));
}

}  // namespace kagibin::se
