// SPDX-License-Identifier: Apache-2.0
#include "tests/support/mutations.h"

#include <fmt/format.h>

#include "kagibin/base/result.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::test {

namespace {

using tlv::Tlv;
using tlv::TlvReader;
using tlv::TlvWriter;

std::vector<Tlv> children_of(ByteView value) {
  std::vector<Tlv> out;
  TlvReader in(value);
  while (!in.empty()) {
    const Result<Tlv> child = in.next();
    KB_CHECK(child.has_value());
    out.push_back(*child);
  }
  return out;
}

// The template's octets at the end of the path, and what puts others in their place.
struct Target {
  ByteView value;
  std::function<Bytes(ByteView)> put_back;
};

Target find(ByteView message, const std::vector<std::size_t>& path) {
  TlvReader in(message);
  const Result<Tlv> outer = in.next();
  KB_CHECK(outer.has_value() && in.empty());
  Target target{outer->value,
                [tag = outer->tag](ByteView value) { return tlv::encode(tag, value); }};
  for (const std::size_t index : path) {
    const std::vector<Tlv> children = children_of(target.value);
    KB_CHECK(index < children.size());
    const auto put_back = [children, index, outside = target.put_back](ByteView value) {
      TlvWriter out;
      for (std::size_t i = 0; i < children.size(); ++i) {
        i == index ? out.put(children[i].tag, value) : out.raw(children[i].encoded);
      }
      return outside(out.view());
    };
    target = {children[index].value, put_back};
  }
  return target;
}

// The same TLV with its length in one octet more than it needs.
Bytes in_long_form(const Tlv& child) {
  const std::size_t header = child.encoded.size() - child.value.size();
  const std::size_t tag_size =
      tlv::encoded_size(child.tag, 0) - 1;  // an empty value has a length of one octet
  Bytes out(child.encoded.begin(), child.encoded.begin() + static_cast<std::ptrdiff_t>(tag_size));
  if (header - tag_size == 1) {
    out.push_back(0x81);
  } else {
    out.insert(out.end(), {0x82, 0x00});
  }
  out.push_back(static_cast<std::uint8_t>(child.value.size() & 0xFFU));
  append(out, child.value);
  return out;
}

}  // namespace

std::vector<Mutation> tlv_mutations(ByteView message, const std::vector<std::size_t>& path) {
  const Target target = find(message, path);
  const std::vector<Tlv> children = children_of(target.value);
  std::vector<Mutation> out;
  // The template with the TLVs `first` up to `last` replaced by other octets.
  const auto replace = [&](std::string what, std::size_t first, std::size_t last, ByteView by) {
    TlvWriter octets;
    for (std::size_t i = 0; i < children.size(); ++i) {
      if (i == first) {
        octets.raw(by);
      }
      if (i < first || i >= last) {
        octets.raw(children[i].encoded);
      }
    }
    out.push_back({std::move(what), target.put_back(octets.view())});
  };
  for (std::size_t i = 0; i < children.size(); ++i) {
    const Tlv& child = children[i];
    const std::string tag = fmt::format(" {:02X}", child.tag);
    Bytes value(child.value.begin(), child.value.end());
    replace("drop" + tag, i, i + 1, {});
    replace("double" + tag, i, i + 1, TlvWriter().raw(child.encoded).raw(child.encoded).view());
    if (i + 1 < children.size()) {
      const ByteView next = children[i + 1].encoded;
      replace("swap" + tag, i, i + 2, TlvWriter().raw(next).raw(child.encoded).view());
    }
    replace("rename" + tag, i, i + 1, tlv::encode(0x9A, value));
    replace("empty" + tag, i, i + 1, tlv::encode(child.tag, {}));
    if (value.size() > 1) {
      replace("shorter" + tag, i, i + 1,
              tlv::encode(child.tag, ByteView(value).first(value.size() - 1)));
    }
    value.push_back(0x01);
    replace("longer" + tag, i, i + 1, tlv::encode(child.tag, value));
    if (child.value.size() < 0x100) {
      replace("long form" + tag, i, i + 1, in_long_form(child));
    }
  }
  const Bytes foreign = tlv::encode(0x9A, {});
  out.push_back({"append", target.put_back(TlvWriter().raw(target.value).raw(foreign).view())});
  return out;
}

std::vector<Mutation> truncations(ByteView message) {
  std::vector<Mutation> out;
  for (std::size_t size = 0; size < message.size(); ++size) {
    const ByteView prefix = message.first(size);
    out.push_back({fmt::format("cut to {}", size), Bytes(prefix.begin(), prefix.end())});
  }
  return out;
}

std::vector<Mutation> bit_flips(ByteView message) {
  std::vector<Mutation> out;
  for (std::size_t i = 0; i < message.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes octets(message.begin(), message.end());
      octets[i] = static_cast<std::uint8_t>(octets[i] ^ (1U << bit));
      out.push_back({fmt::format("bit {} of octet {}", bit, i), std::move(octets)});
    }
  }
  return out;
}

Names accepted(const std::vector<Mutation>& mutations,
               const std::function<bool(const Bytes&)>& predicate) {
  Names out;
  for (const Mutation& mutation : mutations) {
    if (predicate(mutation.octets)) {
      out.push_back(mutation.what);
    }
  }
  return out;
}

}  // namespace kagibin::test
