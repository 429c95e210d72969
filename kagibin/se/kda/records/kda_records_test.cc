// SPDX-License-Identifier: Apache-2.0
// The KDA's records, field by field: what is missing, of another length or past its limit.
#include "kagibin/se/kda/records/kda_records.h"

#include <gtest/gtest.h>

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {
namespace {

using Value = std::optional<Bytes>;  // nothing: the data object is left out

// A record with one of its data objects changed.
Bytes with(ByteView record, tlv::Tag tag, const Value& value) {
  tlv::TlvWriter out;
  for (tlv::TlvReader in(record); !in.empty();) {
    const tlv::Tlv one = in.next().value();
    if (one.tag != tag) {
      out.raw(one.encoded);
    } else if (value) {
      out.put(tag, *value);
    }
  }
  return out.take();
}

// The name of what a record fails with; "none" when it decodes.
template <typename Record>
std::string_view fault(ByteView octets) {
  const auto record = Record::decode(octets);
  return record ? std::string_view("none") : name(record.error().code);
}

struct Row {
  tlv::Tag tag;
  Value value;
  Errc code;
};

// It encodes to what it decodes from; no proper prefix and nothing longer decodes; the version is
// checked; every row is refused with its code.
template <typename Record>
void expect_strict(const Record& record, const std::vector<Row>& rows) {
  const Bytes octets = record.encode();
  ASSERT_EQ(fault<Record>(octets), "none");
  EXPECT_EQ(to_hex(Record::decode(octets)->encode()), to_hex(octets));
  for (std::size_t size = 0; size < octets.size(); ++size) {
    const auto cut = Record::decode(ByteView(octets).first(size));
    // An optional last data object may be absent altogether.
    EXPECT_TRUE(!cut || cut->encode().size() == size) << size;
  }
  EXPECT_EQ(fault<Record>({}), name(Errc::kTruncated));
  Bytes longer = octets;
  append(longer, tlv::encode(0x9A, {}));
  EXPECT_EQ(fault<Record>(longer), name(Errc::kTrailing));
  EXPECT_EQ(fault<Record>(with(octets, 0x80, Bytes{0x03})), name(Errc::kNotSupported));
  EXPECT_EQ(fault<Record>(with(octets, 0x80, Bytes{0x01, 0x00})), name(Errc::kLength));
  EXPECT_EQ(fault<Record>(with(octets, 0x80, std::nullopt)), name(Errc::kUnexpectedTag));
  for (const Row& row : rows) {
    EXPECT_EQ(fault<Record>(with(octets, row.tag, row.value)), name(row.code))
        << "tag " << std::hex << row.tag << ", value "
        << (row.value ? to_hex(*row.value) : std::string("left out"));
  }
}

Aid target() { return Aid::from_hex("A000000151000001").value(); }

KdaSlot slot() {
  KdaSlot out{.spid = {}, .target = target(), .handle = {}};
  out.spid.octets.fill(0x01);
  out.handle.octets.fill(0x02);
  out.certificate = {0x7F, 0x21, 0x00};
  out.kem_key.fill(0x04);
  out.last_committed_seq = 7;
  out.level_floor = 2;
  out.highest_key_version = 0x30;
  out.remember(Nonce16{{0x0A}});
  out.remember(Nonce16{{0x0B}});
  return out;
}

TEST(KdaSlotTest, EveryFieldHasItsPlaceAndItsLength) {
  expect_strict(slot(), {
                            {0x81, std::nullopt, Errc::kUnexpectedTag},
                            {0x81, Bytes(15), Errc::kLength},
                            {0x82, std::nullopt, Errc::kUnexpectedTag},
                            {0x82, Bytes(4), Errc::kLength},
                            {0x82, Bytes(17), Errc::kLength},
                            {0x83, std::nullopt, Errc::kUnexpectedTag},
                            {0x83, Bytes(17), Errc::kLength},
                            {0x84, std::nullopt, Errc::kUnexpectedTag},
                            {0x84, Bytes{}, Errc::kLength},
                            {0x85, std::nullopt, Errc::kUnexpectedTag},
                            {0x85, Bytes(64), Errc::kLength},
                            {0x86, std::nullopt, Errc::kUnexpectedTag},
                            {0x86, Bytes(31), Errc::kLength},
                            {0x87, std::nullopt, Errc::kUnexpectedTag},
                            {0x87, Bytes(33), Errc::kLength},
                            {0x88, std::nullopt, Errc::kUnexpectedTag},
                            {0x88, Bytes(3), Errc::kLength},
                            {0x89, std::nullopt, Errc::kUnexpectedTag},
                            {0x89, Bytes(2), Errc::kLength},
                            {0x89, Bytes{0x06}, Errc::kValue},
                            {0x89, Bytes{0x21}, Errc::kValue},
                            {0x89, Bytes{0xFF}, Errc::kValue},
                            {0x8A, std::nullopt, Errc::kUnexpectedTag},
                            {0x8A, Bytes{}, Errc::kLength},
                            {0x8B, std::nullopt, Errc::kTruncated},
                            {0x8B, Bytes(17), Errc::kTruncated},
                            {0x8B, Bytes(272), Errc::kLength},
                        });
}

TEST(KdaSlotTest, NamesTheAttemptThatAnnouncedItsOwnWhereOneDid) {
  KdaSlot announced = slot();
  announced.announced_by = Handle{{0x77}};
  EXPECT_EQ(KdaSlot::decode(announced.encode()).value().announced_by, announced.announced_by);
  EXPECT_EQ(KdaSlot::decode(slot().encode()).value().announced_by, std::nullopt);
  EXPECT_EQ(fault<KdaSlot>(with(announced.encode(), 0x8E, Bytes(15))), name(Errc::kLength));
}

TEST(KdaSlotTest, RemembersTheLastSixteenNonces) {
  KdaSlot full = slot();
  for (std::uint8_t i = 0; i < 16; ++i) {
    full.remember(Nonce16{{0xF0, i}});
  }
  EXPECT_EQ(full.nonces.size(), KdaSlot::kMaxNonces);
  EXPECT_FALSE(full.knows(Nonce16{{0x0B}}));
  EXPECT_TRUE(full.knows(Nonce16{{0xF0, 0}}));
  EXPECT_EQ(KdaSlot::decode(full.encode()).value().nonces, full.nonces);
}

TEST(KdaSlotTest, TheFloorOnlyRisesAndRl2AndRl3AreOfOneHeight) {
  struct Row {
    int before;
    int level;
    int after;
  };
  for (const Row& row : {Row{0, 1, 1}, Row{0, 2, 2}, Row{0, 3, 2}, Row{1, 3, 2}, Row{2, 3, 2},
                         Row{2, 1, 2}, Row{2, 4, 4}, Row{4, 3, 4}, Row{0, 5, 5}, Row{5, 4, 5}}) {
    KdaSlot slot{.spid = {}, .target = *Aid::from_hex("A000000151"), .handle = {}};
    slot.level_floor = static_cast<std::uint8_t>(row.before);
    slot.commit({.seq = 7, .level = static_cast<std::uint8_t>(row.level)});
    EXPECT_EQ(slot.level_floor, row.after) << row.before << " then " << row.level;
    EXPECT_EQ(slot.last_committed_seq, 7U);
  }
}

TEST(KdaJournalTest, EveryFieldHasItsPlaceAndItsLimit) {
  KdaJournal journal;
  journal.state = kda::State::kSent;
  journal.sessions = 1;
  journal.channel_refused = true;
  journal.actions = 2;
  journal.proved = {envelope::ActionResult::kInstalledByProbe};
  expect_strict(journal, {
                             {0x81, std::nullopt, Errc::kUnexpectedTag},
                             {0x81, Bytes{0x00}, Errc::kValue},
                             {0x81, Bytes{0x03}, Errc::kValue},  // a channel is open: volatile
                             {0x81, Bytes{0x05}, Errc::kValue},  // unknown: follows from the rest
                             {0x81, Bytes{0x0A}, Errc::kValue},
                             {0x82, std::nullopt, Errc::kUnexpectedTag},
                             {0x82, Bytes{0x04}, Errc::kValue},
                             {0x83, std::nullopt, Errc::kUnexpectedTag},
                             {0x83, Bytes{0x04}, Errc::kValue},
                             {0x84, std::nullopt, Errc::kUnexpectedTag},
                             {0x84, Bytes{0x02}, Errc::kValue},
                             {0x85, std::nullopt, Errc::kUnexpectedTag},
                             {0x85, Bytes{0x09}, Errc::kValue},
                             {0x85, Bytes{0x00}, Errc::kValue},  // fewer than are proved
                             {0x86, std::nullopt, Errc::kUnexpectedTag},
                             {0x86, Bytes{0x02}, Errc::kValue},
                             {0x86, Bytes(9), Errc::kLength},
                             {0x87, std::nullopt, Errc::kUnexpectedTag},
                             {0x87, Bytes(31), Errc::kLength},
                             {0x88, std::nullopt, Errc::kUnexpectedTag},
                             {0x88, Bytes(5), Errc::kLength},
                             {0x89, std::nullopt, Errc::kTruncated},
                             {0x89, Bytes(2), Errc::kLength},
                         });
}

TEST(KdaJournalTest, ADeliveryHasBegunWhenAKeyMayHaveLeft) {
  KdaJournal journal;
  EXPECT_FALSE(journal.is_delivering());
  EXPECT_FALSE(journal.has_begun());
  journal.state = kda::State::kLoaded;
  EXPECT_TRUE(journal.is_delivering());
  EXPECT_FALSE(journal.has_begun());
  journal.sessions = 1;
  EXPECT_TRUE(journal.has_begun());
  journal.sessions = 0;
  journal.proved = {envelope::ActionResult::kInstalled};
  EXPECT_TRUE(journal.has_begun());
  journal.proved.clear();
  journal.state = kda::State::kSent;
  EXPECT_TRUE(journal.is_delivering());
  EXPECT_TRUE(journal.has_begun());
  journal.state = kda::State::kDone;
  EXPECT_FALSE(journal.is_delivering());
}

TEST(KdaReceiptTest, EveryFieldHasItsPlaceAndItsLength) {
  KdaReceipt receipt{.handle = {}, .spid = {}, .target = target()};
  receipt.receipt = {0xE3, 0x00};
  receipt.counter = 5;
  expect_strict(receipt, {
                             {0x80, Bytes{0x01}, Errc::kNotSupported},
                             {0x81, std::nullopt, Errc::kUnexpectedTag},
                             {0x81, Bytes(15), Errc::kLength},
                             {0x82, std::nullopt, Errc::kUnexpectedTag},
                             {0x82, Bytes(17), Errc::kLength},
                             {0x83, std::nullopt, Errc::kUnexpectedTag},
                             {0x83, Bytes(4), Errc::kLength},
                             {0x84, std::nullopt, Errc::kUnexpectedTag},
                             {0x84, Bytes{}, Errc::kLength},
                             {0x85, std::nullopt, Errc::kTruncated},
                             {0x85, Bytes(3), Errc::kLength},
                         });
}

TEST(KdaProviderTest, EveryFieldHasItsPlaceAndItsLength) {
  expect_strict(KdaProvider{.spid = {}, .last_issued = 9, .enrolments = 3, .receipts = 2},
                {
                    {0x80, Bytes{0x01}, Errc::kNotSupported},
                    {0x81, std::nullopt, Errc::kUnexpectedTag},
                    {0x81, Bytes(17), Errc::kLength},
                    {0x82, std::nullopt, Errc::kUnexpectedTag},
                    {0x82, Bytes(5), Errc::kLength},
                    {0x83, std::nullopt, Errc::kUnexpectedTag},
                    {0x83, Bytes(3), Errc::kLength},
                    {0x84, std::nullopt, Errc::kTruncated},
                    {0x84, Bytes(5), Errc::kLength},
                });
}

TEST(KdaTrustTest, EveryFieldHasItsPlaceAndItsLength) {
  KdaTrust trust;
  trust.root.fill(0x04);
  trust.min_epoch = 3;
  const std::vector<Row> rows = {
      {0x80, Bytes{0x01}, Errc::kNotSupported},   {0x81, Bytes(64), Errc::kLength},
      {0x83, std::nullopt, Errc::kUnexpectedTag}, {0x83, Bytes(1), Errc::kLength},
      {0x84, std::nullopt, Errc::kUnexpectedTag}, {0x84, Bytes(5), Errc::kLength},
      {0x85, std::nullopt, Errc::kTruncated},     {0x85, Bytes(3), Errc::kLength},
  };
  expect_strict(trust, rows);
  trust.second_root = envelope::Point{};
  expect_strict(trust, rows);
  EXPECT_EQ(fault<KdaTrust>(with(trust.encode(), 0x81, std::nullopt)), name(Errc::kUnexpectedTag));
  EXPECT_EQ(fault<KdaTrust>(with(trust.encode(), 0x82, Bytes(64))), name(Errc::kLength));
  EXPECT_EQ(KdaTrust::decode(trust.encode()).value().second_root, trust.second_root);
}

TEST(KdaCertificatesTest, EveryFieldHasItsPlaceAndItsLength) {
  KdaCertificates certificates{.maker = {0x01}, .kda = {0x02}};
  const std::vector<Row> rows = {
      {0x81, std::nullopt, Errc::kUnexpectedTag},
      {0x81, Bytes{}, Errc::kLength},
      {0x82, Bytes{}, Errc::kLength},
  };
  expect_strict(certificates, rows);
  EXPECT_EQ(fault<KdaCertificates>(with(certificates.encode(), 0x82, std::nullopt)),
            name(Errc::kTruncated));
  certificates.oce = Bytes{0x03};
  expect_strict(certificates, rows);
  EXPECT_EQ(fault<KdaCertificates>(with(certificates.encode(), 0x82, std::nullopt)),
            name(Errc::kUnexpectedTag));
  EXPECT_EQ(fault<KdaCertificates>(with(certificates.encode(), 0x83, Bytes{})),
            name(Errc::kLength));
  EXPECT_EQ(KdaCertificates::decode(certificates.encode()).value().oce, certificates.oce);
}

}  // namespace
}  // namespace kagibin::se
