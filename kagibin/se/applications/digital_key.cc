// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/applications/digital_key.h"

#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/cipher/aes.h"

namespace kagibin::se {

namespace {

namespace sw = apdu::sw;

constexpr std::uint8_t kInternalAuthenticate = 0x88;
constexpr std::uint8_t kSetKey = 0x52;
constexpr std::uint8_t kCheckKey = 0x54;
constexpr std::uint8_t kClearKey = 0x56;
constexpr std::uint8_t kSlots = 8;
constexpr std::size_t kKeySize = 16;
constexpr std::size_t kKcvSize = 3;
constexpr std::uint8_t kCMac = 0x01;
constexpr std::uint8_t kCDecryption = 0x02;

class DigitalKey final : public Application {
 public:
  explicit DigitalKey(const ApplicationContext& context) : context_(context) {}

  StatusWord install(ByteView parameters) override {
    return parameters.empty() ? sw::kOk : sw::kWrongData;
  }

  apdu::ResponseApdu process(const apdu::CommandApdu& command) override {
    if (context_.secure_channel.is_security_command(command)) {
      return context_.secure_channel.process_security(command);
    }
    if (command.cla == 0x00 && command.ins == kInternalAuthenticate) {
      return authenticate(command);
    }
    if ((command.cla & 0x80U) == 0) {
      return {{}, sw::kClassNotSupported};
    }
    if (command.ins != kSetKey && command.ins != kCheckKey && command.ins != kClearKey) {
      return {{}, sw::kInstructionNotSupported};
    }
    if (!context_.secure_channel.authenticated()) {
      return {{}, sw::kSecurityStatusNotSatisfied};
    }
    auto plain = context_.secure_channel.unwrap(command);
    if (!plain) {
      return {{}, plain.error()};
    }
    const StatusWord done = manage(command, plain->data);
    return context_.secure_channel.wrap({}, done);
  }

 private:
  static bool is_slot(std::uint8_t slot) { return slot >= 1 && slot <= kSlots; }
  std::string record(std::uint8_t slot) const {
    return context_.record_prefix + "slot" + std::to_string(slot);
  }

  StatusWord manage(const apdu::CommandApdu& command, const SecretBytes& data) {
    if (!is_slot(command.p1) || command.p2 != 0) {
      return sw::kIncorrectP1P2;
    }
    const std::uint8_t level = context_.secure_channel.security_level();
    if ((level & kCMac) == 0) {
      return sw::kSecurityStatusNotSatisfied;
    }
    switch (command.ins) {
      case kSetKey:
        return (level & kCDecryption) == 0 ? sw::kSecurityStatusNotSatisfied
                                           : set_key(command.p1, data.expose());
      case kCheckKey:
        return check_key(command.p1, data.expose());
      default:
        return clear_key(command.p1, data.expose());
    }
  }

  StatusWord set_key(std::uint8_t slot, ByteView data) {
    if (data.size() != kKeySize + kKcvSize) {
      return sw::kWrongLength;
    }
    const ByteView key = data.first(kKeySize);
    const auto kcv = crypto::aes_kcv(key);
    if (!kcv || !equal(*kcv, data.last(kKcvSize))) {
      return sw::kWrongData;
    }
    return context_.nvm.put(record(slot), key) ? sw::kOk : sw::kMemoryFailure;
  }

  StatusWord check_key(std::uint8_t slot, ByteView kcv) const {
    if (kcv.size() != kKcvSize) {
      return sw::kWrongLength;
    }
    const SecretBytes* key = context_.nvm.get(record(slot));
    if (key == nullptr) {
      return sw::kReferencedDataNotFound;
    }
    const auto own = crypto::aes_kcv(key->expose());
    return own && equal(*own, kcv) ? sw::kOk : sw::kReferencedDataNotFound;
  }

  StatusWord clear_key(std::uint8_t slot, ByteView data) {
    if (!data.empty()) {
      return sw::kWrongLength;
    }
    if (context_.nvm.get(record(slot)) == nullptr) {
      return sw::kOk;
    }
    return context_.nvm.erase(record(slot)) ? sw::kOk : sw::kMemoryFailure;
  }

  apdu::ResponseApdu authenticate(const apdu::CommandApdu& command) const {
    if (command.p1 != 0 || !is_slot(command.p2)) {
      return {{}, sw::kIncorrectP1P2};
    }
    if (command.data.size() < 8 || command.data.size() > 64) {
      return {{}, sw::kWrongLength};
    }
    const SecretBytes* key = context_.nvm.get(record(command.p2));
    if (key == nullptr) {
      return {{}, sw::kReferencedDataNotFound};
    }
    const auto mac = crypto::aes_cmac(key->expose(), {command.data});
    if (!mac) {
      return {{}, sw::kNoDiagnosis};
    }
    return {Bytes(mac->begin(), mac->end()), sw::kOk};
  }

  ApplicationContext context_;
};

}  // namespace

std::unique_ptr<Application> make_digital_key(const ApplicationContext& context) {
  return std::make_unique<DigitalKey>(context);
}

}  // namespace kagibin::se
