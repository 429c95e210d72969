// SPDX-License-Identifier: Apache-2.0
// Commands, channel keys and probes without an element: a host and a card side by side.
#include "kagibin/se/kda/target/target_commands.h"

#include <gtest/gtest.h>

#include "kagibin/gp/put_key.h"
#include "kagibin/gp/store_data.h"
#include "kagibin/scp/scp03/scp03_card.h"
#include "kagibin/se/kda/kda_test_bench.h"
#include "kagibin/se/kda/target/probe.h"

namespace kagibin::se {
namespace {

// An open session of both ends under key_set(0x20).
struct Session {
  explicit Session(std::uint8_t i) : host(key_set(0x20), {.s16 = scp::Scp03Parameter{i}.s16()}) {
    test::FixedRng rng("session");
    const scp::Scp03CardInit init{.parameter = scp::Scp03Parameter{i},
                                  .key_version_number = 0x20,
                                  .aid = aid("A000000151000000")};
    const auto update = host.initialize_update(rng).value();
    const auto answer = card.initialize_update(update.data, key_set(0x20), init, rng).value();
    const auto ext = host.external_authenticate({answer, StatusWord{0x9000}},
                                                scp::highest_level(init.parameter));
    EXPECT_TRUE(ext.has_value());
    EXPECT_EQ(card.external_authenticate(*ext).value, 0x9000);
    EXPECT_TRUE(host.finish_authentication({{}, StatusWord{0x9000}}).has_value());
  }
  // What the card reads.
  SecretBytes through(const TargetCommand& command) {
    const auto wrapped = host.wrap({.cla = command.header[0],
                                    .ins = command.header[1],
                                    .p1 = command.header[2],
                                    .p2 = command.header[3],
                                    .data = command.data.expose(),
                                    .le = {}});
    EXPECT_TRUE(wrapped.has_value());
    return std::move(card.unwrap(*wrapped)->data);
  }
  TargetChannel channel() const {
    return {.session = host, .mac_size = host.answer()->parameter.mac_size()};
  }

  scp::Scp03Host host;
  scp::Scp03Card card;
};

SecretBytes groups(std::initializer_list<std::pair<std::uint16_t, std::size_t>> list) {
  Bytes out;
  for (const auto& [id, size] : list) {
    const Bytes value(size, static_cast<std::uint8_t>(id));
    const gp::Grouping grouping{.id = id, .value = value};
    append(out, gp::encode_groupings(std::span(&grouping, 1))->expose());
  }
  return SecretBytes::copy_of(out);
}

envelope::Payload payload(auto... action) {
  envelope::Payload out;
  (out.actions.emplace_back(std::move(action)), ...);
  out.channel_keys = envelope::ChannelKeys{.key_version = 0x20,
                                           .enc = key_octets(0x20),
                                           .mac = key_octets(0x21),
                                           .dek = key_octets(0x22)};
  return out;
}

TEST(TargetCommands, PutKeyIsReadBackByTheCard) {
  for (const std::size_t size : {16U, 24U, 32U}) {
    Session session(0x70);
    const auto action = KdaBench::put_key(0x20, 0x31, 0x60, size);
    const auto commands = commands_for(envelope::Action(KdaBench::put_key(0x20, 0x31, 0x60, size)),
                                       session.channel());
    ASSERT_TRUE(commands && commands->size() == 1);
    const TargetCommand& command = commands->front();
    EXPECT_EQ(to_hex(command.header), "80D82081");
    EXPECT_TRUE(command.is_key_bearing);
    if (size == 16) {
      EXPECT_EQ(command.data.size(), 70U);
    }
    const SecretBytes read = session.through(command);
    const auto put = gp::PutKey::decode(0x20, 0x81, read.expose());
    ASSERT_TRUE(put && put->keys.size() == 3);
    EXPECT_EQ(put->new_version, 0x31);
    for (std::size_t at = 0; at < 3; ++at) {
      const auto clear = session.card.decrypt_sensitive(put->keys[at].components.front().value);
      ASSERT_TRUE(clear.has_value());
      EXPECT_TRUE(ct_equal(clear->expose().first(size), action.keys[at].value.expose()));
    }
  }
}

TEST(TargetCommands, StoreDataKeepsGroupsWholeAndCutsLongOnes) {
  for (const auto& [i, limit] : {std::pair{0x60, 239U}, std::pair{0x61, 223U}}) {
    Session session(static_cast<std::uint8_t>(i));
    envelope::StoreDataAction action{
        .application = aid("F0444947494B4559"),
        .data = groups({{0x8001, 100}, {0x8002, 100}, {0x8003, 100}, {0x8004, 300}}),
        .probe = {}};
    const SecretBytes whole = action.data.duplicate();
    const auto commands = commands_for(envelope::Action(std::move(action)), session.channel());
    ASSERT_TRUE(commands.has_value());
    ASSERT_GE(commands->size(), 5U);
    EXPECT_EQ(to_hex((*commands)[0].header), "80E62000");
    EXPECT_FALSE((*commands)[0].is_key_bearing);
    Bytes read;
    for (std::size_t at = 1; at < commands->size(); ++at) {
      const TargetCommand& command = (*commands)[at];
      EXPECT_LE(command.data.size(), limit);
      EXPECT_EQ(command.header[2], at + 1 == commands->size() ? 0x88 : 0x08);
      EXPECT_EQ(command.header[3], at - 1);
      append(read, session.through(command).expose());
    }
    EXPECT_TRUE(equal(read, whole.expose()));
    EXPECT_EQ((*commands)[1].data.size(), 206U);  // two groups of 103
  }
}

TEST(TargetCommands, UnderKeyDekEachValueIsEncryptedByItself) {
  Session session(0x60);
  envelope::StoreDataAction action{.application = {},
                                   .under_key_dek = true,
                                   .data = groups({{0x8001, 16}, {0x8002, 20}}),
                                   .probe = {}};
  const auto commands = commands_for(envelope::Action(std::move(action)), session.channel());
  ASSERT_TRUE(commands && commands->size() == 1);
  EXPECT_EQ((*commands)[0].header[2], 0xE8);
  const SecretBytes read = session.through((*commands)[0]);
  const auto list = gp::decode_groupings(read.expose());
  ASSERT_TRUE(list && list->size() == 2);
  EXPECT_EQ((*list)[0].value.size(), 16U);
  EXPECT_EQ((*list)[1].value.size(), 32U);
  const auto second = session.card.decrypt_sensitive((*list)[1].value);
  EXPECT_EQ(to_hex(second->expose().subspan(19, 4)), "02800000");
}

TEST(TargetCommands, ACommandThatDoesNotFitTheSessionIsRefused) {
  const Session s16(0x61);
  const auto command = [](std::size_t size) {
    return envelope::Action(envelope::CommandAction{
        .header = {0x80, 0x52, 0, 0}, .data = SecretBytes(size), .probe = {}});
  };
  EXPECT_TRUE(commands_for(command(223), s16.channel()).has_value());
  EXPECT_EQ(commands_for(command(224), s16.channel()).error().code, Errc::kLimit);
}

TEST(TargetCommands, DeleteKeyNamesTheVersion) {
  const Session session(0x60);
  const auto commands = commands_for(
      envelope::Action(envelope::DeleteKeyAction{.key_version = 0x20}), session.channel());
  ASSERT_TRUE(commands && commands->size() == 1);
  EXPECT_EQ(to_hex((*commands)[0].header), "80E40000");
  EXPECT_EQ(to_hex((*commands)[0].data.expose()), "D20120");
}

// --- channel keys ------------------------------------------------------------------------------

bool is_set(const std::optional<ChannelKeySet>& set, std::uint8_t version, std::uint8_t seed) {
  return set && set->version == version && ct_equal(set->enc->expose(), key_octets(seed).expose());
}

TEST(ChannelKeys, FollowWhatTheDeliveryDoesToThem) {
  const auto whole =
      payload(KdaBench::put_key(0, 0x31, 0x60), KdaBench::put_key(0x20, 0x20, 0x64),
              KdaBench::put_key(0x20, 0x21, 0x68), envelope::DeleteKeyAction{.key_version = 0x21},
              envelope::DeleteKeyAction{.key_version = 0x31});
  EXPECT_TRUE(is_set(channel_keys_after(whole, 0), 0x20, 0x20));
  EXPECT_TRUE(is_set(channel_keys_after(whole, 1), 0x20, 0x20));
  EXPECT_TRUE(is_set(channel_keys_after(whole, 2), 0x20, 0x64));
  EXPECT_TRUE(is_set(channel_keys_after(whole, 3), 0x21, 0x68));
  EXPECT_TRUE(is_set(channel_keys_after(whole, 4), 0x31, 0x60));
  EXPECT_FALSE(channel_keys_after(whole, 5).has_value());
}

TEST(ChannelKeys, FallBackToTheOwnSetWhenTheIssuersIsDeleted) {
  const auto whole =
      payload(KdaBench::put_key(0, 0x31, 0x60), envelope::DeleteKeyAction{.key_version = 0x20});
  EXPECT_TRUE(is_set(channel_keys_after(whole, 2), 0x31, 0x60));
}

TEST(ChannelKeys, TakeSingleKeysOfTheirOwnVersionOnly) {
  envelope::PutKeyAction mac = KdaBench::put_key(0x20, 0x20, 0x60);
  mac.keys.resize(1);
  mac.first_key_identifier = 0x02;
  envelope::PutKeyAction other = KdaBench::put_key(0x40, 0x40, 0x70);
  other.keys.resize(1);
  const auto whole = payload(std::move(mac), std::move(other));
  const auto set = channel_keys_after(whole, 2);
  ASSERT_TRUE(set.has_value());
  EXPECT_TRUE(ct_equal(set->enc->expose(), key_octets(0x20).expose()));
  EXPECT_TRUE(ct_equal(set->mac->expose(), key_octets(0x60).expose()));
}

// --- probes ------------------------------------------------------------------------------------

gp::KeyInformation keys(std::initializer_list<std::pair<std::uint8_t, std::uint8_t>> list) {
  gp::KeyInformation out;
  for (const auto& [version, identifier] : list) {
    out.keys.push_back({.identifier = identifier, .version = version});
  }
  return out;
}

TEST(Probe, TheKeyListProvesWhatItCanAndNoMore) {
  envelope::PutKeyAction two = KdaBench::put_key(0, 0x31, 0x60);
  two.keys.resize(2);
  const envelope::Action partial(std::move(two));
  EXPECT_EQ(judge_key_list(partial, keys({{0x20, 1}})), Finding::kAbsent);
  EXPECT_EQ(judge_key_list(partial, keys({{0x31, 1}})), Finding::kOpen);
  EXPECT_EQ(judge_key_list(partial, keys({{0x31, 1}, {0x31, 2}})), Finding::kPresent);
  const envelope::Action set(KdaBench::put_key(0, 0x31, 0x60));
  EXPECT_EQ(judge_key_list(set, keys({{0x20, 1}})), Finding::kAbsent);
  EXPECT_EQ(judge_key_list(set, keys({{0x31, 1}, {0x31, 2}, {0x31, 3}})), Finding::kOpen);
  const envelope::Action deletion(envelope::DeleteKeyAction{.key_version = 0x20});
  EXPECT_EQ(judge_key_list(deletion, keys({{0x20, 3}})), Finding::kAbsent);
  EXPECT_EQ(judge_key_list(deletion, keys({{0x31, 3}})), Finding::kPresent);
}

TEST(Probe, EachActionHasItsOwn) {
  EXPECT_EQ(probe_for(KdaBench::put_key(0, 0x31, 0x60)), ProbeKind::kCardCryptogram);
  envelope::PutKeyAction one = KdaBench::put_key(0, 0x31, 0x60);
  one.keys.resize(1);
  EXPECT_EQ(probe_for(envelope::Action(std::move(one))), ProbeKind::kKeyList);
  one = KdaBench::put_key(0x20, 0x20, 0x60);
  one.keys.resize(1);
  EXPECT_EQ(probe_for(envelope::Action(std::move(one))), ProbeKind::kSendAgain);
  EXPECT_EQ(probe_for(envelope::DeleteKeyAction{}), ProbeKind::kKeyList);
  EXPECT_EQ(probe_for(envelope::CommandAction{.data = {}, .probe = {}}), ProbeKind::kSendAgain);
  EXPECT_EQ(probe_for(envelope::CommandAction{.data = {}, .probe = hex("80540000")}),
            ProbeKind::kCommand);
}

TEST(Probe, OneCardCryptogramTellsTheOldSetFromTheNew) {
  const auto whole = payload(KdaBench::put_key(0x20, 0x20, 0x60));
  const Bytes challenge(8, 0x11);
  test::FixedRng rng("card");
  const auto answer_under = [&](std::uint8_t seed) {
    scp::Scp03Card card;
    const scp::Scp03CardInit init{.parameter = scp::Scp03Parameter{0x60},
                                  .key_version_number = 0x20,
                                  .aid = aid("A000000151000000")};
    const auto octets = card.initialize_update(challenge, key_set(seed), init, rng).value();
    return scp::InitializeUpdateAnswer::decode(octets).value();
  };
  EXPECT_EQ(judge_cryptogram(whole, 0, challenge, answer_under(0x60)), Finding::kPresent);
  EXPECT_EQ(judge_cryptogram(whole, 0, challenge, answer_under(0x20)), Finding::kAbsent);
  EXPECT_EQ(judge_cryptogram(whole, 0, challenge, answer_under(0x50)), Finding::kOpen);
  EXPECT_EQ(judge_cryptogram(whole, 0, Bytes(8, 0x12), answer_under(0x60)), Finding::kOpen);
}

}  // namespace
}  // namespace kagibin::se
