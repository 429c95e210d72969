// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/postgres/pg_parameters.h"

#include "kagibin/base/byte_io.h"

namespace kagibin::store {
namespace {

// pg_type's numbers, which never change.
constexpr std::uint32_t kBytea = 17;
constexpr std::uint32_t kInt8 = 20;
constexpr std::uint32_t kText = 25;

ByteWriter array_header(std::uint32_t element_type, std::size_t count) {
  ByteWriter out;
  out.u32(count == 0 ? 0 : 1);  // dimensions
  out.u32(0);                   // no nulls
  out.u32(element_type);
  if (count != 0) {
    out.u32(static_cast<std::uint32_t>(count));
    out.u32(1);  // the first index
  }
  return out;
}

void append_element(ByteWriter& out, ByteView element) {
  out.u32(static_cast<std::uint32_t>(element.size()));
  out.bytes(element);
}

Bytes eight_octets(std::int64_t value) {
  ByteWriter out;
  out.u64(static_cast<std::uint64_t>(value));
  return out.take();
}

}  // namespace

PgParameters& PgParameters::integer(std::int64_t value) {
  values_.push_back({.octets = eight_octets(value)});
  return *this;
}

PgParameters& PgParameters::text(std::string_view value) { return octets(ascii(value)); }

PgParameters& PgParameters::octets(ByteView value) {
  values_.push_back({.octets = Bytes(value.begin(), value.end())});
  return *this;
}

PgParameters& PgParameters::null() {
  values_.push_back({.is_null = true});
  return *this;
}

PgParameters& PgParameters::integers(std::span<const std::int64_t> values) {
  ByteWriter out = array_header(kInt8, values.size());
  for (const std::int64_t value : values) {
    append_element(out, eight_octets(value));
  }
  values_.push_back({.octets = out.take()});
  return *this;
}

PgParameters& PgParameters::texts(std::span<const std::string_view> values) {
  ByteWriter out = array_header(kText, values.size());
  for (const std::string_view value : values) {
    append_element(out, ascii(value));
  }
  values_.push_back({.octets = out.take()});
  return *this;
}

PgParameters& PgParameters::octet_strings(std::span<const ByteView> values) {
  ByteWriter out = array_header(kBytea, values.size());
  for (const ByteView value : values) {
    append_element(out, value);
  }
  values_.push_back({.octets = out.take()});
  return *this;
}

}  // namespace kagibin::store
