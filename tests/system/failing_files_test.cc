// SPDX-License-Identifier: Apache-2.0
// What roles keep in files of their own, outside SQLite, on a disk of which the N-th call fails,
// for N = 1, 2, 3, ... until nothing fails any more: the old content or the new one is there,
// whole; who was told of success has the new one; and the same again on a disk that is well ends
// well.
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kagibin/cli/transport/transport_files.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/record/pending_folder.h"
#include "kagibin/crypto/record/record_folder.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/roles/controlling_authority/issuance_log.h"
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"
#include "kagibin/se/nvm/nvm.h"
#include "kagibin/se/nvm/nvm_file.h"

#include "tests/support/deployment.h"
#include "tests/support/failing_calls.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/must.h"

namespace kagibin::test {
namespace {

namespace fs = std::filesystem;
using roles::key_distribution_operator::DistributorFolder;

constexpr std::int64_t kNow = 1'790'000'000;
constexpr std::uint64_t kMost = 2'000;

// One thing that is written. Whatever it draws comes from the seed, so that a run is as the other.
struct Writing {
  std::string name;
  // The state before, on a disk that is well.
  std::function<void(const fs::path&)> prepare;
  std::function<Result<void>(const fs::path&)> write;
  // What a reader finds on a disk that is well. Empty where there is nothing.
  std::function<std::string(const fs::path&)> look;
  // Calls of which nobody need be told: what they do is of no consequence, or is done otherwise.
  std::set<FileCall> may_pass = {FileCall::kClose, FileCall::kUnlink};
  // A full disk changes nothing, and whoever wrote goes on.
  bool survives_a_full_disk = false;
};

std::string text_of(const Result<SecretBytes>& content) {
  return content ? to_hex(crypto::sha256(content->expose())) : std::string();
}

SecretBytes passphrase() { return SecretBytes::copy_of(ascii("for this test alone")); }

crypto::RecordFolder records_in(const fs::path& folder) {
  return must(crypto::RecordFolder::open(folder / "records", passphrase()));
}

void make_records(const fs::path& folder) {
  FixedRng rng("records");
  auto records = must(
      crypto::RecordFolder::create(folder / "records", passphrase(), rng, {.log2_n = 10, .r = 1}));
  must(records.put("key", ascii("the first key"), rng));
}

DistributorFolder distributor_in(const fs::path& folder) {
  return DistributorFolder(folder / "distributor");
}

void make_distributor(const fs::path& folder) {
  FixedRng rng("distributor");
  must(distributor_in(folder).init({.ca_name = "test", .server = {.dns_names = {"localhost"}}},
                                   kNow, rng));
  must(distributor_in(folder).keep_checkpoint("the first checkpoint"));
}

std::unique_ptr<se::Nvm> memory_in(const fs::path& folder) {
  return must(se::Nvm::open(must(se::NvmFile::open(folder / "element.nvm"))));
}

Bytes many_octets(std::uint8_t octet) { return Bytes(8'192, octet); }

// So long a log that the next change writes it anew.
void make_long_memory(const fs::path& folder) {
  const auto memory = memory_in(folder);
  for (std::uint8_t i = 0; i < 7; ++i) {
    must(memory->put("record", many_octets(i)));
  }
}

std::string look_at_memory(const fs::path& folder) {
  const auto memory = memory_in(folder);
  std::string out;
  for (const std::string& name : memory->names("")) {
    out += name + "=" + to_hex(crypto::sha256(memory->get(name)->expose())) + " ";
  }
  return out;
}

Result<void> change_memory(const fs::path& folder) {
  auto file = KB_TRY(se::NvmFile::open(folder / "element.nvm"));
  const auto memory = KB_TRY(se::Nvm::open(std::move(file)));
  memory->begin();
  KB_TRY(memory->put("record", many_octets(9)));
  KB_TRY(memory->put("another", many_octets(10)));
  return memory->commit();
}

Result<void> issue(const fs::path& folder, std::int64_t time) {
  auto log = KB_TRY(roles::controlling_authority::FileIssuanceLog::open(folder / "issuance.log"));
  return log.append({.time = time, .event = "certify_maker", .content_hex = "7F21"});
}

// Two pairs of key and certificate, of which the second is on its way.
struct Pairs {
  std::string key_pem;
  std::string certificate_pem;
};

const std::vector<Pairs>& pairs() {
  static const std::vector<Pairs> both = [] {
    FixedRng rng("pairs");
    const auto ca = must(roles::key_distribution_operator::create_transport_ca("test", kNow, rng));
    std::vector<Pairs> out;
    for (int i = 0; i < 2; ++i) {
      const auto made = must(ca.issue_server({.dns_names = {"localhost"}}, kNow, rng));
      const SecretBytes pem = must(crypto::private_key_to_pem(made.key));
      out.push_back({.key_pem = std::string(pem.expose().begin(), pem.expose().end()),
                     .certificate_pem = made.certificate_pem});
    }
    return out;
  }();
  return both;
}

void make_pair(const fs::path& folder, bool has_one) {
  const cli::TransportFiles files(folder);
  if (has_one) {
    must(crypto::write_file(files.key(), ascii(pairs()[0].key_pem), true));
    must(crypto::write_file(files.certificate(), ascii(pairs()[0].certificate_pem), false));
  }
  must(crypto::write_file(files.next_key(), ascii(pairs()[1].key_pem), true));
}

// As a program looks that was started again: it ends what was cut.
std::string look_at_pair(const fs::path& folder) {
  const cli::TransportFiles files(folder);
  must(cli::finish_pair(files));
  const auto pair = cli::read_pair(files);
  if (!pair) {
    return {};
  }
  for (const Pairs& one : pairs()) {
    if (pair->certificate_pem == one.certificate_pem &&
        std::string(pair->key_pem.expose().begin(), pair->key_pem.expose().end()) == one.key_pem) {
      return one.certificate_pem;
    }
  }
  return "halves of two pairs";
}

const std::vector<Writing>& writings() {
  static const std::vector<Writing> all = {
      {.name = "NewFile",
       .prepare = [](const fs::path&) {},
       .write =
           [](const fs::path& folder) {
             return crypto::write_file(folder / "file", Bytes(10'000, 1), true);
           },
       .look = [](const fs::path& folder) { return text_of(crypto::read_file(folder / "file")); }},
      {.name = "FileInThePlaceOfAnother",
       .prepare =
           [](const fs::path& folder) {
             must(crypto::write_file(folder / "file", Bytes(20'000, 2), false));
           },
       .write =
           [](const fs::path& folder) {
             return crypto::write_file(folder / "file", Bytes(10'000, 1), false);
           },
       .look = [](const fs::path& folder) { return text_of(crypto::read_file(folder / "file")); }},
      {.name = "Record",
       .prepare = make_records,
       .write = [](const fs::path& folder) -> Result<void> {
         FixedRng rng("again");
         auto records = KB_TRY(crypto::RecordFolder::open(folder / "records", passphrase()));
         return records.put("key", ascii("the second key"), rng);
       },
       .look = [](const fs::path& folder) { return text_of(records_in(folder).get("key")); }},
      {.name = "PendingFolder",
       .prepare = [](const fs::path&) {},
       .write = [](const fs::path& folder) -> Result<void> {
         auto pending = KB_TRY(crypto::PendingFolder::create(folder / "keys"));
         KB_TRY(crypto::write_file(pending.path() / "key", Bytes(10'000, 1), true));
         return pending.take_name();
       },
       .look =
           [](const fs::path& folder) {
             return text_of(crypto::read_file(folder / "keys" / "key"));
           }},
      {.name = "Distributor",
       .prepare = [](const fs::path&) {},
       .write = [](const fs::path& folder) -> Result<void> {
         FixedRng rng("distributor");
         const auto made = distributor_in(folder).init(
             {.ca_name = "test", .server = {.dns_names = {"localhost"}}}, kNow, rng);
         // The last thing that is written is there, and so is everything.
         return !made && made.error().code == Errc::kConflict ? Result<void>() : made;
       },
       .look =
           [](const fs::path& folder) {
             FixedRng rng("log key");
             const bool is_there = distributor_in(folder).load().has_value();
             EXPECT_TRUE(!is_there || must(distributor_in(folder).log_key(false, rng)));
             return std::string(is_there ? "it is there" : "");
           },
       // Of a verifier key that cannot be read another is written, the same.
       .may_pass = {FileCall::kClose, FileCall::kUnlink, FileCall::kOpen, FileCall::kRead,
                    FileCall::kStat}},
      {.name = "Checkpoint",
       .prepare = make_distributor,
       .write =
           [](const fs::path& folder) {
             return distributor_in(folder).keep_checkpoint("the second checkpoint");
           },
       .look =
           [](const fs::path& folder) { return must(distributor_in(folder).last_checkpoint()); }},
      {.name = "Memory",
       .prepare =
           [](const fs::path& folder) { must(memory_in(folder)->put("record", many_octets(1))); },
       .write = change_memory,
       .look = look_at_memory,
       .survives_a_full_disk = true},
      {.name = "MemoryWrittenAnew",
       .prepare = make_long_memory,
       .write = change_memory,
       .look = look_at_memory,
       .survives_a_full_disk = true},
      {.name = "IssuanceLog",
       .prepare = [](const fs::path& folder) { must(issue(folder, kNow)); },
       .write = [](const fs::path& folder) { return issue(folder, kNow + 1); },
       .look =
           [](const fs::path& folder) {
             const std::string text = must(crypto::read_text_file(folder / "issuance.log"));
             std::size_t kept = 0;
             must(roles::controlling_authority::verify_issuance_lines(text, &kept));
             return text.substr(0, kept);
           }},
      {.name = "FirstTransportPair",
       .prepare = [](const fs::path& folder) { make_pair(folder, false); },
       .write =
           [](const fs::path& folder) {
             return cli::use_next(cli::TransportFiles(folder), pairs()[1].certificate_pem);
           },
       .look = look_at_pair},
      {.name = "NextTransportPair",
       .prepare = [](const fs::path& folder) { make_pair(folder, true); },
       .write =
           [](const fs::path& folder) {
             return cli::use_next(cli::TransportFiles(folder), pairs()[1].certificate_pem);
           },
       .look = look_at_pair},
  };
  return all;
}

class FailingFilesTest : public testing::TestWithParam<std::size_t> {
 protected:
  const Writing& writing() const { return writings().at(GetParam()); }

  // False when there was no N-th call any more.
  bool ends_well(FileFailure failure, std::uint64_t n) {
    const TemporaryFolder folder;
    writing().prepare(folder.path());
    const std::string before = writing().look(folder.path());
    FailingCalls::fail_at(n, failure);
    const auto written = writing().write(folder.path());
    const auto failed = FailingCalls::end();
    const std::string found = writing().look(folder.path());
    const bool is_new = found == new_content();
    EXPECT_TRUE(is_new || found == before) << found;
    EXPECT_TRUE(is_new || !written) << "success was told, and the old content is there";
    const bool may_fail = failure != FileFailure::kShort && failure != FileFailure::kInterrupted;
    if (failed && may_fail && written) {
      EXPECT_TRUE(writing().may_pass.contains(*failed)) << "nobody was told";
    }
    EXPECT_TRUE(written || (failed && may_fail)) << written.error().detail.text();
    const bool is_full = failure == FileFailure::kNoSpace && failed == FileCall::kWrite;
    EXPECT_TRUE(!is_full || (!written && written.error().code == Errc::kNoSpace));
    if (!written && writing().survives_a_full_disk && written.error().code == Errc::kNoSpace) {
      EXPECT_EQ(found, before);
    }
    if (!written) {
      const auto again = writing().write(folder.path());
      EXPECT_TRUE(again) << again.error().detail.text();
      EXPECT_TRUE(writing().look(folder.path()).starts_with(new_content()));
    }
    return failed.has_value();
  }

  // On a disk that is well.
  const std::string& new_content() {
    if (new_content_.empty()) {
      const TemporaryFolder folder;
      writing().prepare(folder.path());
      must(writing().write(folder.path()));
      new_content_ = writing().look(folder.path());
    }
    return new_content_;
  }

 private:
  std::string new_content_;
};

// promises, the N-th I/O call fails, until nothing fails any more; disk full
TEST_P(FailingFilesTest, LeavesTheOldContentOrTheNewOneAndSaysWhich) {
  std::uint64_t calls = 0;
  for (const FileFailure failure :
       {FileFailure::kIo, FileFailure::kNoSpace, FileFailure::kIoForGood, FileFailure::kShort,
        FileFailure::kInterrupted}) {
    for (std::uint64_t n = 1; n < kMost; ++n) {
      SCOPED_TRACE(fmt::format("call {}, failure {}", n, static_cast<int>(failure)));
      if (!ends_well(failure, n)) {
        break;
      }
      ++calls;
      ASSERT_FALSE(HasFailure());
    }
  }
  fmt::print("{}: {} calls failed\n", writing().name, calls);
  EXPECT_GE(calls, 40U);
  EXPECT_LT(calls, kMost);
}

INSTANTIATE_TEST_SUITE_P(Writings,
                         FailingFilesTest,
                         testing::Range<std::size_t>(0, writings().size()),
                         [](const auto& one) { return writings().at(one.param).name; });

}  // namespace
}  // namespace kagibin::test
