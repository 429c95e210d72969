// SPDX-License-Identifier: Apache-2.0
// Files that one role hands to another: key exports, invitations.
#include "kagibin/delivery/exchange/invitation.h"
#include "kagibin/delivery/exchange/key_export.h"

#include "fuzz/round_trip.h"

FUZZ_OCTETS(octets) {
  namespace delivery = kagibin::delivery;
  const auto exports = delivery::decode_key_exports(octets);
  if (exports) {
    const auto again = delivery::encode_key_exports(*exports);
    KB_CHECK(again.has_value() && kagibin::equal(again->expose(), octets));
  }
  const auto invitation = delivery::decode_invitation(octets);
  if (invitation) {
    const auto again = delivery::encode_invitation(*invitation);
    KB_CHECK(again.has_value() && kagibin::equal(again->expose(), octets));
  }
}
