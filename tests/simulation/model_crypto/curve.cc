// SPDX-License-Identifier: Apache-2.0
// The model of kagibin/crypto/curve/curve_group.h and curve_signature.h, and of ec/ecdh.h and
// ec/ecdsa_digest.h: keys of the small group, and signatures that are hashes bound to the public
// key. Who knows the public key can sign: in a simulated world nobody tries.
#include <algorithm>
#include <array>

#include "kagibin/crypto/curve/curve_group.h"
#include "kagibin/crypto/curve/curve_signature.h"
#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/ec/ecdsa_digest.h"

#include "tests/simulation/model_crypto/group.h"
#include "tests/simulation/model_crypto/mixing.h"

namespace kagibin::crypto {
namespace {

using model_crypto::Mixing;

bool is_zero(ByteView octets) {
  return std::ranges::all_of(octets, [](std::uint8_t octet) { return octet == 0; });
}

void agree(ByteView scalar, ByteView peer, MutableByteView z) {
  const auto element = model_crypto::read_point(peer);
  KB_CHECK(element.has_value());
  Mixing("agreement").add(model_crypto::power(*element, scalar)).give(z);
}

// The second half of a signature, which follows from the first.
Bytes second_half(ByteView point, ByteView digest, ByteView first_half) {
  Bytes out(first_half.size());
  Mixing("signature").add(point).add(digest).add(first_half).give(out);
  return out;
}

}  // namespace

const CurveGroup& group_of(Curve /*curve*/) {
  KB_CHECK(false);  // there is no such group in the model
  static const CurveGroup none{};
  return none;
}

bool is_scalar(Curve curve, ByteView octets) {
  return octets.size() == coordinate_size(curve) && !is_zero(octets);
}

void reduce_modulo_order(Curve /*curve*/, ByteView octets, MutableByteView out) {
  std::ranges::copy(octets, out.begin());
}

bool compute_signature(const CurveGroup& /*curve*/,
                       const BIGNUM* /*z*/,
                       const SigningSecrets& /*secrets*/,
                       BIGNUM* /*r*/,
                       BIGNUM* /*s*/,
                       BN_CTX* /*ctx*/) {
  return false;
}

BignumPtr secret_bignum(ByteView /*octets*/) { return nullptr; }

bool is_point(Curve curve, ByteView octets) {
  return octets.size() == point_size(curve) && model_crypto::read_point(octets).has_value();
}

// No key of libcrypto: whoever asks for one gets none.
Result<PkeyPtr> make_public_pkey(Curve curve, ByteView point) {
  if (!is_point(curve, point)) {
    return fail(Errc::kValue, "the point is not on its curve");
  }
  return PkeyPtr();
}

PkeyPtr make_pkey_pair(Curve /*curve*/, ByteView /*point*/, ByteView /*scalar*/) { return nullptr; }

bool compute_public_point(Curve curve, ByteView scalar, MutableByteView out) {
  KB_CHECK(out.size() == point_size(curve));
  model_crypto::put_point(model_crypto::element_of(scalar), out);
  return true;
}

Result<void> draw_scalar(Curve curve, Rng& rng, MutableByteView out) {
  do {
    KB_TRY(rng.fill(out));
  } while (!is_scalar(curve, out));
  return {};
}

bool verify_signature(Curve curve, ByteView point, ByteView digest, ByteView signature) {
  const std::size_t size = coordinate_size(curve);
  return signature.size() == 2 * size &&
         equal(second_half(point, digest, signature.first(size)), signature.last(size));
}

Result<void> ecdsa_sign_digest(
    Curve curve, ByteView scalar, ByteView digest, ByteView additional_input, MutableByteView out) {
  const std::size_t size = coordinate_size(curve);
  KB_CHECK(out.size() == 2 * size);
  Bytes point(point_size(curve));
  KB_CHECK(compute_public_point(curve, scalar, point));
  Mixing("nonce").add(scalar).add(digest).add(additional_input).give(out.first(size));
  std::ranges::copy(second_half(point, digest, out.first(size)), out.last(size).begin());
  return {};
}

Result<SecretArray<32>> ecdh(const EcPrivateKey& own, const EcPublicKey& peer) {
  SecretArray<32> z;
  agree(own.expose_scalar(), peer.point(), z.expose_mutable());
  return z;
}

Result<SecretBytes> ecdh(const CurvePrivateKey& own, const CurvePublicKey& peer) {
  if (own.curve() != peer.curve()) {
    return fail(Errc::kInvalidArgument, "keys agree only on one curve");
  }
  SecretBytes z(coordinate_size(own.curve()));
  agree(own.expose_scalar(), peer.point(), z.expose_mutable());
  return z;
}

}  // namespace kagibin::crypto
