// SPDX-License-Identifier: Apache-2.0
// Port: the service provider's journal. A row is durable before the message it describes is sent,
// so that after a crash the same message goes out again under the same names and is answered as
// before.
//
// The store never sees a secret: what must stay secret (payload keys, Kr, the KEM private key of an
// attempt, channel key sets) comes as a blob that the role sealed before. Every call is one
// transaction, durable when it returns, unless it is part of a JournalBatch. Failures: kConflict
// (the same name with other content), kNotFound, kNoSpace, kStore.
//
//   const JournalOrder order = KB_TRY(journal.open_order(wanted));            // gets its SEQ
//   KB_TRY(journal.open_attempt(attempt));
//   KB_TRY(journal.record(id, 1, JournalStep::kRequest, e0));                 // before the send
//   KB_TRY(api.put_attempt(...));
//   KB_TRY(journal.acknowledge(id, 1, JournalStep::kRequest));                // after the answer
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/delivery/names.h"
#include "kagibin/delivery/order_state.h"

namespace kagibin::delivery {

// One order: one payload for one element; it has exactly one SEQ (protocol, section 10).
struct JournalOrder {
  OrderId id;
  DeviceId device;
  Seid seid;
  Aid target;
  std::int64_t not_after = 0;
  Bytes sealed_payload{};    // the role's record; opaque
  std::string annotation{};  // the role's own public notes, JSON or empty; at most 64 KiB
  std::uint32_t seq = 0;     // given by open_order: one more than the last of (seid, target)
  State state = State::kOrdered;
  AttemptNumber current_attempt = 0;
  std::int64_t created_at = 0;
};

struct JournalAttempt {
  OrderId order;
  AttemptNumber number = 1;
  Nonce16 nonce_a;
  Bytes sealed_kem_key{};      // SK.SP.KEM of this attempt
  Bytes sealed_receipt_key{};  // Kr; empty until sealing
};

// Messages of an attempt. The first four are sent by A (recorded before the send, acknowledged
// after the answer); the last two are received (recorded when they came).
enum class JournalStep : std::uint8_t {
  kOrder,     // attempt 0: PUT order
  kRequest,   // PUT attempt with E0 (or E2 of a held enrolment)
  kDelivery,  // PUT delivery with E2
  kVerdict,   // PUT verdict, as JSON
  kAnswer,    // E4
  kReceipt,   // E3; a later receipt replaces the earlier one
};
std::string_view name(JournalStep step);

// Whether what opens an attempt is E2, and not E0: sealed at once.
inline bool is_envelope(ByteView message) { return !message.empty() && message[0] == 0xE2; }

struct JournalEntry {
  OrderId order;
  AttemptNumber attempt = 0;
  JournalStep step = JournalStep::kOrder;
  Bytes message{};
  bool acknowledged = false;
};

class JournalStore {
 public:
  JournalStore() = default;
  JournalStore(const JournalStore&) = delete;
  JournalStore& operator=(const JournalStore&) = delete;
  virtual ~JournalStore() = default;

  // Opens the order, or returns the stored one when its device, seid, target, not_after and
  // annotation are the same (the sealed payload of the first call stays). kConflict otherwise.
  virtual Result<JournalOrder> open_order(const JournalOrder& order) = 0;
  virtual Result<std::optional<JournalOrder>> find_order(const OrderId& order) = 0;
  // All orders, or those in a state, by creation; `limit` at most.
  virtual Result<std::vector<JournalOrder>> orders(std::optional<State> state,
                                                   std::uint32_t limit) = 0;
  // Orders in state ordered or sealed whose not_after is before `now`, some of the oldest.
  virtual Result<std::vector<OrderId>> overdue_orders(std::int64_t now, std::uint32_t limit) = 0;
  virtual Result<void> set_state(const OrderId& order, State state) = 0;

  // Number is the order's current_attempt + 1, or an existing one with the same nonce_a. Sets
  // current_attempt.
  virtual Result<JournalAttempt> open_attempt(const JournalAttempt& attempt) = 0;
  virtual Result<std::optional<JournalAttempt>> find_attempt(const OrderId& order,
                                                             AttemptNumber number) = 0;
  // The receipt key of the envelope about to be sealed; replaces an earlier one only while no
  // envelope is recorded, be it as kDelivery or, with its tag E2, as kRequest (else kConflict). The
  // same one again changes nothing.
  virtual Result<void> set_receipt_key(const OrderId& order,
                                       AttemptNumber number,
                                       ByteView sealed_receipt_key) = 0;

  // The row before the send. The same content again changes nothing; other content is kConflict,
  // but for kReceipt, and for kVerdict once the earlier verdict was acknowledged.
  virtual Result<void> record(const OrderId& order,
                              AttemptNumber attempt,
                              JournalStep step,
                              ByteView message) = 0;
  virtual Result<void> acknowledge(const OrderId& order,
                                   AttemptNumber attempt,
                                   JournalStep step) = 0;
  virtual Result<std::optional<JournalEntry>> find_entry(const OrderId& order,
                                                         AttemptNumber attempt,
                                                         JournalStep step) = 0;
  // Recorded sends without an acknowledgement, oldest first: what to send again after a crash.
  virtual Result<std::vector<JournalEntry>> unacknowledged() = 0;

  // The role's other records, by kind ("channel_keys", "element", "literal_key", "cursor", ...) and
  // key: public or sealed by the role. put_record replaces; claim_record keeps the first and gives
  // kConflict for other content.
  virtual Result<void> put_record(std::string_view kind, ByteView key, ByteView value) = 0;
  virtual Result<void> claim_record(std::string_view kind, ByteView key, ByteView value) = 0;
  virtual Result<std::optional<Bytes>> find_record(std::string_view kind, ByteView key) = 0;
  virtual Result<std::vector<std::pair<Bytes, Bytes>>> records(std::string_view kind) = 0;

  // For JournalBatch alone.
  virtual Result<void> begin_batch() = 0;
  virtual Result<void> commit_batch() = 0;
  virtual void roll_back_batch() = 0;
};

// Calls of one journal that become durable together: all of them at commit(), or none when this
// goes before. Whoever has one keeps other processes from writing, and sends nothing. After a
// failure of the store (kNoSpace, kStore, kIo) within it nothing more is written: it has to go. One
// at a time.
//
//   JournalBatch batch = KB_TRY(JournalBatch::begin(journal));
//   KB_TRY(journal.acknowledge(first, 1, JournalStep::kRequest));
//   KB_TRY(journal.acknowledge(second, 1, JournalStep::kRequest));
//   KB_TRY(batch.commit());
class JournalBatch {
 public:
  static Result<JournalBatch> begin(JournalStore& journal);
  JournalBatch(const JournalBatch&) = delete;
  JournalBatch& operator=(const JournalBatch&) = delete;
  JournalBatch(JournalBatch&& other) noexcept : journal_(std::exchange(other.journal_, nullptr)) {}
  JournalBatch& operator=(JournalBatch&&) = delete;
  ~JournalBatch();
  Result<void> commit();

 private:
  explicit JournalBatch(JournalStore& journal) : journal_(&journal) {}
  JournalStore* journal_;
};

}  // namespace kagibin::delivery
