// SPDX-License-Identifier: Apache-2.0
// Entries of the audit log: one line of ASCII each, without its newline, and only one spelling of
// each (doc/audit.md).
//
//   KBA1 <time> begin <orders> <attempts>
//   KBA1 <time> <event> <provider> <order> <attempt> <state> <order state> <revision> <digest>
//   KBA1 <time> campaign <event> <provider> <campaign> <state> <released> <digest> <by>
//
// `begin` is the first entry of a log: how many orders and attempts were there before it. All else
// is one change of an order, or of a campaign. Times are seconds since 1970; the provider is its
// SPID; attempt 0 is the order itself; states are those after the change; the revision is that of
// the receipt that came or was judged, else 0; the digest is SHA-256, in hexadecimal, of the
// message that came or was handed over, "-" where there is none; <by> is provider, operator or
// distributor, and missing in entries of versions that did not say. No message and no secret stands
// in an entry. Limits: 320 octets. Pure values.
//
//   const Bytes octets = encode(entry);
//   const AuditEntry entry = KB_TRY(decode_audit_entry(octets));
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/delivery/campaign.h"
#include "kagibin/delivery/names.h"
#include "kagibin/delivery/order_state.h"

namespace kagibin::roles::key_distribution_operator {

inline constexpr std::size_t kMaxEntryBytes = 320;

enum class AuditEvent : std::uint8_t {
  kOrder,    // an order was made: the digest is of its JSON (OrderRequest)
  kAttempt,  // E0 or E2 that opens an attempt
  kEnrolment,
  kDelivery,
  kHandOver,  // E2, or the E0 that cancels, as the agent was given it; one that enrols has no entry
  kReceipt,
  kVerdictConfirmed,  // VerdictMessage as JSON
  kVerdictRefused,
  kVerdictUnknown,
  kVerdictCancelled,
  kExpire,
  kWithdraw,  // WithdrawalMessage as JSON
  kSupersede,
  kRelease,  // by its campaign
  kCancel,   // by its campaign, before anything was handed over
};
std::string_view name(AuditEvent event);
AuditEvent audit_event(delivery::Event event);

struct LogBegin {
  std::int64_t time = 0;
  std::uint64_t orders = 0;
  std::uint64_t attempts = 0;
  friend bool operator==(const LogBegin&, const LogBegin&) = default;
};

struct OrderChange {
  std::int64_t time = 0;
  AuditEvent event = AuditEvent::kOrder;
  delivery::OrderKey order;
  delivery::AttemptNumber attempt = 0;
  delivery::State state = delivery::State::kOrdered;
  delivery::State order_state = delivery::State::kOrdered;
  std::uint32_t revision = 0;
  std::optional<crypto::Digest256> digest{};
  friend bool operator==(const OrderChange&, const OrderChange&) = default;
};

enum class CampaignEvent : std::uint8_t {
  kCreate,  // the digest is of its terms as JSON (CampaignTerms)
  kPause,   // CampaignStateRequest as JSON, also of what follows
  kResume,
  kCancel,
  kAbort,
  kExpire,
  kEnd,
};
std::string_view name(CampaignEvent event);

struct CampaignChange {
  std::int64_t time = 0;
  CampaignEvent event = CampaignEvent::kCreate;
  delivery::CampaignKey campaign;
  delivery::CampaignState state = delivery::CampaignState::kRunning;
  std::uint64_t released = 0;  // orders, until then
  crypto::Digest256 digest{};
  std::optional<delivery::CampaignActor> by{};
  friend bool operator==(const CampaignChange&, const CampaignChange&) = default;
};

using AuditEntry = std::variant<LogBegin, OrderChange, CampaignChange>;

Bytes encode(const AuditEntry& entry);
// kEncoding for every other spelling, and for an event with an attempt, a revision or a digest
// where a distributor writes none, or without one where it writes one.
Result<AuditEntry> decode_audit_entry(ByteView octets);

}  // namespace kagibin::roles::key_distribution_operator
