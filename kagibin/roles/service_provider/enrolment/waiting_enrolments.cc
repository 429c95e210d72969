// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/enrolment/waiting_enrolments.h"

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
  std::uint32_t seq = 0;  // of the order that asked the element last
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
  out.u32(record.seq);
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
  if (in.empty()) {
    return out;
  }
  WaitingEnrolment& one = out.enrolment.emplace();
  one.since = static_cast<std::int64_t>(KB_TRY(in.u64()));
  one.channel_version = KB_TRY(in.u8());
  one.nonce_a = KB_TRY(take_nonce(in));
  one.sealed_kem_key = KB_TRY(take_bytes(in));
  one.answer = KB_TRY(take_bytes(in));
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

Result<void> WaitingEnrolments::keep(const Seid& seid,
                                     const Aid& target,
                                     std::uint32_t seq,
                                     const WaitingEnrolment& enrolment) {
  const auto stored = KB_TRY(record_of(journal_, seid, target));
  const bool is_old =
      stored &&
      (stored->seq > seq || (stored->enrolment && stored->enrolment->nonce_a == enrolment.nonce_a));
  if (is_old) {
    return {};
  }
  return journal_.put_record(kWaitingKind, receipt_key(seid, target),
                             encode({.seq = seq, .enrolment = enrolment}));
}

Result<void> WaitingEnrolments::forget(const Seid& seid, const Aid& target, std::uint32_t seq) {
  return journal_.put_record(kWaitingKind, receipt_key(seid, target), encode({.seq = seq}));
}

Result<bool> WaitingEnrolments::take(const Handle& handle, const delivery::OrderId& order) {
  const auto taken = journal_.claim_record(kUsedKind, handle.view(), ascii(order.text()));
  if (!taken && taken.error().code != Errc::kConflict) {
    return std::unexpected(taken.error());
  }
  return taken.has_value();
}

Result<void> WaitingEnrolments::prepare(const delivery::OrderId& order,
                                        const PreparedDelivery& prepared) {
  ByteWriter out;
  out.bytes(prepared.nonce_a.view());
  put(out, prepared.sealed_kem_key);
  put(out, prepared.sealed_receipt_key);
  put(out, prepared.answer);
  put(out, prepared.envelope);
  return journal_.put_record(kPreparedKind, ascii(order.text()), out.view());
}

Result<std::optional<PreparedDelivery>> WaitingEnrolments::prepared(
    const delivery::OrderId& order) const {
  const auto stored = KB_TRY(journal_.find_record(kPreparedKind, ascii(order.text())));
  if (!stored) {
    return std::optional<PreparedDelivery>();
  }
  ByteReader in(*stored);
  PreparedDelivery out{.nonce_a = KB_TRY(take_nonce(in))};
  out.sealed_kem_key = KB_TRY(take_bytes(in));
  out.sealed_receipt_key = KB_TRY(take_bytes(in));
  out.answer = KB_TRY(take_bytes(in));
  out.envelope = KB_TRY(take_bytes(in));
  KB_TRY(in.finish());
  return std::optional(std::move(out));
}

}  // namespace kagibin::roles::service_provider
