// SPDX-License-Identifier: Apache-2.0
// The low-level interface of libcrypto's elliptic-curve keys is deprecated and is used in this one
// unit, for public values only: the same verification through EVP costs a tenth more.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "kagibin/crypto/curve/curve_signature.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>

#include "kagibin/crypto/curve/curve_group.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {
namespace {

using EcKeyPtr = OpensslPtr<EC_KEY, EC_KEY_free>;
using EcdsaSignaturePtr = OpensslPtr<ECDSA_SIG, ECDSA_SIG_free>;

BignumPtr number(ByteView octets) {
  return BignumPtr(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
}

}  // namespace

bool verify_signature(Curve curve, ByteView point, ByteView digest, ByteView signature) {
  const std::size_t size = coordinate_size(curve);
  if (signature.size() != 2 * size) {
    return false;
  }
  const ErrorScope errors;
  const EC_GROUP* group = group_of(curve).group;
  const EcPointPtr q(EC_POINT_new(group));
  const EcKeyPtr key(EC_KEY_new());
  const EcdsaSignaturePtr rs(ECDSA_SIG_new());
  BignumPtr r = number(signature.first(size));
  BignumPtr s = number(signature.last(size));
  if (q == nullptr || key == nullptr || rs == nullptr || r == nullptr || s == nullptr ||
      EC_POINT_oct2point(group, q.get(), point.data(), point.size(), nullptr) != 1 ||
      EC_KEY_set_group(key.get(), group) != 1 || EC_KEY_set_public_key(key.get(), q.get()) != 1 ||
      ECDSA_SIG_set0(rs.get(), r.get(), s.get()) != 1) {
    return false;
  }
  static_cast<void>(r.release());  // the signature's now
  static_cast<void>(s.release());
  return ECDSA_do_verify(digest.data(), static_cast<int>(digest.size()), rs.get(), key.get()) == 1;
}

}  // namespace kagibin::crypto
