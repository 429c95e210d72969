// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/enrolment/waiting_enrolments.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/roles/service_provider/order_records.h"

namespace kagibin::roles::service_provider {

namespace {

constexpr std::string_view kWaitingKind = "waiting_enrolment";
constexpr std::string_view kUsedKind = "used_enrolment";
constexpr std::string_view kPreparedKind = "prepared_delivery";

struct WaitingRecord {
  std::uint32_t seq = 0;            // of the order that has the slot
  crypto::Digest256 certificate{};  // CERT.SP in it
  std::optional<WaitingEnrolment> enrolment{};
};

// A length of two octets before it: nothing here is longer.
void put(ByteWriter& out, ByteView octets) {
  KB_CHECK(octets.size() <= 0xFFFF);
  out.u16(static_cast<std::uint16_t>(octets.size())).bytes(octets);
}

Result<Bytes> take_bytes(ByteReader& in) {
  const std::uint16_t size = KB_TRY(in.u16());
  const ByteView octets = KB_TRY(in.bytes(size));
  return Bytes(octets.begin(), octets.end());
}

Result<Nonce16> take_nonce(ByteReader& in) {
  const ByteView octets = KB_TRY(in.bytes(16));
  return Nonce16::from(octets);
}

Bytes encode(const WaitingRecord& record) {
  ByteWriter out;
  out.u32(record.seq).bytes(record.certificate);
  if (record.enrolment) {
    const WaitingEnrolment& one = *record.enrolment;
    out.u64(static_cast<std::uint64_t>(one.since)).u8(one.channel_version);
    out.bytes(one.nonce_a.view());
    put(out, one.sealed_kem_key);
    put(out, one.answer);
  }
  return out.take();
}

Result<WaitingRecord> decode_waiting(ByteView octets) {
  ByteReader in(octets);
  WaitingRecord out{.seq = KB_TRY(in.u32())};
  const ByteView certificate = KB_TRY(in.bytes(out.certificate.size()));
  std::ranges::copy(certificate, out.certificate.begin());
  if (in.empty()) {
    return out;
  }
  WaitingEnrolment& one = out.enrolment.emplace();
  one.since = static_cast<std::int64_t>(KB_TRY(in.u64()));
  one.channel_version = KB_TRY(in.u8());
  one.nonce_a = KB_TRY(take_nonce(in));
  one.sealed_kem_key = KB_TRY(take_bytes(in));
  one.answer = KB_TRY(take_bytes(in));
  one.certificate = out.certificate;
  KB_TRY(in.finish());
  return out;
}

Result<PreparedDelivery> decode_prepared(ByteView octets) {
  ByteReader in(octets);
  PreparedDelivery out{.nonce_a = KB_TRY(take_nonce(in))};
  out.sealed_kem_key = KB_TRY(take_bytes(in));
  out.sealed_receipt_key = KB_TRY(take_bytes(in));
  out.answer = KB_TRY(take_bytes(in));
  out.envelope = KB_TRY(take_bytes(in));
  KB_TRY(in.finish());
  return out;
}

Result<std::optional<WaitingRecord>> record_of(delivery::JournalStore& journal,
                                               const Seid& seid,
                                               const Aid& target) {
  const auto stored = KB_TRY(journal.find_record(kWaitingKind, receipt_key(seid, target)));
  if (!stored) {
    return std::optional<WaitingRecord>();
  }
  return std::optional(KB_TRY(decode_waiting(*stored)));
}

}  // namespace

std::string waiting_label(const Seid& seid, const Aid& target) {
  return fmt::format("waiting/{}/{}", seid.hex(), target.hex());
}

Result<std::optional<WaitingEnrolment>> WaitingEnrolments::find(const Seid& seid,
                                                                const Aid& target) const {
  auto record = KB_TRY(record_of(journal_, seid, target));
  return record ? std::move(record->enrolment) : std::nullopt;
}

Result<std::vector<WaitingEnrolments::Stored>> WaitingEnrolments::all() const {
  std::vector<Stored> out;
  for (auto& [element, record] : KB_TRY(journal_.records(kWaitingKind))) {
    ByteReader in(element);
    const ByteView seid = KB_TRY(in.bytes(Seid{}.octets.size()));
    Stored one{.seid = KB_TRY(Seid::from(seid)), .target = KB_TRY(Aid::from(in.take_rest()))};
    one.enrolment = KB_TRY(decode_waiting(record)).enrolment;
    one.record = std::move(record);
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::vector<std::pair<delivery::OrderId, PreparedDelivery>>>
WaitingEnrolments::all_prepared() const {
  std::vector<std::pair<delivery::OrderId, PreparedDelivery>> out;
  for (const auto& [order, record] : KB_TRY(journal_.records(kPreparedKind))) {
    if (!record.empty()) {
      out.emplace_back(KB_TRY(delivery::OrderId::from(std::string(order.begin(), order.end()))),
                       KB_TRY(decode_prepared(record)));
    }
  }
  return out;
}

Result<std::optional<Bytes>> WaitingEnrolments::as_stored(ByteView element) const {
  return journal_.find_record(kWaitingKind, element);
}

Result<void> WaitingEnrolments::keep(const Seid& seid,
                                     const Aid& target,
                                     std::uint32_t seq,
                                     const WaitingEnrolment& enrolment) {
  const auto stored = KB_TRY(record_of(journal_, seid, target));
  const bool has_slot = stored && stored->seq == seq;
  if (!has_slot || (stored->enrolment && stored->enrolment->nonce_a == enrolment.nonce_a)) {
    return {};
  }
  return journal_.put_record(
      kWaitingKind, receipt_key(seid, target),
      encode({.seq = seq, .certificate = stored->certificate, .enrolment = enrolment}));
}

Result<bool> WaitingEnrolments::knows(const Seid& seid, const Aid& target) const {
  const auto record = KB_TRY(record_of(journal_, seid, target));
  return record.has_value();
}

Result<void> WaitingEnrolments::ask(const Seid& seid,
                                    const Aid& target,
                                    std::uint32_t seq,
                                    const crypto::Digest256& certificate) {
  return journal_.put_record(kWaitingKind, receipt_key(seid, target),
                             encode({.seq = seq, .certificate = certificate}));
}

Result<void> WaitingEnrolments::use(const Seid& seid, const Aid& target, std::uint32_t seq) {
  const auto stored = KB_TRY(record_of(journal_, seid, target));
  if (!stored) {
    return fail(Errc::kStore, "the journal has lost the enrolment that waited; it is damaged");
  }
  return ask(seid, target, seq, stored->certificate);
}

Result<bool> WaitingEnrolments::take(const Handle& handle, const delivery::OrderId& order) {
  const auto taken = journal_.claim_record(kUsedKind, handle.view(), ascii(order.text()));
  if (!taken && taken.error().code != Errc::kConflict) {
    return std::unexpected(taken.error());
  }
  return taken.has_value();
}

Result<PreparedDelivery> WaitingEnrolments::prepare(const delivery::OrderId& order,
                                                    const PreparedDelivery& prepared) {
  ByteWriter out;
  out.bytes(prepared.nonce_a.view());
  put(out, prepared.sealed_kem_key);
  put(out, prepared.sealed_receipt_key);
  put(out, prepared.answer);
  put(out, prepared.envelope);
  const auto claimed = journal_.claim_record(kPreparedKind, ascii(order.text()), out.view());
  if (claimed) {
    return prepared;
  }
  if (claimed.error().code != Errc::kConflict) {
    return std::unexpected(claimed.error());
  }
  auto earlier = KB_TRY(this->prepared(order));
  if (!earlier) {
    return fail(Errc::kConflict, "another process has sent the first attempt of this order");
  }
  return std::move(*earlier);
}

Result<void> WaitingEnrolments::forget_prepared(const delivery::OrderId& order) {
  return journal_.put_record(kPreparedKind, ascii(order.text()), {});
}

Result<std::optional<PreparedDelivery>> WaitingEnrolments::prepared(
    const delivery::OrderId& order) const {
  const auto stored = KB_TRY(journal_.find_record(kPreparedKind, ascii(order.text())));
  if (!stored || stored->empty()) {
    return std::optional<PreparedDelivery>();
  }
  return std::optional(KB_TRY(decode_prepared(*stored)));
}

}  // namespace kagibin::roles::service_provider
