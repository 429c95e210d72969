// SPDX-License-Identifier: Apache-2.0
// The secure channel sessions among the APDUs that a device saw, and what their commands carry for
// whoever has the session keys (Amendment D, 6.2.6 and 6.2.8; Amendment F, 7.6). Functions.
//
//   const RelayedSessions all = sessions_of(read_apdu_log(file));
//   const auto keys = KB_TRY(keys_of({.keys = session, .dek = dek, .mac_size = 8}, commands));
#pragma once

#include <span>
#include <vector>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/secret.h"
#include "kagibin/cli/solver/apdu_log.h"
#include "kagibin/scp/scp03/scp03.h"
#include "kagibin/scp/scp11/key_agreement.h"

namespace kagibin::cli {

// SCP03.
struct RelayedSession {
  Bytes host_challenge;
  scp::InitializeUpdateAnswer answer;
  std::vector<apdu::CommandApdu> commands;  // EXTERNAL AUTHENTICATE first
};

// SCP11a.
struct RelayedAgreement {
  Bytes request_data;  // MUTUAL AUTHENTICATE
  scp::KeyAgreementRequest request;
  scp::KeyAgreementAnswer answer;
  std::vector<apdu::CommandApdu> commands;
};

struct RelayedSessions {
  std::vector<RelayedSession> by_key_sets{};
  std::vector<RelayedAgreement> by_certificates{};
};

RelayedSessions sessions_of(const std::vector<Exchange>& exchanges);

struct SessionSecrets {
  const scp::Scp03SessionKeys& keys;
  ByteView dek;
  std::size_t mac_size = 8;
  bool decrypts = true;  // the commands are encrypted
};

// The keys that PUT KEY among the commands carried.
Result<std::vector<SecretBytes>> keys_of(const SessionSecrets& secrets,
                                         std::span<const apdu::CommandApdu> commands);

// Adds it unless it is there.
void add_secret(std::vector<SecretBytes>& all, ByteView secret);

}  // namespace kagibin::cli
