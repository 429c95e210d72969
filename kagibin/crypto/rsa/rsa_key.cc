// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/rsa/rsa_key.h"

#include <algorithm>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {
namespace {

constexpr std::size_t kMaxExponentSize = 8;

ByteView without_leading_zeros(ByteView number) {
  const auto first = std::ranges::find_if(number, [](std::uint8_t octet) { return octet != 0; });
  return number.subspan(static_cast<std::size_t>(first - number.begin()));
}

Result<Bytes> checked_modulus(ByteView octets) {
  const ByteView modulus = without_leading_zeros(octets);
  if (modulus.size() < kRsaMinSize || modulus.size() > kRsaMaxSize) {
    return fail(Errc::kValue, "an RSA modulus has 1,024 to 4,096 bits");
  }
  if ((modulus.front() & 0x80U) == 0 || (modulus.back() & 0x01U) == 0) {
    return fail(Errc::kValue, "an RSA modulus fills its octets and is odd");
  }
  return Bytes(modulus.begin(), modulus.end());
}

BignumPtr number_of(ByteView octets) {
  return BignumPtr(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
}

BignumPtr secret_number_of(ByteView octets) {
  BignumPtr out = number_of(octets);
  if (out != nullptr) {
    BN_set_flags(out.get(), BN_FLG_CONSTTIME);
  }
  return out;
}

PkeyPtr public_handle(ByteView modulus, ByteView exponent) {
  const BignumPtr n = number_of(modulus);
  const BignumPtr e = number_of(exponent);
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (n == nullptr || e == nullptr || builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return nullptr;
  }
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
  const PkeyCtxPtr ctx(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* out = nullptr;
  if (params == nullptr || ctx == nullptr || EVP_PKEY_fromdata_init(ctx.get()) != 1 ||
      EVP_PKEY_fromdata(ctx.get(), &out, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return nullptr;
  }
  return PkeyPtr(out);
}

// A number of a key that libcrypto read; empty when it has none of that name.
SecretBytes number_in(const EVP_PKEY* key, const char* name) {
  BIGNUM* found = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &found) != 1) {
    return {};
  }
  const BignumPtr number(found);
  SecretBytes out(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), out.expose_mutable().data());
  return out;
}

SecretBytes octets_of(const BIGNUM* number) {
  SecretBytes out(static_cast<std::size_t>(BN_num_bytes(number)));
  BN_bn2bin(number, out.expose_mutable().data());
  return out;
}

// n, d and e out of the five numbers: e inverts dp modulo p - 1, d inverts e modulo (p - 1)(q - 1).
struct Recovered {
  BignumPtr n{BN_new()};
  BignumPtr d{BN_secure_new()};
  BignumPtr e{BN_new()};
};

bool recover(const RsaCrtNumbers& numbers, Recovered& out) {
  const BnCtxPtr ctx(BN_CTX_secure_new());
  const BignumPtr p = secret_number_of(numbers.p);
  const BignumPtr q = secret_number_of(numbers.q);
  const BignumPtr dp = secret_number_of(numbers.dp);
  const BignumPtr dq = secret_number_of(numbers.dq);
  const BignumPtr inverse = secret_number_of(numbers.q_inverse);
  const BignumPtr p1(p == nullptr ? nullptr : BN_dup(p.get()));
  const BignumPtr q1(q == nullptr ? nullptr : BN_dup(q.get()));
  const BignumPtr phi(BN_secure_new());
  const BignumPtr check(BN_secure_new());
  if (ctx == nullptr || dp == nullptr || dq == nullptr || inverse == nullptr || p1 == nullptr ||
      q1 == nullptr || phi == nullptr || check == nullptr || out.n == nullptr || out.d == nullptr ||
      out.e == nullptr || BN_is_zero(p.get()) || BN_is_zero(q.get())) {
    return false;
  }
  return BN_sub_word(p1.get(), 1) == 1 && BN_sub_word(q1.get(), 1) == 1 &&
         BN_mul(out.n.get(), p.get(), q.get(), ctx.get()) == 1 &&
         BN_mul(phi.get(), p1.get(), q1.get(), ctx.get()) == 1 &&
         BN_mod_inverse(out.e.get(), dp.get(), p1.get(), ctx.get()) != nullptr &&
         BN_mod_inverse(out.d.get(), out.e.get(), phi.get(), ctx.get()) != nullptr &&
         BN_nnmod(check.get(), out.d.get(), q1.get(), ctx.get()) == 1 &&
         BN_cmp(check.get(), dq.get()) == 0 &&
         BN_mod_mul(check.get(), q.get(), inverse.get(), p.get(), ctx.get()) == 1 &&
         BN_is_one(check.get());
}

}  // namespace

Result<RsaPublicKey> RsaPublicKey::from(ByteView modulus, ByteView exponent) {
  const ErrorScope errors;
  Bytes n = KB_TRY(checked_modulus(modulus));
  const ByteView e = without_leading_zeros(exponent);
  if (e.empty() || e.size() > kMaxExponentSize || (e.back() & 0x01U) == 0 ||
      (e.size() == 1 && e.front() < 3)) {
    return fail(Errc::kValue, "an RSA public exponent is odd, 3 or more, up to eight octets");
  }
  PkeyPtr key = public_handle(n, e);
  if (key == nullptr) {
    return fail(Errc::kValue, "libcrypto does not take this RSA key");
  }
  return RsaPublicKey(std::move(n), Bytes(e.begin(), e.end()), std::move(key));
}

Result<RsaPublicKey> RsaPublicKey::from_der(ByteView octets) {
  const ErrorScope errors;
  const unsigned char* at = octets.data();
  const PkeyPtr key(d2i_PUBKEY(nullptr, &at, static_cast<long>(octets.size())));
  if (key == nullptr || at != octets.data() + octets.size() ||
      EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    return fail(Errc::kEncoding, "this is no RSA public key");
  }
  const SecretBytes n = number_in(key.get(), OSSL_PKEY_PARAM_RSA_N);
  const SecretBytes e = number_in(key.get(), OSSL_PKEY_PARAM_RSA_E);
  return from(n.expose(), e.expose());
}

Result<RsaPrivateKey> RsaPrivateKey::from(ByteView modulus, ByteView private_exponent) {
  const ErrorScope errors;
  Bytes n = KB_TRY(checked_modulus(modulus));
  const ByteView d = without_leading_zeros(private_exponent);
  const BignumPtr n_number = number_of(n);
  const BignumPtr d_number = secret_number_of(d);
  if (n_number == nullptr || d_number == nullptr) {
    return fail(Errc::kCrypto, "libcrypto has no memory for an RSA key");
  }
  if (d.empty() || BN_cmp(d_number.get(), n_number.get()) >= 0) {
    return fail(Errc::kValue, "an RSA private exponent is below its modulus");
  }
  return RsaPrivateKey(std::move(n), SecretBytes::copy_of(d));
}

Result<RsaPrivateKey> RsaPrivateKey::from_crt(const RsaCrtNumbers& numbers) {
  const ErrorScope errors;
  for (const ByteView number : {numbers.p, numbers.q, numbers.q_inverse, numbers.dp, numbers.dq}) {
    if (number.size() > kRsaMaxSize) {
      return fail(Errc::kValue, "a number of an RSA key is too long");
    }
  }
  Recovered recovered;
  if (!recover(numbers, recovered)) {
    return fail(Errc::kValue, "the numbers of the RSA key do not belong together");
  }
  const SecretBytes n = octets_of(recovered.n.get());
  const SecretBytes d = octets_of(recovered.d.get());
  const SecretBytes e = octets_of(recovered.e.get());
  RsaPrivateKey out = KB_TRY(from(n.expose(), d.expose()));
  out.public_key_ = KB_TRY(RsaPublicKey::from(n.expose(), e.expose()));
  return out;
}

Result<RsaPrivateKey> RsaPrivateKey::from_der(ByteView octets) {
  const ErrorScope errors;
  const unsigned char* at = octets.data();
  const PkeyPtr key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(octets.size())));
  if (key == nullptr || at != octets.data() + octets.size() ||
      EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    return fail(Errc::kEncoding, "this is no RSA private key");
  }
  const SecretBytes n = number_in(key.get(), OSSL_PKEY_PARAM_RSA_N);
  const SecretBytes e = number_in(key.get(), OSSL_PKEY_PARAM_RSA_E);
  const SecretBytes d = number_in(key.get(), OSSL_PKEY_PARAM_RSA_D);
  RsaPrivateKey out = KB_TRY(from(n.expose(), d.expose()));
  out.public_key_ = KB_TRY(RsaPublicKey::from(n.expose(), e.expose()));
  return out;
}

Result<Bytes> RsaPrivateKey::apply(ByteView number) const {
  const ErrorScope errors;
  const BnCtxPtr ctx(BN_CTX_secure_new());
  const BignumPtr n = number_of(modulus_);
  const BignumPtr d = secret_number_of(private_exponent_.expose());
  const BignumPtr m = secret_number_of(number);
  const BignumPtr result(BN_new());
  Bytes out(modulus_.size());
  if (ctx == nullptr || n == nullptr || d == nullptr || m == nullptr || result == nullptr ||
      number.size() != modulus_.size() || BN_cmp(m.get(), n.get()) >= 0 ||
      BN_mod_exp_mont_consttime(result.get(), m.get(), d.get(), n.get(), ctx.get(), nullptr) != 1 ||
      BN_bn2binpad(result.get(), out.data(), static_cast<int>(out.size())) < 0) {
    return fail(Errc::kCrypto, "libcrypto did not sign");
  }
  return out;
}

}  // namespace kagibin::crypto
