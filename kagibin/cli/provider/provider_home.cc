// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/provider/provider_home.h"

#include <sstream>

#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/pki/anchor_file.h"
#include "kagibin/store/journal_store_sqlite.h"

namespace kagibin::cli {

using provider::Checked;
using provider::problem;

Checked<std::string> read_text_file(const std::filesystem::path& path) {
  const auto octets = crypto::read_file(path);
  if (!octets) {
    // A file that was named and is not there is wrong usage (doc/exit_codes.md).
    const Errc code =
        octets.error().code == Errc::kNotFound ? Errc::kInvalidArgument : octets.error().code;
    return problem(
        code, fmt::format("{} cannot be read: {}", path.string(), octets.error().detail.text()));
  }
  return std::string(octets->expose().begin(), octets->expose().end());
}

Checked<std::unique_ptr<ProviderHome>> ProviderHome::open(const Program& program,
                                                          crypto::KeyTokens* tokens) {
  const ProviderPaths paths{program.home()};
  if (!std::filesystem::exists(paths.keys())) {
    return problem(
        Errc::kNotFound,
        fmt::format("there is no service provider in {}; make one with: kagibin provider init",
                    paths.home.string()));
  }
  const SecretBytes passphrase = KB_TRY(program.passphrase(false));
  auto records = KB_TRY(crypto::RecordFolder::open(paths.keys(), passphrase));
  auto journal = KB_TRY(store::open_journal_store({.path = paths.journal()}));
  std::unique_ptr<ProviderHome> home(new ProviderHome(paths, std::move(journal)));
  home->keys_.emplace(std::move(records), *home->journal_, home->rng_, tokens);
  home->keys_->on_second_custodian([&program] { return program.second_passphrase(false); });
  return home;
}

Checked<provider::Trust> ProviderHome::trust() const {
  const std::string roots = KB_TRY(read_text_file(paths_.roots()));
  provider::Trust trust{.anchors = KB_TRY(pki::read_anchors(roots)), .revoked = {}};
  if (!std::filesystem::exists(paths_.revoked())) {
    return trust;
  }
  std::istringstream lines(KB_TRY(read_text_file(paths_.revoked())));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) {
      continue;
    }
    const std::size_t blank = line.find(' ');
    const auto issuer = from_hex(line.substr(0, blank));
    const auto serial =
        blank == std::string::npos ? std::nullopt : from_hex(line.substr(blank + 1));
    if (!issuer || !serial) {
      return problem(Errc::kEncoding,
                     fmt::format("{}: a line is ISSUER SERIAL in hexadecimal digits",
                                 paths_.revoked().string()));
    }
    trust.revoked.add(*issuer, *serial);
  }
  return trust;
}

Checked<pki::Certificate> ProviderHome::certificate() const {
  const auto octets = crypto::read_file(paths_.certificate());
  if (!octets) {
    return problem(Errc::kNotFound,
                   "the service provider is not certified yet; have request.kbq certified, then: "
                   "kagibin provider install");
  }
  return KB_TRY(pki::Certificate::decode(octets->expose()));
}

}  // namespace kagibin::cli
