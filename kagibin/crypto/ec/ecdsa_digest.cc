// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/ec/ecdsa_digest.h"

#include <array>

#include "kagibin/base/secret.h"
#include "kagibin/crypto/curve/curve_group.h"
#include "kagibin/crypto/ec/rfc6979.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {
namespace {

// One signature into r | s (FIPS 186-5, 6.4.1).
template <std::size_t Size>
Result<void> sign_digest(
    Curve curve, ByteView scalar, ByteView digest, ByteView additional_input, MutableByteView out) {
  const ErrorScope errors;
  const CurveGroup& group = group_of(curve);
  BasicRfc6979<Size> source(scalar, digest, additional_input);
  std::array<std::uint8_t, Size> reduced{};
  reduce_modulo_order(curve, digest, reduced);
  const BnCtxPtr ctx(BN_CTX_secure_new());
  const BignumPtr d = secret_bignum(scalar);
  const BignumPtr z = secret_bignum(reduced);
  const BignumPtr r(BN_new());
  const BignumPtr s(BN_new());
  if (ctx == nullptr || d == nullptr || z == nullptr || r == nullptr || s == nullptr) {
    return fail(Errc::kCrypto, "libcrypto has no memory to sign with");
  }
  constexpr int kSize = static_cast<int>(Size);
  do {
    const BignumPtr k = secret_bignum(source.next_nonce().expose());
    const BignumPtr blind = secret_bignum(source.blind().expose());
    if (k == nullptr || blind == nullptr ||
        !compute_signature(group, z.get(), {.k = k.get(), .d = d.get(), .blind = blind.get()},
                           r.get(), s.get(), ctx.get()) ||
        BN_bn2binpad(r.get(), out.first(Size).data(), kSize) != kSize ||
        BN_bn2binpad(s.get(), out.last(Size).data(), kSize) != kSize) {
      return fail(Errc::kCrypto, "libcrypto did not sign");
    }
  } while (BN_is_zero(r.get()) || BN_is_zero(s.get()));  // step 11
  return {};
}

}  // namespace

Result<void> ecdsa_sign_digest(
    Curve curve, ByteView scalar, ByteView digest, ByteView additional_input, MutableByteView out) {
  return curve == Curve::kP256 ? sign_digest<32>(curve, scalar, digest, additional_input, out)
                               : sign_digest<48>(curve, scalar, digest, additional_input, out);
}

}  // namespace kagibin::crypto
