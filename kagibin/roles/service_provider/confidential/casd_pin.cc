// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/confidential/casd_pin.h"

namespace kagibin::roles::service_provider {

Result<void> check_casd_pin(const ShipmentBook& shipments,
                            const Trust& trust,
                            const Seid& element,
                            CasdKey which,
                            const crypto::EcPublicKey& key,
                            pki::CertificateDate today) {
  const auto shipped = KB_TRY(shipments.find(element));
  if (!shipped || !shipped->casd) {
    return fail(Errc::kUntrusted, "no shipment list pins the element to a CASD");
  }
  const crypto::Digest256& pinned =
      which == CasdKey::kSignature ? shipped->casd->signature_key : shipped->casd->agreement_key;
  if (pinned != crypto::sha256(key.point())) {
    return fail(Errc::kUntrusted, "the shipment list pins the element to another CASD");
  }
  // No message of a CASD carries CERT.EUM: the list did.
  const auto maker = KB_TRY(shipments.find_maker(shipped->maker));
  if (!maker) {
    return fail(Errc::kUntrusted, "no list with the certificate of its maker was imported");
  }
  KB_TRY(pki::verify_under_root(trust.anchors, *maker, pki::CertificateKind::kMaker, today,
                                trust.revoked));
  if (maker->key_hash() != shipped->casd->maker_key) {
    return fail(Errc::kUntrusted,
                "its maker has another key since the list that pins the element to this CASD");
  }
  return {};
}

}  // namespace kagibin::roles::service_provider
