// SPDX-License-Identifier: Apache-2.0
// The card's end of PERFORM SECURITY OPERATION [verify certificate] (Amendment F v1.3, 7.5): takes
// the off-card entity's certificates one after the other, from a PK.CA-KLOC.ECDSA down to
// CERT.OCE.ECKA, and keeps the key of the last.
//
//   80 2A P1 P2 | block of a certificate      P1: b8 more blocks of it follow, b7-b1 KVN of the CA
//   key
//                                             P2: b8 more certificates follow, b7-b1 its KID
// Command chaining (class b5) says "more blocks" as well. KVN and KID count in the first
// certificate alone. Refusals, each of which ends the chain: 6A88 no such CA key, 6A80 what is no
// certificate or not of the use that its place wants, 6600 not signed by the one before or out of
// date, 6640 not in the CA key's allow list (asked of the first certificate alone), 6A81
// authorisations (BF20).
//
// Other commands may come between, on this logical channel or another: the CA key and its allow
// list are asked again at every certificate that goes on with the chain and at MUTUAL AUTHENTICATE
// (standing()). A key that was replaced or deleted since verifies nothing more (6A88), and whom the
// list no longer names is not let in (6640).
//
// Limits: 4,096 octets a certificate, eight certificates. Thread-safety: one thread.
#pragma once

#include <optional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/pki/scp_certificate.h"
#include "kagibin/scp/scp11/scp11_domain.h"

namespace kagibin::scp {

inline constexpr StatusWord kCertificateNotVerified{0x6600};
inline constexpr StatusWord kCertificateNotAllowed{0x6640};

// What a chain began with.
struct ChainRoot {
  KeyReference reference;
  crypto::CurvePublicKey key;
  Bytes serial;  // of the first certificate, which the allow list names
};

// Who sent CERT.OCE.ECKA.
struct CertifiedHost {
  crypto::CurvePublicKey key;
  Bytes subject;
};

class HostCertificates {
 public:
  // `command` in the clear, its secure messaging taken off.
  StatusWord submit(const apdu::CommandApdu& command, const Scp11Domain& domain);

  // The host of the last chain that ended well.
  const std::optional<CertifiedHost>& host() const { return host_; }
  // 9000 when the root of what was taken is what it was; else 6A88 or 6640. Also without a root.
  StatusWord standing(const Scp11Domain& domain) const;
  void forget();

 private:
  StatusWord verify(KeyReference ca, bool more, const Scp11Domain& domain);
  StatusWord refuse(StatusWord sw);

  Bytes blocks_;                          // of the certificate that is coming
  std::optional<pki::ScpChain> chain_{};  // the certificates before it
  std::optional<ChainRoot> root_{};       // of chain_ and of host_
  std::optional<CertifiedHost> host_{};
};

}  // namespace kagibin::scp
