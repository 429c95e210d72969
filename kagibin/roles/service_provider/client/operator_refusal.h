// SPDX-License-Identifier: Apache-2.0
// What it means for the service provider that the operator did not take a message.
//
//   const auto sent = api.put_order(id, request);
//   if (!sent) { return std::unexpected(not_taken(sent.error())); }
#pragma once

#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

// Nobody can be reached, or the operator asks for patience, or our own store fails: the run ends
// here, and a later one sends the same again.
bool is_outage(Errc code);

// The operator will never take this message: sending it again is no use.
bool is_turned_down(Errc code);

// The same as a sentence: what happened, what becomes of the message, what to do.
Problem not_taken(const Error& error);

// Of a request with many orders, none of which was looked at: all of them stay unacknowledged.
Problem orders_not_taken(const Error& error);

// Of an order that was taken back: kPolicy where the operator does not let us.
Problem not_withdrawn(const Error& error);

// A message that the operator turned down stays unacknowledged: Outbox::resend() notes it and lets
// it rest.
Checked<void> unless_outage(const Checked<void>& sent);

}  // namespace kagibin::roles::service_provider
