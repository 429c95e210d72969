// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/target/target_commands.h"

#include <algorithm>
#include <utility>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/gp/get_data.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/gp/store_data.h"

namespace kagibin::se {

namespace {

constexpr std::uint8_t kClass = 0x80;
constexpr std::size_t kMaxWrapped = 255;

// Octets of plain data that a short command of this session takes.
std::size_t plain_limit(const TargetChannel& channel) {
  const bool has_mac = channel.session.level().c_mac();
  const std::size_t body = kMaxWrapped - (has_mac ? channel.mac_size : std::size_t{0});
  return channel.session.level().c_decryption()
             ? body / crypto::kAesBlockSize * crypto::kAesBlockSize - 1
             : body;
}

TargetCommand from_plain(const apdu::CommandApdu& command, bool is_key_bearing) {
  return {.header = {command.cla, command.ins, command.p1, command.p2},
          .data = SecretBytes::copy_of(command.data),
          .is_key_bearing = is_key_bearing};
}

Result<TargetCommand> put_key(const envelope::PutKeyAction& action, const TargetChannel& channel) {
  gp::PutKey put{.old_version = action.old_key_version,
                 .new_version = action.new_key_version,
                 .first_identifier = action.first_key_identifier};
  for (const envelope::PutKeyAction::Key& key : action.keys) {
    const SecretBytes padded = KB_TRY(gp::pad_key_value(key.value));
    Bytes encrypted = KB_TRY(channel.session.encrypt_sensitive(padded.expose()));
    put.keys.push_back(
        gp::encrypted_key(key.type, std::move(encrypted), key.value.size(), key.kcv));
  }
  return from_plain(KB_TRY(put.encode()), true);
}

// One data group as it goes to the target.
Result<SecretBytes> encode_group(const gp::Grouping& group,
                                 bool is_encrypted,
                                 const TargetChannel& channel) {
  if (!is_encrypted || group.value.empty()) {
    return gp::encode_groupings(std::span(&group, 1));
  }
  const bool is_whole = group.value.size() % crypto::kAesBlockSize == 0;
  const SecretBytes clear =
      is_whole ? SecretBytes::copy_of(group.value) : crypto::pad80(group.value);
  const Bytes cipher = KB_TRY(channel.session.encrypt_sensitive(clear.expose()));
  const gp::Grouping encrypted{.id = group.id, .value = cipher};
  return gp::encode_groupings(std::span(&encrypted, 1));
}

// Data groups in blocks of at most `limit` octets, each group whole where it fits one.
std::vector<SecretBytes> in_blocks(const std::vector<SecretBytes>& groups, std::size_t limit) {
  std::vector<SecretBytes> out;
  SecretBytes block(limit);
  std::size_t used = 0;
  const auto close = [&] {
    if (used > 0) {
      out.push_back(SecretBytes::copy_of(block.expose().first(used)));
      used = 0;
    }
  };
  for (const SecretBytes& group : groups) {
    if (group.size() > limit - used) {
      close();
    }
    ByteView rest = group.expose();
    while (rest.size() > limit) {
      out.push_back(SecretBytes::copy_of(rest.first(limit)));
      rest = rest.subspan(limit);
    }
    std::ranges::copy(rest, block.expose_mutable().subspan(used).begin());
    used += rest.size();
  }
  close();
  return out;
}

Result<std::vector<TargetCommand>> store_data(const envelope::StoreDataAction& action,
                                              const TargetChannel& channel) {
  const auto groups = KB_TRY(gp::decode_groupings(action.data.expose()));
  std::vector<SecretBytes> encoded;
  encoded.reserve(groups.size());
  for (const gp::Grouping& group : groups) {
    encoded.push_back(KB_TRY(encode_group(group, action.under_key_dek, channel)));
  }
  std::vector<TargetCommand> out;
  if (action.application) {
    const gp::Install install{.purpose = gp::InstallFor::kPersonalization,
                              .application = *action.application};
    out.push_back(from_plain(KB_TRY(install.encode()), false));
  }
  std::vector<SecretBytes> blocks = in_blocks(encoded, plain_limit(channel));
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const gp::StoreData head{.last = i + 1 == blocks.size(),
                             .encryption = action.under_key_dek ? gp::StoreEncryption::kEncrypted
                                                                : gp::StoreEncryption::kNone,
                             .structure = gp::StoreStructure::kGroupings,
                             .block = static_cast<std::uint8_t>(i)};
    out.push_back({.header = {kClass, apdu::ins::kStoreData, head.p1(), head.block},
                   .data = std::move(blocks[i]),
                   .is_key_bearing = true});
  }
  return out;
}

Result<TargetCommand> own_command(const envelope::CommandAction& action,
                                  const TargetChannel& channel) {
  if (action.data.size() > plain_limit(channel)) {
    return fail(Errc::kLimit, "the command is longer than this session's blocks");
  }
  return TargetCommand{
      .header = action.header, .data = action.data.duplicate(), .is_key_bearing = true};
}

Result<std::vector<TargetCommand>> alone(Result<TargetCommand> command) {
  std::vector<TargetCommand> out;
  out.push_back(KB_TRY(std::move(command)));
  return out;
}

}  // namespace

Result<std::vector<TargetCommand>> commands_for(const envelope::Action& action,
                                                const TargetChannel& channel) {
  if (const auto* put = std::get_if<envelope::PutKeyAction>(&action)) {
    return alone(put_key(*put, channel));
  }
  if (const auto* store = std::get_if<envelope::StoreDataAction>(&action)) {
    return store_data(*store, channel);
  }
  if (const auto* command = std::get_if<envelope::CommandAction>(&action)) {
    return alone(own_command(*command, channel));
  }
  const auto& deletion = std::get<envelope::DeleteKeyAction>(action);
  return alone(from_plain(gp::DeleteKeys{.version = deletion.key_version}.encode(), false));
}

TargetCommand get_key_information() {
  return from_plain(gp::GetData{.tag = gp::data_object::kKeyInformation}.encode(), false);
}

TargetCommand probe_command(const Bytes& probe) {
  const auto command = apdu::CommandApdu::decode(probe);
  KB_CHECK(command.has_value());
  return from_plain(*command, false);
}

apdu::CommandApdu initialize_update(std::uint8_t key_version, ByteView challenge) {
  return {.cla = kClass,
          .ins = apdu::ins::kInitializeUpdate,
          .p1 = key_version,
          .data = Bytes(challenge.begin(), challenge.end()),
          .le = 256};
}

}  // namespace kagibin::se
