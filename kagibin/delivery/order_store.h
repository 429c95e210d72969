// SPDX-License-Identifier: Apache-2.0
// Port: what the key distribution operator must not forget. Rows and transactions only; which
// change is allowed is decided by the role, by order_state.h's table.
//
// One transaction at a time of a store object (one committer). Nothing is visible or durable before
// commit(), all of it is after; a transaction that is destroyed uncommitted leaves no trace.
// Several store objects, in several processes, may share one store: what a transaction has read of
// an order stays so until its end, and a provider's changes are numbered in the order of their
// commits. Failures: kNoSpace (the disk is full, nothing changed), kStore, kConflict from an insert
// of an existing name, kInterrupted (others were in the way, or the store could not be reached: the
// whole transaction may be tried again; after a commit() that failed so it may have been done).
//
//   std::unique_ptr<OrderTransaction> t = KB_TRY(store.begin());
//   KB_TRY(t->insert_order(row));
//   KB_TRY(t->commit());
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/delivery/answer_rows.h"
#include "kagibin/delivery/audit_rows.h"
#include "kagibin/delivery/campaign_rows.h"
#include "kagibin/delivery/messages.h"
#include "kagibin/delivery/order_counts.h"
#include "kagibin/delivery/tenant_rows.h"

namespace kagibin::delivery {

struct OrderRow {
  OrderId id;
  Spid provider;
  DeviceId device;
  std::int64_t not_after = 0;
  State state = State::kOrdered;
  AttemptNumber current_attempt = 0;  // 0: none yet
  std::int64_t created_at = 0;
  std::optional<Membership> membership{};  // in a campaign
  OrderKey key() const { return {.provider = provider, .id = id}; }
};

struct AttemptRow {
  OrderId order;
  AttemptNumber number = 1;
  Spid provider;    // of the order
  DeviceId device;  // of the order
  Work::Kind kind = Work::Kind::kEnrol;
  State state = State::kOrdered;
  Bytes opening{};                  // E0 or E2 as it was put
  std::optional<Bytes> answer{};    // E4
  std::optional<Bytes> envelope{};  // E2 that was put after an E4
  std::uint32_t receipts = 0;       // revisions taken
  std::optional<VerdictMessage> verdict{};
  std::optional<std::string> withdrawal{};  // its reason
  bool held = false;                        // no work until its order is released
  // Given by the store, at commit() at the latest: order of arrival, for work ...
  std::uint64_t sequence = 0;
  // ... and order of change among the provider's, for listings.
  std::uint64_t change = 0;
  OrderKey order_key() const { return {.provider = provider, .id = order}; }
};

struct InvitationRow {
  std::array<std::uint8_t, 32> token_hash{};
  std::string subject{};  // what the certificate will say
  std::int64_t not_after = 0;
  std::optional<std::string> request{};      // the PKCS#10 that redeemed it
  std::optional<std::string> certificate{};  // what was answered
};

// What a transaction is going to read, so that a store behind a network can fetch it together.
struct Expectation {
  struct Work {
    DeviceId device;
    std::uint64_t after = 0;
  };
  struct Listing {
    Spid provider;
    std::optional<State> state{};
    std::uint64_t after = 0;
    std::uint32_t limit = 0;
    friend bool operator==(const Listing&, const Listing&) = default;
  };
  std::vector<OrderKey> changed{};  // orders that may be changed, with their attempts and receipts
  std::vector<OrderKey> read{};     // orders that will be read only
  std::vector<Work> work{};
  std::vector<Listing> listings{};
  std::vector<Spid> tenants{};  // that may spend
  bool hold_tenants = false;    // others took what was read of them before: read it behind a lock
  std::vector<AnswerName> answers{};  // that are looked for, and may be put
};

// Topics (HttpResponse::wakes) of what others that share a store have committed.
struct News {
  std::vector<std::string> topics{};
  bool missed = false;  // others may have announced more: every topic may have news
};

// What the order was put with.
inline OrderRequest request_of(const OrderRow& row) {
  OrderRequest request{.device = row.device, .not_after = row.not_after};
  if (row.membership) {
    request.campaign = row.membership->campaign;
    request.attributes = row.membership->attributes;
  }
  return request;
}

// After these the transaction may be gone: none of the answers made in it may leave.
constexpr bool spoils_transaction(Errc code) {
  return code == Errc::kNoSpace || code == Errc::kIo || code == Errc::kStore ||
         code == Errc::kInterrupted;
}

class OrderTransaction {
 public:
  OrderTransaction() = default;
  OrderTransaction(const OrderTransaction&) = delete;
  OrderTransaction& operator=(const OrderTransaction&) = delete;
  virtual ~OrderTransaction() = default;

  // Once, at the beginning, or not at all: only speed depends on it.
  virtual Result<void> expect(const Expectation& /*expectation*/) { return {}; }

  virtual Result<std::optional<OrderRow>> find_order(const OrderKey& order) = 0;
  virtual Result<void> insert_order(const OrderRow& row) = 0;
  // State, current_attempt, and whether it is held and touched.
  virtual Result<void> update_order(const OrderRow& row) = 0;

  virtual Result<std::optional<AttemptRow>> find_attempt(const OrderKey& order,
                                                         AttemptNumber number) = 0;
  virtual Result<std::vector<AttemptRow>> attempts_of(const OrderKey& order) = 0;
  virtual Result<void> insert_attempt(const AttemptRow& row) = 0;
  // Everything behind `opening`.
  virtual Result<void> update_attempt(const AttemptRow& row) = 0;

  // Receipts of an attempt, revision 1, 2, ...; rows are never changed.
  virtual Result<std::vector<Bytes>> receipts_of(const OrderKey& order, AttemptNumber number) = 0;
  virtual Result<void> insert_receipt(const OrderKey& order,
                                      AttemptNumber number,
                                      std::uint32_t revision,
                                      ByteView receipt) = 0;

  // The first current attempt of the device in state ordered, sealed or handed_over that is not
  // held, with a sequence behind `after`.
  virtual Result<std::optional<AttemptRow>> next_work(const DeviceId& device,
                                                      std::uint64_t after) = 0;
  // Attempts of the provider with a change behind `after`, in order of change.
  virtual Result<std::vector<AttemptRow>> list(const Spid& provider,
                                               std::optional<State> state,
                                               std::uint64_t after,
                                               std::uint32_t limit) = 0;
  // Attempts in state ordered, enrolled, sealed or handed_over whose order's not_after is before
  // `now`.
  virtual Result<std::vector<AttemptRow>> overdue_attempts(std::int64_t now,
                                                           std::uint32_t limit) = 0;
  // Orders in state ordered without an attempt whose not_after is before `now`.
  virtual Result<std::vector<OrderRow>> overdue_orders(std::int64_t now, std::uint32_t limit) = 0;

  // How many orders the provider has in each state where it has one, or every provider; by SPID and
  // the state's name. What others have not committed yet does not count.
  virtual Result<std::vector<OrderCount>> order_counts(const std::optional<Spid>& provider) = 0;

  virtual Result<std::optional<InvitationRow>> find_invitation(ByteView token_hash) = 0;
  virtual Result<void> insert_invitation(const InvitationRow& row) = 0;
  virtual Result<void> update_invitation(const InvitationRow& row) = 0;  // request, certificate

  // Campaigns, and the history of orders.
  virtual CampaignRows& campaigns() = 0;

  // The audit log; what is appended to it belongs to this transaction as all else does.
  virtual AuditRows& audit() = 0;
  virtual TenantRows& tenants() = 0;
  virtual AnswerRows& answers() = 0;

  // Undoes what follows a mark when one request of several in a transaction fails.
  virtual Result<void> mark() = 0;
  virtual Result<void> roll_back_to_mark() = 0;

  // Topics to tell the others that share this store, once commit() has succeeded.
  virtual void announce(const std::vector<std::string>& /*topics*/) {}

  virtual Result<void> commit() = 0;
};

class StoreSnapshot;  // store_snapshot.h

class OrderStore {
 public:
  OrderStore() = default;
  OrderStore(const OrderStore&) = delete;
  OrderStore& operator=(const OrderStore&) = delete;
  virtual ~OrderStore() = default;
  // kState while another transaction of this store is open.
  virtual Result<std::unique_ptr<OrderTransaction>> begin() = 0;
  virtual Result<std::unique_ptr<StoreSnapshot>> snapshot() = 0;
  // What others have announced since the last call. Does not wait; not while a transaction is open.
  virtual News news() { return {}; }
};

}  // namespace kagibin::delivery
