// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/delegated/token.h"

#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/gp/content/length_value.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr std::uint8_t kForLoad = 0x02;
constexpr std::uint8_t kCombinedLoad = 0x0E;
constexpr std::uint8_t kCombinedLoadBegins = 0x01;  // P2
constexpr std::size_t kFieldsOfLoad = 4;            // before the token (table 11-42)
constexpr std::size_t kFieldsOfOthers = 5;          // tables 11-43 to 11-46
constexpr tlv::Tag kToken = 0x9E;
constexpr tlv::Tag kReference = 0xB6;
constexpr tlv::Tag kIdentification = 0x42;
constexpr tlv::Tag kImage = 0x45;
constexpr tlv::Tag kProvider = 0x5F20;
constexpr tlv::Tag kNumber = 0x93;
constexpr std::size_t kMaxField = 16;

Result<TokenSplit> split_fields(ByteView data, std::size_t fields) {
  ByteReader in(data);
  for (std::size_t i = 0; i < fields; ++i) {
    KB_TRY(read_field(in));
  }
  TokenSplit out{.covered = data.first(data.size() - in.remaining()), .token = {}};
  out.token = KB_TRY(read_field(in));
  KB_TRY(in.finish());
  return out;
}

Result<TokenSplit> split_install(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  const bool load = p1 == kForLoad || (p1 == kCombinedLoad && p2 == kCombinedLoadBegins);
  return split_fields(data, load ? kFieldsOfLoad : kFieldsOfOthers);
}

Result<TokenSplit> split_delete(ByteView data) {
  tlv::TlvReader in(data);
  while (!in.empty()) {
    const ByteView covered = in.consumed();
    const tlv::Tlv object = KB_TRY(in.next());
    if (object.tag == kToken) {
      KB_TRY(in.finish());
      return TokenSplit{.covered = covered, .token = object.value};
    }
  }
  return TokenSplit{.covered = data, .token = {}};
}

}  // namespace

Bytes token_data(std::uint8_t p1, std::uint8_t p2, ByteView covered) {
  KB_CHECK(covered.size() <= 0xFFFF);
  ByteWriter out;
  out.u8(p1).u8(p2);
  if (covered.size() > 0xFF) {
    out.u8(0x00).u16(static_cast<std::uint16_t>(covered.size()));
  } else {
    out.u8(static_cast<std::uint8_t>(covered.size()));
  }
  return out.bytes(covered).take();
}

Result<TokenSplit> split_token(const apdu::CommandApdu& command) {
  if (command.ins == apdu::ins::kInstall) {
    return split_install(command.p1, command.p2, command.data);
  }
  if (command.ins == apdu::ins::kDelete) {
    return split_delete(command.data);
  }
  return fail(Errc::kNotSupported, "INSTALL and DELETE carry tokens, and no other command (C.4)");
}

Result<apdu::CommandApdu> add_token(const apdu::CommandApdu& command, ByteView token) {
  const TokenSplit split = KB_TRY(split_token(command));
  if (!split.token.empty()) {
    return fail(Errc::kConflict, "the command carries a token already");
  }
  apdu::CommandApdu out = command;
  ByteWriter data;
  data.bytes(split.covered);
  if (command.ins == apdu::ins::kDelete) {
    data.bytes(tlv::encode(kToken, token));
  } else {
    write_field(data, token);
  }
  out.data = data.take();
  return out;
}

Result<apdu::CommandApdu> add_token(const apdu::CommandApdu& command,
                                    const Key& key,
                                    crypto::Rng& rng) {
  const TokenSplit split = KB_TRY(split_token(command));
  const Bytes token = KB_TRY(sign(key, token_data(command.p1, command.p2, split.covered), rng));
  return add_token(command, token);
}

Result<TokenReference> TokenReference::decode(ByteView value) {
  TokenReference out;
  tlv::TlvReader in(value);
  while (!in.empty()) {
    const tlv::Tlv object = KB_TRY(in.next());
    Bytes* field = nullptr;
    switch (object.tag) {
      case kIdentification:
        field = &out.identification;
        break;
      case kImage:
        field = &out.image;
        break;
      case kProvider:
        field = &out.provider;
        break;
      case kNumber:
        field = &out.number;
        break;
      default:
        return fail(Errc::kUnexpectedTag, "tag B6 of a token holds 42, 45, 5F20 and 93 (GPCS C.4)");
    }
    if (!field->empty()) {
      return fail(Errc::kUnexpectedTag, "an object of tag B6 stands twice (GPCS C.4)");
    }
    if (object.value.empty() || object.value.size() > kMaxField) {
      return fail(Errc::kLength, "an object of tag B6 has 1 to 16 octets (GPCS C.4)");
    }
    field->assign(object.value.begin(), object.value.end());
  }
  return out;
}

Bytes TokenReference::encode() const {
  tlv::TlvWriter out;
  const auto put = [&](tlv::Tag tag, const Bytes& value) {
    if (!value.empty()) {
      out.put(tag, value);
    }
  };
  put(kIdentification, identification);
  put(kImage, image);
  put(kProvider, provider);
  put(kNumber, number);
  return tlv::encode(kReference, out.view());
}

Result<std::optional<TokenReference>> find_token_reference(ByteView objects) {
  std::optional<TokenReference> out;
  tlv::TlvReader in(objects);
  while (!in.empty()) {
    const tlv::Tlv object = KB_TRY(in.next());
    if (object.tag != kReference) {
      continue;
    }
    if (out) {
      return fail(Errc::kConflict, "the control reference of a token stands twice");
    }
    out = KB_TRY(TokenReference::decode(object.value));
  }
  return out;
}

}  // namespace kagibin::gp
