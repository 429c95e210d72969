// SPDX-License-Identifier: Apache-2.0
#include "kagibin/kda/status.h"

#include <algorithm>
#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::kda {

namespace {

constexpr tlv::Tag kStateTag = 0x80;
constexpr tlv::Tag kSessionsTag = 0x81;
constexpr tlv::Tag kVersionsTag = 0x80;
constexpr tlv::Tag kSuitesTag = 0x81;
constexpr tlv::Tag kLevelsTag = 0x82;
constexpr tlv::Tag kBufferTag = 0x83;
constexpr std::uint8_t kAllLevels = 0x1F;

Result<Bytes> rising(ByteView list) {
  if (std::ranges::adjacent_find(list, std::ranges::greater_equal()) != list.end()) {
    return fail(Errc::kEncoding, "a list of capabilities rises and repeats nothing");
  }
  return Bytes(list.begin(), list.end());
}

}  // namespace

std::string_view name(State state) {
  switch (state) {
    case State::kEnrolled:
      return "enrolled";
    case State::kLoaded:
      return "loaded";
    case State::kChannel:
      return "channel";
    case State::kSent:
      return "sent";
    case State::kUnknown:
      return "unknown";
    case State::kDone:
      return "done";
    case State::kAbsent:
      return "absent";
    case State::kRefused:
      return "refused";
    case State::kCancelled:
      return "cancelled";
    case State::kSuperseded:
      return "superseded";
  }
  return "undefined";
}

bool is_final(State state) { return state >= State::kDone; }

Result<Status> Status::decode(ByteView octets) {
  tlv::TlvReader in(octets);
  const std::uint8_t state = tlv::to_u8(KB_TRY(in.expect(kStateTag, 1)));
  const std::uint8_t sessions = tlv::to_u8(KB_TRY(in.expect(kSessionsTag, 1)));
  KB_TRY(in.finish());
  if (state < std::to_underlying(State::kEnrolled) ||
      state > std::to_underlying(State::kSuperseded)) {
    return fail(Errc::kValue, "a state of the KDA is 01 to 0A");
  }
  if (sessions > kMaxSessions) {
    return fail(Errc::kValue, "at most three key-bearing sessions are left");
  }
  return Status{State{state}, sessions};
}

Bytes Status::encode() const {
  return tlv::TlvWriter()
      .put_u8(kStateTag, std::to_underlying(state))
      .put_u8(kSessionsTag, sessions_left)
      .take();
}

Result<Capabilities> Capabilities::decode(ByteView octets) {
  tlv::TlvReader in(octets);
  Capabilities out;
  const tlv::Tlv versions = KB_TRY(in.expect(kVersionsTag, 1, 8));
  out.versions = KB_TRY(rising(versions.value));
  const tlv::Tlv suites = KB_TRY(in.expect(kSuitesTag, 1, 16));
  out.suites = KB_TRY(rising(suites.value));
  out.level_bitmap = tlv::to_u8(KB_TRY(in.expect(kLevelsTag, 1)));
  const tlv::Tlv buffer = KB_TRY(in.expect(kBufferTag, 2));
  out.buffer_bytes = KB_TRY(ByteReader(buffer.value).u16());
  KB_TRY(in.finish());
  if (out.level_bitmap > kAllLevels) {
    return fail(Errc::kValue, "the bitmap of levels has five bits");
  }
  return out;
}

Bytes Capabilities::encode() const {
  return tlv::TlvWriter()
      .put(kVersionsTag, versions)
      .put(kSuitesTag, suites)
      .put_u8(kLevelsTag, level_bitmap)
      .put(kBufferTag, ByteWriter().u16(buffer_bytes).view())
      .take();
}

}  // namespace kagibin::kda
