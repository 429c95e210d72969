// SPDX-License-Identifier: Apache-2.0
// CMS (RFC 5652) for files that go from one role to another: signed by the sender, then
// AuthEnvelopedData (RFC 5083) with AES-256-GCM for one EC recipient (RFC 5753). DER, so that
// `openssl cms` reads them as well.
//
// The recipient and the signer are X.509 certificates on P-256 (PEM), made by key_file.h's
// self_signed_certificate or by the user's own tools; who is believed is decided by comparing the
// signer's key with a pinned one, not by a chain.
//
// What is encrypted is a whole ContentInfo of SignedData (content type id-data), so that
// `openssl cms -decrypt` and then `openssl cms -verify` open a file. The signature does not name
// the recipient: content that must not be forwarded names it itself. The content-encryption key,
// the ephemeral key and the signature's nonce come from libcrypto's own generator.
//
//   Bytes file = KB_TRY(cms_seal(content, manager_key, manager_pem, provider_pem));
//   CmsContent got = KB_TRY(cms_open(file, provider_key, provider_pem));
#pragma once

#include <string>
#include <string_view>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/held_key/agreement_key.h"
#include "kagibin/crypto/held_key/signing_key.h"

namespace kagibin::crypto {

struct CmsContent {
  SecretBytes content;
  EcPublicKey signer;  // the key that signed; the caller compares it with the one it expects
};

Result<Bytes> cms_seal(ByteView content,
                       const SigningKey& signer_key,
                       std::string_view signer_certificate_pem,
                       std::string_view recipient_certificate_pem);
// kAuthentication when it does not open or the signature is not valid; kEncoding when it is not
// CMS.
Result<CmsContent> cms_open(ByteView der,
                            const AgreementKey& recipient_key,
                            std::string_view recipient_certificate_pem);

}  // namespace kagibin::crypto
