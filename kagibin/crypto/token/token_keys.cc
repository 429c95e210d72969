// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/token_keys.h"

#include <utility>

#include "kagibin/crypto/curve/curve_signature.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/ec/ecdsa_digest.h"
#include "kagibin/crypto/token/token_derivation.h"
#include "kagibin/crypto/token/token_failure.h"
#include "kagibin/crypto/token/token_objects.h"

namespace kagibin::crypto::token {
namespace {

constexpr Search kPrivateKey{.object_class = CKO_PRIVATE_KEY, .key_type = CKK_EC};
constexpr Search kPublicKey{.object_class = CKO_PUBLIC_KEY, .key_type = CKK_EC};
constexpr Search kSecretKey{.object_class = CKO_SECRET_KEY, .key_type = CKK_AES};

// That the key is the token's alone, and may be used so.
Result<CK_RV> check_use(Flags& flags, bool is_allowed) {
  const bool is_sensitive = flags.has(CKA_SENSITIVE);
  if (flags.rv() != CKR_OK) {
    return flags.rv();
  }
  if (!is_sensitive) {
    return fail(
        Errc::kPolicy,
        "the token would hand this key out in the clear (CKA_SENSITIVE is false): it is not "
        "kept by the token; make one with --generate");
  }
  if (!is_allowed) {
    return failure(CKR_KEY_FUNCTION_NOT_PERMITTED);
  }
  return CKR_OK;
}

Result<EcPublicKey> read_point(Token& token, const TokenUri& uri) {
  std::optional<EcPublicKey> point;
  const Token::Call read_it = [&](const TokenSession& at) -> Result<CK_RV> {
    // Some tokens keep the point with the private key too, others only in the public one.
    const Found by_itself = KB_TRY(find_object(token, at, uri, kPublicKey));
    const auto read = [&](CK_OBJECT_HANDLE object) -> Result<CK_RV> {
      const Value value = read_value(at, object, CKA_EC_POINT);
      if (value.rv == CKR_OK) {
        point = KB_TRY(point_of(value.octets.expose()));
      }
      return value.rv;
    };
    if (by_itself.rv != CKR_OK) {
      return by_itself.rv;
    }
    return by_itself.object ? read(*by_itself.object)
                            : with_object(token, at, uri, kPrivateKey, read);
  };
  KB_TRY(token.run(Repeat::kAllowed, read_it));
  return *point;
}

Result<void> check_pair(Token& token, const TokenUri& uri, CK_ATTRIBUTE_TYPE use) {
  return token.run(Repeat::kAllowed, [&](const TokenSession& at) -> Result<CK_RV> {
    return with_object(token, at, uri, kPrivateKey, [&](CK_OBJECT_HANDLE key) {
      Flags flags(at, key);
      return check_use(flags, flags.has(use));
    });
  });
}

class SigningInToken final : public SigningKey::Holder {
 public:
  SigningInToken(SharedToken token, SharedUri uri, const EcPublicKey& point)
      : token_(std::move(token)), uri_(std::move(uri)), point_(point) {}
  EcPublicKey public_key() const override { return point_; }
  std::string_view token_uri() const override { return uri_->text(); }

  Result<Bytes> sign_digest(const Digest256& digest, Rng& /*rng*/) const override {
    Bytes out(kEcdsaRawSize);
    KB_TRY(use_key(*token_, [&](const TokenSession& at) -> Result<CK_RV> {
      return with_object(
          *token_, at, *uri_, kPrivateKey, [&](CK_OBJECT_HANDLE key) -> Result<CK_RV> {
            CK_MECHANISM mechanism{
                .mechanism = CKM_ECDSA, .pParameter = nullptr, .ulParameterLen = 0};
            Digest256 octets = digest;
            CK_ULONG size = out.size();
            const CK_RV rv = at.functions->C_SignInit(at.handle, &mechanism, key);
            return rv != CKR_OK ? rv
                                : at.functions->C_Sign(at.handle, octets.data(), octets.size(),
                                                       out.data(), &size);
          });
    }));
    if (!verify_signature(Curve::kP256, point_.point(), digest, out)) {
      return fail(
          Errc::kCrypto,
          "what the token signed does not verify under the key's public half; the signature "
          "was thrown away, and the token is not to be trusted until this is understood");
    }
    return out;
  }

 private:
  SharedToken token_;
  SharedUri uri_;
  EcPublicKey point_;
};

class AgreementInToken final : public AgreementKey::Holder {
 public:
  AgreementInToken(SharedToken token, SharedUri uri, const EcPublicKey& point)
      : token_(std::move(token)), uri_(std::move(uri)), point_(point) {}
  EcPublicKey public_key() const override { return point_; }
  std::string_view token_uri() const override { return uri_->text(); }

  Result<SecretArray<32>> agree(const EcPublicKey& peer) const override {
    SecretArray<32> z;
    KB_TRY(use_key(*token_, [&](const TokenSession& at) -> Result<CK_RV> {
      return with_object(*token_, at, *uri_, kPrivateKey,
                         [&](CK_OBJECT_HANDLE key) -> Result<CK_RV> {
                           const EcPoint point = peer.point();
                           CK_RV rv = agree_with(at, key, Bytes(point.begin(), point.end()), z);
                           if (rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_ARGUMENTS_BAD) {
                             Bytes wrapped = {0x04, kEcPointSize};  // the point in an OCTET STRING
                             append(wrapped, point);
                             rv = agree_with(at, key, std::move(wrapped), z);
                           }
                           return rv;
                         });
    }));
    return z;
  }

 private:
  static CK_RV agree_with(const TokenSession& at,
                          CK_OBJECT_HANDLE key,
                          Bytes peer,
                          SecretArray<32>& z) {
    CK_ECDH1_DERIVE_PARAMS params{.kdf = CKD_NULL,
                                  .shared_data_len = 0,
                                  .shared_data = nullptr,
                                  .public_data_len = peer.size(),
                                  .public_data = peer.data()};
    CK_MECHANISM mechanism{
        .mechanism = CKM_ECDH1_DERIVE, .pParameter = &params, .ulParameterLen = sizeof params};
    Attributes wanted;
    wanted.put_number(CKA_CLASS, CKO_SECRET_KEY)
        .put_number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
        .put_number(CKA_VALUE_LEN, z.size())
        .put_flag(CKA_TOKEN, false)
        .put_flag(CKA_SENSITIVE, false)
        .put_flag(CKA_EXTRACTABLE, true);
    CK_OBJECT_HANDLE derived = 0;
    const CK_RV rv = at.functions->C_DeriveKey(at.handle, &mechanism, key, wanted.data(),
                                               wanted.size(), &derived);
    if (rv != CKR_OK) {
      return rv;
    }
    const Value value = read_value(at, derived, CKA_VALUE);
    at.functions->C_DestroyObject(at.handle, derived);
    if (value.rv != CKR_OK) {
      return value.rv;
    }
    auto copied = SecretArray<32>::copy_of(value.octets.expose());
    if (!copied) {
      return CKR_GENERAL_ERROR;
    }
    z = std::move(*copied);
    return CKR_OK;
  }

  SharedToken token_;
  SharedUri uri_;
  EcPublicKey point_;
};

class DerivationInToken final : public DerivationKey::Holder {
 public:
  DerivationInToken(SharedToken token, SharedUri uri, DerivationWay way)
      : token_(std::move(token)), uri_(std::move(uri)), way_(way) {}
  std::string_view token_uri() const override { return uri_->text(); }

  Result<SecretBytes> diversify(ByteView label, ByteView context, std::size_t size) const override {
    if (size == 0 || size > DerivationKey::kTokenLimit) {
      return fail(Errc::kInvalidArgument, "a token derives 1 to 1,024 octets at once");
    }
    SecretBytes out(size);
    KB_TRY(use_key(*token_, [&](const TokenSession& at) -> Result<CK_RV> {
      return with_object(*token_, at, *uri_, kSecretKey,
                         [&](CK_OBJECT_HANDLE key) -> Result<CK_RV> {
                           return derive_in_token(at, key, way_, label, context, out);
                         });
    }));
    return out;
  }

 private:
  SharedToken token_;
  SharedUri uri_;
  DerivationWay way_;
};

}  // namespace

Result<SigningKey> open_signing_key(const SharedToken& token, const SharedUri& uri) {
  KB_TRY(token->abilities().require_signing());
  KB_TRY(check_pair(*token, *uri, CKA_SIGN));
  const EcPublicKey point = KB_TRY(read_point(*token, *uri));
  return SigningKey(std::make_shared<const SigningInToken>(token, uri, point));
}

Result<AgreementKey> open_agreement_key(const SharedToken& token, const SharedUri& uri) {
  KB_TRY(token->abilities().require_agreement());
  KB_TRY(check_pair(*token, *uri, CKA_DERIVE));
  const EcPublicKey point = KB_TRY(read_point(*token, *uri));
  return AgreementKey(std::make_shared<const AgreementInToken>(token, uri, point));
}

Result<DerivationKey> open_derivation_key(const SharedToken& token, const SharedUri& uri) {
  KB_TRY(token->abilities().require_derivation());
  std::optional<DerivationWay> way;
  KB_TRY(token->run(Repeat::kAllowed, [&](const TokenSession& at) -> Result<CK_RV> {
    return with_object(*token, at, *uri, kSecretKey, [&](CK_OBJECT_HANDLE key) -> Result<CK_RV> {
      const TokenAbilities& able = token->abilities();
      Flags flags(at, key);
      way.reset();
      if (able.derives && flags.has(CKA_DERIVE)) {
        // Not every token that has the KDF has it with this PRF.
        SecretBytes tried(1);
        const CK_RV rv = derive_in_token(at, key, DerivationWay::kCounterKdf, ascii("KB1-CHK"),
                                         ascii("KB1-CHK"), tried);
        if (rv == CKR_OK) {
          way = DerivationWay::kCounterKdf;
        } else if (kind_of(rv) != FailureKind::kFinal) {
          return rv;
        }
      }
      if (!way && able.authenticates && flags.has(CKA_SIGN)) {
        way = DerivationWay::kCmac;
      } else if (!way && able.encrypts && flags.has(CKA_ENCRYPT)) {
        way = DerivationWay::kCbc;
      }
      return check_use(flags, way.has_value());
    });
  }));
  return DerivationKey(std::make_shared<const DerivationInToken>(token, uri, *way));
}

}  // namespace kagibin::crypto::token
