// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/controlling_authority/authority_folder.h"

#include <limits>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/pki/anchor_file.h"

namespace kagibin::roles::controlling_authority {
namespace {

constexpr std::string_view kName = "name";
constexpr std::string_view kRoot = "root";
constexpr std::string_view kSuccessor = "successor";
constexpr std::string_view kRootNumber = "root_number";

}  // namespace

std::filesystem::path AuthorityFolder::roots_file(const std::filesystem::path& folder) {
  return folder / "roots.pem";
}

Result<AuthorityFolder> AuthorityFolder::create(const std::filesystem::path& folder,
                                                const SecretBytes& passphrase,
                                                std::string_view name,
                                                crypto::Rng& rng,
                                                crypto::ScryptCost cost,
                                                const crypto::KeyPlace& place,
                                                crypto::KeyTokens* tokens) {
  if (std::filesystem::exists(folder / "keys")) {
    return fail(Errc::kConflict, "the folder holds an authority already, which is left as it is");
  }
  crypto::Founding made(tokens);
  crypto::SigningKey root = KB_TRY(crypto::new_signing_key(place, tokens, rng));
  made.note_key(place);
  const RootKeys keys = KB_TRY(RootKeys::create(name, std::move(root)));
  crypto::RecordFolder records =
      KB_TRY(crypto::RecordFolder::create(folder / "keys", passphrase, rng, cost));
  made.note_folder(folder / "keys");
  AuthorityFolder out(folder, std::move(records),
                      KB_TRY(FileIssuanceLog::open(folder / "issuance.log")), tokens);
  KB_TRY(out.save_keys(keys, rng));
  made.keep();
  return out;
}

Result<AuthorityFolder> AuthorityFolder::open(const std::filesystem::path& folder,
                                              const SecretBytes& passphrase,
                                              crypto::KeyTokens* tokens) {
  crypto::RecordFolder records = KB_TRY(crypto::RecordFolder::open(folder / "keys", passphrase));
  return AuthorityFolder(folder, std::move(records),
                         KB_TRY(FileIssuanceLog::open(folder / "issuance.log")), tokens);
}

Result<Authority> AuthorityFolder::authority(const Clock& clock, crypto::Rng& rng) {
  const SecretBytes name = KB_TRY(records_.get(kName));
  const crypto::HeldKeys held(records_, tokens_);
  RootKeys keys{.name = Bytes(name.expose().begin(), name.expose().end()),
                .current = KB_TRY(held.signing_key(kRoot)),
                .successor = std::nullopt};
  if (records_.contains(kSuccessor)) {
    keys.successor = KB_TRY(held.signing_key(kSuccessor));
    if (keys.successor->public_key() == keys.current.public_key()) {
      keys.successor.reset();  // adopted, and stopped before the old record went away
    }
  }
  return Authority(std::move(keys), log_, clock, rng);
}

Result<std::uint32_t> AuthorityFolder::take_root_number(crypto::Rng& rng) {
  std::uint32_t last = 0;
  if (records_.contains(kRootNumber)) {
    const SecretBytes stored = KB_TRY(records_.get(kRootNumber));
    ByteReader in(stored.expose());
    last = KB_TRY(in.u32());
  }
  if (last == std::numeric_limits<std::uint32_t>::max()) {
    return fail(Errc::kLimit, "no number is left for a statement of a root");
  }
  const Bytes next = ByteWriter().u32(last + 1).take();
  KB_TRY(records_.put(kRootNumber, next, rng));
  return last + 1;
}

Result<void> AuthorityFolder::save(const Authority& authority, crypto::Rng& rng) {
  return save_keys(authority.keys(), rng);
}

Result<void> AuthorityFolder::save_keys(const RootKeys& keys, crypto::Rng& rng) {
  KB_TRY(records_.put(kName, keys.name, rng));
  const crypto::HeldKeys held(records_, tokens_);
  if (keys.successor) {
    KB_TRY(held.put(kSuccessor, *keys.successor, rng));
  }
  KB_TRY(held.put(kRoot, keys.current, rng));
  if (!keys.successor && records_.contains(kSuccessor)) {
    KB_TRY(records_.erase(kSuccessor));
  }
  const std::string pem = KB_TRY(pki::write_anchors(keys.anchors()));
  return crypto::write_file(roots_file(folder_), ascii(pem), false);
}

}  // namespace kagibin::roles::controlling_authority
