// SPDX-License-Identifier: Apache-2.0
// The controlling authority: the root of the delivery PKI. It certifies makers and service
// providers from their signed requests, and signs statements for the elements (protocol, sections 3
// and 9). It holds no service key and no operator key, and it is none of B, C, D.
//
// Two roots may be valid at a time: certificates and statements are made under the current one, and
// a successor may be prepared beside it, announced to the elements by a statement under the current
// one, and then take its place. Every certificate and statement stands in the issuance log,
// durable, before it is handed out. Ownership: keeps references to log, clock and randomness, which
// outlive it. Thread-safety: one thread.
//
//   Authority authority(KB_TRY(RootKeys::create("KAGIBIN-AUTH", rng)), log, clock, rng);
//   const pki::Certificate sp = KB_TRY(authority.certify_service_provider(request, prefixes, 1,
//   90));
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kagibin/base/clock.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/pki/chain.h"
#include "kagibin/pki/domain_key_request.h"
#include "kagibin/roles/controlling_authority/issuance_log.h"

namespace kagibin::roles::controlling_authority {

// The authority's private keys. `name` is TLV 42 of what it issues, 1 to 16 octets.
struct RootKeys {
  Bytes name;
  crypto::SigningKey current;
  std::optional<crypto::SigningKey> successor;

  // kInvalidArgument for a name of another length.
  static Result<RootKeys> create(std::string_view name, crypto::Rng& rng);
  static Result<RootKeys> create(std::string_view name, crypto::SigningKey key);
  // One or two public keys, the current first.
  pki::TrustAnchors anchors() const;
};

class Authority {
 public:
  Authority(RootKeys keys, IssuanceLog& log, const Clock& clock, crypto::Rng& rng)
      : keys_(std::move(keys)), log_(log), clock_(clock), rng_(rng) {}

  // Valid from today for `days` (1 to 3,653). kInvalidArgument for a request of another kind, kIo
  // when the log cannot be written: then nothing was issued.
  Result<pki::Certificate> certify_maker(const pki::CertificationRequest& request,
                                         const std::array<std::uint8_t, 16>& platform,
                                         int days);
  // `aid_prefixes`: 5 to 16 octets each, at least one. `epoch` is compared by the elements with
  // their minEpoch.
  Result<pki::Certificate> certify_service_provider(const pki::CertificationRequest& request,
                                                    const std::vector<Bytes>& aid_prefixes,
                                                    std::uint16_t epoch,
                                                    int days);

  // Keys of a CASD that a maker made in an element of this platform: to agree on keys, or to sign
  // (kinds 06 and 07). `casd` is its AID.
  Result<pki::Certificate> certify_casd(const pki::CertificationRequest& request,
                                        const Aid& casd,
                                        const std::array<std::uint8_t, 16>& platform,
                                        int days);

  // CERT.SD for a key that a domain made on card before the eyes of a maker whom this authority
  // certified: SEID, AID and owner are the maker's word, and the certificate names that maker by
  // its key, so that it counts in elements of this maker alone. kUntrusted and others of
  // pki::verify_under_root for another maker. `epoch` as above.
  Result<pki::Certificate> certify_security_domain(const pki::DomainKeyRequest& request,
                                                   std::uint16_t epoch,
                                                   int days);

  // Statements for the elements (STATEMENT, INS 1C): TLVs 80 kind, 81 value, 9E.
  Result<Bytes> state_time(std::uint32_t protocol_minutes);
  Result<Bytes> state_min_epoch(std::uint16_t epoch);
  // Announces the successor's key, for the element's second slot. Elements refuse a statement of a
  // root whose number is not above that of the last one they took: `number` is above every earlier
  // one, from 1 (AuthorityFolder::take_root_number). kState without a successor, kInvalidArgument
  // for number 0.
  Result<Bytes> state_successor(std::uint32_t number);

  // kState when there is one already. The successor is a key in memory unless one is given.
  Result<void> prepare_successor();
  Result<void> prepare_successor(crypto::SigningKey successor);
  // The successor becomes the current root; the old one is gone. kState without one.
  Result<void> adopt_successor();

  pki::TrustAnchors anchors() const { return keys_.anchors(); }
  const RootKeys& keys() const { return keys_; }

 private:
  Result<pki::Certificate> issue(pki::CertificateFields fields,
                                 const crypto::EcPublicKey& key,
                                 int days,
                                 ByteView maker = {});
  Result<Bytes> state(std::uint8_t kind, ByteView value, std::string_view event);

  RootKeys keys_;
  IssuanceLog& log_;
  const Clock& clock_;
  crypto::Rng& rng_;
};

}  // namespace kagibin::roles::controlling_authority
