// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/authority/authority_orders.h"

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/kda/authority_statement.h"
#include "kagibin/se/kda/enrolment/provider_request.h"

namespace kagibin::se {

namespace {

using kagibin::kda::AuthorityStatement;

bool is_signed(const AuthorityStatement& statement, const crypto::EcPublicKey& root) {
  return crypto::ecdsa_verify_der(root, {ascii(envelope::kLabelAuthority), statement.signed_part()},
                                  statement.signature);
}

template <typename Number>
KdaResult<void> raise(Number& known, Number said) {
  if (said < known) {
    return refuse(sw::kConditionsNotSatisfied);
  }
  known = said;
  return {};
}

KdaResult<void> put_root(KdaTrust& trust, ByteReader& value, bool first_signed) {
  const std::uint32_t number = value.u32().value_or(0);
  const auto key =
      KB_TRY(or_sw(crypto::EcPublicKey::from_point(value.take_rest()), sw::kWrongData));
  if (number <= trust.root_number) {
    return refuse(sw::kConditionsNotSatisfied);
  }
  trust.root_number = number;
  if (key.point() == trust.root || key.point() == trust.second_root) {
    return {};
  }
  if (first_signed) {
    trust.second_root = key.point();
  } else {
    trust.root = key.point();
  }
  return {};
}

}  // namespace

KdaResult<void> obey_statement(const KdaEnvironment& kda, ByteView message) {
  if (!kda.store.is_certified()) {
    return refuse(sw::kReferencedDataNotFound);
  }
  const auto statement = KB_TRY(or_malformed(AuthorityStatement::decode(message)));
  KdaTrust trust = KB_TRY(or_internal(kda.store.trust()));
  const pki::TrustAnchors anchors = KB_TRY(trust_anchors(trust));
  const bool first_signed = is_signed(statement, anchors.roots.front());
  if (!first_signed && !(anchors.roots.size() == 2 && is_signed(statement, anchors.roots.back()))) {
    return refuse(sw::kSecurityStatusNotSatisfied);
  }
  ByteReader value(statement.value);
  switch (statement.kind) {
    case AuthorityStatement::Kind::kTick:
      KB_TRY(raise(trust.auth_time, value.u32().value_or(0)));
      break;
    case AuthorityStatement::Kind::kMinEpoch:
      KB_TRY(raise(trust.min_epoch, value.u16().value_or(std::uint16_t{0})));
      break;
    case AuthorityStatement::Kind::kRoot:
      KB_TRY(put_root(trust, value, first_signed));
      break;
  }
  NvmTransaction transaction(kda.nvm());
  KB_TRY(or_internal(kda.store.put(trust)));
  if (kda.application.authority_signature != nullptr) {
    KB_TRY(or_internal(kda.application.authority_signature->hear_statement(message)));
  }
  return or_internal(transaction.commit());
}

}  // namespace kagibin::se
