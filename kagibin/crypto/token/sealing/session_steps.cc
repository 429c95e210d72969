// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/sealing/session_steps.h"

#include <ranges>

#include "kagibin/crypto/token/token_failure.h"

namespace kagibin::crypto::token {
namespace {

constexpr Detail kNoExtraction(
    "the token does not cut a key out of another one (CKM_EXTRACT_KEY_FROM_KEY), so it seals no "
    "envelope inside");

}  // namespace

Attributes attributes_of(const DerivedUse& use) {
  Attributes out;
  out.put_number(CKA_CLASS, CKO_SECRET_KEY)
      .put_number(CKA_KEY_TYPE, use.key_type)
      .put_flag(CKA_TOKEN, false)
      .put_flag(CKA_PRIVATE, true)
      .put_flag(CKA_SENSITIVE, true)
      .put_flag(CKA_EXTRACTABLE, use.is_extractable)
      .put_flag(CKA_DERIVE, use.derives);
  if (use.size != 0) {
    out.put_number(CKA_VALUE_LEN, use.size);
  }
  if (use.key_type == CKK_AES) {
    out.put_flag(CKA_ENCRYPT, use.encrypts)
        .put_flag(CKA_DECRYPT, false)
        .put_flag(CKA_SIGN, use.signs)
        .put_flag(CKA_WRAP, use.wraps)
        .put_flag(CKA_UNWRAP, false);
  }
  return out;
}

SessionSteps::~SessionSteps() {
  for (const CK_OBJECT_HANDLE object : objects_ | std::views::reverse) {
    session_.functions->C_DestroyObject(session_.handle, object);
  }
}

void SessionSteps::note(CK_RV rv, Detail missing) {
  if (is_good() && rv != CKR_OK) {
    rv_ = rv;
    missing_ = missing;
  }
}

CK_RV SessionSteps::attempt(CK_MECHANISM mechanism,
                            CK_OBJECT_HANDLE base,
                            const DerivedUse& use,
                            CK_OBJECT_HANDLE& out) {
  Attributes wanted = attributes_of(use);
  CK_RV rv = session_.functions->C_DeriveKey(session_.handle, &mechanism, base, wanted.data(),
                                             wanted.size(), &out);
  if (rv != CKR_OK) {
    return rv;
  }
  keep(out);
  if (look_closely_) {
    Flags flags(session_, out);
    const bool is_sensitive = flags.has(CKA_SENSITIVE);
    rv = flags.rv();
    if (rv == CKR_OK && !is_sensitive) {
      refuse(
          "the token would hand out in the clear what it makes on the way to an envelope "
          "(CKA_SENSITIVE is false, against what was asked); nothing is sealed in it");
    }
  }
  return rv;
}

CK_OBJECT_HANDLE SessionSteps::derive(Detail missing,
                                      CK_MECHANISM mechanism,
                                      CK_OBJECT_HANDLE base,
                                      const DerivedUse& use) {
  CK_OBJECT_HANDLE out = 0;
  if (is_good()) {
    note(attempt(mechanism, base, use, out), missing);
  }
  return out;
}

CK_OBJECT_HANDLE SessionSteps::derive_with(Detail missing,
                                           CK_MECHANISM_TYPE type,
                                           ByteView octets,
                                           CK_OBJECT_HANDLE base,
                                           const DerivedUse& use) {
  SecretBytes copy = SecretBytes::copy_of(octets);  // the call wants them not constant
  CK_KEY_DERIVATION_STRING_DATA data{.string_data = copy.expose_mutable().data(),
                                     .string_data_len = copy.size()};
  return derive(missing,
                CK_MECHANISM{.mechanism = type, .pParameter = &data, .ulParameterLen = sizeof data},
                base, use);
}

CK_OBJECT_HANDLE SessionSteps::extract(std::size_t offset,
                                       CK_OBJECT_HANDLE base,
                                       const DerivedUse& use) {
  CK_ULONG first_bit = offset * 8;
  return derive(kNoExtraction,
                CK_MECHANISM{.mechanism = CKM_EXTRACT_KEY_FROM_KEY,
                             .pParameter = &first_bit,
                             .ulParameterLen = sizeof first_bit},
                base, use);
}

Result<CK_RV> SessionSteps::outcome() const {
  if (refused_) {
    return fail(Errc::kPolicy, *refused_);
  }
  if (rv_ != CKR_OK && kind_of(rv_) == FailureKind::kFinal) {
    return fail(Errc::kNotSupported, missing_);
  }
  return rv_;
}

}  // namespace kagibin::crypto::token
