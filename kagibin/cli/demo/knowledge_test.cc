// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <numeric>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kagibin/base/base64.h"
#include "kagibin/cli/demo/knowledge/knowledge_table.h"
#include "kagibin/cli/demo/knowledge/process_memory.h"
#include "kagibin/cli/demo/knowledge/secret_search.h"
#include "kagibin/cli/demo/knowledge/tls_records.h"
#include "kagibin/cli/solver/solver.h"

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

// Another process, which writes a key into its memory, across the border of two pages, when told
// to.
class Holder {
 public:
  Holder() {
    if (pipe(orders_.data()) != 0 || pipe(answers_.data()) != 0) {
      return;
    }
    process_ = fork();
    if (process_ == 0) {
      hold();
    }
    wait();
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() {
    for (const int end : {orders_[0], orders_[1], answers_[0], answers_[1]}) {
      close(end);
    }
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  pid_t process() const { return process_; }
  void write_key() const {
    static_cast<void>(write(orders_[1], "k", 1));
    wait();
  }

 private:
  void wait() const {
    char answer = 0;
    static_cast<void>(read(answers_[0], &answer, 1));
  }
  [[noreturn]] void hold() const {
    Bytes held(std::size_t{64} * 4096, 0x11);
    static_cast<void>(write(answers_[1], "r", 1));
    char order = 0;
    static_cast<void>(read(orders_[0], &order, 1));
    const auto address = std::bit_cast<std::uintptr_t>(held.data());
    const std::size_t border = std::size_t{20} * 4096 + (4096 - address % 4096);
    const Bytes key = secret(16);
    std::copy(key.begin(), key.end(), held.begin() + static_cast<std::ptrdiff_t>(border) - 8);
    static_cast<void>(write(answers_[1], "d", 1));
    while (true) {
      pause();
    }
  }
  std::array<int, 2> orders_{-1, -1};
  std::array<int, 2> answers_{-1, -1};
  pid_t process_ = -1;
};

std::size_t size_of(const std::vector<Bytes>& pieces) {
  return std::accumulate(pieces.begin(), pieces.end(), std::size_t{0},
                         [](std::size_t sum, const Bytes& piece) { return sum + piece.size(); });
}

TEST(ProcessMemoryTest, ShowsWhatAProcessHoldsAndAgainOnlyWhatChanged) {
  const Holder holder;
  ProcessMemory memory(holder.process());
  const auto first = memory.look();
  if (!first) {
    GTEST_SKIP() << "no process may read another's memory here";
  }
  holder.write_key();
  const auto second = memory.look();
  ASSERT_TRUE(second.has_value());
  // With what stands on both sides of it, so that another copy of the key does not count.
  Bytes wanted(32, 0x11);
  const Bytes key = secret(16);
  wanted.insert(wanted.begin() + 16, key.begin(), key.end());
  const auto shows_key = [&](const Bytes& piece) {
    return !std::ranges::search(piece, wanted).empty();
  };
  EXPECT_TRUE(std::ranges::none_of(*first, shows_key));
  EXPECT_TRUE(std::ranges::any_of(*second, shows_key));
  EXPECT_LT(size_of(*second), size_of(*first) / 2);
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

KnowledgeTable promised_at_rl2() {
  return {
      .scheme = "sealed",
      .level = envelope::RelayLevel::kRl2,
      .rows = {{.who = "B"}, {.who = kManagerAndDevice, .agreements = 1, .agreements_tried = 37}},
      .secrets = {"K"}};
}

TEST(KnowledgeTableTest, AtRl2NobodyDerivesTheKeyAndTheCoalitionMustHaveTried) {
  EXPECT_TRUE(promised_at_rl2().is_as_promised());
  KnowledgeTable table = promised_at_rl2();
  table.rows[1].derived = {"K"};
  EXPECT_FALSE(table.is_as_promised());
  EXPECT_TRUE(table.is_earnest());
  table = promised_at_rl2();
  table.rows[0].found = {"K"};
  EXPECT_FALSE(table.is_as_promised());
  for (std::size_t KnowledgeRow::* const count :
       {&KnowledgeRow::agreements, &KnowledgeRow::agreements_tried}) {
    table = promised_at_rl2();
    table.rows[1].*count = 0;
    EXPECT_FALSE(table.is_as_promised()) << "a solver that tried nothing proves nothing";
  }
  table.rows.pop_back();
  EXPECT_FALSE(table.is_earnest());
}

TEST(KnowledgeTableTest, AtRl2SaysNothingAndHowOftenItWasTried) {
  const std::string text = promised_at_rl2().text();
  EXPECT_NE(text.find("C + device: nothing"), std::string::npos) << text;
  EXPECT_NE(text.find("37 ways into 1 SCP11a sessions"), std::string::npos) << text;
  KnowledgeTable table = promised_at_rl2();
  table.rows[1].derived = {"K"};
  EXPECT_NE(table.text().find("C + device: derived: K"), std::string::npos) << table.text();
}

TEST(KnowledgeTableTest, AtRl3NobodyDerivesTheKeyAndTheCoalitionMustHaveTriedItsKeySets) {
  const KnowledgeTable promised{
      .scheme = "sealed",
      .level = envelope::RelayLevel::kRl3,
      .rows = {{.who = "B"}, {.who = kManagerAndDevice, .sessions = 1, .sets_tried = 1}},
      .secrets = {"K"}};
  EXPECT_TRUE(promised.is_as_promised());
  EXPECT_NE(promised.text().find("C + device: nothing"), std::string::npos) << promised.text();
  for (std::size_t KnowledgeRow::* const count :
       {&KnowledgeRow::sessions, &KnowledgeRow::sets_tried}) {
    KnowledgeTable table = promised;
    table.rows[1].*count = 0;
    EXPECT_FALSE(table.is_as_promised()) << "a solver that tried nothing proves nothing";
  }
  KnowledgeTable table = promised;
  table.rows[1].derived = {"K"};
  EXPECT_FALSE(table.is_as_promised());
}

TEST(KnowledgeTableTest, AtRl4BothKindsOfSessionsHaveToBeTried) {
  const KnowledgeTable promised{.scheme = "sealed",
                                .level = envelope::RelayLevel::kRl4,
                                .rows = {{.who = "B"},
                                         {.who = kManagerAndDevice,
                                          .sessions = 1,
                                          .sets_tried = 1,
                                          .agreements = 2,
                                          .agreements_tried = 37}},
                                .secrets = {"K"}};
  EXPECT_TRUE(promised.is_as_promised());
  for (std::size_t KnowledgeRow::* const count :
       {&KnowledgeRow::sessions, &KnowledgeRow::sets_tried, &KnowledgeRow::agreements,
        &KnowledgeRow::agreements_tried}) {
    KnowledgeTable table = promised;
    table.rows[1].*count = 0;
    EXPECT_FALSE(table.is_as_promised()) << "a solver that tried nothing proves nothing";
  }
}

}  // namespace
}  // namespace kagibin::cli::demo
