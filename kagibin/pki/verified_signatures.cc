// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/verified_signatures.h"

#include <algorithm>

namespace kagibin::pki {

VerifiedSignatures& VerifiedSignatures::of_thread() {
  thread_local VerifiedSignatures own;
  return own;
}

crypto::Digest256 VerifiedSignatures::name(const crypto::EcPublicKey& issuer_key,
                                           ByteView certificate) {
  return crypto::sha256({issuer_key.point(), certificate});
}

bool VerifiedSignatures::contains(const crypto::Digest256& name) const {
  const auto end = names_.begin() + static_cast<std::ptrdiff_t>(count_);
  return std::find(names_.begin(), end, name) != end;
}

void VerifiedSignatures::remember(const crypto::Digest256& name) {
  names_[next_] = name;
  next_ = (next_ + 1) % kCapacity;
  count_ = std::max(count_, next_ == 0 ? kCapacity : next_);
}

}  // namespace kagibin::pki
