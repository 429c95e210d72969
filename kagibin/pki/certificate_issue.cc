// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/certificate.h"
#include "kagibin/pki/certificate_body.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::pki {

Result<Certificate> Certificate::issue(const CertificateFields& fields,
                                       const crypto::EcPublicKey& subject_key,
                                       const crypto::SigningKey& issuer_key,
                                       crypto::Rng& rng) {
  if (!check_fields(fields)) {
    return fail(Errc::kInvalidArgument, "the fields do not fit the certificate's kind");
  }
  const Bytes body = encode_body(fields, subject_key.point());
  const Bytes signature = KB_TRY(issuer_key.sign_raw({body}, rng));
  const Bytes octets =
      tlv::encode(0x7F21, tlv::TlvWriter().raw(body).put(0x5F37, signature).view());
  Result<Certificate> certificate = decode(octets);
  if (!certificate) {
    return fail(Errc::kInvalidArgument, "names and AIDs do not fit into 320 octets, 127 in 53");
  }
  return certificate;
}

}  // namespace kagibin::pki
