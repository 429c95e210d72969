// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/invitations.h"

#include "kagibin/base/crash_point.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/delivery/exchange/invitation.h"
#include "kagibin/roles/key_distribution_operator/answers.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::InvitationRow;
using delivery::Party;
using delivery::Subject;

namespace {

constexpr std::int64_t kSecondsADay = 86'400;

}  // namespace

Result<SecretBytes> invite(delivery::OrderStore& store,
                           const TransportCa& ca,
                           const InvitationOrder& order,
                           std::int64_t now,
                           crypto::Rng& rng) {
  const auto checked = Subject::parse(order.subject.common_name());
  if (!checked || order.subject.party == Party::kInvitation) {
    return fail(Errc::kInvalidArgument,
                "invited are provider:<SPID>, with one to three roles, device:<name>, "
                "operator:<name> and auditor:<name>");
  }
  const auto token = KB_TRY(crypto::random_array<16>(rng));
  const Subject identity{Party::kInvitation, to_hex(token)};
  const crypto::EcPrivateKey key = KB_TRY(crypto::EcPrivateKey::generate(rng));
  const std::string request = KB_TRY(crypto::certificate_request(key, identity.common_name()));
  delivery::Invitation invitation;
  invitation.subject = order.subject.common_name();
  invitation.host = order.host;
  invitation.port = order.port;
  invitation.ca_certificate_pem = ca.roots_pem();
  invitation.certificate_pem =
      KB_TRY(ca.issue_client(identity, request, now, kInvitationDays, rng));
  invitation.private_key_pem = KB_TRY(crypto::private_key_to_pem(key));
  SecretBytes file = KB_TRY(encode_invitation(invitation));

  InvitationRow row;
  row.token_hash = crypto::sha256(ascii(identity.id));
  row.subject = invitation.subject;
  row.not_after = now + kInvitationDays * kSecondsADay;
  const auto transaction = KB_TRY(store.begin());
  KB_TRY(transaction->insert_invitation(row));
  KB_CRASH_POINT("distributor.invite.before_commit");
  KB_TRY(transaction->commit());
  KB_CRASH_POINT("distributor.invite.after_commit");
  return file;
}

Result<delivery::HttpResponse> redeem(delivery::OrderTransaction& store,
                                      const TransportCa& ca,
                                      const Call& call,
                                      std::int64_t now,
                                      crypto::Rng& rng) {
  const auto message = KB_TRY(delivery::certificate_request_from_json(call.body));
  std::optional<InvitationRow> row =
      KB_TRY(store.find_invitation(crypto::sha256(ascii(call.subject->id))));
  if (!row) {
    return fail(Errc::kUntrusted, "this distributor's store has no such invitation");
  }
  if (row->not_after < now) {
    return fail(Errc::kExpired, "the invitation has expired; ask for a new one");
  }
  const Subject subject = KB_TRY(Subject::parse(row->subject));
  const std::string issued = KB_TRY(ca.issue_client(subject, message.pem, now, kClientDays, rng));
  if (row->certificate) {
    // A request is signed anew each time it is made; it is the same when its key is.
    const auto asked = KB_TRY(crypto::public_key_of_certificate(issued));
    const auto given = KB_TRY(crypto::public_key_of_certificate(*row->certificate));
    if (!(asked == given)) {
      return fail(Errc::kConflict, "the invitation was used with another key; ask for a new one");
    }
    return json(200, to_json(delivery::IssuedCertificate{row->subject, *row->certificate}));
  }
  row->request = message.pem;
  row->certificate = issued;
  KB_TRY(store.update_invitation(*row));
  return json(201, to_json(delivery::IssuedCertificate{row->subject, issued}));
}

Result<delivery::HttpResponse> renew(const TransportCa& ca,
                                     const Call& call,
                                     std::int64_t now,
                                     crypto::Rng& rng) {
  const auto message = KB_TRY(delivery::certificate_request_from_json(call.body));
  const std::string issued =
      KB_TRY(ca.issue_client(*call.subject, message.pem, now, kClientDays, rng));
  return json(201, to_json(delivery::IssuedCertificate{call.subject->common_name(), issued}));
}

}  // namespace kagibin::roles::key_distribution_operator
