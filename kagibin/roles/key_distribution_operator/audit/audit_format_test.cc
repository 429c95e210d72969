// SPDX-License-Identifier: Apache-2.0
// Entries and checkpoints: what is written reads back, and nothing else is taken.
#include <limits>

#include <gtest/gtest.h>

#include "kagibin/base/base64.h"
#include "kagibin/base/byte_io.h"
#include "kagibin/roles/key_distribution_operator/audit/audit_entry.h"
#include "kagibin/roles/key_distribution_operator/audit/signed_note.h"

#include "tests/support/fixed_rng.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

using delivery::State;

OrderChange a_change() {
  return {.time = 1'800'000'000,
          .event = AuditEvent::kReceipt,
          .order = {.provider = Spid{{0xAA}}, .id = delivery::OrderId::from("o-1.a_b").value()},
          .attempt = 2,
          .state = State::kReported,
          .order_state = State::kHandedOver,
          .revision = 3,
          .digest = crypto::sha256(ascii("message"))};
}

std::string text(const Bytes& octets) { return {octets.begin(), octets.end()}; }

// Each event as distributors write it; every other combination is refused.
TEST(AuditEntryTest, EveryEventReadsBackAndNoneThatIsNeverWritten) {
  int taken = 0;
  for (int event = 0; event < 13; ++event) {
    for (int parts = 0; parts < 8; ++parts) {
      OrderChange change = a_change();
      change.event = static_cast<AuditEvent>(event);
      change.attempt = (parts & 1) != 0 ? 2 : 0;
      change.revision = (parts & 2) != 0 ? 3 : 0;
      change.digest = (parts & 4) != 0 ? change.digest : std::nullopt;
      const std::string_view is = name(change.event);
      const bool needs_none = is == "expire" || is == "supersede";
      const bool attempt_fits = is == "expire" || (change.attempt == 0) == (is == "order");
      const bool revision_fits =
          is.starts_with("verdict") || (change.revision != 0) == (is == "receipt");
      const auto read = decode_audit_entry(encode(change));
      if (attempt_fits && revision_fits && change.digest.has_value() != needs_none) {
        EXPECT_EQ(read.value(), AuditEntry(change));
        ++taken;
      } else {
        EXPECT_EQ(read.error().code, Errc::kEncoding) << text(encode(change));
      }
    }
  }
  EXPECT_EQ(taken, 18) << "verdicts without a receipt and orders that expire are the second ones";
  OrderChange beyond = a_change();
  beyond.attempt = delivery::kMaxAttempts + 1;
  EXPECT_FALSE(decode_audit_entry(encode(beyond)).has_value());
  const LogBegin begin{.time = -1, .orders = 7, .attempts = 9};
  EXPECT_EQ(text(encode(begin)), "KBA1 -1 begin 7 9");
  EXPECT_EQ(decode_audit_entry(encode(begin)).value(), AuditEntry(begin));
  EXPECT_EQ(text(encode(a_change())),
            "KBA1 1800000000 receipt AA000000000000000000000000000000 o-1.a_b 2 reported "
            "handed_over 3 AB530A13E45914982B79F9B7E3FBA994CFD1F3FB22F71CEA1AFBF02B460C6D1D");
}

TEST(AuditEntryTest, EntriesAboutCampaignsReadBackWithAndWithoutWhoMadeThem) {
  CampaignChange change{
      .time = 5,
      .event = CampaignEvent::kPause,
      .campaign = {.provider = Spid{{0xAA}}, .id = delivery::CampaignId::from("spring").value()},
      .state = delivery::CampaignState::kPaused,
      .released = 7,
      .digest = crypto::sha256(ascii("message")),
      .by = delivery::CampaignActor::kOperator};
  const std::string line = text(encode(change));
  EXPECT_EQ(line,
            "KBA1 5 campaign pause AA000000000000000000000000000000 spring paused 7 "
            "AB530A13E45914982B79F9B7E3FBA994CFD1F3FB22F71CEA1AFBF02B460C6D1D operator");
  EXPECT_EQ(decode_audit_entry(ascii(line)).value(), AuditEntry(change));
  for (const char* wrong :
       {" ", " nobody", " operator ", " operator x", " Operator", " distributor"}) {
    EXPECT_FALSE(decode_audit_entry(ascii(line.substr(0, line.rfind(' ')) + wrong)).has_value());
  }
  change.by.reset();
  EXPECT_EQ(decode_audit_entry(encode(change)).value(), AuditEntry(change));
}

TEST(AuditEntryTest, TheLongestEntryIsWithinTheLimit) {
  OrderChange change = a_change();
  change.time = std::numeric_limits<std::int64_t>::min();
  change.event = AuditEvent::kVerdictConfirmed;
  change.order.id = delivery::OrderId::from(std::string(64, 'x')).value();
  change.attempt = 999;
  change.state = State::kHandedOver;
  change.revision = std::numeric_limits<std::uint32_t>::max();
  EXPECT_LE(encode(change).size(), kMaxEntryBytes);
}

TEST(AuditEntryTest, OtherSpellingsAndCutsAreRefused) {
  const std::string good = text(encode(a_change()));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(decode_audit_entry(ascii(good.substr(0, size))).has_value()) << size;
  }
  for (const auto& [from, to] :
       {std::pair("KBA1", "KBA2"), std::pair("1800000000", "01800000000"),
        std::pair("1800000000", "+1800000000"), std::pair("receipt", "Receipt"),
        std::pair("AB53", "ab53"), std::pair("AA00", "aa00"), std::pair("reported", "reporte"),
        std::pair(" 2 ", " 02 "), std::pair(" 2 ", "  2 "), std::pair(" 3 ", " 4294967296 "),
        std::pair(" 3 ", " -1 "), std::pair("o-1", "o/1"), std::pair("KBA1", " KBA1")}) {
    std::string bad = good;
    bad.replace(bad.find(from), std::string_view(from).size(), to);
    EXPECT_FALSE(decode_audit_entry(ascii(bad)).has_value()) << bad;
  }
  EXPECT_FALSE(decode_audit_entry(ascii(good + "\n")).has_value());
  EXPECT_FALSE(decode_audit_entry(ascii(good + " ")).has_value());
  EXPECT_FALSE(decode_audit_entry(ascii("KBA1 5 begin 1")).has_value());
  EXPECT_FALSE(decode_audit_entry(ascii("KBA1 5 begin 1 2 3 4 5 6 7")).has_value());
  EXPECT_FALSE(decode_audit_entry(Bytes(400, 'A')).has_value());
}

struct CheckpointTest : testing::Test {
  test::FixedRng rng{"log"};
  crypto::Ed25519PrivateKey key = crypto::Ed25519PrivateKey::generate(rng).value();
  std::string name = name_of_log(key.public_key());
  VerifierKey verifier{.name = name, .key = key.public_key()};
  TreeHead head{.size = 20'852'163, .root = crypto::sha256(ascii("root"))};
};

// The verifier key that the Go project's `note` package documents.
TEST_F(CheckpointTest, AVerifierKeyOfAnotherImplementationIsRead) {
  const std::string foreign = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  const VerifierKey key_of_go = VerifierKey::parse(foreign).value();
  EXPECT_EQ(key_of_go.name, "PeterNeumann");
  EXPECT_EQ(key_of_go.id(), 0xC74F20A3U);
  EXPECT_EQ(key_of_go.text(), foreign);
  for (const char* bad : {"", "PeterNeumann", "PeterNeumann+c74f20a3",
                          "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                          "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                          "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                          "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                          "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                          "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy"}) {
    EXPECT_EQ(VerifierKey::parse(bad).error().code, Errc::kEncoding) << bad;
  }
}

TEST_F(CheckpointTest, ReadsBackAndEveryChangedOctetIsRefused) {
  const std::string note = sign(head, key, name).value();
  EXPECT_EQ(open_checkpoint(note, verifier).value(), head);
  EXPECT_EQ(VerifierKey::parse(verifier.text()).value(), verifier);
  for (std::size_t i = 0; i < note.size(); ++i) {
    std::string bad = note;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(open_checkpoint(bad, verifier).has_value()) << i;
    EXPECT_FALSE(open_checkpoint(note.substr(0, i), verifier).has_value()) << i;
  }
}

TEST_F(CheckpointTest, ForeignSignaturesArePassedOverAndForeignLogsRefused) {
  const std::string note = sign(head, key, name).value();
  const auto witness = crypto::Ed25519PrivateKey::generate(rng).value();
  const std::string theirs = sign(head, witness, "witness.example").value();
  const std::string line = theirs.substr(theirs.find("\n\n") + 2);
  EXPECT_EQ(open_checkpoint(note + line, verifier).value(), head);
  EXPECT_EQ(open_checkpoint(theirs, verifier).error().code, Errc::kAuthentication);
  const VerifierKey other{.name = name, .key = witness.public_key()};
  EXPECT_EQ(open_checkpoint(note, other).error().code, Errc::kAuthentication);
  // Signed with our key, but under the origin of another log.
  const std::string text = "other.example\n1\n" + std::string(43, 'A') + "=\n";
  const Bytes octets = ByteWriter().u32(verifier.id()).bytes(key.sign(ascii(text)).value()).take();
  const std::string forged = text + "\n\xE2\x80\x94 " + name + " " + to_base64(octets) + "\n";
  EXPECT_EQ(open_checkpoint(forged, verifier).error().code, Errc::kUntrusted);
  EXPECT_EQ(sign(head, key, "two words").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(open_checkpoint(note + std::string(kMaxNoteBytes, '\n'), verifier).error().code,
            Errc::kEncoding);
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
