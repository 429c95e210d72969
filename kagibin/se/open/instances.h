// SPDX-License-Identifier: Apache-2.0
// The running applications of one element: objects made from their modules when they are first
// needed, gone at reset, and the secure channel service that each is given.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "kagibin/se/application.h"
#include "kagibin/se/casd/authority_signature.h"
#include "kagibin/se/domain/own/own_domain.h"
#include "kagibin/se/open/sessions/secure_channel.h"

namespace kagibin::se {

// Where an application's records lie: "app/<AID>/".
std::string record_prefix(const Aid& aid);

// GPSystem.getSecureChannel() for one application: its domain's keys, its channel's session.
class ApplicationSecureChannel final : public SecureChannelService {
 public:
  ApplicationSecureChannel(Platform& platform,
                           SecureChannel& secure_channel,
                           const LogicalChannels& channels,
                           const Aid& aid)
      : platform_(platform), secure_channel_(secure_channel), channels_(channels), aid_(aid) {}

  bool is_security_command(const apdu::CommandApdu& command) const override;
  apdu::ResponseApdu process_security(const apdu::CommandApdu& command) override;
  std::expected<Plain, StatusWord> unwrap(const apdu::CommandApdu& command) override;
  apdu::ResponseApdu wrap(ByteView data, StatusWord sw) override;
  std::expected<SecretBytes, StatusWord> decrypt_sensitive(ByteView value) const override;
  bool authenticated() const override;
  std::uint8_t security_level() const override;

 private:
  // The channel in hand if this application is selected or being personalised on it: a session of
  // another is not its own.
  LogicalChannel* own_channel() const;

  Platform& platform_;
  SecureChannel& secure_channel_;
  const LogicalChannels& channels_;
  Aid aid_;
};

class Instances {
 public:
  Instances(Platform& platform, SecureChannel& secure_channel, LogicalChannels& channels)
      : platform_(platform), secure_channel_(secure_channel), channels_(channels) {}

  // The application of this entry. nullptr when the element has no code for its module.
  Application* get(const RegistryEntry& entry);
  // The object; what it keeps until a reset stays.
  void forget(const Aid& aid) { running_.erase(aid); }
  void reset() {
    running_.clear();
    clear_on_reset_.clear();
  }

 private:
  struct Instance {
    std::unique_ptr<ApplicationSecureChannel> secure_channel;
    std::unique_ptr<CasdSignatureService> signature;
    std::unique_ptr<OwnDomain> own_domain;
    std::unique_ptr<Application> application;
  };
  Platform& platform_;
  SecureChannel& secure_channel_;
  LogicalChannels& channels_;
  std::map<Aid, ClearOnReset> clear_on_reset_;  // outlives the objects
  std::map<Aid, Instance> running_;
};

}  // namespace kagibin::se
