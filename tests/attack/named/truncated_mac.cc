// SPDX-License-Identifier: Apache-2.0
// MACs that were cut: of E2, E3 and E4, of commands and answers of SCP03.
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/scp/scp03/scp03_host.h"
#include "kagibin/tlv/ber_tlv.h"

#include "tests/attack/named/named_attack.h"
#include "tests/attack/named/target_channel.h"
#include "tests/support/sealed_scene.h"

namespace kagibin::attack {

namespace {

using test::must;
using test::SealedScene;

constexpr std::array<std::size_t, 4> kSizes{15, 8, 4, 0};

std::string of(std::string_view what, std::size_t size) {
  return std::string(what) + " of " + std::to_string(size) + " octets";
}

Bytes first(ByteView octets, std::size_t size) {
  const ByteView part = octets.first(std::min(size, octets.size()));
  return {part.begin(), part.end()};
}

// The message with one of its TLVs cut.
Bytes with_cut(ByteView message, tlv::Tag outer, tlv::Tag cut, std::size_t size) {
  const tlv::Tlv whole = must(tlv::read_single(message, outer));
  tlv::TlvReader in(whole.value);
  Bytes out;
  while (!in.empty()) {
    const tlv::Tlv one = must(in.next());
    append(out, one.tag == cut ? tlv::encode(cut, first(one.value, size))
                               : Bytes(one.encoded.begin(), one.encoded.end()));
  }
  return tlv::encode(outer, out);
}

void in_messages(Finding& out) {
  SealedScene scene("truncated MAC");
  test::Deployment& world = scene.world;
  const auto signing_key = must(world.keys->signing_key());
  const envelope::Envelope honest = must(envelope::Envelope::decode(scene.e2));
  for (const std::size_t size : kSizes) {
    const Bytes sealed = with_cut(honest.sealed_tlv(), 0xA1, 0x82, size);
    const Bytes signature =
        must(crypto::ecdsa_sign_der(*signing_key.in_memory(),
                                    {ascii(envelope::kLabelEnvelope), honest.header, sealed,
                                     crypto::sha256(scene.answer().statement)},
                                    world.rng));
    Bytes body = honest.header;
    append(body, sealed);
    append(body, tlv::encode(0x9E, signature));
    const auto loaded = world.load(scene.card, scene.handle, tlv::encode(0xE2, body));
    out.tried(of("LOAD, signed by the provider: a MAC", size), !loaded, said(loaded));
  }
  const auto next = must(world.flow->attempt_after(scene.order, scene.e0.attempt));
  for (const std::size_t size : kSizes) {
    const auto before = world.journal.state();
    const auto sealing =
        world.flow->seal(scene.order, next.attempt, with_cut(scene.e4, 0xE4, 0x86, size));
    out.tried(of("the provider, in E4: a MAC", size), !sealing, "refused");
    world.journal.restore(before);
  }
  scene.rewind();
  const Bytes receipt = must(world.relay(scene.card, scene.e2));
  for (const std::size_t size : kSizes) {
    const auto before = world.journal.state();
    const auto judged =
        world.judge(scene.order, scene.e0.attempt, with_cut(receipt, 0xE3, 0x8E, size));
    out.tried(of("the provider, in E3: a MAC", size),
              judged.verdict.verdict != delivery::Verdict::kConfirmed, judged.verdict.reason);
    world.journal.restore(before);
  }
  const auto judged = world.judge(scene.order, scene.e0.attempt, receipt);
  out.control("the same messages whole", judged.verdict.verdict == delivery::Verdict::kConfirmed,
              "confirmed");
}

// A session under the manager's keys; each cut ends it.
void in_a_session(Finding& out) {
  test::Deployment world("truncated MAC, session");
  test::DeployedCard& card = world.add_card("phone-1");
  TargetChannel channel(card);
  const auto keys = key_set_of(card.domain_keys);
  const auto open = [&] {
    channel.select();
    scp::Scp03Host host(keys.duplicate(),
                        {.key_version_number = test::Deployment::kDomainKeyVersion});
    const auto update = channel.ask(must(host.initialize_update(world.rng)));
    const auto authenticate = must(host.external_authenticate(update, scp::SecurityLevel{0x33}));
    must(host.finish_authentication(channel.ask(authenticate)));
    return host;
  };
  const scp::PlainCommand key_list{.ins = apdu::ins::kGetData, .p2 = 0xE0, .le = 256};
  constexpr std::size_t kMacSize = 8;
  for (const std::size_t size : {std::size_t{7}, std::size_t{4}, std::size_t{0}}) {
    auto host = open();
    apdu::CommandApdu command = must(host.wrap(key_list));
    command.data.resize(command.data.size() - kMacSize + size);
    const auto answer = channel.ask(command);
    out.tried(of("the domain: a C-MAC", size), answer.sw.value != 0x9000,
              to_hex(std::array{answer.sw.sw1(), answer.sw.sw2()}));
    auto second = open();
    apdu::ResponseApdu response = channel.ask(must(second.wrap(key_list)));
    response.data.resize(response.data.size() - kMacSize + size);
    const auto unwrapped = second.unwrap(response);
    out.tried(of("the host: an R-MAC", size), !unwrapped,
              unwrapped ? "taken" : std::string(unwrapped.error().detail.text()));
  }
  auto host = open();
  const auto whole = host.unwrap(channel.ask(must(host.wrap(key_list))));
  out.control("the same command and answer whole", whole && whole->authenticated, "taken");
}

// A message of the attacker's own, with each MAC of one octet, to a receiver that compares as many
// octets as it was given, and to one that compares them all.
void at_a_careless_receiver(Finding& out) {
  test::FixedRng rng("careless comparison");
  const SecretBytes key = must(crypto::random_secret(rng, 16));
  const auto mac_of = [&](ByteView message) {
    return must(crypto::aes_cmac(key.expose(), {message}));
  };
  const auto careless = [&](ByteView message, ByteView mac) {
    return mac.size() <= crypto::kAesBlockSize &&
           ct_equal(ByteView(mac_of(message)).first(mac.size()), mac);
  };
  const auto careful = [&](ByteView message, ByteView mac) {
    return ct_equal(mac_of(message), mac);
  };
  const ByteView forged = ascii("a forged message");
  const auto tries_until_taken = [&](const auto& receiver) {
    std::size_t tries = 0;
    for (unsigned guess = 0; guess < 256; ++guess) {
      ++tries;
      const auto octet = static_cast<std::uint8_t>(guess);
      if (receiver(forged, ByteView(&octet, 1))) {
        return std::optional(tries);
      }
    }
    return std::optional<std::size_t>();
  };
  const auto taken = tries_until_taken(careless);
  out.control("a receiver that compares as many octets as it gets", taken.has_value(),
              taken ? "forged at try " + std::to_string(*taken) : "not forged");
  out.control("the same receiver, no octet at all", careless(forged, {}), "taken");
  out.tried("a receiver that compares them all: every MAC of one octet",
            !tries_until_taken(careful), "256 refused");
}

}  // namespace

Finding truncated_mac() {
  Finding out;
  in_messages(out);
  in_a_session(out);
  at_a_careless_receiver(out);
  return out;
}

}  // namespace kagibin::attack
