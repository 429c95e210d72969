// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/delegated/delegated_management.h"

#include "kagibin/gp/get_data.h"
#include "kagibin/se/domain/data_objects.h"
#include "kagibin/se/domain/delegated/used_tokens.h"
#include "kagibin/se/open/content/hierarchy.h"

namespace kagibin::se {

namespace {

constexpr std::uint8_t kNoReceipt = 0x00;

// A key that the domain itself may use so.
std::optional<gp::Key> key_for(const Platform& platform,
                               const Aid& domain,
                               std::uint8_t version,
                               std::uint8_t use) {
  auto key = platform.keys.key(domain, {version, kFirstKeyIdentifier});
  if (key && !key->effective_policy().allows_domain(use)) {
    return std::nullopt;
  }
  return key;
}

bool verifies_tokens(const gp::Key& key) {
  return key.kind() == gp::KeyKind::kAes || key.kind() == gp::KeyKind::kRsaPublic ||
         key.kind() == gp::KeyKind::kEcPublic;
}

// Value of an object that the domain stored, empty without one.
Bytes object_of(const Platform& platform, const Aid& domain, std::uint16_t tag) {
  return data_object(platform.nvm, domain, tag);
}

Result<void> check_reference(const Platform& platform,
                             const Aid& verifier,
                             const gp::TokenReference& reference) {
  const Bytes identification =
      object_of(platform, verifier, gp::data_object::kIssuerIdentification);
  const Bytes image = object_of(platform, verifier, gp::data_object::kCardImageNumber);
  if ((!reference.identification.empty() && reference.identification != identification) ||
      (!reference.image.empty() && reference.image != image)) {
    return fail(Errc::kAuthentication,
                "the token is for another card: 42 or 45 in it are not those of the domain that "
                "verifies it (GPCS C.4)");
  }
  if (!reference.number.empty() && was_token_used(platform.nvm, verifier, reference.number)) {
    return fail(Errc::kPolicy, "a token of this number was used: a token is good once (GPCS C.4)");
  }
  return {};
}

}  // namespace

Result<DelegatedUse> verify_token(const Platform& platform,
                                  const RegistryEntry& requester,
                                  const TokenRequest& request) {
  if (!requester.privileges.has(gp::Privileges::kDelegatedManagement)) {
    return fail(Errc::kPolicy,
                "the domain has neither Authorized nor Delegated Management (GPCS 9.1.3)");
  }
  if (request.token.empty()) {
    return fail(Errc::kPolicy,
                "a domain with Delegated Management needs a token for this (GPCS 9.2.1)");
  }
  const auto verifier =
      nearest_with(platform.registry, requester.aid, gp::Privileges::kTokenVerification);
  if (!verifier) {
    return fail(Errc::kPolicy, "no domain above has Token Verification (GPCS 9.2.1)");
  }
  const auto key = key_for(platform, verifier->aid, kTokenKeyVersion, gp::KeyPolicy::kVerification);
  if (!key || !verifies_tokens(*key)) {
    return fail(Errc::kPolicy,
                "the domain with Token Verification has no RSA, EC or AES key 70/01 (GPCS C.4)");
  }
  if (!gp::verify(*key, gp::token_data(request.p1, request.p2, request.covered), request.token)) {
    return fail(Errc::kAuthentication,
                "the token is not a signature of this command under key 70/01 (GPCS C.4)");
  }
  DelegatedUse out{.verifier = verifier->aid};
  const auto reference = KB_TRY(gp::find_token_reference(request.objects));
  if (reference) {
    KB_TRY(check_reference(platform, verifier->aid, *reference));
    if (!reference->number.empty()) {
      out.number = reference->number;
    }
  }
  return out;
}

Result<Bytes> confirm(Platform& platform,
                      const RegistryEntry& requester,
                      const DelegatedUse& use,
                      ByteView what_was_done) {
  if (use.number) {
    KB_TRY(mark_token_used(platform.nvm, use.verifier, *use.number));
  }
  const auto maker =
      nearest_with(platform.registry, requester.aid, gp::Privileges::kReceiptGeneration);
  const auto key =
      maker ? key_for(platform, maker->aid, kReceiptKeyVersion, gp::KeyPolicy::kComputation)
            : std::nullopt;
  if (!key || key->kind() == gp::KeyKind::kRsaPublic || key->kind() == gp::KeyKind::kEcPublic) {
    return Bytes{kNoReceipt};
  }
  gp::Confirmation out{.counter = KB_TRY(platform.keys.take_confirmation_counter(maker->aid)),
                       .token_number = use.number};
  out.domain_data = object_of(platform, maker->aid, gp::data_object::kIssuerIdentification);
  append(out.domain_data, object_of(platform, maker->aid, gp::data_object::kCardImageNumber));
  KB_TRY(gp::sign_receipt(*key, out, what_was_done, platform.rng));
  return out.encode();
}

}  // namespace kagibin::se
