// SPDX-License-Identifier: Apache-2.0
// The files of a connection to a distributor, and their lock: several programs may use one home.
//
//   transport.key.pem (0600)  transport.cert.pem
//   transport.ca.pem         one root, or two while one takes the other's place
//   transport.server         "HOST:PORT", the distributor
//   transport.checked        when roots were asked for last, in seconds since 1970
//   transport.next.key.pem (0600)  transport.next.cert.pem     while a new pair is on its way
//   transport.lock           flock, held by who changes the others
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "kagibin/base/descriptor.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::cli {

struct TransportFiles {
  explicit TransportFiles(std::filesystem::path where) : folder(std::move(where)) {}
  std::filesystem::path key() const { return folder / "transport.key.pem"; }
  std::filesystem::path certificate() const { return folder / "transport.cert.pem"; }
  std::filesystem::path roots() const { return folder / "transport.ca.pem"; }
  std::filesystem::path server() const { return folder / "transport.server"; }
  std::filesystem::path checked() const { return folder / "transport.checked"; }
  std::filesystem::path next_key() const { return folder / "transport.next.key.pem"; }
  std::filesystem::path next_certificate() const { return folder / "transport.next.cert.pem"; }
  std::filesystem::path lock() const { return folder / "transport.lock"; }
  std::filesystem::path folder;
};

// Ends with its owner, or with the process. Does not wait: kInterrupted while another has it.
class TransportLock {
 public:
  static Result<TransportLock> take(const TransportFiles& files);

 private:
  explicit TransportLock(std::unique_ptr<Descriptor> file) : file_(std::move(file)) {}
  std::unique_ptr<Descriptor> file_;
};

// A key and a certificate that belong together. Looks again for a moment while another process puts
// others in their place.
struct TransportPair {
  std::string certificate_pem;
  SecretBytes key_pem;
};
Result<TransportPair> read_pair(const TransportFiles& files);

// The rest is for who holds the lock.

// The key of the pair that is on its way: of one that was cut, or a new one. Durable.
Result<crypto::EcPrivateKey> next_key_of(const TransportFiles& files, crypto::Rng& rng);
// Puts the next certificate, and its key, in the place of the pair that is used.
Result<void> use_next(const TransportFiles& files, const std::string& certificate_pem);
// Does it for a pair that a cut left behind; one whose halves do not belong together is dropped.
Result<void> finish_pair(const TransportFiles& files);

}  // namespace kagibin::cli
