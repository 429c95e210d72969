// SPDX-License-Identifier: Apache-2.0
// What happens to orders: each call is one request of the API inside one transaction of the store
// (protocol, section 4). State changes follow delivery/order_state.h's table and nothing else.
//
// Every put may be repeated: the same name with the same content gives the stored answer again,
// with other content kConflict. A provider sees its own orders, a device its own attempts; to
// another provider or device they are kNotFound. Of E0, E2, E3, E4 the clear fields are compared
// (relayed_message.h), nothing is opened. Every change appends an entry to the audit log and to
// the order's history, in the same transaction (audit/audit_entry.h). What is new costs its tenant
// (tenants/admission.h). An error means that the caller rolls back. Pure but for the store and the
// clock.
//
//   OrderBook book(transaction, now);
//   const HttpResponse answer = KB_TRY(book.put_order(call));
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/delivery/http_port.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/roles/key_distribution_operator/audit/audit_entry.h"
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_gate.h"
#include "kagibin/roles/key_distribution_operator/routes.h"
#include "kagibin/roles/key_distribution_operator/tenants/admission.h"

namespace kagibin::roles::key_distribution_operator {

// An element answers again when it knows more; this often at most.
inline constexpr std::uint32_t kMaxReceipts = 16;

class OrderBook {
 public:
  OrderBook(delivery::OrderTransaction& store, std::int64_t now)
      : store_(store), now_(now), admission_(store, now) {}

  // The service provider's calls; get_order and list are those of operators and auditors as well.
  Result<delivery::HttpResponse> put_order(const Call& call);
  // Many orders with their first attempts; each answers for itself (delivery/submission.h).
  Result<delivery::HttpResponse> post_orders(const Call& call);
  Result<delivery::HttpResponse> get_order(const Call& call);
  Result<delivery::HttpResponse> put_attempt(const Call& call);
  Result<delivery::HttpResponse> get_enrolment(const Call& call);
  Result<delivery::HttpResponse> put_delivery(const Call& call);
  Result<delivery::HttpResponse> get_receipt(const Call& call);
  Result<delivery::HttpResponse> put_verdict(const Call& call);
  Result<delivery::HttpResponse> put_withdrawal(const Call& call);
  Result<delivery::HttpResponse> list(const Call& call);

  Result<delivery::HttpResponse> get_history(const Call& call);

  // The agent's calls.
  Result<delivery::HttpResponse> get_work(const Call& call);
  Result<delivery::HttpResponse> put_enrolment(const Call& call);
  Result<delivery::HttpResponse> put_receipt(const Call& call);

  // Expires up to `limit` attempts and orders whose notAfter has passed; the topics with news.
  Result<std::vector<std::string>> expire(std::uint32_t limit);

  // A campaign's word on an order in it: its device may be told of it, or nobody shall. Nothing of
  // it was handed over yet.
  Result<void> release(delivery::OrderRow& order);
  Result<void> cancel(delivery::OrderRow& order);

 private:
  // What a put opened, or what stood there with the same content.
  template <typename Row>
  struct Opened {
    Row row;
    bool anew = false;
  };
  Result<Opened<delivery::OrderRow>> open_order(const delivery::OrderKey& key,
                                                const delivery::OrderRequest& request);
  // Moves the order on to the attempt.
  Result<Opened<delivery::AttemptRow>> open_attempt(delivery::OrderRow& order,
                                                    delivery::AttemptNumber number,
                                                    const delivery::AttemptRequest& request);
  // Empty: it is not new, or its tenant may open it.
  Result<std::optional<OverLimit>> over_limit(const delivery::OrderKey& new_order);
  Result<std::optional<OverLimit>> over_limit(const delivery::OrderRow& order,
                                              delivery::AttemptNumber new_attempt);
  Result<delivery::SubmissionResult> submit(const Spid& provider,
                                            const delivery::SubmittedOrder& order,
                                            std::vector<std::string>& wakes);
  Result<delivery::OrderRow> order_of_provider(const Call& call);
  Result<delivery::AttemptRow> attempt_of_provider(const Call& call);
  Result<delivery::AttemptRow> attempt_of_device(const Call& call);
  Result<void> check_not_after(const delivery::OrderKey& order);
  // What an entry of the audit log says of the message behind a change.
  struct Evidence {
    std::optional<crypto::Digest256> digest{};
    std::uint32_t revision = 0;
  };
  Result<void> record(OrderChange change);
  // Moves the attempt along the table, writes and records it; the order follows its current
  // attempt. kExpired and kState when the table says no.
  Result<void> apply(delivery::AttemptRow& attempt,
                     delivery::Event event,
                     const Evidence& evidence);
  Result<void> check_opening(const delivery::OrderRow& order,
                             delivery::AttemptRow& attempt,
                             const delivery::AttemptRequest& request);

  delivery::OrderTransaction& store_;
  std::int64_t now_;
  Admission admission_;
  CampaignGate gate_{store_, now_};
};

// Where somebody may wait for news.
std::string topic_of(const delivery::DeviceId& device);
std::string topic_of(const Spid& provider);

}  // namespace kagibin::roles::key_distribution_operator
