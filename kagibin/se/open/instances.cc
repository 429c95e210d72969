// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/instances.h"

#include <utility>

#include "kagibin/apdu/status_words.h"
#include "kagibin/se/casd/casd.h"
#include "kagibin/se/open/content/executables.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr StatusWord kNotOwnChannel = sw::kConditionsNotSatisfied.because(
    "an application uses its domain's secure channel while it is selected (GPCS 10.2)");

}  // namespace

LogicalChannel* ApplicationSecureChannel::own_channel() const {
  LogicalChannel* channel = channels_.current;
  const bool own =
      channel != nullptr && (channel->selected == aid_ ||
                             (channel->personalizing && channel->personalizing->target == aid_));
  return own ? channel : nullptr;
}

bool ApplicationSecureChannel::is_security_command(const apdu::CommandApdu& command) const {
  return SecureChannel::is_security_command(command);
}

apdu::ResponseApdu ApplicationSecureChannel::process_security(const apdu::CommandApdu& command) {
  LogicalChannel* channel = own_channel();
  const auto self = platform_.registry.find(aid_);
  const auto domain = self ? platform_.registry.find(self->security_domain) : std::nullopt;
  if (channel == nullptr || !domain || !is_security_command(command)) {
    return {.data = {}, .sw = kNotOwnChannel};
  }
  if (domain->locked()) {
    return {.data = {},
            .sw = sw::kConditionsNotSatisfied.because(
                "the application's security domain is locked and opens no session for it (GPCS "
                "5.3.2.4)")};
  }
  return secure_channel_.process(*channel, aid_, *domain, command);
}

std::expected<SecureChannelService::Plain, StatusWord> ApplicationSecureChannel::unwrap(
    const apdu::CommandApdu& command) {
  LogicalChannel* channel = own_channel();
  if (channel == nullptr) {
    return std::unexpected(kNotOwnChannel);
  }
  auto plain = SecureChannel::unwrap(*channel, command);
  if (!plain) {
    return std::unexpected(plain.error());
  }
  return Plain{plain->cla, std::move(plain->data)};
}

apdu::ResponseApdu ApplicationSecureChannel::wrap(ByteView data, StatusWord status) {
  LogicalChannel* channel = own_channel();
  if (channel == nullptr) {
    return {.data = Bytes(data.begin(), data.end()), .sw = status};
  }
  return SecureChannel::wrap(*channel, data, status);
}

std::expected<SecretBytes, StatusWord> ApplicationSecureChannel::decrypt_sensitive(
    ByteView value) const {
  const LogicalChannel* channel = own_channel();
  if (channel == nullptr) {
    return std::unexpected(kNotOwnChannel);
  }
  return SecureChannel::decrypt_sensitive(*channel, value);
}

bool ApplicationSecureChannel::authenticated() const {
  const LogicalChannel* channel = own_channel();
  return channel != nullptr && channel->authenticated();
}

std::uint8_t ApplicationSecureChannel::security_level() const {
  const LogicalChannel* channel = own_channel();
  return channel != nullptr ? channel->level().value : std::uint8_t{0};
}

Application* Instances::get(const RegistryEntry& entry) {
  const auto found = running_.find(entry.aid);
  if (found != running_.end()) {
    return found->second.application.get();
  }
  const auto load_file = platform_.registry.find_load_file(entry.load_file);
  if (!load_file) {
    return nullptr;
  }
  Instance instance;
  instance.secure_channel =
      std::make_unique<ApplicationSecureChannel>(platform_, secure_channel_, channels_, entry.aid);
  if (has_casd(platform_)) {
    instance.signature = std::make_unique<CasdSignatureService>(platform_, entry.aid);
  }
  if (entry.is_security_domain()) {
    instance.own_domain = std::make_unique<OwnDomain>(platform_, *this, channels_, entry.aid);
  }
  instance.application =
      make_application(platform_, *load_file, entry.module,
                       ApplicationContext{.aid = entry.aid,
                                          .security_domain = entry.security_domain,
                                          .nvm = platform_.nvm,
                                          .record_prefix = record_prefix(entry.aid),
                                          .rng = platform_.rng,
                                          .clear_on_reset = clear_on_reset_[entry.aid],
                                          .secure_channel = *instance.secure_channel,
                                          .code_hash = load_file->code_hash,
                                          .authority_signature = instance.signature.get(),
                                          .own_domain = instance.own_domain.get()});
  if (instance.application == nullptr) {
    return nullptr;
  }
  return running_.emplace(entry.aid, std::move(instance)).first->second.application.get();
}

std::string record_prefix(const Aid& aid) { return "app/" + aid.hex() + "/"; }

}  // namespace kagibin::se
