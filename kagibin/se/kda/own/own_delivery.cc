// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/own/own_delivery.h"

#include <utility>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/se/kda/key_delivery_application.h"
#include "kagibin/se/kda/key_delivery_sources.h"
#include "kagibin/se/kda/records/kda_receipts.h"
#include "kagibin/se/kda/target/target_commands.h"

namespace kagibin::se {

namespace {

using envelope::ActionResult;
using kagibin::kda::Hint;
using kagibin::kda::NextAnswer;
using kagibin::kda::State;

constexpr std::array<std::uint8_t, 10> kLoadFile = {0xF0, 0x4B, 0x41, 0x47, 0x49,
                                                    0x42, 0x49, 0x4E, 0x4F, 0x53};
constexpr std::array<std::uint8_t, 11> kModule = {0xF0, 0x4B, 0x41, 0x47, 0x49, 0x42,
                                                  0x49, 0x4E, 0x4F, 0x53, 0x01};

// The provider's end of a session that is inside the domain: nothing is wrapped, and sensitive
// values go under a key of this one action.
class InsideHost final : public scp::HostSession {
 public:
  explicit InsideHost(const SecretArray<16>& sensitive) : sensitive_(sensitive) {}
  std::uint8_t protocol() const override { return scp::kScp03; }  // blocks of 16 octets
  bool open() const override { return true; }
  scp::SecurityLevel level() const override { return {}; }
  Result<apdu::CommandApdu> wrap(const scp::PlainCommand& command, bool extended) override {
    static_cast<void>(command);
    static_cast<void>(extended);
    return fail(Errc::kState, "nothing leaves this session");
  }
  Result<Unwrapped> unwrap(const apdu::ResponseApdu& answer) override {
    return Unwrapped{.response = answer};
  }
  Result<Bytes> encrypt_sensitive(ByteView value) const override {
    return crypto::aes_cbc_encrypt(sensitive_.expose(), {}, value);
  }
  void close() override {}

 private:
  const SecretArray<16>& sensitive_;
};

Result<void> end(const KdaEnvironment& kda,
                 KdaStore::Slot& slot,
                 const OpenedDelivery& opened,
                 State state,
                 ActionResult rest) {
  KdaResults results = slot.journal.proved;
  results.resize(slot.journal.actions, rest);
  slot.journal.state = state;
  if (state == State::kDone) {
    slot.record.commit(slot.journal);
  }
  return close_slot(kda, slot, std::move(results), &opened.payload.receipt_key);
}

// The current action and what the journal says of it. `slot` afterwards, if all of it is there.
Result<KdaStore::Slot> act(const KdaEnvironment& kda,
                           const KdaStore::Slot& slot,
                           const OpenedDelivery& opened) {
  SecretArray<16> sensitive;
  KB_TRY(kda.rng().fill(sensitive.expose_mutable()));
  const InsideHost inside(sensitive);
  const std::vector<TargetCommand> plain =
      KB_TRY(commands_for(opened.payload.actions.at(slot.journal.current_action()),
                          {.session = inside, .mac_size = 0}));
  std::vector<OwnDomainService::Command> commands;
  commands.reserve(plain.size());
  for (const TargetCommand& command : plain) {
    commands.push_back({.header = command.header, .data = command.data.expose()});
  }
  KdaStore::Slot next = slot;
  next.journal.proved.push_back(ActionResult::kInstalled);
  KB_TRY(kda.own_domain()->apply(commands, sensitive, [&] {
    return next.journal.current_action() == next.journal.actions
               ? end(kda, next, opened, State::kDone, ActionResult::kInstalled)
               : kda.store.put_journal(next);
  }));
  return next;
}

// What the domain refused is not there, and nothing of it is.
KdaResult<void> end_refused(const KdaEnvironment& kda,
                            KdaStore::Slot slot,
                            const OpenedDelivery& opened) {
  NvmTransaction transaction(kda.nvm());
  KB_TRY(or_internal(end(kda, slot, opened, State::kAbsent, ActionResult::kProvedAbsent)));
  return or_internal(transaction.commit());
}

}  // namespace

KdaResult<void> take_owner(const KdaEnvironment& kda, ByteView parameters) {
  const Spid owner = KB_TRY(or_sw(Spid::from(parameters), sw::kWrongData));
  return or_internal(kda.store.put_owner(owner));
}

KdaResult<NextAnswer> deliver_inside(const KdaEnvironment& kda,
                                     KdaStore::Slot slot,
                                     const OpenedDelivery& opened) {
  KB_CHECK(kda.own_domain() != nullptr && slot.journal.is_delivering());
  while (slot.journal.current_action() < slot.journal.actions) {
    auto next = act(kda, slot, opened);
    if (!next && next.error().code != Errc::kCardStatus) {
      return refuse(internal_failure(next.error().code));
    }
    if (!next) {
      KB_TRY(end_refused(kda, std::move(slot), opened));
      break;
    }
    slot = std::move(*next);
  }
  return NextAnswer{.hint = Hint::kDone};
}

LoadFile own_delivery_load_file() {
  const ModuleRegistry os;
  const LoadFile* domains = os.load_file(security_domain_load_file_aid());
  KB_CHECK(domains != nullptr);
  return {.aid = Aid::from(kLoadFile).value(),
          .version = {1, 0},
          .sources = crypto::sha256({domains->sources, kKeyDeliverySources}),
          .modules = {Aid::from(kModule).value()}};
}

BuiltIn own_delivery_built_in() {
  return {.file = own_delivery_load_file(),
          .factories = {[](const ApplicationContext& context) {
            return std::make_unique<KeyDeliveryApplication>(context);
          }},
          .makes_domains = true};
}

InitialSecurityDomain::OwnDelivery own_delivery_of(const Spid& owner) {
  const LoadFile file = own_delivery_load_file();
  return {.load_file = file.aid,
          .module = file.modules.front(),
          .parameters = Bytes(owner.view().begin(), owner.view().end())};
}

}  // namespace kagibin::se
