// SPDX-License-Identifier: Apache-2.0
// How a service provider or an agent is connected to its distributor: the files that an invitation
// turns into.
//
//   transport.* (transport_files.h)
//
// join() exchanges the one-time invitation for a certificate of our own; asked again after a lost
// answer it uses the same key and is given the same certificate. Errors: those of net/http_client.h
// and delivery/distributor_client.h; kConflict when already joined.
//
//   TransportFolder transport(home);
//   const std::string subject = KB_TRY(transport.join(invitation_file, {}));
//   const auto http = KB_TRY(transport.connect({}));
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "kagibin/cli/transport/transport_upkeep.h"
#include "kagibin/delivery/exchange/invitation.h"
#include "kagibin/delivery/http_port.h"
#include "kagibin/net/http_client.h"

namespace kagibin::cli {

// What a user may say about the way.
struct TransportOptions {
  std::string via;                     // HOST:PORT of a carrier before the server; empty: straight
  std::filesystem::path demo_key_log;  // empty: none
  std::optional<std::int64_t> now;     // the time to check certificates at; empty: the system's
  std::stop_token stop{};              // asked to end: see net/http_client.h
};

class TransportFolder {
 public:
  explicit TransportFolder(std::filesystem::path folder) : files_(std::move(folder)) {}

  // The subject of the new certificate ("provider:...", "device:..."). `again`: in the place of a
  // connection that there is, whose certificate nobody believes any more.
  Result<std::string> join(const std::filesystem::path& invitation,
                           const TransportOptions& options,
                           bool again = false) const;
  // Keeps its files up (transport_upkeep.h).
  Result<std::unique_ptr<delivery::HttpClient>> connect(const TransportOptions& options) const;
  // Of the root that issues, of those that are pinned; kNotFound before join().
  Result<std::int64_t> ca_not_before() const;

 private:
  Result<void> redeem(const delivery::Invitation& invited, const TransportOptions& options) const;
  Result<KeptUpClient::Connection> open(const TransportOptions& options) const;
  TransportFiles files_;
};

}  // namespace kagibin::cli
