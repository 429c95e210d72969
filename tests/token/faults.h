// SPDX-License-Identifier: Apache-2.0
// What tests tell the module that stands before a token (faulty_module.cc). The module has to be
// loaded; all of it is forgotten by clear().
//
//   Faults faults;
//   faults.fail("C_Sign", CKR_DEVICE_ERROR, {.times = 2});
#pragma once

#include <string>

#include <p11-kit/pkcs11.h>

#include "kagibin/base/bytes.h"

namespace kagibin::test {

struct When {
  int skipped = 0;  // calls that still work
  int times = 1;    // calls that fail then; -1: all
};

class Faults {
 public:
  Faults();
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;
  ~Faults() { clear(); }

  static std::string module_path();
  void fail(const char* function, CK_RV rv, When when);
  void fail(const char* function, CK_RV rv) { fail(function, rv, {}); }
  // The token is in no slot any more.
  void remove_token(When when);
  void hide(CK_MECHANISM_TYPE mechanism);
  void spoil_signatures();
  void spoil_wrapping();
  // Every key is one that the token would hand out (CKA_SENSITIVE is false).
  void deny_sensitive();
  // All octets that calls handed out since clear(): attributes, signatures, ciphertexts and wrapped
  // keys. Other functions that would hand some out are refused by the module.
  Bytes returned() const;
  // In the token itself: sessions and login are gone.
  void close_sessions();
  int logins() const;
  void clear();

 private:
  void* module_;
};

}  // namespace kagibin::test
