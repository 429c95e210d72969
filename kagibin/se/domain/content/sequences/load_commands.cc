// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/content/sequences/load_commands.h"

#include <algorithm>

#include "kagibin/gp/content/install_parameters.h"
#include "kagibin/gp/delegated/load_file_signature.h"
#include "kagibin/se/domain/delegated/dap_verification.h"
#include "kagibin/se/open/content.h"
#include "kagibin/se/open/content/memory.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint8_t kNoReceipt = 0x00;

Result<void> check_room(const Platform& platform, const gp::InstallForLoad& request) {
  const auto asked = KB_TRY(gp::InstallParameters::decode(request.parameters));
  const FreeMemory free = free_memory(platform);
  const std::uint64_t non_volatile =
      std::uint64_t{asked.code_octets.value_or(0)} + asked.data_octets.value_or(0);
  if (non_volatile > free.non_volatile ||
      asked.volatile_octets.value_or(0) > free.volatile_octets) {
    return fail(Errc::kNoSpace,
                "the load file asks for more memory (C6, C7, C8) than is free (GPCS 11.5.2.3.7)");
  }
  return {};
}

// Of the load file: below the one that asks, and not locked.
Result<void> check_domain(const DomainCommand& command, const Aid& domain) {
  KB_TRY(check_within(command, domain));
  if (command.platform.registry.find(domain)->locked()) {
    return fail(Errc::kPolicy, "a locked security domain takes no load file (GPCS 5.3.2.4)");
  }
  return {};
}

Result<std::unique_ptr<LoadSession>> begin(const DomainCommand& command) {
  const Platform& platform = command.platform;
  auto request = KB_TRY(gp::InstallForLoad::decode(command.p1, command.p2, command.data));
  const Right right =
      KB_TRY(right_of(command, apdu::ins::kInstall, request.token, ByteView(request.parameters)));
  const Aid domain = request.security_domain.value_or(command.domain.aid);
  KB_TRY(check_domain(command, domain));
  if (platform.registry.find(request.load_file) ||
      platform.registry.find_load_file(request.load_file)) {
    return fail(Errc::kConflict, "the AID of this load file is in use (GPCS 9.3.5)");
  }
  if (right.token && request.hash.empty()) {
    return fail(Errc::kValue,
                "a load under a token names the load file data block hash (GPCS 11.5.2.3.1)");
  }
  KB_TRY(check_room(platform, request));
  const std::uint64_t room = free_memory(platform).non_volatile;
  return std::make_unique<LoadSession>(
      LoadSession{.p1 = command.p1,
                  .p2 = command.p2,
                  .announcement = Bytes(command.data.begin(), command.data.end()),
                  .request = std::move(request),
                  .security_domain = domain,
                  .file = gp::LoadFileReader(static_cast<std::size_t>(room)),
                  .standing = standing_of(command)});
}

Result<void> add_block(LoadSession& load, const gp::Load& head, ByteView octets) {
  KB_TRY(load.file.add(octets));
  ++load.next_block;
  if (head.last && !load.file.complete()) {
    return fail(Errc::kTruncated,
                "the last LOAD came before all that C4 announces (GPCS 11.6.2.3)");
  }
  return {};
}

// Whose DAP block must be there (GPCS 9.2.1).
std::vector<RegistryEntry> due_verifiers(const Registry& registry, const Aid& domain) {
  std::vector<RegistryEntry> out;
  for (const RegistryEntry& entry : registry.entries()) {
    const bool own = entry.aid == domain && entry.privileges.has(gp::Privileges::kDapVerification);
    if (own || entry.privileges.has(gp::Privileges::kMandatedDapVerification)) {
      out.push_back(entry);
    }
  }
  return out;
}

Result<void> check_hash_and_blocks(const Platform& platform, const LoadSession& load) {
  const Bytes& hash = load.request.hash;
  if (!hash.empty() && !gp::is_load_file_hash(hash, load.file.data_block())) {
    return fail(Errc::kAuthentication,
                "the load file data block is not the one whose hash INSTALL [for load] names (GPCS "
                "C.2)");
  }
  const auto due = due_verifiers(platform.registry, load.security_domain);
  if (hash.empty() && !load.file.dap_blocks().empty()) {
    return fail(Errc::kValue,
                "with DAP blocks, INSTALL [for load] names the load file data block hash (GPCS "
                "11.5.2.3.1)");
  }
  return verify_dap_blocks(platform, due, load.file.dap_blocks(), hash);
}

// A combined load waits for its INSTALL: nothing is stored yet.
apdu::ResponseApdu complete(const DomainCommand& command, const Right& right) {
  LoadSession& load = *command.channel.load;
  load.complete = true;
  if (load.request.combined) {
    return answer(sw::kOk, Bytes{kNoReceipt});
  }
  const std::unique_ptr<LoadSession> done = std::move(command.channel.load);
  NvmTransaction transaction(command.platform.nvm);
  return conclude(command, transaction, register_load_file(command.platform, *done), right,
                  gp::receipt_for::load(done->request.load_file, done->security_domain));
}

}  // namespace

apdu::ResponseApdu begin_load(const DomainCommand& command) {
  auto load = begin(command);
  if (!load) {
    return answer(status_of(load.error()));
  }
  command.channel.load = std::move(*load);
  return answer(sw::kOk, Bytes{kNoReceipt});
}

apdu::ResponseApdu process_load(const DomainCommand& command) {
  if (!command.authenticated_with_mac()) {
    return answer(sw::kSecurityStatusNotSatisfied.because(
        "LOAD is taken in a secure channel session with C-MAC (GPCS 11.6)"));
  }
  LoadSession* load = command.channel.load.get();
  if (load == nullptr || load->complete) {
    return answer(sw::kConditionsNotSatisfied.because(
        "LOAD follows INSTALL [for load], or another LOAD, with no other command between (GPCS "
        "9.3.5)"));
  }
  const auto right = right_to_go_on(command, *load);
  if (!right) {
    command.channel.load.reset();
    return answer(status_of(right.error()));
  }
  const auto head = gp::Load::decode(command.p1, command.p2);
  if (!head || load->next_block >= LoadSession::kMaxBlocks || head->block != load->next_block) {
    command.channel.load.reset();
    return answer(sw::kIncorrectP1P2.because(
        "blocks of LOAD count from 00, 256 at most, P1 00 or 80 for the last; the load is given up "
        "(GPCS 11.6.2)"));
  }
  const auto added = add_block(*load, *head, command.data);
  if (!added) {
    command.channel.load.reset();
    return answer(status_of(added.error()));
  }
  return head->last ? complete(command, *right) : answer(sw::kOk, Bytes{kNoReceipt});
}

Result<Right> right_to_go_on(const DomainCommand& command, const LoadSession& load) {
  KB_TRY(check_standing(command, load.standing));
  const DomainCommand begun{.platform = command.platform,
                            .instances = command.instances,
                            .channels = command.channels,
                            .channel = command.channel,
                            .domain = command.domain,
                            .p1 = load.p1,
                            .p2 = load.p2,
                            .data = load.announcement};
  Right right = KB_TRY(
      right_of(begun, apdu::ins::kInstall, load.request.token, ByteView(load.request.parameters)));
  KB_TRY(check_domain(command, load.security_domain));
  return right;
}

Result<void> register_load_file(Platform& platform, const LoadSession& load) {
  const auto domain = platform.registry.find(load.security_domain);
  if (!domain || !domain->is_security_domain()) {
    return fail(Errc::kNotFound, "the security domain of the load file is gone");
  }
  KB_TRY(check_hash_and_blocks(platform, load));
  auto content = KB_TRY(gp::CapFile::decode(load.file.data_block()));
  if (content.package.aid != load.request.load_file) {
    return fail(Errc::kValue,
                "the package in the load file has another AID than INSTALL [for load] names (GPCS "
                "9.3.5)");
  }
  return add_load_file(platform,
                       {.content = std::move(content),
                        .security_domain = load.security_domain,
                        .code_hash = crypto::sha256(load.file.data_block()),
                        .octets = static_cast<std::uint32_t>(load.file.data_block().size())});
}

}  // namespace kagibin::se
