// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/transport/transport_files.h"

#include <chrono>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>

#include "kagibin/base/crash_point.h"
#include "kagibin/crypto/key_file/key_file.h"

namespace kagibin::cli {
namespace {

Result<void> remove_file(const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::remove(file, error);
  return error ? fail(Errc::kIo, "a file of a renewal cannot be removed") : Result<void>();
}

bool belong_together(ByteView key_pem, const std::string& certificate_pem) {
  const auto key = crypto::private_key_from_pem(key_pem);
  const auto certified = crypto::public_key_of_certificate(certificate_pem);
  return key && certified && *certified == key->public_key();
}

}  // namespace

Result<TransportLock> TransportLock::take(const TransportFiles& files) {
  std::error_code ignored;
  std::filesystem::create_directories(files.folder, ignored);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open's third argument
  const int opened = ::open(files.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  auto file = std::make_unique<Descriptor>(opened);
  if (file->get() < 0) {
    return fail(Errc::kIo, "the lock file of the connection cannot be opened");
  }
  if (::flock(file->get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Errc::kInterrupted,
                "another program changes this home's connection; try again when it has ended");
  }
  return TransportLock(std::move(file));
}

Result<TransportPair> read_pair(const TransportFiles& files) {
  constexpr int kLooks = 20;
  for (int look = 1;; ++look) {
    std::string certificate = KB_TRY(crypto::read_text_file(files.certificate()));
    SecretBytes key = KB_TRY(crypto::read_file(files.key()));
    if (belong_together(key.expose(), certificate) || look == kLooks) {
      return TransportPair{std::move(certificate), std::move(key)};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Result<crypto::EcPrivateKey> next_key_of(const TransportFiles& files, crypto::Rng& rng) {
  std::error_code error;
  auto stored = crypto::read_file(files.next_key());
  if (!stored && stored.error().code == Errc::kNotFound &&
      !std::filesystem::exists(files.certificate(), error)) {
    stored = crypto::read_file(files.key());  // of a first join that was cut
    if (stored) {
      KB_TRY(crypto::write_file(files.next_key(), stored->expose(), true));
    }
  }
  if (!stored && stored.error().code != Errc::kNotFound) {
    return std::unexpected(stored.error());
  }
  if (stored) {
    if (auto key = crypto::private_key_from_pem(stored->expose())) {
      return key;  // one that cannot be read is made anew
    }
  }
  crypto::EcPrivateKey key = KB_TRY(crypto::EcPrivateKey::generate(rng));
  const SecretBytes pem = KB_TRY(crypto::private_key_to_pem(key));
  KB_TRY(crypto::write_file(files.next_key(), pem.expose(), true));
  KB_CRASH_POINT("transport.renewal.after_key");
  return key;
}

Result<void> use_next(const TransportFiles& files, const std::string& certificate_pem) {
  KB_TRY(crypto::write_file(files.next_certificate(), ascii(certificate_pem), false));
  KB_CRASH_POINT("transport.renewal.after_certificate");
  return finish_pair(files);
}

Result<void> finish_pair(const TransportFiles& files) {
  const auto certificate = crypto::read_text_file(files.next_certificate());
  if (!certificate) {
    return certificate.error().code == Errc::kNotFound ? Result<void>()
                                                       : std::unexpected(certificate.error());
  }
  const auto next = crypto::read_file(files.next_key());
  if (!next && next.error().code != Errc::kNotFound) {
    return std::unexpected(next.error());  // it may be there, and belong to the certificate
  }
  // The next key goes last of all: as long as it is there, both are written again.
  if (next && belong_together(next->expose(), *certificate)) {
    KB_TRY(crypto::write_file(files.key(), next->expose(), true));
    KB_CRASH_POINT("transport.renewal.between");
    KB_TRY(crypto::write_file(files.certificate(), ascii(*certificate), false));
    KB_CRASH_POINT("transport.renewal.after_both");
    KB_TRY(remove_file(files.next_key()));
  }
  return remove_file(files.next_certificate());
}

}  // namespace kagibin::cli
