// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/records/kda_records.h"

#include <algorithm>
#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/envelope/payload/payload.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace {

using envelope::ActionResult;
using tlv::TlvReader;
using tlv::TlvWriter;

constexpr std::uint8_t kFirstVersion = 0x01;
constexpr std::uint8_t kSecondVersion = 0x02;  // of receipt, provider and trust
constexpr tlv::Tag kVersionTag = 0x80;
constexpr std::size_t kIdSize = 16;
constexpr std::uint8_t kDefaultSuite = 0x01;

TlvWriter record(std::uint8_t version = kFirstVersion) {
  return std::move(TlvWriter().put_u8(kVersionTag, version));
}

Result<void> read_version(TlvReader& in, std::uint8_t version = kFirstVersion) {
  if (tlv::to_u8(KB_TRY(in.expect(kVersionTag, 1))) != version) {
    return fail(Errc::kNotSupported, "a record of the KDA has another version");
  }
  return {};
}

Result<Bytes> read_bytes(TlvReader& in, tlv::Tag tag, std::size_t min, std::size_t max) {
  const tlv::Tlv field = KB_TRY(in.expect(tag, min, max));
  return Bytes(field.value.begin(), field.value.end());
}

template <std::size_t N>
Result<std::array<std::uint8_t, N>> read_array(TlvReader& in, tlv::Tag tag) {
  const tlv::Tlv field = KB_TRY(in.expect(tag, N));
  std::array<std::uint8_t, N> out{};
  std::ranges::copy(field.value, out.begin());
  return out;
}

template <typename Id>
Result<Id> read_id(TlvReader& in, tlv::Tag tag) {
  return Id{KB_TRY(read_array<kIdSize>(in, tag))};
}

Result<Aid> read_aid(TlvReader& in, tlv::Tag tag) {
  const tlv::Tlv field = KB_TRY(in.expect(tag, Aid::kMinLength, Aid::kMaxLength));
  return Aid::from(field.value);
}

Result<std::uint8_t> read_u8(TlvReader& in, tlv::Tag tag) {
  return tlv::to_u8(KB_TRY(in.expect(tag, 1)));
}

Result<std::uint16_t> read_u16(TlvReader& in, tlv::Tag tag) {
  const tlv::Tlv field = KB_TRY(in.expect(tag, 2));
  return ByteReader(field.value).u16();
}

Result<std::uint32_t> read_u32(TlvReader& in, tlv::Tag tag) {
  return tlv::to_u32(KB_TRY(in.expect(tag, 4)));
}

Result<std::vector<Nonce16>> read_nonces(TlvReader& in, tlv::Tag tag) {
  const tlv::Tlv field = KB_TRY(in.expect(tag, 0, KdaSlot::kMaxNonces * kIdSize));
  ByteReader octets(field.value);
  std::vector<Nonce16> out;
  while (!octets.empty()) {
    const ByteView nonce = KB_TRY(octets.bytes(kIdSize));
    out.push_back(KB_TRY(Nonce16::from(nonce)));
  }
  return out;
}

bool is_lasting(std::uint8_t state) {
  return state >= std::to_underlying(kda::State::kEnrolled) &&
         state <= std::to_underlying(kda::State::kCancelled) &&
         state != std::to_underlying(kda::State::kChannel) &&
         state != std::to_underlying(kda::State::kUnknown);
}

Result<std::vector<ActionResult>> read_results(TlvReader& in, tlv::Tag tag) {
  const tlv::Tlv field = KB_TRY(in.expect(tag, 0, envelope::kMaxActions));
  std::vector<ActionResult> out;
  for (const std::uint8_t octet : field.value) {
    if (octet > std::to_underlying(ActionResult::kInstalledByProbe)) {
      return fail(Errc::kValue, "only installed actions are proved");
    }
    out.push_back(ActionResult{octet});
  }
  return out;
}

}  // namespace

bool KdaSlot::knows(const Nonce16& nonce) const {
  return std::ranges::find(nonces, nonce) != nonces.end();
}

void KdaSlot::commit(const KdaJournal& done) {
  constexpr auto kRl2 = std::to_underlying(envelope::RelayLevel::kRl2);
  constexpr auto kRl3 = std::to_underlying(envelope::RelayLevel::kRl3);
  last_committed_seq = done.seq;
  level_floor = std::max(level_floor, done.level == kRl3 ? kRl2 : done.level);
}

void KdaSlot::remember(const Nonce16& nonce) {
  if (nonces.size() == kMaxNonces) {
    nonces.erase(nonces.begin());
  }
  nonces.push_back(nonce);
}

Result<KdaSlot> KdaSlot::decode(ByteView octets) {
  TlvReader in(octets);
  KB_TRY(read_version(in));
  const Spid spid = KB_TRY(read_id<Spid>(in, 0x81));
  KdaSlot out{.spid = spid, .target = KB_TRY(read_aid(in, 0x82)), .handle = {}};
  out.handle = KB_TRY(read_id<Handle>(in, 0x83));
  out.certificate = KB_TRY(read_bytes(in, 0x84, 1, TlvReader::kAnyLength));
  out.kem_key = KB_TRY(read_array<envelope::kPointSize>(in, 0x85));
  out.request_hash = KB_TRY(read_array<32>(in, 0x86));
  out.statement_hash = KB_TRY(read_array<32>(in, 0x87));
  out.last_committed_seq = KB_TRY(read_u32(in, 0x88));
  out.level_floor = KB_TRY(read_u8(in, 0x89));
  if (out.level_floor != 0) {
    KB_TRY(envelope::relay_level_info(out.level_floor));
  }
  out.highest_key_version = KB_TRY(read_u8(in, 0x8A));
  out.nonces = KB_TRY(read_nonces(in, 0x8B));
  if (const auto domain = KB_TRY(in.optional(0x8C, 1, TlvReader::kAnyLength))) {
    out.domain_certificate = Bytes(domain->value.begin(), domain->value.end());
  }
  if (const auto suite = KB_TRY(in.optional(0x8D, 1))) {
    out.suite = tlv::to_u8(*suite);
    if (out.suite == kDefaultSuite) {
      return fail(Errc::kEncoding, "suite 01 is said by saying none");
    }
    KB_TRY(envelope::suite_info(out.suite));
  }
  if (const auto announced_by = KB_TRY(in.optional(0x8E, kIdSize))) {
    out.announced_by = KB_TRY(Handle::from(announced_by->value));
  }
  KB_TRY(in.finish());
  return out;
}

Bytes KdaSlot::encode() const {
  Bytes all_nonces;
  for (const Nonce16& nonce : nonces) {
    append(all_nonces, nonce.view());
  }
  TlvWriter out = record();
  out.put(0x81, spid.view())
      .put(0x82, target.view())
      .put(0x83, handle.view())
      .put(0x84, certificate)
      .put(0x85, kem_key)
      .put(0x86, request_hash)
      .put(0x87, statement_hash)
      .put_u32(0x88, last_committed_seq)
      .put_u8(0x89, level_floor)
      .put_u8(0x8A, highest_key_version)
      .put(0x8B, all_nonces);
  if (domain_certificate) {
    out.put(0x8C, *domain_certificate);
  }
  if (suite != kDefaultSuite) {
    out.put_u8(0x8D, suite);
  }
  if (announced_by) {
    out.put(0x8E, announced_by->view());
  }
  return out.take();
}

bool KdaJournal::is_delivering() const {
  return state == kda::State::kLoaded || state == kda::State::kSent;
}

bool KdaJournal::has_begun() const {
  return state == kda::State::kSent || sessions > 0 || !proved.empty();
}

Result<KdaJournal> KdaJournal::decode(ByteView octets) {
  TlvReader in(octets);
  KB_TRY(read_version(in));
  KdaJournal out;
  const std::uint8_t state = KB_TRY(read_u8(in, 0x81));
  if (!is_lasting(state)) {
    return fail(Errc::kValue, "the journal's state is none that lasts");
  }
  out.state = kda::State{state};
  out.refusals = KB_TRY(read_u8(in, 0x82));
  out.sessions = KB_TRY(read_u8(in, 0x83));
  const std::uint8_t channel_refused = KB_TRY(read_u8(in, 0x84));
  out.channel_refused = channel_refused == 0x01;
  out.actions = KB_TRY(read_u8(in, 0x85));
  out.proved = KB_TRY(read_results(in, 0x86));
  out.header_hash = KB_TRY(read_array<32>(in, 0x87));
  out.seq = KB_TRY(read_u32(in, 0x88));
  out.level = KB_TRY(read_u8(in, 0x89));
  KB_TRY(in.finish());
  if (out.refusals > kMaxRefusals || out.sessions > kMaxSessions || channel_refused > 0x01 ||
      out.actions > envelope::kMaxActions || out.proved.size() > out.actions) {
    return fail(Errc::kValue, "the journal counts past its limits");
  }
  return out;
}

Bytes KdaJournal::encode() const {
  Bytes results;
  for (const ActionResult result : proved) {
    results.push_back(std::to_underlying(result));
  }
  return record()
      .put_u8(0x81, std::to_underlying(state))
      .put_u8(0x82, refusals)
      .put_u8(0x83, sessions)
      .put_u8(0x84, channel_refused ? 0x01 : 0x00)
      .put_u8(0x85, actions)
      .put(0x86, results)
      .put(0x87, header_hash)
      .put_u32(0x88, seq)
      .put_u8(0x89, level)
      .take();
}

Result<KdaReceipt> KdaReceipt::decode(ByteView octets) {
  TlvReader in(octets);
  KB_TRY(read_version(in, kSecondVersion));
  const Handle handle = KB_TRY(read_id<Handle>(in, 0x81));
  const Spid spid = KB_TRY(read_id<Spid>(in, 0x82));
  KdaReceipt out{.handle = handle, .spid = spid, .target = KB_TRY(read_aid(in, 0x83))};
  out.receipt = KB_TRY(read_bytes(in, 0x84, 1, TlvReader::kAnyLength));
  out.counter = KB_TRY(read_u32(in, 0x85));
  KB_TRY(in.finish());
  return out;
}

Bytes KdaReceipt::encode() const {
  return record(kSecondVersion)
      .put(0x81, handle.view())
      .put(0x82, spid.view())
      .put(0x83, target.view())
      .put(0x84, receipt)
      .put_u32(0x85, counter)
      .take();
}

Result<KdaProvider> KdaProvider::decode(ByteView octets) {
  TlvReader in(octets);
  KB_TRY(read_version(in, kSecondVersion));
  KdaProvider out;
  out.spid = KB_TRY(read_id<Spid>(in, 0x81));
  out.last_issued = KB_TRY(read_u32(in, 0x82));
  out.enrolments = KB_TRY(read_u32(in, 0x83));
  out.receipts = KB_TRY(read_u32(in, 0x84));
  KB_TRY(in.finish());
  return out;
}

Bytes KdaProvider::encode() const {
  return record(kSecondVersion)
      .put(0x81, spid.view())
      .put_u32(0x82, last_issued)
      .put_u32(0x83, enrolments)
      .put_u32(0x84, receipts)
      .take();
}

Result<KdaTrust> KdaTrust::decode(ByteView octets) {
  TlvReader in(octets);
  KB_TRY(read_version(in, kSecondVersion));
  KdaTrust out;
  out.root = KB_TRY(read_array<envelope::kPointSize>(in, 0x81));
  if (const auto second = KB_TRY(in.optional(0x82, envelope::kPointSize))) {
    out.second_root = to_array<envelope::kPointSize>(second->value);
  }
  out.min_epoch = KB_TRY(read_u16(in, 0x83));
  out.auth_time = KB_TRY(read_u32(in, 0x84));
  out.root_number = KB_TRY(read_u32(in, 0x85));
  KB_TRY(in.finish());
  return out;
}

Bytes KdaTrust::encode() const {
  TlvWriter out = record(kSecondVersion);
  out.put(0x81, root);
  if (second_root) {
    out.put(0x82, *second_root);
  }
  return out.put(0x83, ByteWriter().u16(min_epoch).view())
      .put_u32(0x84, auth_time)
      .put_u32(0x85, root_number)
      .take();
}

Result<KdaCertificates> KdaCertificates::decode(ByteView octets) {
  TlvReader in(octets);
  KB_TRY(read_version(in));
  KdaCertificates out;
  out.maker = KB_TRY(read_bytes(in, 0x81, 1, TlvReader::kAnyLength));
  out.kda = KB_TRY(read_bytes(in, 0x82, 1, TlvReader::kAnyLength));
  if (const auto oce = KB_TRY(in.optional(0x83, 1, TlvReader::kAnyLength))) {
    out.oce = Bytes(oce->value.begin(), oce->value.end());
  }
  KB_TRY(in.finish());
  return out;
}

Bytes KdaCertificates::encode() const {
  TlvWriter out = record();
  out.put(0x81, maker).put(0x82, kda);
  if (oce) {
    out.put(0x83, *oce);
  }
  return out.take();
}

}  // namespace kagibin::se
