// SPDX-License-Identifier: Apache-2.0
// What is true of one logical channel between two commands: who is selected, the secure channel
// session, an answer that waits for GET RESPONSE. All of it is gone at reset.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/gp/registry/get_status.h"
#include "kagibin/scp/card_session.h"
#include "kagibin/scp/scp11/scp11_card.h"
#include "kagibin/se/casd/pending_setup.h"
#include "kagibin/se/domain/content/sequences/command_pieces.h"
#include "kagibin/se/domain/content/sequences/load_session.h"
#include "kagibin/se/domain/content/sequences/standing.h"

namespace kagibin::se {

// Keys that a session was opened with.
struct SessionKeys {
  Aid domain;
  std::uint8_t version = 0;
};

// Where a GET STATUS that did not fit into one answer goes on (GPCS 11.4.2.2).
struct StatusContinuation {
  gp::GetStatus query;
  Aid last;  // of the entries sent
};

struct LogicalChannel {
  std::uint8_t number = 0;
  bool open = false;
  std::optional<Aid> selected{};

  std::unique_ptr<scp::CardSession> session{};  // being opened, or open; none: nullptr
  std::optional<SessionKeys> session_keys{};
  scp::Scp11Card certificates{};  // what the off-card entity showed of itself, for SCP11
  bool aborted = false;  // the session ended by a security error, and no other was asked for since

  std::optional<Personalization> personalizing{};  // STORE DATA goes to this application
  std::uint8_t next_block = 0;                     // of STORE DATA
  Bytes certificate_data{};             // of the blocks so far (se/scp11/domain_data_commands.h)
  std::optional<PendingSetup> setup{};  // of the blocks so far (se/casd/confidential_setup.h)
  bool ends_with_answer = false;        // the session, when the answer in hand has left
  std::optional<StatusContinuation> status{};
  std::unique_ptr<LoadSession> load{};  // between INSTALL [for load] and the last LOAD
  CommandPieces pieces{};               // of the command that is coming

  Bytes waiting{};  // octets for GET RESPONSE
  StatusWord waiting_sw{};

  bool in_session() const { return session != nullptr && session->open(); }
  // Of the session; 00 without one.
  scp::SecurityLevel level() const {
    return in_session() ? session->level() : scp::SecurityLevel{};
  }
  // A session whose off-card entity is the domain's own provider.
  bool authenticated() const {
    return in_session() &&
           session->off_card_entity().authentication == scp::Authentication::kAuthenticated;
  }
  // Ends what INSTALL began and STORE DATA goes on with; the session stays.
  void end_sequences() {
    load.reset();
    if (personalizing) {
      personalizing->over = true;
    }
    certificate_data.clear();
    setup.reset();
    pieces.drop();
  }
  // Ends the session and everything that lives in it.
  void end_session() {
    session.reset();
    session_keys.reset();
    certificates.forget();
    certificate_data.clear();
    setup.reset();
    ends_with_answer = false;
    aborted = false;
    personalizing.reset();
    next_block = 0;
    status.reset();
    load.reset();
    pieces.drop();
  }
};

struct LogicalChannels {
  std::vector<LogicalChannel> all{};
  LogicalChannel* current = nullptr;  // that the command in hand came on; nullptr between commands

  bool is_selected(const Aid& aid) const {
    return std::ranges::any_of(all, [&](const auto& channel) { return channel.selected == aid; });
  }
  bool is_selected_beside(const LogicalChannel& one, const Aid& aid) const {
    return std::ranges::any_of(all, [&](const auto& channel) {
      return channel.number != one.number && channel.selected == aid;
    });
  }
};

}  // namespace kagibin::se
