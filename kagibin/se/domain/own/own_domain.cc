// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/own/own_domain.h"

#include <algorithm>
#include <utility>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/se/domain/content_commands.h"
#include "kagibin/se/domain/keys/key_commands.h"
#include "kagibin/se/domain/store_data.h"

namespace kagibin::se {

namespace sw = apdu::sw;
namespace ins = apdu::ins;

namespace {

constexpr scp::SecurityLevel kNothingLeaves{0x33};
constexpr StatusWord kNoCommands =
    sw::kConditionsNotSatisfied.because("this session takes no APDUs: nothing opens it");

// As if its domain's provider sat inside: authenticated, and one key, for sensitive values.
class InsideSession final : public scp::CardSession {
 public:
  explicit InsideSession(const SecretArray<16>& sensitive) : sensitive_(sensitive) {}
  std::uint8_t protocol() const override { return 0; }
  apdu::ResponseApdu establish(const apdu::CommandApdu& command) override {
    static_cast<void>(command);
    return answer(kNoCommands);
  }
  bool open() const override { return true; }
  scp::SecurityLevel level() const override { return kNothingLeaves; }
  scp::OffCardEntity off_card_entity() const override {
    return {.authentication = scp::Authentication::kAuthenticated, .identity = {}};
  }
  std::expected<Unwrapped, StatusWord> unwrap(const apdu::CommandApdu& command) override {
    static_cast<void>(command);
    return std::unexpected(kNoCommands);
  }
  Bytes wrap(ByteView data, StatusWord status) override {
    static_cast<void>(status);
    return {data.begin(), data.end()};
  }
  std::expected<SecretBytes, StatusWord> decrypt_sensitive(ByteView value) const override {
    if (value.empty() || value.size() % crypto::kAesBlockSize != 0) {
      return std::unexpected(sw::kWrongData);
    }
    auto clear = crypto::aes_cbc_decrypt(sensitive_.expose(), {}, value);
    if (!clear) {
      return std::unexpected(sw::kNoDiagnosis);
    }
    return std::move(*clear);
  }
  void close() override {}

 private:
  const SecretArray<16>& sensitive_;  // of the apply() that this session lives in
};

constexpr StatusWord kNoPreciseDiagnosis{0x6F00};  // ISO/IEC 7816-4, 5.6

// What the domain, or an application below it, fails at itself is no refusal of the command: memory
// without power, full memory, the cryptographic library and its randomness (domain_command.cc).
Errc kind_of(StatusWord word) {
  if (word == sw::kMemoryFailure) {
    return Errc::kIo;
  }
  if (word == sw::kNotEnoughMemory) {
    return Errc::kNoSpace;
  }
  const bool is_of_library = word == sw::kNoDiagnosis || word == kNoPreciseDiagnosis;
  return is_of_library ? Errc::kCrypto : Errc::kCardStatus;
}

apdu::ResponseApdu dispatch(std::uint8_t instruction, const DomainCommand& command) {
  switch (instruction) {
    case ins::kPutKey:
      return put_key(command);
    case ins::kDelete:
      return process_delete(command);
    case ins::kInstall:
      return process_install(command);
    case ins::kStoreData:
      return process_store_data(command);
    default:
      return answer(sw::kInstructionNotSupported);
  }
}

}  // namespace

Result<void> OwnDomain::run(LogicalChannel& inside, const Command& command) {
  const auto domain = platform_.registry.find(domain_);
  KB_CHECK(domain.has_value());
  const apdu::ResponseApdu done = dispatch(command.header[1], {.platform = platform_,
                                                               .instances = instances_,
                                                               .channels = channels_,
                                                               .channel = inside,
                                                               .domain = *domain,
                                                               .p1 = command.header[2],
                                                               .p2 = command.header[3],
                                                               .data = command.data});
  if (!sw::is_ok(done.sw)) {
    return fail(kind_of(done.sw), "the domain did not carry the command out", done.sw);
  }
  return {};
}

Result<void> OwnDomain::apply(std::span<const Command> commands,
                              const SecretArray<16>& sensitive,
                              const std::function<Result<void>()>& record) {
  LogicalChannel inside{
      .open = true, .selected = domain_, .session = std::make_unique<InsideSession>(sensitive)};
  std::optional<Aid> personalized;
  const auto act = [&]() -> Result<void> {
    NvmTransaction transaction(platform_.nvm);
    for (const Command& command : commands) {
      KB_TRY(run(inside, command));
      if (inside.personalizing) {
        personalized = inside.personalizing->target;
      }
    }
    KB_TRY(record());
    return transaction.commit();
  };
  LogicalChannel* const outside = std::exchange(channels_.current, &inside);
  Result<void> done = act();
  channels_.current = outside;
  if (!done && personalized) {
    instances_.forget(*personalized);
  }
  return done;
}

std::uint8_t OwnDomain::highest_key_version() const {
  std::uint8_t highest = 0;
  for (const gp::KeyEntry& key : platform_.keys.information(domain_).keys) {
    if (key.version <= kMaxKeyVersion) {
      highest = std::max(highest, key.version);
    }
  }
  return highest;
}

}  // namespace kagibin::se
