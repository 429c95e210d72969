// SPDX-License-Identifier: Apache-2.0
// A card as the manager shows it to a service provider who sets up keys with his domain in it
// (Amendment A, scenario 3): SELECT by name, GET DATA, INITIALIZE UPDATE and GET RESPONSE pass as
// they are. The STORE DATA of a signed set-up (gp/confidential/setup_messages.h) goes through a
// session that the manager opens in the domain with the keys that it put there, when that domain is
// selected. Nothing else passes: whoever comes has no more than a provider needs, and the domain
// takes a set-up only with the signature of one whose certificate covers it. Pieces of a long
// certificate wait here until it is whole, so that nothing goes in by the way of them.
//
// The manager reads what it carries and learns no key from it (gp/confidential/agreed_key_set.h).
// Every other command passes in the clear and ends that session, as it does in the card; so one
// set-up is a STORE DATA after the other. Limits: the basic channel; commands of at most 255 octets
// wrapped. Ownership: refers to link and randomness, which outlive it. Thread-safety: one thread.
//
//   CarriedDomain domain(link, keys, rng);          // an apdu::CardLink for the provider
//   port.serve(domain)
#pragma once

#include <optional>
#include <vector>

#include "kagibin/apdu/card_link.h"
#include "kagibin/base/aid.h"
#include "kagibin/gp/confidential/setup_pieces.h"
#include "kagibin/scp/scp03/scp03_link.h"

namespace kagibin::roles::security_module_manager {

// What opens the domain's secure channel.
struct DomainChannel {
  Aid domain;
  std::uint8_t key_version = 0;
  scp::Scp03Parameter scp03{};
  scp::Scp03KeySet keys;
};

class CarriedDomain final : public apdu::CardLink {
 public:
  CarriedDomain(apdu::CardLink& card, DomainChannel channel, crypto::Rng& rng)
      : card_(card), channel_(std::move(channel)), rng_(rng) {}

  // 6982 for a STORE DATA for which the domain opens no session, 6985 for what does not pass:
  // `refusal` says why. kCardLink.
  Result<Bytes> transmit(ByteView command) override;
  // Why the last command that was refused here was; empty when none was.
  const std::optional<Error>& refusal() const { return refusal_; }
  // STORE DATA commands that the card took.
  int stored() const { return stored_; }

 private:
  Result<void> check(const apdu::CommandApdu& command) const;
  // Puts a block of STORE DATA behind those that wait. True when they make a whole one of a signed
  // set-up, false when its rest is to come, kPolicy for anything else.
  Result<bool> collect(const apdu::CommandApdu& block);
  Result<Bytes> send_waiting();
  Result<void> open();
  Result<Bytes> pass(const apdu::CommandApdu& command, ByteView octets);
  Bytes refuse(const Error& error, StatusWord sw);

  apdu::CardLink& card_;
  DomainChannel channel_;
  crypto::Rng& rng_;
  std::optional<scp::Scp03Link> session_{};
  std::vector<apdu::CommandApdu> waiting_{};
  std::optional<gp::SetupPieces> certificate_{};  // of which those are pieces
  Bytes selected_{};                              // by name, the last that the card took
  std::optional<Error> refusal_{};
  int stored_ = 0;
};

}  // namespace kagibin::roles::security_module_manager
