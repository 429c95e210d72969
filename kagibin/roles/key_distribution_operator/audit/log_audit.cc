// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/log_audit.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace kagibin::roles::key_distribution_operator {
namespace {

constexpr std::uint64_t kBundlesAReport = 64;  // of progress

std::string printable(const Bytes& entry) {
  std::string line(entry.begin(), entry.end());
  std::ranges::replace_if(line, [](char c) { return c < ' ' || c > '~'; }, '?');
  return line;
}

std::unexpected<Error> nothing_signed() {
  return fail(Errc::kState,
              "nothing was signed yet; a distributor signs within a second or two of its start");
}

// A store that nobody has served yet has its `begin` waiting, and nothing else.
Result<void> check_something_signed(std::string_view note, LogReport& report) {
  if (!note.empty()) {
    return {};
  }
  if (report.without_place > 1) {
    report.findings.add(fmt::format(
        "There is no signed head, and {} entries: it was taken away, or no distributor with the "
        "log's key ever ran.",
        report.without_place));
  }
  return report.findings.empty() ? nothing_signed() : Result<void>();
}

}  // namespace

Result<LogReport> LogAudit::run(const AuditQuestion& question) {
  LogReport report;
  const std::string note = KB_TRY(source_.checkpoint());
  const TreeHead head =
      KB_TRY(note.empty() ? Result<TreeHead>({.size = 0, .root = subtree_root({})})
                          : open_checkpoint(note, verifier_));
  report.head = head;
  if (question.from) {
    const TreeHead from = KB_TRY(open_checkpoint(*question.from, verifier_));
    report.from = from;
  }
  if (note.empty() && question.store == nullptr) {
    return nothing_signed();
  }
  KB_TRY(read_entries(question, report));
  if (edge_.size() == report.head.size && edge_.root() != report.head.root) {
    report.findings.add("The entries are not those that were signed: they give another root.");
  }
  prove_consistency(question, report);
  prove_entries(report);
  if (question.store != nullptr) {
    KB_TRY(compare_head(*question.store, report));
    KB_TRY(compare_store(*question.store, report));
    KB_TRY(check_something_signed(note, report));
  }
  report.orders = ledger_.orders();
  return report;
}

Result<void> LogAudit::read_entries(const AuditQuestion& question, LogReport& report) {
  const std::uint64_t size = report.head.size;
  for (std::uint64_t number = 0; number * kTileWidth < size; ++number) {
    const std::vector<Bytes> entries = KB_TRY(source_.bundle(number, size));
    KB_TRY(check_bundle(number, entries, report));
    std::vector<Tile> finished;
    for (const Bytes& entry : entries) {
      take(entry, edge_.size(), question, report);
      edge_.append(leaf_hash(entry), finished);
      if (report.from && report.from->size == edge_.size()) {
        root_at_from_ = edge_.root();
      }
    }
    for (const Tile& tile : finished) {
      if (tile.place.level > 0) {
        KB_TRY(check_tile(tile, report));
      }
    }
    const std::size_t width = width_of({.level = 0, .number = number}, size);
    if (entries.size() != width) {
      report.findings.add(
          fmt::format("Entries {} to {} are missing; {} were signed. Nothing behind them can be "
                      "checked.",
                      edge_.size(), (number * kTileWidth) + width - 1, size));
      return {};
    }
    if (question.progress && number % kBundlesAReport == kBundlesAReport - 1) {
      question.progress(edge_.size(), size);
    }
  }
  const std::vector<Tile> open = edge_.tiles();
  for (const Tile& tile : open) {
    if (tile.place.level > 0) {
      KB_TRY(check_tile(tile, report));
    }
  }
  return {};
}

// Entries against the lowest tile, so that one that was changed is named.
Result<void> LogAudit::check_bundle(std::uint64_t number,
                                    const std::vector<Bytes>& entries,
                                    LogReport& report) {
  const TilePlace place{.level = 0, .number = number};
  const std::vector<Hash> hashes = KB_TRY(source_.tile(place, report.head.size));
  if (hashes.size() != width_of(place, report.head.size)) {
    report.findings.add(fmt::format("Tile 0/{} is missing or too short.", number));
  }
  for (std::size_t i = 0; i < std::min(entries.size(), hashes.size()); ++i) {
    if (leaf_hash(entries[i]) != hashes[i]) {
      report.findings.add(
          fmt::format("Entry {} and its hash in tile 0/{} do not belong together: one of them was "
                      "changed.",
                      (number * kTileWidth) + i, number));
    }
  }
  return {};
}

Result<void> LogAudit::check_tile(const Tile& tile, LogReport& report) {
  const std::vector<Hash> hashes = KB_TRY(source_.tile(tile.place, report.head.size));
  if (hashes != tile.hashes) {
    report.findings.add(fmt::format("Tile {}/{} is missing or is not that of the entries.",
                                    tile.place.level, tile.place.number));
  }
  return {};
}

void LogAudit::take(const Bytes& entry,
                    std::uint64_t place,
                    const AuditQuestion& question,
                    LogReport& report) {
  const auto decoded = decode_audit_entry(entry);
  const bool begins = decoded && std::holds_alternative<LogBegin>(*decoded);
  if (!decoded || begins != (place == 0)) {
    report.findings.add(fmt::format("Entry {} is not one that a distributor writes there: {}",
                                    place, printable(entry)));
    return;
  }
  if (const auto* campaign = std::get_if<CampaignChange>(&*decoded)) {
    campaigns_.take(*campaign);
    return;
  }
  ledger_.take(*decoded);
  if (const auto* change = std::get_if<OrderChange>(&*decoded);
      change != nullptr && question.order == change->order) {
    report.entries.push_back({.place = place, .line = printable(entry), .proof = {}});
  }
}

void LogAudit::prove_consistency(const AuditQuestion& question, LogReport& report) {
  if (!question.from) {
    return;
  }
  const TreeHead& from = *report.from;
  if (from.size > report.head.size) {
    report.findings.add(fmt::format(
        "The log is behind the earlier checkpoint: that has {} entries, this {}. It was "
        "cut, or an older state was restored.",
        from.size, report.head.size));
    return;
  }
  TileReader tiles(
      [this, &report](const TilePlace& place) { return source_.tile(place, report.head.size); },
      report.head.size);
  const auto proof = from.size == 0 ? Result<Proof>(Proof()) : consistency_proof(from.size, tiles);
  const bool computed = from.size == 0 || root_at_from_ == from.root;
  if (!computed || !proof || !proves_consistency(from, *proof, report.head)) {
    report.findings.add(
        fmt::format("The log does not continue the earlier checkpoint: its first {} entries are "
                    "other ones than were signed then.",
                    from.size));
  }
}

void LogAudit::prove_entries(LogReport& report) {
  TileReader tiles(
      [this, &report](const TilePlace& place) { return source_.tile(place, report.head.size); },
      report.head.size);
  for (ProvedEntry& entry : report.entries) {
    auto proof = inclusion_proof(entry.place, tiles);
    if (!proof ||
        !proves_inclusion(leaf_hash(ascii(entry.line)), entry.place, *proof, report.head)) {
      report.findings.add(fmt::format("Entry {} is not proved to be in the log.", entry.place));
      continue;
    }
    entry.proof = std::move(*proof);
  }
}

// What the store says of its log beside the signed head.
Result<void> LogAudit::compare_head(delivery::StoreSnapshot& store, LogReport& report) {
  const delivery::AuditHead head = KB_TRY(store.audit_head());
  if (head.size != report.head.size) {
    report.findings.add(fmt::format("The store counts {} entries with a place, and {} were signed.",
                                    head.size, report.head.size));
  }
  if (head.verifier != (head.checkpoint.empty() ? std::string() : verifier_.text())) {
    report.findings.add("The store names another verifier key than that of its checkpoint.");
  }
  return {};
}

Result<void> LogAudit::compare_store(delivery::StoreSnapshot& store, LogReport& report) {
  for (auto some = KB_TRY(store.next_without_place()); !some.empty();
       some = KB_TRY(store.next_without_place())) {
    for (const Bytes& entry : some) {
      const std::uint64_t place = report.head.size + report.without_place;
      ++report.without_place;
      take(entry, place, {}, report);
    }
  }
  Findings& findings = report.findings;
  for (auto rows = KB_TRY(store.next_campaigns()); !rows.empty();
       rows = KB_TRY(store.next_campaigns())) {
    std::ranges::for_each(rows, [&](const auto& row) { campaigns_.compare(row, findings); });
  }
  OrderCensus census;
  for (auto rows = KB_TRY(store.next_orders()); !rows.empty(); rows = KB_TRY(store.next_orders())) {
    std::ranges::for_each(rows, [&](const auto& row) {
      census.count(row);
      ledger_.compare(row, findings);
      campaigns_.compare(row, findings);
    });
  }
  campaigns_.finish(findings);
  for (auto rows = KB_TRY(store.next_attempts()); !rows.empty();
       rows = KB_TRY(store.next_attempts())) {
    std::ranges::for_each(rows, [&](const auto& row) { ledger_.compare(row, findings); });
  }
  for (auto rows = KB_TRY(store.next_receipts()); !rows.empty();
       rows = KB_TRY(store.next_receipts())) {
    std::ranges::for_each(rows, [&](const auto& row) { ledger_.compare(row, findings); });
  }
  ledger_.finish(findings);
  const std::vector<delivery::OrderCount> counts = KB_TRY(store.order_counts());
  census.compare(counts, findings);
  for (auto rows = KB_TRY(store.next_campaign_counts()); !rows.empty();
       rows = KB_TRY(store.next_campaign_counts())) {
    std::ranges::for_each(rows, [&](const auto& row) { census.take(row); });
  }
  census.finish(findings);
  return {};
}

}  // namespace kagibin::roles::key_distribution_operator
