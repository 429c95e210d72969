// SPDX-License-Identifier: Apache-2.0
// What an order puts into its element, as it lies under seal in the journal: the actions, and which
// of their keys are in a token (envelope/payload/joined_payload.h).
//
//   C3 { A0 { 80 action (1) | 81 key (1) | 82 size (1) | 83 URI
//           | 84 label, 85 context (opt, of a key that is derived) | 86 check value (8) } ... }
//   | P with Kr of octets 00
//
// C3 where there are such keys, and first, so that what it says is never lost; their values in P
// are octets 00 of that size, and empty in the actions here, so that nothing takes them for keys.
// Thread-safety: values.
//
//   const OrderPayload payload = KB_TRY(OrderPayload::decode(octets));
#pragma once

#include <vector>

#include "kagibin/envelope/payload/joined_payload.h"
#include "kagibin/envelope/payload/payload.h"

namespace kagibin::roles::service_provider {

struct OrderPayload {
  std::vector<envelope::Action> actions;
  std::vector<envelope::HeldKey> held{};

  // As Payload::check(), with keys in a token for as long as they are.
  Result<void> check();
  // Precondition: check() is good. kInvalidArgument for a key in a token without a check value.
  Result<SecretBytes> encode();
  static Result<OrderPayload> decode(ByteView octets);
  // Whether anything but the deletion of keys is sealed here, in the clear until then.
  bool puts_clear_values() const;

 private:
  // P with stand-ins, for as long as `use` runs.
  template <typename Use>
  auto with_stand_ins(const Use& use);
};

}  // namespace kagibin::roles::service_provider
