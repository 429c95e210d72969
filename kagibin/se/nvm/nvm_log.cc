// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/nvm/nvm_log.h"

#include <algorithm>

#include "kagibin/crypto/sha256.h"

namespace kagibin::se::nvm_log {

namespace {

constexpr std::uint8_t kPut = 0x01;
constexpr std::uint8_t kErase = 0x02;
constexpr std::size_t kHeadOctets = 8;
constexpr std::size_t kHeadCheckOctets = 4;
constexpr std::size_t kCheckOctets = 8;

Bytes head(std::uint32_t sequence, std::uint32_t length) {
  return ByteWriter().u32(sequence).u32(length).take();
}

Result<std::string_view> read_name(ByteReader& in) {
  const std::uint8_t length = KB_TRY(in.u8());
  const ByteView name = KB_TRY(in.bytes(length));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets read as the text they are
  return std::string_view(reinterpret_cast<const char*>(name.data()), name.size());
}

Result<void> apply(ByteView changes, Records& records) {
  ByteReader in(changes);
  while (!in.empty()) {
    const std::uint8_t kind = KB_TRY(in.u8());
    const std::string_view name = KB_TRY(read_name(in));
    if (kind == kPut) {
      const std::uint16_t length = KB_TRY(in.u16());
      const ByteView content = KB_TRY(in.bytes(length));
      records.insert_or_assign(std::string(name), SecretBytes::copy_of(content));
    } else if (kind == kErase) {
      records.erase(std::string(name));
    } else {
      return fail(Errc::kEncoding, "a change in the memory's log is of an unknown kind");
    }
  }
  return {};
}

// What stands at the front of the rest of a log.
struct Frame {
  enum class Kind : std::uint8_t { kWhole, kTorn, kDamaged };
  Kind kind = Kind::kDamaged;
  ByteView changes;
};

Frame read_frame(ByteReader& in, std::uint32_t sequence) {
  if (in.remaining() < kHeadOctets + kHeadCheckOctets) {
    return {Frame::Kind::kTorn, {}};
  }
  const ByteView head_octets = *in.bytes(kHeadOctets);
  const ByteView head_check = *in.bytes(kHeadCheckOctets);
  const crypto::Digest256 head_digest = crypto::sha256(head_octets);
  if (!equal(head_check, ByteView(head_digest).first(kHeadCheckOctets))) {
    // A file system may show a file grown by an append whose octets never arrived.
    const bool hollow = std::ranges::all_of(head_octets, [](std::uint8_t o) { return o == 0; }) &&
                        std::ranges::all_of(in.peek_rest(), [](std::uint8_t o) { return o == 0; });
    return {hollow ? Frame::Kind::kTorn : Frame::Kind::kDamaged, {}};
  }
  ByteReader numbers(head_octets);
  const std::uint32_t found_sequence = *numbers.u32();
  const std::uint32_t length = *numbers.u32();
  if (found_sequence != sequence) {
    return {Frame::Kind::kDamaged, {}};
  }
  if (in.remaining() < std::size_t{length} + kCheckOctets) {
    return {Frame::Kind::kTorn, {}};
  }
  const ByteView changes = *in.bytes(length);
  const ByteView check = *in.bytes(kCheckOctets);
  const crypto::Digest256 digest = crypto::sha256({head_octets, changes});
  if (!equal(check, ByteView(digest).first(kCheckOctets))) {
    return {in.empty() ? Frame::Kind::kTorn : Frame::Kind::kDamaged, {}};
  }
  return {Frame::Kind::kWhole, changes};
}

}  // namespace

void put_change(ByteWriter& out, std::string_view name, ByteView content) {
  out.u8(kPut).u8(static_cast<std::uint8_t>(name.size())).bytes(ascii(name));
  out.u16(static_cast<std::uint16_t>(content.size())).bytes(content);
}

void erase_change(ByteWriter& out, std::string_view name) {
  out.u8(kErase).u8(static_cast<std::uint8_t>(name.size())).bytes(ascii(name));
}

SecretBytes frame(std::uint32_t sequence, ByteView changes) {
  const Bytes head_octets = head(sequence, static_cast<std::uint32_t>(changes.size()));
  const crypto::Digest256 head_digest = crypto::sha256(head_octets);
  const crypto::Digest256 digest = crypto::sha256({head_octets, changes});
  SecretBytes out(kHeadOctets + kHeadCheckOctets + changes.size() + kCheckOctets);
  auto at = out.expose_mutable().begin();
  at = std::ranges::copy(head_octets, at).out;
  at = std::ranges::copy(ByteView(head_digest).first(kHeadCheckOctets), at).out;
  at = std::ranges::copy(changes, at).out;
  std::ranges::copy(ByteView(digest).first(kCheckOctets), at);
  return out;
}

SecretBytes whole_log(const Records& records) {
  ByteWriter all;
  for (const auto& [name, content] : records) {
    put_change(all, name, content.expose());
  }
  Bytes changes = all.take();
  const SecretBytes only = frame(0, changes);
  wipe(changes);
  SecretBytes log(kMagic.size() + only.size());
  const auto body = std::ranges::copy(ascii(kMagic), log.expose_mutable().begin()).out;
  std::ranges::copy(only.expose(), body);
  return log;
}

Result<Replayed> replay(ByteView log) {
  Replayed out;
  if (log.empty()) {
    return out;
  }
  ByteReader in(log);
  const auto magic = in.bytes(kMagic.size());
  if (!magic || !equal(*magic, ascii(kMagic))) {
    return fail(Errc::kEncoding, "this file is not an element's memory");
  }
  while (!in.empty()) {
    const Frame next = read_frame(in, out.next_sequence);
    if (next.kind == Frame::Kind::kTorn) {
      out.torn = true;
      break;
    }
    if (next.kind == Frame::Kind::kDamaged || !apply(next.changes, out.records)) {
      return fail(Errc::kEncoding, "the element's memory is damaged beyond an unfinished write");
    }
    ++out.next_sequence;
  }
  return out;
}

}  // namespace kagibin::se::nvm_log
