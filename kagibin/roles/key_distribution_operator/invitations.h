// SPDX-License-Identifier: Apache-2.0
// One-time invitations: how a provider, a device, an operator or an auditor gets its transport
// certificate. Renewing gives the same subject again, with the roles that it had.
//
// An invitation is a certificate "invitation:<token>" with its key, for kInvitationDays, in one
// file (delivery/invitation.h); so nothing but /healthz is reachable without a certificate. The
// store keeps SHA-256(token) only. Redeeming exchanges it and a PKCS#10 for a certificate of the
// invited subject. It works for one key: asked again with the same key it gives the same
// certificate (the answer may have been lost), with another key it is refused.
//
// Failures: kInvalidArgument (subject), kConflict (used), kExpired, kUntrusted (no such
// invitation).
//
//   const SecretBytes file = KB_TRY(invite(store, ca, {subject, "localhost", 8443}, now, rng));
#pragma once

#include <cstdint>
#include <string>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/delivery/http_port.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/roles/key_distribution_operator/routes.h"
#include "kagibin/roles/key_distribution_operator/transport_ca.h"

namespace kagibin::roles::key_distribution_operator {

struct InvitationOrder {
  delivery::Subject subject;  // anybody but an invitation
  std::string host;           // where the distributor is reached
  std::uint16_t port = 0;
};

// The invitation file. Durable when it returns.
Result<SecretBytes> invite(delivery::OrderStore& store,
                           const TransportCa& ca,
                           const InvitationOrder& order,
                           std::int64_t now,
                           crypto::Rng& rng);

// PUT /v1/invitations/self/certificate.
Result<delivery::HttpResponse> redeem(delivery::OrderTransaction& store,
                                      const TransportCa& ca,
                                      const Call& call,
                                      std::int64_t now,
                                      crypto::Rng& rng);

// PUT /v1/transport/certificate: another certificate for who has one, for a key of its choice. What
// it has stays good until it expires.
Result<delivery::HttpResponse> renew(const TransportCa& ca,
                                     const Call& call,
                                     std::int64_t now,
                                     crypto::Rng& rng);

}  // namespace kagibin::roles::key_distribution_operator
