// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/check/violations.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <variant>

#include <fmt/format.h>

#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/roles/key_distribution_operator/audit/audit_entry.h"
#include "kagibin/roles/key_distribution_operator/audit/log_audit.h"
#include "kagibin/roles/key_distribution_operator/audit/merkle_tree.h"
#include "kagibin/roles/key_distribution_operator/audit/signed_note.h"

#include "tests/support/must.h"

namespace kagibin::simulation {

using delivery::State;
using test::must;

std::vector<std::string> violations_of(const SeenOrder& seen) {
  std::vector<std::string> out;
  const Evidence& at_a = seen.provider;
  const auto expect = [&](bool holds, std::string_view invariant, std::string_view sentence) {
    if (!holds) {
      out.push_back(fmt::format(
          "{} {}: {} (provider: {}, operator: {}, {} attempts confirmed, element: {} installs)",
          invariant, seen.name, sentence,
          at_a.is_ordered ? delivery::name(at_a.state) : "not ordered",
          seen.is_at_operator ? delivery::name(seen.at_operator) : "not there",
          seen.confirmed_attempts, seen.installs));
    }
  };
  expect(seen.installs <= 1, "I1", "it was installed more than once");
  expect(seen.confirmed_attempts <= 1 || seen.was_asked_to_cancel, "I1",
         "more than one of its attempts is confirmed");
  if (!at_a.is_ordered) {
    expect(seen.installs == 0 && !seen.is_at_operator, "I4", "nobody ordered it");
    return out;
  }
  switch (at_a.state) {
    case State::kConfirmed:
      expect(at_a.has_proof, "I3", "it is confirmed, and the provider has nothing that proves it");
      expect(seen.installs == 1, "I4", "it is confirmed, and was not installed");
      expect(seen.opens_with_its_keys, "I4",
             "it is confirmed, and the element opens no session under its keys");
      break;
    case State::kRefused:
    case State::kCancelled:
    case State::kExpired:
      expect(seen.installs == 0, "I4", "it ended without an install, and was installed");
      break;
    case State::kUnknown:
      break;  // honest, whatever the element did
    default:
      expect(false, "I7", "it has not ended");
  }
  expect(!at_a.is_unacknowledged, "I7", "something of it is still to be sent");
  expect(!seen.has_receipt_unread, "I3", "the operator has a receipt that the provider never read");
  // The operator hears of every verdict, or turned it down, as after its own clock ran out.
  expect(at_a.state != State::kConfirmed || seen.at_operator == State::kConfirmed ||
             seen.at_operator == State::kExpired || seen.at_operator == State::kUnknown,
         "I4", "provider and operator say different things");
  expect(seen.confirmed_attempts == 0 || at_a.state == State::kConfirmed, "I4",
         "the operator has it confirmed, and the provider does not");
  return out;
}

std::vector<std::string> lost_acknowledgements(const Acknowledgements& book,
                                               delivery::HttpHandler& distributor,
                                               delivery::OrderStore& store) {
  std::vector<std::string> out;
  constexpr int kAsBefore = 200;
  std::vector<delivery::HttpRequest> requests = book.receipts;
  for (const auto& [name, request] : book.puts) {
    // A receipt is looked at by itself; a campaign's state is a wish, which has had its time.
    const bool is_state =
        request.target.starts_with("/v1/campaigns/") && request.target.ends_with("/state");
    if (!request.target.ends_with("/receipt") && !is_state) {
      requests.push_back(request);
    }
  }
  constexpr std::size_t kTogether = 64;
  for (std::span<const delivery::HttpRequest> rest = requests; !rest.empty();) {
    const auto together = rest.first(std::min(rest.size(), kTogether));
    const std::vector<delivery::HttpResponse> answers = distributor.handle_batch(together);
    for (std::size_t i = 0; i < together.size(); ++i) {
      if (answers.at(i).status != kAsBefore) {
        out.push_back(fmt::format("I2 {} {}: it was acknowledged, and now the answer is {} {}",
                                  together[i].subject.value_or(""), together[i].target,
                                  answers[i].status, answers[i].body));
      }
    }
    rest = rest.subspan(together.size());
  }
  const auto snapshot = must(store.snapshot());
  std::set<std::tuple<std::string, std::string, delivery::AttemptNumber>> outstanding =
      book.handed_over;
  for (auto rows = must(snapshot->next_attempts()); !rows.empty();
       rows = must(snapshot->next_attempts())) {
    for (const delivery::AttemptRow& row : rows) {
      const std::tuple key(delivery::device_subject(row.device).common_name(),
                           fmt::format("{}/{}", row.provider.hex(), row.order.text()), row.number);
      if (outstanding.erase(key) == 0) {
        continue;
      }
      const bool is_taken_back = row.state == State::kSealed || row.state == State::kOrdered ||
                                 row.state == State::kEnrolled ||
                                 (row.state == State::kCancelled && row.receipts == 0);
      if (is_taken_back) {
        out.push_back(fmt::format("I2 {} attempt {}: it was handed over, and stands as {}",
                                  std::get<1>(key), row.number, delivery::name(row.state)));
      }
    }
  }
  out.reserve(out.size() + outstanding.size());
  for (const auto& [device, order, attempt] : outstanding) {
    out.push_back(
        fmt::format("I2 {} attempt {}: it was handed over, and is not there", order, attempt));
  }
  out.reserve(out.size() + book.conflicts.size());
  for (const std::string& conflict : book.conflicts) {
    out.push_back("I2 a message that goes by a name already: " + conflict);
  }
  return out;
}

std::vector<std::string> campaign_findings(const delivery::CampaignKey& campaign,
                                           delivery::OrderStore& store) {
  std::vector<std::string> out;
  const auto transaction = must(store.begin());
  const auto row = must(transaction->campaigns().find_campaign(campaign));
  if (!row) {
    return out;  // nobody could make it before its time was over
  }
  if (!delivery::is_end(row->state)) {
    out.push_back(fmt::format("I7 campaign {} of {} is still {}", campaign.id.text(),
                              campaign.provider.hex(), delivery::name(row->state)));
  }
  for (const delivery::PhaseCount& count : must(transaction->campaigns().phase_counts(campaign))) {
    const bool waits = !count.state || *count.state == State::kOrdered ||
                       *count.state == State::kEnrolled || *count.state == State::kSealed;
    if (waits) {
      out.push_back(fmt::format("I7 campaign {} of {} is {}, and {} of its orders are {}",
                                campaign.id.text(), campaign.provider.hex(),
                                delivery::name(row->state), count.count,
                                count.state ? delivery::name(*count.state) : delivery::kHeldPhase));
    }
  }
  return out;
}

std::vector<std::string> log_findings(const Acknowledgements& book,
                                      delivery::OrderStore& store,
                                      const kdo::VerifierKey& verifier) {
  std::vector<std::string> out;
  out.reserve(book.log_stood.size());
  for (const std::string& why : book.log_stood) {
    out.push_back("I6 the log stood still: " + why);
  }
  const auto snapshot = must(store.snapshot());
  kdo::StoreLog log(*snapshot);
  const auto look = [&](const kdo::AuditQuestion& question) {
    const auto report = kdo::LogAudit(log, verifier).run(question);
    if (!report) {
      out.push_back(fmt::format("I6 the log cannot be audited: {}", report.error().detail.text()));
      return;
    }
    for (const std::string& finding : report->findings.sentences()) {
      out.push_back("I6 " + finding);
    }
    if (report->without_place != 0) {
      out.push_back(fmt::format("I6 {} entries got no place", report->without_place));
    }
  };
  // Of all checkpoints that were kept one by the proof that an auditor is given, a few by the
  // tree's root when it was so large.
  constexpr std::size_t kLooks = 32;
  const std::size_t step = std::max<std::size_t>(1, book.checkpoints.size() / kLooks);
  kdo::AuditQuestion question{.store = snapshot.get()};
  if (!book.checkpoints.empty()) {
    question.from = book.checkpoints[book.checkpoints.size() / 2];
  }
  look(question);
  std::map<std::uint64_t, kdo::Hash> roots;  // by size, of those that were kept
  for (std::size_t i = 0; i < book.checkpoints.size(); i += step) {
    const auto head = kdo::open_checkpoint(book.checkpoints[i], verifier);
    if (!head || roots.emplace(head->size, head->root).first->second != head->root) {
      out.emplace_back("I6 a checkpoint that was kept is none, or another one of its size was");
    }
  }
  // Every change once, whenever it was noted.
  constexpr std::uint32_t kPage = 500;
  kdo::TreeEdge tree;
  std::vector<kdo::Tile> finished;
  std::set<std::tuple<kdo::AuditEvent, delivery::OrderKey, delivery::AttemptNumber, State,
                      std::uint32_t, std::optional<kdo::Hash>>>
      changes;
  for (std::uint64_t first = 0;;) {
    const std::vector<Bytes> entries = must(snapshot->audit_entries(first, kPage));
    for (const Bytes& octets : entries) {
      const kdo::AuditEntry entry = must(kdo::decode_audit_entry(octets));
      const auto* change = std::get_if<kdo::OrderChange>(&entry);
      if (change != nullptr && !changes
                                    .emplace(change->event, change->order, change->attempt,
                                             change->state, change->revision, change->digest)
                                    .second) {
        out.push_back(fmt::format("I6 a change of order {} is in the log twice: {}",
                                  change->order.id.text(), kdo::name(change->event)));
      }
      tree.append(kdo::leaf_hash(octets), finished);
      if (const auto kept = roots.find(tree.size());
          kept != roots.end() && kept->second != tree.root()) {
        out.push_back(fmt::format("I6 the first {} entries are not those that were signed once",
                                  tree.size()));
      }
    }
    first += entries.size();
    if (entries.empty()) {
      break;
    }
  }
  if (!roots.empty() && roots.rbegin()->first > tree.size()) {
    out.push_back(fmt::format("I6 {} entries were signed, and {} are there", roots.rbegin()->first,
                              tree.size()));
  }
  return out;
}

}  // namespace kagibin::simulation
