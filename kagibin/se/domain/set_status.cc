// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/set_status.h"

#include <vector>

#include "kagibin/gp/registry/set_status.h"
#include "kagibin/se/open/content/hierarchy.h"

namespace kagibin::se {

namespace sw = apdu::sw;
using gp::Privileges;

namespace {

constexpr std::uint8_t kCard = 0x80;
constexpr std::uint8_t kApplication = 0x40;
constexpr std::uint8_t kDomainAndApplications = 0x60;

// --- the card ----------------------------------------------------------------------------------

Result<void> may_move_card(const RegistryEntry& domain, gp::CardState from, gp::CardState to) {
  if (!gp::may_move(from, to)) {
    return fail(
        Errc::kPolicy,
        "the card does not go from its state to this one: OP_READY, INITIALIZED, SECURED in "
        "this order, SECURED and CARD_LOCKED to and fro, TERMINATED at last (GPCS 5.1, "
        "11.10.2.2)");
  }
  if (to == gp::CardState::kTerminated) {
    return domain.privileges.has(Privileges::kCardTerminate)
               ? Result<void>{}
               : fail(Errc::kPolicy,
                      "the card is terminated with the Card Terminate privilege (GPCS 6.6.1, "
                      "9.6.4)");
  }
  const bool locks = from == gp::CardState::kCardLocked || to == gp::CardState::kCardLocked;
  if (locks && !domain.privileges.has(Privileges::kCardLock)) {
    return fail(Errc::kPolicy,
                "the card is locked and unlocked with the Card Lock privilege (GPCS 6.6.1, 9.6.3)");
  }
  if (!locks && !domain.is_issuer()) {
    return fail(Errc::kPolicy,
                "INITIALIZED and SECURED are set through the issuer's domain (GPCS 5.1.1)");
  }
  return {};
}

apdu::ResponseApdu set_card(const DomainCommand& command, const gp::SetStatus& request) {
  const Aid& isd = command.platform.facts.isd_aid;
  if (request.aid && *request.aid != isd) {
    return answer(sw::kWrongData.because(
        "the card's life cycle is set with no AID or the ISD's (GPCS 11.10.2.3)"));
  }
  const auto to = gp::card_state_from(request.state);
  if (!to) {
    return answer(sw::kIncorrectP1P2.because(
        "P2 is no state of the card: 07, 0F, 7F or FF (GPCS 11.1.1, table 11-6)"));
  }
  auto entry = command.platform.registry.find(isd);
  KB_CHECK(entry.has_value());
  const auto from = gp::card_state_from(entry->life_cycle);
  KB_CHECK(from.has_value());
  if (const auto allowed = may_move_card(command.domain, *from, *to); !allowed) {
    return answer(status_of(allowed.error()));
  }
  NvmTransaction transaction(command.platform.nvm);
  entry->life_cycle = request.state;
  return conclude(transaction, command.platform.registry.put(*entry), {});
}

// --- applications and security domains -----------------------------------------------------------

bool is_lock(std::uint8_t state) { return (state & gp::kLockedBit) != 0; }

// Of another, or the lock of oneself (GPCS 5.3.1.3, 5.3.2.4).
Result<void> may_lock(const DomainCommand& command, const RegistryEntry& target, bool lock) {
  if (target.aid == command.domain.aid) {
    return lock ? Result<void>{}
                : fail(Errc::kPolicy,
                       "a security domain does not unlock itself: the domain above it does, or one "
                       "with Global Lock (GPCS 5.3.2.4)");
  }
  const bool below =
      is_within(command.platform.registry, target.security_domain, command.domain.aid);
  if (!below && !command.domain.privileges.has(Privileges::kGlobalLock)) {
    return fail(Errc::kPolicy,
                "only a domain that it is associated with, or one with the Global Lock privilege, "
                "locks and unlocks an application (GPCS 5.3.1.3, 9.6.2)");
  }
  return {};
}

Result<void> put_locked(Registry& registry, RegistryEntry entry, bool lock) {
  entry.life_cycle = static_cast<std::uint8_t>(lock ? entry.life_cycle | gp::kLockedBit
                                                    : entry.life_cycle & ~gp::kLockedBit);
  return registry.put(entry);
}

// All or those of them that are not so yet; at least one.
Result<void> set_locked(const DomainCommand& command,
                        const std::vector<RegistryEntry>& targets,
                        bool lock) {
  bool changed = false;
  for (const RegistryEntry& entry : targets) {
    if (entry.locked() != lock) {
      KB_TRY(put_locked(command.platform.registry, entry, lock));
      changed = true;
    }
  }
  if (!changed) {
    return fail(Errc::kPolicy,
                "it is in this state: b8 of P2 is 1 to lock and 0 to go back to the state before, "
                "and nothing else can be set for another (GPCS 11.10.2.2)");
  }
  return {};
}

// A domain's own session: INSTALLED cannot be selected, so that SELECTABLE to PERSONALIZED is left
// (GPCS 5.3.2.3).
Result<void> set_own_state(const DomainCommand& command, RegistryEntry entry, std::uint8_t state) {
  if (state != gp::kPersonalized || entry.life_cycle != gp::kSelectable) {
    return fail(
        Errc::kPolicy,
        "a security domain moves itself from SELECTABLE to PERSONALIZED (0F), and to LOCKED "
        "(80); no state is set twice (GPCS 5.3.2, 11.10.2.2)");
  }
  entry.life_cycle = state;
  return command.platform.registry.put(entry);
}

Result<void> change(const DomainCommand& command,
                    const gp::SetStatus& request,
                    const RegistryEntry& target) {
  const bool lock = is_lock(request.state);
  const bool own = target.aid == command.domain.aid;
  if (request.scope == gp::SetStatusScope::kApplication && own && !lock && !target.locked()) {
    return set_own_state(command, target, request.state);
  }
  KB_TRY(may_lock(command, target, lock));
  std::vector<RegistryEntry> targets{target};
  if (request.scope == gp::SetStatusScope::kDomainAndItsApplications) {
    for (RegistryEntry& below : associated_with(command.platform.registry, target.aid)) {
      targets.push_back(std::move(below));
    }
  }
  return set_locked(command, targets, lock);
}

apdu::ResponseApdu set_object(const DomainCommand& command, const gp::SetStatus& request) {
  const auto target = command.platform.registry.find(*request.aid);
  if (!target) {
    return answer(sw::kReferencedDataNotFound.because(
        "there is no application or security domain of this AID (GPCS 11.10.3.2)"));
  }
  if (target->is_issuer()) {
    return answer(sw::kIncorrectP1P2.because(
        "the life cycle of the ISD is the card's: P1 = 80 (GPCS 5.3.2, 11.10.2.1)"));
  }
  const bool of_domain = request.scope == gp::SetStatusScope::kDomainAndItsApplications;
  if (of_domain && !target->is_security_domain()) {
    return answer(sw::kWrongData.because(
        "P1 = 60 is for a security domain and what is associated with it (GPCS 11.10.2.1)"));
  }
  NvmTransaction transaction(command.platform.nvm);
  return conclude(transaction, change(command, request, *target), {});
}

}  // namespace

apdu::ResponseApdu process_set_status(const DomainCommand& command) {
  if (!command.authenticated_with_mac()) {
    return answer(sw::kSecurityStatusNotSatisfied.because(
        "SET STATUS is taken in a session with C-MAC that the domain's provider opened (GPCS table "
        "11-2)"));
  }
  if (command.p1 != kCard && command.p1 != kApplication && command.p1 != kDomainAndApplications) {
    return answer(sw::kIncorrectP1P2.because("P1 of SET STATUS is 80, 40 or 60 (GPCS 11.10.2.1)"));
  }
  const auto request = gp::SetStatus::decode(command.p1, command.p2, command.data);
  if (!request) {
    return answer(sw::kWrongData.because(request.error().detail));
  }
  return request->scope == gp::SetStatusScope::kCard ? set_card(command, *request)
                                                     : set_object(command, *request);
}

}  // namespace kagibin::se
