// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/token_failure.h"

#include <algorithm>
#include <array>

namespace kagibin::crypto::token {
namespace {

struct Row {
  CK_RV rv = CKR_OK;
  FailureKind kind = FailureKind::kFinal;
  Errc code = Errc::kCrypto;
  Detail detail{};
};

constexpr Detail kGone(
    "the token is not there any more (CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT); plug it in or "
    "start "
    "its service, then do the same again");
constexpr Detail kNoSession(
    "the token closed the session, and again after logging in anew (CKR_SESSION_HANDLE_INVALID); "
    "do "
    "the same again");
constexpr Detail kBusy(
    "the token is busy or out of order (CKR_FUNCTION_FAILED, CKR_DEVICE_ERROR, CKR_DEVICE_MEMORY), "
    "also "
    "when asked again; do the same later");
constexpr Detail kPin(
    "the token refuses the PIN (CKR_PIN_INCORRECT); it was tried once and is not tried again, for "
    "a "
    "token locks after a few");
constexpr Detail kForbidden(
    "the token's key may not be used for this (CKR_KEY_FUNCTION_NOT_PERMITTED): CKA_SIGN, "
    "CKA_DERIVE or "
    "its type says no");

constexpr std::array kRows = {
    Row{CKR_DEVICE_REMOVED, FailureKind::kLost, Errc::kIo, kGone},
    Row{CKR_TOKEN_NOT_PRESENT, FailureKind::kLost, Errc::kIo, kGone},
    Row{CKR_SLOT_ID_INVALID, FailureKind::kLost, Errc::kIo, kGone},
    Row{CKR_CRYPTOKI_NOT_INITIALIZED, FailureKind::kLost, Errc::kIo, kGone},
    Row{CKR_SESSION_HANDLE_INVALID, FailureKind::kLost, Errc::kIo, kNoSession},
    Row{CKR_SESSION_CLOSED, FailureKind::kLost, Errc::kIo, kNoSession},
    Row{CKR_USER_NOT_LOGGED_IN, FailureKind::kLost, Errc::kIo, kNoSession},
    Row{CKR_KEY_HANDLE_INVALID, FailureKind::kLost, Errc::kIo, kNoSession},
    Row{CKR_OBJECT_HANDLE_INVALID, FailureKind::kLost, Errc::kIo, kNoSession},
    Row{CKR_FUNCTION_FAILED, FailureKind::kBusy, Errc::kIo, kBusy},
    Row{CKR_FUNCTION_CANCELED, FailureKind::kBusy, Errc::kIo, kBusy},
    Row{CKR_DEVICE_ERROR, FailureKind::kBusy, Errc::kIo, kBusy},
    Row{CKR_DEVICE_MEMORY, FailureKind::kBusy, Errc::kIo, kBusy},
    Row{CKR_HOST_MEMORY, FailureKind::kBusy, Errc::kIo, kBusy},
    Row{CKR_OPERATION_ACTIVE, FailureKind::kBusy, Errc::kIo, kBusy},
    Row{CKR_SESSION_COUNT, FailureKind::kBusy, Errc::kLimit,
        Detail("the token gives no further session (CKR_SESSION_COUNT); end other programs that "
               "use it")},
    Row{CKR_PIN_INCORRECT, FailureKind::kFinal, Errc::kAuthentication, kPin},
    Row{CKR_PIN_INVALID, FailureKind::kFinal, Errc::kAuthentication, kPin},
    Row{CKR_PIN_LEN_RANGE, FailureKind::kFinal, Errc::kAuthentication, kPin},
    Row{CKR_PIN_LOCKED, FailureKind::kFinal, Errc::kAuthentication,
        Detail("the token's PIN is locked (CKR_PIN_LOCKED); its security officer has to set a new "
               "one")},
    Row{CKR_PIN_EXPIRED, FailureKind::kFinal, Errc::kAuthentication,
        Detail("the token's PIN has expired (CKR_PIN_EXPIRED); set a new one with the token's own "
               "tool")},
    Row{CKR_USER_PIN_NOT_INITIALIZED, FailureKind::kFinal, Errc::kAuthentication,
        Detail("the token has no user PIN yet (CKR_USER_PIN_NOT_INITIALIZED); set one with its own "
               "tool")},
    Row{CKR_MECHANISM_INVALID, FailureKind::kFinal, Errc::kNotSupported,
        Detail(
            "the token does not know the mechanism (CKR_MECHANISM_INVALID); pkcs11-tool -M lists "
            "those that it offers")},
    Row{CKR_MECHANISM_PARAM_INVALID, FailureKind::kFinal, Errc::kNotSupported,
        Detail("the token does not take the mechanism's parameters (CKR_MECHANISM_PARAM_INVALID)")},
    Row{CKR_FUNCTION_NOT_SUPPORTED, FailureKind::kFinal, Errc::kNotSupported,
        Detail("the token does not know the function (CKR_FUNCTION_NOT_SUPPORTED)")},
    Row{CKR_CURVE_NOT_SUPPORTED, FailureKind::kFinal, Errc::kNotSupported,
        Detail("the token does not know the curve P-256 (CKR_CURVE_NOT_SUPPORTED)")},
    Row{CKR_KEY_FUNCTION_NOT_PERMITTED, FailureKind::kFinal, Errc::kPolicy, kForbidden},
    Row{CKR_KEY_TYPE_INCONSISTENT, FailureKind::kFinal, Errc::kPolicy, kForbidden},
    Row{CKR_ATTRIBUTE_SENSITIVE, FailureKind::kFinal, Errc::kPolicy,
        Detail("the token does not let the derived value out (CKR_ATTRIBUTE_SENSITIVE)")},
    Row{CKR_TEMPLATE_INCONSISTENT, FailureKind::kFinal, Errc::kPolicy,
        Detail("the token refuses a key with these attributes (CKR_TEMPLATE_INCONSISTENT)")},
    Row{CKR_ATTRIBUTE_VALUE_INVALID, FailureKind::kFinal, Errc::kPolicy,
        Detail("the token refuses a key with these attributes (CKR_ATTRIBUTE_VALUE_INVALID)")},
    Row{CKR_TOKEN_WRITE_PROTECTED, FailureKind::kFinal, Errc::kPolicy,
        Detail("the token is write-protected (CKR_TOKEN_WRITE_PROTECTED)")},
    Row{CKR_SESSION_READ_ONLY, FailureKind::kFinal, Errc::kPolicy,
        Detail("the token gives sessions that only read (CKR_SESSION_READ_ONLY)")},
    Row{CKR_ACTION_PROHIBITED, FailureKind::kFinal, Errc::kPolicy,
        Detail("the token forbids this (CKR_ACTION_PROHIBITED)")},
};

const Row* row_of(CK_RV rv) {
  const auto found = std::ranges::find(kRows, rv, &Row::rv);
  return found == kRows.end() ? nullptr : &*found;
}

}  // namespace

FailureKind kind_of(CK_RV rv) {
  const Row* row = row_of(rv);
  return row == nullptr ? FailureKind::kFinal : row->kind;
}

std::unexpected<Error> failure(CK_RV rv) {
  const Row* row = row_of(rv);
  if (row == nullptr) {
    return fail(Errc::kCrypto, "the token refused, for a reason of its own");
  }
  return fail(row->code, row->detail);
}

}  // namespace kagibin::crypto::token
