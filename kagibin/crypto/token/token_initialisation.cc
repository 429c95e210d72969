// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/token_initialisation.h"

#include "kagibin/crypto/token/token_failure.h"
#include "kagibin/crypto/token/token_module.h"

namespace kagibin::crypto::token {
namespace {

// A session that ends with it, and the login with that.
class OfficerSession {
 public:
  explicit OfficerSession(const TokenPlace& place) : functions_(place.functions) {}
  OfficerSession(const OfficerSession&) = delete;
  OfficerSession& operator=(const OfficerSession&) = delete;
  ~OfficerSession() {
    if (handle_ != 0) {
      functions_->C_Logout(handle_);
      functions_->C_CloseSession(handle_);
    }
  }

  Result<void> set_pin(CK_SLOT_ID slot, SecretBytes& so_pin, SecretBytes& pin) {
    CK_RV rv = functions_->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr,
                                         nullptr, &handle_);
    if (rv == CKR_OK) {
      const MutableByteView officer = so_pin.expose_mutable();
      rv = functions_->C_Login(handle_, CKU_SO, officer.data(), officer.size());
    }
    if (rv == CKR_OK) {
      const MutableByteView user = pin.expose_mutable();
      rv = functions_->C_InitPIN(handle_, user.data(), user.size());
    }
    if (rv != CKR_OK) {
      return failure(rv);
    }
    return {};
  }

 private:
  CK_FUNCTION_LIST* functions_;
  CK_SESSION_HANDLE handle_ = 0;
};

}  // namespace

Result<void> initialise_token(const TokenUri& uri, SecretBytes& so_pin, SecretBytes& pin) {
  Bytes label = uri.token_label();
  if (label.empty() || uri.module_path().empty()) {
    return fail(Errc::kValue,
                "a new token is named like pkcs11:token=NAME?module-path=/FILE.so, with both");
  }
  const TokenModules modules = KB_TRY(TokenModules::load(uri));
  const auto taken = modules.find(uri);
  if (taken || taken.error().code != Errc::kNotFound) {
    return fail(Errc::kConflict,
                "there is a token of this name, and it is left as it is: its keys would be lost");
  }
  const TokenPlace blank = KB_TRY(modules.find_blank());
  const MutableByteView officer = so_pin.expose_mutable();
  const CK_RV rv =
      blank.functions->C_InitToken(blank.slot, officer.data(), officer.size(), label.data());
  if (rv != CKR_OK) {
    return failure(rv);
  }
  // Some modules move it into a slot of its own then.
  const TokenPlace place = KB_TRY(modules.find(uri));
  return OfficerSession(place).set_pin(place.slot, so_pin, pin);
}

}  // namespace kagibin::crypto::token
