// SPDX-License-Identifier: Apache-2.0
// A device that answers for the target itself: what the key delivery application sends on the
// target's channel never reaches the card. The channel is told by the order in which channels are
// opened (device/channels.h); where none is opened, it is the basic one. Keys that a PUT KEY brings
// are kept. Thread-safety: none.
//
//   FalseKeySet device(*card.element, keys, aid, rng);
//   scene.deliver(&device);
//   for (const SecretBytes& key : device.caught()) { ... }
#pragma once

#include <memory>
#include <vector>

#include "kagibin/apdu/apdu.h"
#include "kagibin/apdu/card_link.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/scp/scp03/scp03_card.h"
#include "kagibin/scp/scp11/scp11_card.h"

namespace kagibin::attack {

class FalseTarget : public apdu::CardLink {
 public:
  explicit FalseTarget(apdu::CardLink& card) : card_(card) {}
  Result<Bytes> transmit(ByteView command) override;
  Result<void> reset() override;
  const std::vector<SecretBytes>& caught() const { return caught_; }

 protected:
  // A command that opens a session, on channel 0; nothing where the card is to answer.
  virtual std::optional<apdu::ResponseApdu> open(const apdu::CommandApdu& command) = 0;
  virtual scp::CardSession* session() = 0;

 private:
  bool is_for_target(std::uint8_t channel) const;
  void note_channels(const apdu::CommandApdu& command, ByteView answer);
  apdu::ResponseApdu in_session(const apdu::CommandApdu& command);
  Bytes put_key(const apdu::CommandApdu& command, ByteView data);

  apdu::CardLink& card_;
  std::vector<std::uint8_t> channels_;  // open ones: the KDA's, the target's
  std::vector<SecretBytes> caught_;
};

// By SCP03 under this key set.
class FalseKeySet final : public FalseTarget {
 public:
  FalseKeySet(apdu::CardLink& card, scp::Scp03KeySet keys, Aid aid, crypto::Rng& rng)
      : FalseTarget(card), keys_(std::move(keys)), aid_(aid), rng_(rng) {}

 protected:
  std::optional<apdu::ResponseApdu> open(const apdu::CommandApdu& command) override;
  scp::CardSession* session() override { return &session_; }

 private:
  scp::Scp03KeySet keys_;
  Aid aid_;
  crypto::Rng& rng_;
  scp::Scp03Card session_;
};

// By SCP11a with this key, to whomever this authority certified.
class FalseDomain final : public FalseTarget {
 public:
  FalseDomain(apdu::CardLink& card,
              const crypto::EcPrivateKey& key,
              const crypto::EcPublicKey& host_authority,
              crypto::Rng& rng);
  ~FalseDomain() override;

 protected:
  std::optional<apdu::ResponseApdu> open(const apdu::CommandApdu& command) override;
  scp::CardSession* session() override { return session_.get(); }

 private:
  class Keys;
  std::unique_ptr<Keys> domain_;
  crypto::Rng& rng_;
  scp::Scp11Card card_end_;
  std::unique_ptr<scp::Scp11Session> session_;
};

}  // namespace kagibin::attack
