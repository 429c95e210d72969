// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/se/store_commands.h"

#include <algorithm>
#include <memory>
#include <system_error>

#include "kagibin/cli/se/element_files.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/se/host/host_store.h"
#include "kagibin/se/nvm/nvm_file.h"

namespace kagibin::cli {

namespace {

namespace fs = std::filesystem;

constexpr int kMostSaves = 20;           // that may come between, one after the other
constexpr std::size_t kHeadOctets = 24;  // magic and name (element_snapshot.h)

// What was read, and is written nowhere.
class ReadMedium final : public se::NvmMedium {
 public:
  explicit ReadMedium(SecretBytes octets) : octets_(std::move(octets)) {}
  Result<SecretBytes> read_all() override { return octets_.duplicate(); }
  Result<void> append(ByteView) override { return fail(Errc::kState, "this is a copy"); }
  Result<void> replace_all(ByteView) override { return fail(Errc::kState, "this is a copy"); }

 private:
  SecretBytes octets_;
};

bool same_head(const SecretBytes& one, const SecretBytes& other) {
  const auto head = [](const SecretBytes& file) {
    return file.expose().first(std::min(file.size(), kHeadOctets));
  };
  return equal(head(one), head(other));
}

// The elements of a store that may be in use: a save replaces the snapshot first and the journal
// then, so that a journal that belongs to the snapshot before and after it was read is its own.
Result<se::ElementSnapshot> read_store(const fs::path& store) {
  for (int i = 0; i < kMostSaves; ++i) {
    SecretBytes snapshot = KB_TRY(read_whole(store));
    SecretBytes journal = KB_TRY(read_whole(journal_of(store)));
    const SecretBytes again = KB_TRY(read_whole(store));
    if (!same_head(snapshot, again)) {
      continue;
    }
    se::HostStore copy(std::make_unique<ReadMedium>(std::move(snapshot)),
                       std::make_unique<ReadMedium>(std::move(journal)));
    return copy.load();
  }
  return fail(Errc::kConflict, "the store is saved again and again; try once more");
}

// A name that no journal goes on from.
Result<void> rename(se::ElementSnapshot& snapshot) {
  crypto::SystemRng rng;
  snapshot.name = KB_TRY(crypto::random_array<16>(rng));
  return {};
}

Error exists_already() {
  return {Errc::kConflict, "it exists already; elements are not written over", {}};
}

}  // namespace

int se_snapshot(const Program& program, const StoreCopyOptions& options) {
  constexpr std::string_view kWhat = "no snapshot was made";
  Console console = program.console();
  if (const auto is = check_store_file(options.store); !is) {
    return console.failed_file(is.error(), kWhat, options.store);
  }
  std::error_code error;
  if (fs::exists(options.copy, error)) {
    return console.failed_file(exists_already(), kWhat, options.copy);
  }
  auto snapshot = read_store(options.store);
  if (!snapshot) {
    return console.failed_file(snapshot.error(), kWhat, options.store);
  }
  const auto written = [&]() -> Result<void> {
    KB_TRY(rename(*snapshot));
    return crypto::write_file(options.copy, snapshot->encode().expose(), true);
  }();
  if (!written) {
    return console.failed_file(written.error(), kWhat, options.copy);
  }
  const std::size_t count = snapshot->elements.size();
  console.result(
      {{"snapshot", options.copy.string()}, {"count", count}, {"label", snapshot->label}},
      "{} elements ({}) are in {}. It is as secret as they are.", count, snapshot->label,
      options.copy.string());
  return kExitOk;
}

int se_restore(const Program& program, const StoreCopyOptions& options) {
  constexpr std::string_view kWhat = "nothing was restored";
  Console console = program.console();
  if (const auto is = check_store_file(options.copy); !is) {
    return console.failed_file(is.error(), kWhat, options.copy);
  }
  // A store is a snapshot, too; with its journal it is more than one.
  auto snapshot = read_store(options.copy);
  if (!snapshot) {
    return console.failed_file(snapshot.error(), kWhat, options.copy);
  }
  std::error_code error;
  const bool there = fs::exists(options.store, error);
  if (there && !options.replace) {
    return console.failed_file(exists_already(), kWhat, options.store,
                               "--replace gives up the elements in it");
  }
  if (there) {
    if (const auto is = check_store_file(options.store); !is) {
      return console.failed_file(is.error(), kWhat, options.store);
    }
  }
  const auto written = [&]() -> Result<void> {
    auto medium = KB_TRY(se::NvmFile::open(options.store));  // nobody runs them meanwhile
    auto journal = KB_TRY(se::NvmFile::open(journal_of(options.store)));
    KB_TRY(rename(*snapshot));
    se::HostStore store(std::move(medium), std::move(journal));
    return store.save(snapshot->name, snapshot->encode().expose());
  }();
  if (!written) {
    return console.failed_file(written.error(), kWhat, options.store);
  }
  const std::size_t count = snapshot->elements.size();
  console.result({{"store", options.store.string()}, {"count", count}, {"label", snapshot->label}},
                 "{} elements ({}) are in {}. Run them: kagibin se run --store {}", count,
                 snapshot->label, options.store.string(), options.store.string());
  return kExitOk;
}

}  // namespace kagibin::cli
