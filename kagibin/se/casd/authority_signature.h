// SPDX-License-Identifier: Apache-2.0
// The CASD's signature service (Amendment A v1.2), over gp/confidential/authority_signature.h: what
// the element's registry says of an application, its code hash among it, under SK.CASD.AUT. For
// se/ only. Ownership: refers to the platform.
#pragma once

#include "kagibin/gp/confidential/authority_signature.h"
#include "kagibin/se/application.h"
#include "kagibin/se/open/platform.h"

namespace kagibin::se {

// kNotFound when there is no such application or no code hash of its load file.
Result<gp::ApplicationStatement> statement_about(const Platform& platform, const Aid& application);

// For one application: it signs about that application and no other.
class CasdSignatureService final : public AuthoritySignatureService {
 public:
  CasdSignatureService(const Platform& platform, const Aid& application)
      : platform_(platform), application_(application) {}
  Result<Bytes> sign(ByteView data) const override;
  Result<Bytes> certificate() const override;
  Result<Trust> trust() const override;
  Result<void> hear_statement(ByteView statement) const override;

 private:
  const Platform& platform_;
  Aid application_;
};

}  // namespace kagibin::se
