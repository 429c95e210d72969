// SPDX-License-Identifier: Apache-2.0
// Enrolments that receipts announced (E3/89) and that wait for the next order of their element and
// target, in the journal (protocol, section 10). One a (SEID, target), used once.
//
// Records: "waiting_enrolment", by SEID and target: the order that has the element's slot, by SEQ,
// under which CERT.SP, and the enrolment if it came behind that and is still to be used;
// "used_enrolment", by handle: the order that took it; "prepared_delivery", by order: all that was
// decided for its first attempt before that was opened, so that after a crash the same goes on, or
// in two processes; empty once the attempt stands in the journal. KEM keys lie under seal. What E4
// says is checked by whoever uses it, as of any answer. Ownership: refers to what it is given.
// Thread-safety: one thread.
//
//   WaitingEnrolments waiting(journal);
//   const auto found = KB_TRY(waiting.find(order.seid, order.target));
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

struct WaitingEnrolment {
  std::int64_t since = 0;            // by our clock: when it was asked for
  std::uint8_t channel_version = 0;  // of the key set that was put for its channel; 0: none needed
  Nonce16 nonce_a;
  Bytes sealed_kem_key{};           // PK.SP.KEM's, under waiting_label()
  Bytes answer{};                   // E4
  crypto::Digest256 certificate{};  // of CERT.SP in the slot; keep() looks for itself
};

// What the first attempt of an order is, decided and sealed.
struct PreparedDelivery {
  Nonce16 nonce_a;
  Bytes sealed_kem_key{};
  Bytes sealed_receipt_key{};
  Bytes answer{};    // E4
  Bytes envelope{};  // E2
};

std::string waiting_label(const Seid& seid, const Aid& target);

class WaitingEnrolments {
 public:
  explicit WaitingEnrolments(delivery::JournalStore& journal) : journal_(journal) {}

  Result<std::optional<WaitingEnrolment>> find(const Seid& seid, const Aid& target) const;
  // All elements and targets that have a record, and all that is prepared.
  struct Stored {
    Seid seid;
    Aid target;
    Bytes record{};
    std::optional<WaitingEnrolment> enrolment{};
  };
  Result<std::vector<Stored>> all() const;
  Result<std::vector<std::pair<delivery::OrderId, PreparedDelivery>>> all_prepared() const;
  // The record of receipt_key(seid, target), to see whether it changed.
  Result<std::optional<Bytes>> as_stored(ByteView element) const;
  // Keeps what the receipt of the order with this SEQ announced, if that is the one that has the
  // slot: whichever other asked since, a later or an earlier one, took it. Not what is kept
  // already.
  Result<void> keep(const Seid& seid,
                    const Aid& target,
                    std::uint32_t seq,
                    const WaitingEnrolment& enrolment);
  // Whether there is a record at all, of something that waits or not.
  Result<bool> knows(const Seid& seid, const Aid& target) const;
  // The element is asked anew for the order with this SEQ, under this CERT.SP (SHA-256): what waits
  // there counts no more.
  Result<void> ask(const Seid& seid,
                   const Aid& target,
                   std::uint32_t seq,
                   const crypto::Digest256& certificate);
  // The order with this SEQ has the slot now, by the enrolment that waited.
  Result<void> use(const Seid& seid, const Aid& target, std::uint32_t seq);

  // False when another order took the enrolment before.
  Result<bool> take(const Handle& handle, const delivery::OrderId& order);
  // What stands from now on: this, or what another process has prepared before. kConflict when that
  // one is done with it.
  Result<PreparedDelivery> prepare(const delivery::OrderId& order,
                                   const PreparedDelivery& prepared);
  Result<void> forget_prepared(const delivery::OrderId& order);
  Result<std::optional<PreparedDelivery>> prepared(const delivery::OrderId& order) const;

 private:
  delivery::JournalStore& journal_;
};

}  // namespace kagibin::roles::service_provider
