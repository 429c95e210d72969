// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <numeric>

#include <gtest/gtest.h>
#include <unistd.h>

#include "kagibin/base/base64.h"
#include "kagibin/cli/demo/knowledge/knowledge_table.h"
#include "kagibin/cli/demo/knowledge/process_memory.h"
#include "kagibin/cli/demo/knowledge/secret_search.h"
#include "kagibin/cli/demo/knowledge/solver.h"
#include "kagibin/cli/demo/knowledge/tls_records.h"

namespace kagibin::cli::demo {
namespace {

Bytes secret(std::size_t size) {
  Bytes out(size);
  std::iota(out.begin(), out.end(), std::uint8_t{0xB7});
  return out;
}

SecretSearch search_for(ByteView octets) {
  SecretSearch out;
  out.add("K", octets);
  return out;
}

Bytes text(std::string_view characters) {
  return {ascii(characters).begin(), ascii(characters).end()};
}

bool finds(const SecretSearch& search, ByteView octets, const char* form) {
  return search.find(octets).contains({"K", form});
}

TEST(SecretSearchTest, FindsASecretRawWhereverItStands) {
  const SecretSearch search = search_for(secret(16));
  for (const std::size_t before : {0U, 1U, 7U, 4095U}) {
    Bytes octets(before, 0xB7);
    append(octets, secret(16));
    EXPECT_TRUE(finds(search, octets, "raw")) << before;
    octets.push_back(0);
    EXPECT_TRUE(finds(search, octets, "raw")) << before;
  }
}

TEST(SecretSearchTest, FindsHexadecimalDigitsOfEitherCase) {
  const SecretSearch search = search_for(secret(16));
  std::string digits = to_hex(secret(16));
  EXPECT_TRUE(finds(search, text("{\"k\":\"" + digits + "\"}"), "hex"));
  for (char& digit : digits) {
    digit = static_cast<char>(std::tolower(digit));
  }
  EXPECT_TRUE(finds(search, text("k=" + digits), "hex"));
}

TEST(SecretSearchTest, FindsBase64AtEachAlignmentWithNeighboursAndWithout) {
  const SecretSearch search = search_for(secret(16));
  for (std::size_t before = 0; before < 6; ++before) {
    for (std::size_t behind = 0; behind < 4; ++behind) {
      Bytes octets(before, 0x5A);
      append(octets, secret(16));
      append(octets, Bytes(behind, 0xC3));
      std::string base64 = to_base64(octets);
      EXPECT_TRUE(finds(search, text(base64), "base64")) << before << " " << behind;
      for (char& character : base64) {
        character = character == '+' ? '-' : character == '/' ? '_' : character;
      }
      EXPECT_TRUE(finds(search, text(base64), "base64")) << before << " " << behind;
    }
  }
}

TEST(SecretSearchTest, FindsTheFirstAndTheLastHalfOfALongerSecret) {
  const Bytes key = secret(32);
  const SecretSearch search = search_for(key);
  EXPECT_TRUE(finds(search, ByteView(key).first(16), "raw"));
  EXPECT_TRUE(finds(search, ByteView(key).last(16), "raw"));
}

TEST(SecretSearchTest, DoesNotTakeFifteenOctetsOrAChangedOneForTheSecret) {
  const SecretSearch search = search_for(secret(16));
  EXPECT_TRUE(search.find(ByteView(secret(16)).first(15)).empty());
  Bytes changed = secret(16);
  changed.back() ^= 1U;
  EXPECT_TRUE(search.find(changed).empty());
  EXPECT_TRUE(search.find(text(to_hex(changed))).empty());
  EXPECT_TRUE(search.find({}).empty());
}

TEST(ProcessMemoryTest, ShowsWhatAProcessHoldsAndAgainOnlyWhatChanged) {
  // The needle is made octet by octet, so that this process holds it in `held` and in the search.
  ProcessMemory memory(getpid());
  std::vector<std::uint8_t> held(std::size_t{64} * 4096, 0x11);
  const auto first = memory.look();
  if (!first) {
    GTEST_SKIP() << "this process may not read its own memory";
  }
  const Bytes key = secret(16);
  std::copy(key.begin(), key.end(), held.begin() + 20 * 4096 - 8);  // across a page
  const auto second = memory.look();
  ASSERT_TRUE(second.has_value());
  std::size_t first_size = 0;
  std::size_t second_size = 0;
  std::size_t times = 0;
  for (const Bytes& piece : *first) {
    first_size += piece.size();
  }
  for (const Bytes& piece : *second) {
    second_size += piece.size();
    // With what stood on both sides of it, so that other copies of the key do not count.
    Bytes wanted(32, 0x11);
    wanted.insert(wanted.begin() + 16, key.begin(), key.end());
    const auto at = std::search(piece.begin(), piece.end(), wanted.begin(), wanted.end());
    times += at != piece.end() ? 1U : 0U;
  }
  EXPECT_GE(times, 1U);
  EXPECT_LT(second_size, first_size);
}

TEST(ProcessMemoryTest, RefusesAProcessThatIsNotThere) {
  ProcessMemory memory(0x3FFFFFFF);
  EXPECT_EQ(memory.look().error().code, Errc::kNotSupported);
}

TEST(TlsRecordsTest, RefusesWhatIsNotTlsAndWhatHasNoKeys) {
  const TlsKeyLog log = TlsKeyLog::parse("# remark\nCLIENT_RANDOM\n\nLABEL 00 \nLABEL 0011 2233\n");
  EXPECT_EQ(to_hex(log.secret("LABEL", Bytes{0x00, 0x11}).value().expose()), "2233");
  EXPECT_EQ(log.secret("LABEL", Bytes{0x00, 0x12}).error().code, Errc::kNotFound);
  EXPECT_EQ(open_tls(text("GET / HTTP/1.1\r\n"), text("HTTP/1.1 200 OK\r\n"), log).error().code,
            Errc::kEncoding);
  EXPECT_EQ(open_tls({}, {}, log).error().code, Errc::kEncoding);
}

TEST(SolverTest, DerivesNothingFromNothing) {
  const Derived derived = derive({});
  EXPECT_TRUE(derived.keys.empty());
  EXPECT_TRUE(derived.session_keys.empty());
  EXPECT_EQ(derived.sessions, 0U);
}

KnowledgeTable promised() {
  return {.scheme = "sealed",
          .rows = {{.who = "B"}, {.who = kManagerAndDevice, .derived = {"K"}}},
          .secrets = {"K"}};
}

TEST(KnowledgeTableTest, KeepsThePromiseOnlyWithOneDerivationAndNothingElse) {
  EXPECT_TRUE(promised().is_as_promised());
  KnowledgeTable table = promised();
  table.rows[0].found = {"K"};
  EXPECT_FALSE(table.is_as_promised());
  table = promised();
  table.rows[0].derived = {"K"};
  EXPECT_FALSE(table.is_as_promised());
  table = promised();
  table.rows[1].derived.clear();
  EXPECT_FALSE(table.is_as_promised()) << "a solver that derives nothing proves nothing";
  table = promised();
  table.rows[1].found = {"K"};
  EXPECT_FALSE(table.is_as_promised());
}

TEST(KnowledgeTableTest, SaysWhatTheRelayLevelDoesNotProtectAgainst) {
  EXPECT_NE(promised().text().find(
                "C + device: derived (RL1 does not protect against this; RL2 and above do)"),
            std::string::npos);
  EXPECT_NE(promised().text().find("B: nothing"), std::string::npos);
}

}  // namespace
}  // namespace kagibin::cli::demo
