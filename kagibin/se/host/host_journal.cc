// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/host/host_journal.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"

namespace kagibin::se {

namespace {

constexpr std::string_view kMagic = "KBHOSTJ\n";
constexpr std::size_t kHeadOctets = 9;
constexpr std::size_t kHeadCheckOctets = 4;
constexpr std::size_t kCheckOctets = 8;

Bytes head_of(const HostJournal::Write& write) {
  return ByteWriter()
      .u32(write.number)
      .u8(static_cast<std::uint8_t>(write.kind))
      .u32(static_cast<std::uint32_t>(write.octets.size()))
      .take();
}

ByteView short_check(const crypto::Digest256& check) { return ByteView(check).first(kCheckOctets); }

Bytes head_check(const crypto::Digest256& check, ByteView head) {
  const crypto::Digest256 digest = crypto::sha256({check, head});
  return {digest.begin(), digest.begin() + kHeadCheckOctets};
}

bool is_hollow(ByteView octets) {
  return std::ranges::all_of(octets, [](std::uint8_t octet) { return octet == 0; });
}

}  // namespace

HostJournal::HostJournal(const SnapshotName& name)
    : name_(name), check_(crypto::sha256({ascii(kMagic), name})), next_(check_) {}

Bytes HostJournal::begin() const {
  return ByteWriter()
      .bytes(ascii(kMagic))
      .bytes(name_)
      .bytes(short_check(crypto::sha256({ascii(kMagic), name_})))
      .take();
}

SecretBytes HostJournal::frame(const Write& write) {
  KB_CHECK(write.octets.size() <= ElementSnapshot::kMaxElementOctets);
  const Bytes head = head_of(write);
  next_ = crypto::sha256({check_, head, write.octets});
  SecretBytes out(head.size() + kHeadCheckOctets + write.octets.size() + kCheckOctets);
  auto at = std::ranges::copy(head, out.expose_mutable().begin()).out;
  at = std::ranges::copy(head_check(check_, head), at).out;
  at = std::ranges::copy(write.octets, at).out;
  std::ranges::copy(short_check(next_), at);
  return out;
}

Result<HostJournal::Replayed> HostJournal::replay(ByteView file, const SnapshotName& name) {
  Replayed out{.journal = HostJournal(name)};
  const Bytes begin = out.journal.begin();
  if (file.size() < begin.size() || !equal(file.first(begin.size()), begin)) {
    return fail(Errc::kNotFound, "this journal is of another snapshot");
  }
  ByteReader in(file.subspan(begin.size()));
  while (!in.empty()) {
    if (in.remaining() < kHeadOctets + kHeadCheckOctets) {
      out.torn = true;
      break;
    }
    const ByteView head = *in.bytes(kHeadOctets);
    if (!equal(*in.bytes(kHeadCheckOctets), head_check(out.journal.check_, head))) {
      if (is_hollow(head) && is_hollow(in.peek_rest())) {
        out.torn = true;
        break;
      }
      return fail(Errc::kEncoding, "the journal is damaged beyond an unfinished write");
    }
    ByteReader numbers(head);
    Write write{.number = *numbers.u32()};
    const std::uint8_t kind = *numbers.u8();
    const std::uint32_t length = *numbers.u32();
    if (in.remaining() < std::size_t{length} + kCheckOctets) {
      out.torn = true;
      break;
    }
    write.kind = static_cast<Kind>(kind);
    write.octets = *in.bytes(length);
    const ByteView found = *in.bytes(kCheckOctets);
    const crypto::Digest256 check = crypto::sha256({out.journal.check_, head, write.octets});
    if (!equal(found, short_check(check))) {
      if (!in.empty()) {
        return fail(Errc::kEncoding, "the journal is damaged beyond an unfinished write");
      }
      out.torn = true;
      break;
    }
    if (kind != static_cast<std::uint8_t>(Kind::kAppend) &&
        kind != static_cast<std::uint8_t>(Kind::kReplace)) {
      return fail(Errc::kEncoding, "a write in the journal is of an unknown kind");
    }
    out.journal.check_ = check;
    out.writes.push_back(write);
  }
  return out;
}

}  // namespace kagibin::se
