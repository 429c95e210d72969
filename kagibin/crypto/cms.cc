// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/cms.h"

#include <array>
#include <climits>

#include "kagibin/crypto/held_key/held_pkey.h"
#include "kagibin/crypto/key_file/pem.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {
namespace {

// libcrypto copies content by way of a buffer of 4 KiB on the stack, which it does not wipe. Its
// frames lie below the caller's, where this one's come to lie.
struct StackBelow {
  StackBelow() = default;
  StackBelow(const StackBelow&) = delete;
  StackBelow& operator=(const StackBelow&) = delete;
  [[gnu::noinline]] ~StackBelow() {
    std::array<std::uint8_t, std::size_t{16} * 1024> frame{};
    wipe(frame);
  }
};

std::unexpected<Error> not_opened() {
  return fail(Errc::kAuthentication, "the CMS file does not open");
}

Result<Bytes> encode(const CMS_ContentInfo* cms) {
  unsigned char* der = nullptr;
  const int size = i2d_CMS_ContentInfo(cms, &der);
  const OpensslMemory owner(der);
  if (size <= 0) {
    return fail(Errc::kCrypto, "libcrypto did not encode CMS");
  }
  return Bytes(der, der + size);
}

// kEncoding unless the octets are exactly one ContentInfo of this type.
Result<CmsPtr> decode(ByteView der, int type) {
  const unsigned char* at = der.data();
  CmsPtr cms(der.empty() || der.size() > INT_MAX
                 ? nullptr
                 : d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(der.size())));
  if (cms == nullptr || at != der.data() + der.size() ||
      OBJ_obj2nid(CMS_get0_type(cms.get())) != type) {
    return fail(Errc::kEncoding, "not a CMS file of the expected type");
  }
  return cms;
}

// A certificate and the check that it is the key's own.
Result<X509Ptr> certificate_of(std::string_view pem, const EcPublicKey& key) {
  X509Ptr certificate = KB_TRY(read_certificate(pem));
  if (KB_TRY(to_public_key(X509_get0_pubkey(certificate.get()))) != key) {
    return fail(Errc::kInvalidArgument, "the certificate is of another key");
  }
  return certificate;
}

// SignedData with the content inside. It is not a secret's last copy: the caller wipes it.
Result<SecretBytes> sign(ByteView content, const SigningKey& key, std::string_view pem) {
  constexpr unsigned kFlags = CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP;
  const X509Ptr certificate = KB_TRY(certificate_of(pem, key.public_key()));
  const PkeyPtr pair = make_signing_pkey(key);
  const BioPtr in = memory_reader(content);
  const CmsPtr cms(CMS_sign(nullptr, nullptr, nullptr, nullptr, kFlags));
  if (pair == nullptr || in == nullptr || cms == nullptr ||
      CMS_add1_signer(cms.get(), certificate.get(), pair.get(), EVP_sha256(), kFlags) == nullptr ||
      CMS_final(cms.get(), in.get(), nullptr, CMS_BINARY) != 1) {
    return fail(Errc::kCrypto, "libcrypto did not sign the CMS content");
  }
  unsigned char* der = nullptr;
  const int size = i2d_CMS_ContentInfo(cms.get(), &der);
  const OpensslMemory owner(der);
  if (size <= 0) {
    return fail(Errc::kCrypto, "libcrypto did not encode CMS");
  }
  SecretBytes out = SecretBytes::copy_of({der, static_cast<std::size_t>(size)});
  wipe({der, static_cast<std::size_t>(size)});
  return out;
}

// One recipient by ephemeral-static ECDH, X9.63 with SHA-256 and AES-256 key wrap (RFC 5753,
// 3.1.1).
bool add_recipient(CMS_ContentInfo* cms, X509* certificate) {
  CMS_RecipientInfo* const info = CMS_add1_recipient_cert(cms, certificate, CMS_KEY_PARAM);
  EVP_PKEY_CTX* const ctx = info == nullptr ? nullptr : CMS_RecipientInfo_get0_pkey_ctx(info);
  return ctx != nullptr && EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) == 1;
}

Result<SecretBytes> decrypt(CMS_ContentInfo* cms, const AgreementKey& key, X509* certificate) {
  const PkeyPtr pair = make_agreement_pkey(key);
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (pair == nullptr || out == nullptr) {
    return fail(Errc::kCrypto, "libcrypto has no memory to open CMS");
  }
  if (CMS_decrypt(cms, pair.get(), certificate, nullptr, out.get(), CMS_BINARY) != 1) {
    return not_opened();
  }
  return SecretBytes::copy_of(memory_content(out.get()));
}

// The one signer, by ECDSA with SHA-256; null when there is another number or algorithm.
X509* only_signer(CMS_ContentInfo* cms) {
  STACK_OF(CMS_SignerInfo)* const infos = CMS_get0_SignerInfos(cms);
  if (infos == nullptr || sk_CMS_SignerInfo_num(infos) != 1) {
    return nullptr;
  }
  X509* certificate = nullptr;
  X509_ALGOR* digest = nullptr;
  X509_ALGOR* signature = nullptr;
  CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(infos, 0), nullptr, &certificate, &digest,
                           &signature);
  if (digest == nullptr || signature == nullptr || OBJ_obj2nid(digest->algorithm) != NID_sha256 ||
      OBJ_obj2nid(signature->algorithm) != NID_ecdsa_with_SHA256) {
    return nullptr;
  }
  return certificate;
}

}  // namespace

Result<Bytes> cms_seal(ByteView content,
                       const SigningKey& signer_key,
                       std::string_view signer_certificate_pem,
                       std::string_view recipient_certificate_pem) {
  const StackBelow stack;
  const ErrorScope errors;
  const X509Ptr recipient = KB_TRY(read_certificate(recipient_certificate_pem));
  KB_TRY(to_public_key(X509_get0_pubkey(recipient.get())));
  const SecretBytes signed_data = KB_TRY(sign(content, signer_key, signer_certificate_pem));
  const BioPtr in = memory_reader(signed_data.expose());
  const CmsPtr cms(CMS_AuthEnvelopedData_create_ex(EVP_aes_256_gcm(), nullptr, nullptr));
  if (in == nullptr || cms == nullptr || CMS_set_detached(cms.get(), 0) != 1 ||
      !add_recipient(cms.get(), recipient.get()) ||
      CMS_final(cms.get(), in.get(), nullptr, CMS_BINARY) != 1) {
    return fail(Errc::kCrypto, "libcrypto did not seal the CMS content");
  }
  return encode(cms.get());
}

Result<CmsContent> cms_open(ByteView der,
                            const AgreementKey& recipient_key,
                            std::string_view recipient_certificate_pem) {
  // The signer is believed by its key alone, which the caller pins.
  constexpr unsigned kFlags = CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY;
  const StackBelow stack;
  const ErrorScope errors;
  const X509Ptr recipient =
      KB_TRY(certificate_of(recipient_certificate_pem, recipient_key.public_key()));
  const CmsPtr envelope = KB_TRY(decode(der, NID_id_smime_ct_authEnvelopedData));
  const SecretBytes inner = KB_TRY(decrypt(envelope.get(), recipient_key, recipient.get()));
  const CmsPtr signed_data = KB_TRY(decode(inner.expose(), NID_pkcs7_signed));
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (out == nullptr) {
    return fail(Errc::kCrypto, "libcrypto has no memory to open CMS");
  }
  if (CMS_verify(signed_data.get(), nullptr, nullptr, nullptr, out.get(), kFlags) != 1) {
    return not_opened();
  }
  X509* const signer = only_signer(signed_data.get());
  if (signer == nullptr) {
    return not_opened();
  }
  const EcPublicKey key = KB_TRY(to_public_key(X509_get0_pubkey(signer)));
  return CmsContent{.content = SecretBytes::copy_of(memory_content(out.get())), .signer = key};
}

}  // namespace kagibin::crypto
