// SPDX-License-Identifier: Apache-2.0
// E4 after it was opened: the statement and the certificates that came with it, decoded. For the
// order flow only.
#pragma once

#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/roles/service_provider/attestation/element_attestation.h"
#include "kagibin/roles/service_provider/order_flow.h"

namespace kagibin::roles::service_provider {

struct OrderFlow::OpenedAnswer {
  envelope::EnrolmentAnswer outer;
  Bytes statement_tlv;  // TLV E1, complete
  envelope::EnrolmentStatement statement;
  ElementAttestation attestation;
  std::optional<pki::Certificate> domain{};  // CERT.SD, where the statement offers RL2

  crypto::Digest256 statement_hash() const { return crypto::sha256(statement_tlv); }
};

}  // namespace kagibin::roles::service_provider
