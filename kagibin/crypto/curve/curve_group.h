// SPDX-License-Identifier: Apache-2.0
// A curve as libcrypto sees it, and arithmetic modulo the order of its group. For crypto/ only.
//
// Ownership: everything lives as long as the process. Thread-safety: const use may be shared.
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/curve/curve.h"
#include "kagibin/crypto/openssl_ptr.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::crypto {

struct CurveGroup {
  const EC_GROUP* group;
  const char* name;         // as OSSL_PKEY_PARAM_GROUP_NAME takes it
  ByteView order;           // n, coordinate_size() octets
  BN_MONT_CTX* montgomery;  // modulo n
};
const CurveGroup& group_of(Curve curve);

// True when the octets, read big-endian, have the order's length and are in [1, n-1]. In time that
// does not depend on them.
bool is_scalar(Curve curve, ByteView octets);
// Octets of the order's length modulo n into `out`: one subtraction, for they are below 2n. For
// hash values, which are public.
void reduce_modulo_order(Curve curve, ByteView octets, MutableByteView out);

// r and s of one ECDSA signature (FIPS 186-5, 6.4.1) from secrets in [1, n-1]; false when libcrypto
// fails. Either may come out as 0: then the caller takes other secrets.
struct SigningSecrets {
  const BIGNUM* k;      // the per-message secret
  const BIGNUM* d;      // the private scalar
  const BIGNUM* blind;  // so that no operand of the inversion or of the sum is k or r d itself
};
bool compute_signature(const CurveGroup& curve,
                       const BIGNUM* z,
                       const SigningSecrets& secrets,
                       BIGNUM* r,
                       BIGNUM* s,
                       BN_CTX* ctx);

// A big number that libcrypto treats as secret; null when memory is short.
BignumPtr secret_bignum(ByteView octets);

// True for an uncompressed point of the right length on the curve. The groups have cofactor 1, so
// that is all there is to check (SP 800-56A, 5.6.2.3.4); the point at infinity has another form.
bool is_point(Curve curve, ByteView octets);
// A public key of libcrypto: kValue unless the point is uncompressed, of the right length and on
// the curve.
Result<PkeyPtr> make_public_pkey(Curve curve, ByteView point);
// A key pair of libcrypto; null when it refuses. It costs as much as a signature.
PkeyPtr make_pkey_pair(Curve curve, ByteView point, ByteView scalar);
// The point of a scalar in [1, n-1] into point_size() octets; false when libcrypto fails.
bool compute_public_point(Curve curve, ByteView scalar, MutableByteView out);
// A random scalar in [1, n-1] by rejection (FIPS 186-5, A.2.2) into coordinate_size() octets.
Result<void> draw_scalar(Curve curve, Rng& rng, MutableByteView out);

}  // namespace kagibin::crypto
