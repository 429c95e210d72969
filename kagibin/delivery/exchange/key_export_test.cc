// SPDX-License-Identifier: Apache-2.0
// Every data object of a key export: left out, of another length, out of its limits.
#include "kagibin/delivery/exchange/key_export.h"

#include <gtest/gtest.h>

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::delivery {
namespace {

KeyExport an_export(std::size_t key_size) {
  return {.iin = {0x42},
          .cin = {0x45},
          .security_domain = Aid::from_hex("A000000151000001").value(),
          .key_version_number = 0x30,
          .i = 0x70,
          .key_enc = SecretBytes::copy_of(Bytes(key_size, 0x01)),
          .key_mac = SecretBytes::copy_of(Bytes(key_size, 0x02)),
          .key_dek = SecretBytes::copy_of(Bytes(key_size, 0x03))};
}

Bytes encoded(std::size_t key_size) {
  std::vector<KeyExport> exports;
  exports.push_back(an_export(key_size));
  const SecretBytes octets = encode_key_exports(exports).value();
  return {octets.expose().begin(), octets.expose().end()};
}

// The record with one data object changed; nothing: left out.
Bytes with(tlv::Tag tag, const std::optional<Bytes>& value) {
  const Bytes record = encoded(16);
  tlv::TlvWriter out;
  for (tlv::TlvReader in(tlv::read_single(record, 0xEA).value().value); !in.empty();) {
    const tlv::Tlv one = in.next().value();
    if (one.tag != tag) {
      out.raw(one.encoded);
    } else if (value) {
      out.put(tag, *value);
    }
  }
  return tlv::encode(0xEA, out.view());
}

std::string_view fault(ByteView octets) {
  const auto exports = decode_key_exports(octets);
  return exports ? std::string_view("none") : name(exports.error().code);
}

TEST(KeyExportFieldTest, EveryDataObjectHasItsPlaceAndItsLength) {
  struct Row {
    tlv::Tag tag;
    std::optional<Bytes> value;
    Errc code;
  };
  ASSERT_EQ(fault(encoded(16)), "none");
  for (const Row& row : std::vector<Row>{
           {0x80, std::nullopt, Errc::kUnexpectedTag},
           {0x80, Bytes{}, Errc::kLength},
           {0x80, Bytes{0x02}, Errc::kNotSupported},
           {0x81, std::nullopt, Errc::kUnexpectedTag},
           {0x81, Bytes{}, Errc::kLength},
           {0x81, Bytes(17), Errc::kLength},
           {0x82, std::nullopt, Errc::kUnexpectedTag},
           {0x82, Bytes{}, Errc::kLength},
           {0x82, Bytes(17), Errc::kLength},
           {0x83, std::nullopt, Errc::kUnexpectedTag},
           {0x83, Bytes(4), Errc::kLength},
           {0x83, Bytes(17), Errc::kLength},
           {0x84, std::nullopt, Errc::kUnexpectedTag},
           {0x84, Bytes(2), Errc::kLength},
           {0x85, std::nullopt, Errc::kUnexpectedTag},
           {0x85, Bytes{}, Errc::kLength},
           {0x86, std::nullopt, Errc::kUnexpectedTag},
           {0x86, Bytes(15), Errc::kLength},
           {0x86, Bytes(17), Errc::kLength},
           {0x86, Bytes(33), Errc::kLength},
           {0x86, Bytes(24), Errc::kLength},  // of another size than the other two
           {0x87, std::nullopt, Errc::kUnexpectedTag},
           {0x87, Bytes(24), Errc::kLength},
           {0x88, std::nullopt, Errc::kTruncated},
           {0x88, Bytes(15), Errc::kLength},
       }) {
    EXPECT_EQ(fault(with(row.tag, row.value)), name(row.code))
        << std::hex << row.tag << (row.value ? " " + to_hex(*row.value) : " left out");
  }
  Bytes inner = encoded(16);
  append(inner, tlv::encode(0x89, {}));
  EXPECT_EQ(fault(inner), name(Errc::kUnexpectedTag)) << "behind the record";
  inner[1] = static_cast<std::uint8_t>(inner[1] + 2);
  EXPECT_EQ(fault(inner), name(Errc::kTrailing)) << "in the record";
  EXPECT_EQ(fault(tlv::encode(0xEA, {})), name(Errc::kLength));
  EXPECT_EQ(fault(tlv::encode(0xEA, Bytes(256))), name(Errc::kLength));
  EXPECT_EQ(fault({}), name(Errc::kTruncated));
}

TEST(KeyExportFieldTest, EveryTruncationIsRefused) {
  for (const std::size_t size : {16UZ, 32UZ}) {
    const Bytes whole = encoded(size);
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
      EXPECT_EQ(fault(ByteView(whole).first(cut)), name(Errc::kTruncated)) << cut;
    }
  }
}

TEST(KeyExportFieldTest, AnExportHasAtMostTenThousandKeySets) {
  std::vector<KeyExport> exports;
  for (std::size_t i = 0; i < kMaxKeyExports; ++i) {
    exports.push_back(an_export(16));
  }
  const SecretBytes full = encode_key_exports(exports).value();
  EXPECT_EQ(decode_key_exports(full.expose()).value().size(), kMaxKeyExports);
  Bytes more(full.expose().begin(), full.expose().end());
  append(more, encoded(16));
  EXPECT_EQ(fault(more), name(Errc::kLimit));
  exports.push_back(an_export(16));
  EXPECT_EQ(encode_key_exports(exports).error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace kagibin::delivery
