// SPDX-License-Identifier: Apache-2.0
// What a security domain and its provider read of a confidential set-up, and what is asked of a
// CASD.
#include "kagibin/gp/confidential/authority_signature.h"
#include "kagibin/gp/confidential/setup_messages.h"

#include "fuzz/round_trip.h"

namespace kagibin {
namespace {

void check_request(ByteView octets) {
  const auto request = gp::SetupRequest::decode(octets);
  if (request && request->signed_reference) {
    KB_CHECK(equal(gp::encode_signed_octets(request->reference, request->ephemeral_point),
                   request->signed_octets));
    KB_CHECK(equal(gp::ask_signed(request->signed_octets, request->signature).data, octets));
  }
  static_cast<void>(gp::begins_setup(octets));
  static_cast<void>(gp::decode_challenge(octets));
}

void check_query(ByteView octets) {
  const auto query = gp::StatementQuery::decode(octets);
  if (query) {
    const auto command = gp::ask_statement(query->application, query->challenge);
    KB_CHECK(command.has_value() && equal(command->data, octets));
  }
}

}  // namespace
}  // namespace kagibin

FUZZ_OCTETS(octets) {
  kagibin::fuzz::check_round_trip<kagibin::gp::SetupReference>(octets);
  kagibin::fuzz::check_round_trip<kagibin::gp::SetupAnswer>(octets);
  kagibin::check_request(octets);
  kagibin::check_query(octets);
}
