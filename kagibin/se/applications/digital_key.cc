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

constexpr StatusWord kNeedsSession = sw::kSecurityStatusNotSatisfied.because(
    "keys are managed in a session with C-MAC: open one with the domain's keys (GPCS 10.2)");
constexpr StatusWord kNeedsEncryption = sw::kSecurityStatusNotSatisfied.because(
    "a key is taken under C-DECRYPTION alone: open the session at level 03 or 33 (GPCS 10.6)");
// A slot that is empty and one with another key look alike.
constexpr StatusWord kNoSuchKey =
    sw::kReferencedDataNotFound.because("the slot has no such key: SET KEY puts one there");
constexpr StatusWord kNotStored =
    sw::kMemoryFailure.because("the memory did not take the change: nothing was changed");

class DigitalKey final : public Application {
 public:
  explicit DigitalKey(const ApplicationContext& context) : context_(context) {}

  StatusWord install(ByteView parameters) override {
    return parameters.empty() ? sw::kOk
                              : sw::kWrongData.because(
                                    "this application takes no parameters (tag C9): leave them "
                                    "out (GPCS 11.5.2.3.7)");
  }

  apdu::ResponseApdu process(const apdu::CommandApdu& command) override {
    if (context_.secure_channel.is_security_command(command)) {
      return context_.secure_channel.process_security(command);
    }
    if (command.cla == 0x00 && command.ins == kInternalAuthenticate) {
      return authenticate(command);
    }
    if ((command.cla & 0x80U) == 0) {
      return {{},
              sw::kClassNotSupported.because(
                  "class 00 has INTERNAL AUTHENTICATE alone here: keys are managed in class "
                  "80")};
    }
    if (command.ins != kSetKey && command.ins != kCheckKey && command.ins != kClearKey) {
      return {{},
              sw::kInstructionNotSupported.because(
                  "this application has 52 SET KEY, 54 CHECK KEY, 56 CLEAR KEY and 88")};
    }
    if (!context_.secure_channel.authenticated()) {
      return {{}, kNeedsSession};
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
      return sw::kIncorrectP1P2.because("P1 is a slot, 01 to 08, and P2 is 00");
    }
    const std::uint8_t level = context_.secure_channel.security_level();
    if ((level & kCMac) == 0) {
      return kNeedsSession;
    }
    switch (command.ins) {
      case kSetKey:
        return (level & kCDecryption) == 0 ? kNeedsEncryption : set_key(command.p1, data.expose());
      case kCheckKey:
        return check_key(command.p1, data.expose());
      default:
        return clear_key(command.p1, data.expose());
    }
  }

  StatusWord set_key(std::uint8_t slot, ByteView data) {
    if (data.size() != kKeySize + kKcvSize) {
      return sw::kWrongLength.because("SET KEY carries a key of 16 octets and its KCV of 3");
    }
    const ByteView key = data.first(kKeySize);
    const auto kcv = crypto::aes_kcv(key);
    if (!kcv || !equal(*kcv, data.last(kKcvSize))) {
      return sw::kWrongData.because("the key check value is not the key's (GPCS B.6)");
    }
    return context_.nvm.put(record(slot), key) ? sw::kOk : kNotStored;
  }

  StatusWord check_key(std::uint8_t slot, ByteView kcv) const {
    if (kcv.size() != kKcvSize) {
      return sw::kWrongLength.because("CHECK KEY carries a key check value of 3 octets");
    }
    const SecretBytes* key = context_.nvm.get(record(slot));
    if (key == nullptr) {
      return kNoSuchKey;
    }
    const auto own = crypto::aes_kcv(key->expose());
    return own && equal(*own, kcv) ? sw::kOk : kNoSuchKey;
  }

  StatusWord clear_key(std::uint8_t slot, ByteView data) {
    if (!data.empty()) {
      return sw::kWrongLength.because("CLEAR KEY has no data");
    }
    if (context_.nvm.get(record(slot)) == nullptr) {
      return sw::kOk;
    }
    return context_.nvm.erase(record(slot)) ? sw::kOk : kNotStored;
  }

  apdu::ResponseApdu authenticate(const apdu::CommandApdu& command) const {
    if (command.p1 != 0 || !is_slot(command.p2)) {
      return {{}, sw::kIncorrectP1P2.because("P1 is 00 and P2 a slot, 01 to 08")};
    }
    if (command.data.size() < 8 || command.data.size() > 64) {
      return {{}, sw::kWrongLength.because("a challenge has 8 to 64 octets")};
    }
    const SecretBytes* key = context_.nvm.get(record(command.p2));
    if (key == nullptr) {
      return {{}, kNoSuchKey};
    }
    const auto mac = crypto::aes_cmac(key->expose(), {command.data});
    if (!mac) {
      return {{}, sw::kNoDiagnosis.because("the cryptographic library failed")};
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
