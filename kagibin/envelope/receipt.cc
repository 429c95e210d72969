// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "kagibin/envelope/delivery_message.h"
#include "kagibin/envelope/payload/payload.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/envelope/tlv_fields.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::envelope {

using tlv::Tlv;
using tlv::TlvReader;
using tlv::TlvWriter;

namespace {

// S is 16 to 80 octets, and padding adds one to sixteen.
constexpr std::size_t kSealedSignatureMinSize = 32;
constexpr std::size_t kSealedSignatureMaxSize = 96;

Result<ReceiptSeal> decode_seal(ByteView value) {
  TlvReader in(value);
  ReceiptSeal out;
  out.ephemeral_key = KB_TRY(read_point(in, 0x84));
  out.sealed = KB_TRY(read_sealed(in, 0x85, kSealedSignatureMinSize, kSealedSignatureMaxSize));
  out.mac = KB_TRY(read_array<16>(in, 0x86));
  KB_TRY(in.finish());
  return out;
}

Result<std::vector<ActionResult>> decode_results(ByteView value) {
  std::vector<ActionResult> out;
  for (const std::uint8_t octet : value) {
    if (octet > std::to_underlying(ActionResult::kCancelled)) {
      return fail(Errc::kValue, "a result is 00 to 06");
    }
    out.push_back(static_cast<ActionResult>(octet));
  }
  return out;
}

bool is_zero(ByteView octets) {
  return std::ranges::all_of(octets, [](std::uint8_t octet) { return octet == 0; });
}

}  // namespace

std::string_view name(ActionResult result) {
  switch (result) {
    case ActionResult::kInstalled:
      return "installed";
    case ActionResult::kInstalledByProbe:
      return "installed_by_probe";
    case ActionResult::kProvedAbsent:
      return "proved_absent";
    case ActionResult::kUnknown:
      return "unknown";
    case ActionResult::kRefusedBeforeOpening:
      return "refused_before_opening";
    case ActionResult::kChannelKeysRefused:
      return "channel_keys_refused";
    case ActionResult::kCancelled:
      return "cancelled";
  }
  return "invalid";
}

Result<Receipt> Receipt::decode(ByteView octets) {
  const Tlv outer = KB_TRY(tlv::read_single(octets, 0xE3));
  TlvReader in(outer.value);
  Receipt out;
  out.header_hash = KB_TRY(read_array<32>(in, 0x80));
  out.handle = KB_TRY(read_id<Handle>(in, 0x81));
  out.seq = KB_TRY(read_u32(in, 0x82));
  const Tlv results = KB_TRY(in.expect(0x83, 1, kMaxActions));
  out.results = KB_TRY(decode_results(results.value));
  out.level = KB_TRY(read_u8(in, 0x84));
  out.suite = KB_TRY(read_u8(in, 0x85));
  if (const std::optional<Tlv> next = KB_TRY(in.optional(0x89, 1, TlvReader::kAnyLength))) {
    out.next_enrolment = to_bytes(next->value);
  }
  if (const std::optional<Tlv> mac = KB_TRY(in.optional(0x8E, 16))) {
    out.mac = to_array<16>(mac->value);
  }
  const Tlv seal = KB_TRY(in.expect(0x8F, 1, TlvReader::kAnyLength));
  out.seal = KB_TRY(decode_seal(seal.value));
  KB_TRY(in.finish());
  KB_TRY(out.check());
  return out;
}

Result<void> Receipt::check() const {
  KB_TRY(suite_info(suite));
  if (results.empty() || results.size() > kMaxActions) {
    return fail(Errc::kLength, "a receipt has 1 to 8 results");
  }
  const bool refused = std::ranges::count(results, ActionResult::kRefusedBeforeOpening) != 0;
  const bool keys_refused = std::ranges::count(results, ActionResult::kChannelKeysRefused) != 0;
  if ((refused || keys_refused) && results.size() != 1) {
    return fail(Errc::kValue, "results 04 and 05 stand alone");
  }
  if (mac ? refused : results.size() != 1 || (!refused && results[0] != ActionResult::kCancelled)) {
    return fail(Errc::kValue, "8E is absent exactly when the envelope did not open: 04, or 06");
  }
  if (is_zero(header_hash)) {
    if (seq != 0 || level != 0 || mac) {
      return fail(Errc::kValue, "a receipt without an envelope has neither SEQ, level nor 8E");
    }
  } else {
    KB_TRY(relay_level_info(level));
    if (seq == 0) {
      return fail(Errc::kValue, "a receipt for an envelope has its SEQ");
    }
  }
  if (next_enrolment) {
    KB_TRY(EnrolmentAnswer::decode(*next_enrolment));
  }
  return {};
}

Bytes Receipt::body() const {
  Bytes octets;
  for (const ActionResult result : results) {
    octets.push_back(std::to_underlying(result));
  }
  TlvWriter out;
  out.put(0x80, header_hash)
      .put(0x81, handle.view())
      .put_u32(0x82, seq)
      .put(0x83, octets)
      .put_u8(0x84, level)
      .put_u8(0x85, suite);
  if (next_enrolment) {
    out.put(0x89, *next_enrolment);
  }
  return out.take();
}

Bytes Receipt::handle_tlv() const { return tlv::encode(0x81, handle.view()); }

Bytes Receipt::mac_tlv() const { return mac ? tlv::encode(0x8E, *mac) : Bytes(); }

Bytes Receipt::ephemeral_tlv() const { return tlv::encode(0x84, seal.ephemeral_key); }

Bytes Receipt::sealed_tlv() const { return tlv::encode(0x85, seal.sealed); }

Bytes Receipt::encode() const {
  const Bytes sealed =
      TlvWriter().raw(ephemeral_tlv()).raw(sealed_tlv()).put(0x86, seal.mac).take();
  return tlv::encode(0xE3, TlvWriter().raw(body()).raw(mac_tlv()).put(0x8F, sealed).view());
}

Result<ReceiptSignature> ReceiptSignature::decode(ByteView octets) {
  TlvReader in(octets);
  ReceiptSignature out;
  out.counter = KB_TRY(read_u32(in, 0x88));
  out.signature = KB_TRY(read_signature(in));
  KB_TRY(in.finish());
  return out;
}

Bytes ReceiptSignature::counter_tlv() const { return TlvWriter().put_u32(0x88, counter).take(); }

Bytes ReceiptSignature::encode() const {
  return TlvWriter().raw(counter_tlv()).put(0x9E, signature).take();
}

}  // namespace kagibin::envelope
