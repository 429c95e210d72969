// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/confidential/setup_messages.h"

#include <algorithm>
#include <span>

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

using tlv::Tlv;
using tlv::TlvReader;

namespace {

constexpr tlv::Tag kRandom = 0x85;
constexpr tlv::Tag kReceipt = 0x86;
constexpr std::size_t kRandomSize = 16;
constexpr std::uint32_t kLargestAnswer = 256;
// With padding to whole blocks and a MAC of 16 octets it is a short command still.
constexpr std::size_t kLargestPiece = 223;

Bytes groupings(std::initializer_list<Grouping> all) {
  const auto octets = encode_groupings(std::span(all.begin(), all.size()));
  KB_CHECK(octets.has_value());
  return {octets->expose().begin(), octets->expose().end()};
}

apdu::CommandApdu store(bool last, std::uint8_t block, Bytes data) {
  const StoreData head{
      .last = last, .structure = StoreStructure::kGroupings, .answer_wanted = true, .block = block};
  return {.cla = 0x80,
          .ins = apdu::ins::kStoreData,
          .p1 = head.p1(),
          .p2 = block,
          .data = std::move(data),
          .le = kLargestAnswer};
}

std::unexpected<Error> out_of_order() {
  return fail(Errc::kUnexpectedTag,
              "a confidential set-up has 3A01; or 3A02, 7F49, 5F37; or 00A6 and 7F49, in this "
              "order (Amendment A, scenario 3; SGP.02, 4.1.3)");
}

// How many octets a grouping takes.
std::size_t size_of(const Grouping& one) {
  return one.value.size() + (one.value.size() < 0xFF ? 3 : 5);
}

Result<void> take(const Grouping& one, std::size_t index, SetupRequest& out) {
  switch (one.id) {
    case setup_grouping::kCertificate:
      out.certificate = one.value;
      return index == 0 ? Result<void>{} : out_of_order();
    case setup_grouping::kSignedReference:
      out.signed_reference = true;
      [[fallthrough]];
    case setup_grouping::kReference:
      out.reference = one.value;
      return index == 0 ? Result<void>{} : out_of_order();
    case setup_grouping::kEphemeralKey:
      out.ephemeral_point = one.value;
      return index == (out.reference.empty() ? 0U : 1U) && out.certificate.empty() ? Result<void>{}
                                                                                   : out_of_order();
    case setup_grouping::kSignature:
      out.signature = one.value;
      return index == 2 && out.signed_reference ? Result<void>{} : out_of_order();
    default:
      return out_of_order();
  }
}

}  // namespace

Result<SetupRequest> SetupRequest::decode(ByteView data, bool last) {
  const std::vector<Grouping> all = KB_TRY(decode_groupings(data));
  SetupRequest out;
  std::size_t index = 0;
  std::size_t covered = 0;
  for (const Grouping& one : all) {
    if (one.value.empty()) {
      return fail(Errc::kLength, "a grouping of a confidential set-up is not empty");
    }
    KB_TRY(take(one, index, out));
    covered += index < 2 ? size_of(one) : 0;
    ++index;
  }
  if (index == 0 || (out.signed_reference && index != 3)) {
    return out_of_order();
  }
  if (last && !out.reference.empty() && out.ephemeral_point.empty()) {
    return fail(Errc::kUnexpectedTag,
                "the last block of a confidential set-up brings a key, 7F49: a reference, 00A6, "
                "alone sets up nothing (Amendment A, scenario 3)");
  }
  if (out.signed_reference) {
    out.signed_octets = data.first(covered);
  }
  return out;
}

bool begins_setup(ByteView data) {
  if (data.size() < 2) {
    return false;
  }
  const auto id = static_cast<std::uint16_t>((data[0] << 8U) | data[1]);
  return id == setup_grouping::kCertificate || id == setup_grouping::kSignedReference ||
         id == setup_grouping::kReference || id == setup_grouping::kEphemeralKey;
}

Bytes setup_signed_data(ByteView signed_octets, const SetupChallenge& challenge) {
  Bytes out(signed_octets.begin(), signed_octets.end());
  append(out, groupings({{setup_grouping::kChallenge, challenge}}));
  return out;
}

Result<SetupChallenge> decode_challenge(ByteView answer) {
  const Tlv random = KB_TRY(tlv::read_single(answer, kRandom));
  const auto challenge = to_array<kRandomSize>(random.value);
  if (!challenge) {
    return fail(Errc::kLength, "a random challenge has 16 octets");
  }
  return *challenge;
}

Bytes encode_challenge(const SetupChallenge& challenge) { return tlv::encode(kRandom, challenge); }

Result<SetupAnswer> SetupAnswer::decode(ByteView octets) {
  TlvReader in(octets);
  SetupAnswer out;
  if (const std::optional<Tlv> random = KB_TRY(in.optional(kRandom, kRandomSize))) {
    out.random.assign(random->value.begin(), random->value.end());
  }
  const Tlv receipt = KB_TRY(in.expect(kReceipt, out.receipt.size()));
  std::ranges::copy(receipt.value, out.receipt.begin());
  KB_TRY(in.finish());
  return out;
}

Bytes SetupAnswer::encode() const {
  tlv::TlvWriter out;
  if (!random.empty()) {
    out.put(kRandom, random);
  }
  return out.put(kReceipt, receipt).take();
}

std::vector<apdu::CommandApdu> show_certificate(ByteView certificate) {
  const Bytes whole = groupings({{setup_grouping::kCertificate, certificate}});
  std::vector<apdu::CommandApdu> out;
  for (ByteView rest = whole; !rest.empty();) {
    const ByteView piece = rest.first(std::min(rest.size(), kLargestPiece));
    rest = rest.subspan(piece.size());
    out.push_back(
        store(false, static_cast<std::uint8_t>(out.size()), {piece.begin(), piece.end()}));
  }
  return out;
}

Bytes encode_signed_octets(ByteView reference, ByteView ephemeral_point) {
  return groupings({{setup_grouping::kSignedReference, reference},
                    {setup_grouping::kEphemeralKey, ephemeral_point}});
}

apdu::CommandApdu ask_signed(ByteView signed_octets, ByteView signature, std::uint8_t block) {
  Bytes data(signed_octets.begin(), signed_octets.end());
  append(data, groupings({{setup_grouping::kSignature, signature}}));
  return store(true, block, std::move(data));
}

apdu::CommandApdu ask_unsigned(ByteView reference, ByteView ephemeral_point) {
  return store(true, 0,
               groupings({{setup_grouping::kReference, reference},
                          {setup_grouping::kEphemeralKey, ephemeral_point}}));
}

}  // namespace kagibin::gp
