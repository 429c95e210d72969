// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/applications/payment_credential.h"

#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/gp/store_data.h"

namespace kagibin::se {

namespace {

namespace sw = apdu::sw;

constexpr std::uint8_t kInternalAuthenticate = 0x88;
constexpr std::uint16_t kNumberGroup = 0x8010;
constexpr std::uint16_t kKeyGroup = 0x8020;
constexpr std::uint8_t kTagCredentialNumber = 0x5A;
constexpr std::size_t kKeySize = 16;
constexpr StatusWord kNotStored =
    sw::kMemoryFailure.because("the memory did not take the change: nothing was changed");

class PaymentCredential final : public Application {
 public:
  explicit PaymentCredential(const ApplicationContext& context) : context_(context) {}

  StatusWord install(ByteView parameters) override {
    return parameters.empty() ? sw::kOk
                              : sw::kWrongData.because(
                                    "this application takes no parameters (tag C9): leave them "
                                    "out (GPCS 11.5.2.3.7)");
  }

  apdu::ResponseApdu process(const apdu::CommandApdu& command) override {
    if (command.cla != 0x00) {
      return {{},
              sw::kClassNotSupported.because(
                  "this application has commands of class 00 alone; it is personalised by its "
                  "security domain (GPCS 7.3.3)")};
    }
    switch (command.ins) {
      case kInternalAuthenticate:
        return authenticate(command);
      case apdu::ins::kGetData:
        return get_data(command);
      default:
        return {{},
                sw::kInstructionNotSupported.because(
                    "this application has 88 INTERNAL AUTHENTICATE and CA GET DATA")};
    }
  }

  StatusWord store_data(ByteView data, std::uint8_t p1, std::uint8_t block_number) override {
    const auto head = gp::StoreData::decode(p1, block_number);
    if (!head || head->structure != gp::StoreStructure::kGroupings) {
      return sw::kIncorrectP1P2.because(
          "this application is personalised with DGIs: b5 b4 of P1 are 01 (GPCS 11.11.2.1)");
    }
    const bool under_key_dek = head->encryption == gp::StoreEncryption::kEncrypted;
    NvmTransaction transaction(context_.nvm);
    const auto groups = gp::decode_groupings(data);
    if (!groups) {
      return sw::kWrongData.because(groups.error().detail);
    }
    for (const gp::Grouping& group : *groups) {
      const StatusWord stored = store_group(group.id, group.value, under_key_dek);
      if (stored != sw::kOk) {
        return stored;
      }
    }
    return transaction.commit() ? sw::kOk : kNotStored;
  }

 private:
  StatusWord store_group(std::uint16_t group, ByteView value, bool under_key_dek) {
    SecretBytes clear = SecretBytes::copy_of(value);
    if (under_key_dek) {
      auto opened = context_.secure_channel.decrypt_sensitive(value);
      if (!opened) {
        return opened.error();
      }
      clear = std::move(*opened);
    }
    if (group == kNumberGroup && !clear.empty() && clear.size() <= 16) {
      return put("number", clear.expose());
    }
    if (group == kKeyGroup && clear.size() == kKeySize) {
      return put("key", clear.expose());
    }
    return sw::kWrongData.because(
        "this application takes DGI 8010, a number of 1 to 16 octets, and DGI 8020, an AES key of "
        "16");
  }

  StatusWord put(const char* name, ByteView value) {
    return context_.nvm.put(context_.record_prefix + name, value) ? sw::kOk : kNotStored;
  }

  apdu::ResponseApdu authenticate(const apdu::CommandApdu& command) const {
    if (command.p1 != 0 || command.p2 != 0) {
      return {{}, sw::kIncorrectP1P2.because("P1 and P2 are 00")};
    }
    if (command.data.size() < 8 || command.data.size() > 64) {
      return {{}, sw::kWrongLength.because("a challenge has 8 to 64 octets")};
    }
    const SecretBytes* key = context_.nvm.get(context_.record_prefix + "key");
    if (key == nullptr) {
      return {{},
              sw::kConditionsNotSatisfied.because(
                  "there is no key yet: its security domain personalises it by STORE DATA (GPCS "
                  "7.3.3)")};
    }
    const auto mac = crypto::aes_cmac(key->expose(), {command.data});
    if (!mac) {
      return {{}, sw::kNoDiagnosis.because("the cryptographic library failed")};
    }
    return {Bytes(mac->begin(), mac->end()), sw::kOk};
  }

  apdu::ResponseApdu get_data(const apdu::CommandApdu& command) const {
    if (command.p1 != 0 || command.p2 != kTagCredentialNumber) {
      return {{}, sw::kReferencedDataNotFound.because("GET DATA here knows 005A alone")};
    }
    const SecretBytes* number = context_.nvm.get(context_.record_prefix + "number");
    if (number == nullptr) {
      return {{},
              sw::kReferencedDataNotFound.because(
                  "there is no number yet: its security domain personalises it by STORE DATA "
                  "(GPCS 7.3.3)")};
    }
    const ByteView octets = number->expose();
    return {Bytes(octets.begin(), octets.end()), sw::kOk};
  }

  ApplicationContext context_;
};

}  // namespace

std::unique_ptr<Application> make_payment_credential(const ApplicationContext& context) {
  return std::make_unique<PaymentCredential>(context);
}

}  // namespace kagibin::se
