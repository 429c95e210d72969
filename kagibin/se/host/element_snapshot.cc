// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/host/element_snapshot.h"

#include <algorithm>
#include <utility>

#include "kagibin/base/byte_io.h"

namespace kagibin::se {

namespace {

constexpr std::string_view kMagic = "KBHOST1\n";
constexpr std::size_t kLengthOctets = 4;
constexpr std::size_t kCheckOctets = 32;

bool is_label(ByteView text) {
  return text.size() <= ElementSnapshot::kMaxLabel &&
         std::ranges::all_of(text, [](std::uint8_t c) { return c >= 0x20 && c < 0x7F; });
}

Bytes head_octets(const SnapshotWriter::Head& head) {
  return ByteWriter()
      .bytes(ascii(kMagic))
      .bytes(head.name)
      .u8(static_cast<std::uint8_t>(head.label.size()))
      .bytes(ascii(head.label))
      .u32(head.count)
      .take();
}

}  // namespace

SnapshotWriter::SnapshotWriter(const Head& head) : left_(head.count) {
  KB_CHECK(head.count <= ElementSnapshot::kMaxElements && is_label(ascii(head.label)));
  const Bytes octets = head_octets(head);
  out_ = SecretBytes(octets.size() + head.count * kLengthOctets + head.octets + kCheckOctets);
  put(octets);
  check_ = crypto::sha256(octets);
}

void SnapshotWriter::put(ByteView octets) {
  KB_CHECK(octets.size() <= out_.size() - used_);
  std::ranges::copy(octets, out_.expose_mutable().subspan(used_).begin());
  used_ += octets.size();
}

void SnapshotWriter::add(ByteView element) {
  KB_CHECK(left_ > 0 && element.size() <= ElementSnapshot::kMaxElementOctets);
  --left_;
  const Bytes length = ByteWriter().u32(static_cast<std::uint32_t>(element.size())).take();
  check_ = crypto::sha256({check_, length, element});
  put(length);
  put(element);
}

SecretBytes SnapshotWriter::finish() {
  KB_CHECK(left_ == 0);
  put(check_);
  KB_CHECK(used_ == out_.size());
  return std::move(out_);
}

Result<ElementSnapshot> ElementSnapshot::decode(ByteView file) {
  ByteReader in(file);
  const ByteView magic = KB_TRY(in.bytes(kMagic.size()));
  if (!equal(magic, ascii(kMagic))) {
    return fail(Errc::kEncoding, "this file is not a snapshot of elements");
  }
  ElementSnapshot out;
  const ByteView name = KB_TRY(in.bytes(out.name.size()));
  std::ranges::copy(name, out.name.begin());
  const std::uint8_t label_length = KB_TRY(in.u8());
  const ByteView label = KB_TRY(in.bytes(label_length));
  if (!is_label(label)) {
    return fail(Errc::kEncoding, "the label of a snapshot is at most 40 characters");
  }
  out.label.assign(label.begin(), label.end());
  const std::uint32_t count = KB_TRY(in.u32());
  if (count > kMaxElements) {
    return fail(Errc::kLimit, "a snapshot holds at most 1,000,000 elements");
  }
  // Before memory is taken for them: every element has its length.
  if (in.remaining() < std::size_t{count} * kLengthOctets + kCheckOctets) {
    return fail(Errc::kTruncated, "the snapshot ends before its elements do");
  }
  crypto::Digest256 check = crypto::sha256(file.first(file.size() - in.remaining()));
  out.elements.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t length = KB_TRY(in.u32());
    if (length > kMaxElementOctets) {
      return fail(Errc::kLimit, "an element of a snapshot has at most 1 MiB");
    }
    const ByteView element = KB_TRY(in.bytes(length));
    check = crypto::sha256({check, ByteWriter().u32(length).view(), element});
    out.elements.push_back(SecretBytes::copy_of(element));
  }
  const ByteView found = KB_TRY(in.bytes(kCheckOctets));
  KB_TRY(in.finish());
  if (!equal(found, check)) {
    return fail(Errc::kEncoding, "the snapshot was changed or damaged: its check is wrong");
  }
  return out;
}

SecretBytes ElementSnapshot::encode() const {
  std::size_t octets = 0;
  for (const SecretBytes& element : elements) {
    octets += element.size();
  }
  SnapshotWriter writer({.name = name,
                         .label = label,
                         .count = static_cast<std::uint32_t>(elements.size()),
                         .octets = octets});
  for (const SecretBytes& element : elements) {
    writer.add(element.expose());
  }
  return writer.finish();
}

}  // namespace kagibin::se
