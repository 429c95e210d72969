// SPDX-License-Identifier: Apache-2.0
// Steps in a token that build on each other: each makes an object of the session out of earlier
// ones (PKCS#11 v2.40, 5.13), and all of them are destroyed with this object, whatever came of it.
//
// After a step that failed the others do nothing, so that the caller looks once, at the end.
// Objects are secret keys, private and sensitive; whether one may be wrapped is said where it is
// made. Thread-safety: one thread, for one loan of a session. For crypto/token/ only.
//
//   SessionSteps steps(session, look_closely);
//   const CK_OBJECT_HANDLE z = steps.derive(kNoAgreement, mechanism, key, std::move(wanted));
//   return steps.outcome();
#pragma once

#include <vector>

#include "kagibin/crypto/token/token_objects.h"

namespace kagibin::crypto::token {

// What a derived key may be used for.
struct DerivedUse {
  CK_KEY_TYPE key_type = CKK_GENERIC_SECRET;
  std::size_t size = 0;         // of its value; 0: what comes of the mechanism
  bool is_extractable = false;  // under a wrapping key
  bool derives = false;
  bool encrypts = false;
  bool signs = false;
  bool wraps = false;
};
Attributes attributes_of(const DerivedUse& use);

class SessionSteps {
 public:
  // `look_closely`: each object is looked at, whether the token would hand it out in the clear.
  SessionSteps(const TokenSession& session, bool look_closely)
      : session_(session), look_closely_(look_closely) {}
  SessionSteps(const SessionSteps&) = delete;
  SessionSteps& operator=(const SessionSteps&) = delete;
  ~SessionSteps();

  bool is_good() const { return rv_ == CKR_OK && !refused_; }
  // What came of one call; `missing` is said when the token answers that it cannot.
  void note(CK_RV rv, Detail missing);
  void refuse(Detail why) { refused_ = refused_ ? refused_ : why; }
  // Taken over, to be destroyed in the end.
  void keep(CK_OBJECT_HANDLE object) { objects_.push_back(object); }
  // The object is kept where there is one; nothing is noted.
  CK_RV attempt(CK_MECHANISM mechanism,
                CK_OBJECT_HANDLE base,
                const DerivedUse& use,
                CK_OBJECT_HANDLE& out);
  // 0 when a step failed.
  CK_OBJECT_HANDLE derive(Detail missing,
                          CK_MECHANISM mechanism,
                          CK_OBJECT_HANDLE base,
                          const DerivedUse& use);
  // CKM_CONCATENATE_BASE_AND_DATA and its like, which take octets.
  CK_OBJECT_HANDLE derive_with(Detail missing,
                               CK_MECHANISM_TYPE type,
                               ByteView octets,
                               CK_OBJECT_HANDLE base,
                               const DerivedUse& use);
  // `use.size` octets of the key from `offset` on (CKM_EXTRACT_KEY_FROM_KEY).
  CK_OBJECT_HANDLE extract(std::size_t offset, CK_OBJECT_HANDLE base, const DerivedUse& use);

  const TokenSession& session() const { return session_; }
  // For Token::run: lost and busy tokens as the token said it, kNotSupported or kPolicy otherwise.
  Result<CK_RV> outcome() const;

 private:
  TokenSession session_;
  bool look_closely_;
  std::vector<CK_OBJECT_HANDLE> objects_;
  CK_RV rv_ = CKR_OK;
  Detail missing_{};
  std::optional<Detail> refused_;
};

}  // namespace kagibin::crypto::token
