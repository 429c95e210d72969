// SPDX-License-Identifier: Apache-2.0
// What decrypting commands tell of a wrong MAC, wrong padding and a wrong payload: status words,
// writes to the element's memory, octets of randomness drawn. The attacker is given what it needs
// to come so far, the provider's signing key and the statement: without, it stops at the signature.
#include <chrono>
#include <cmath>
#include <functional>
#include <numeric>
#include <set>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/kdf/kdf.h"
#include "kagibin/envelope/delivery_open.h"
#include "kagibin/scp/scp03/scp03_messages.h"

#include "tests/attack/named/named_attack.h"
#include "tests/attack/named/target_channel.h"
#include "tests/support/sealed_scene.h"

namespace kagibin::attack {

namespace {

using test::must;
using test::SealedScene;

constexpr std::size_t kBlock = 16;

// Suite 01 by hand (protocol, section 6), so that every part of it can be wrong by itself.
class OwnEnvelope {
 public:
  OwnEnvelope(envelope::Envelope like,
              ByteView statement_hash,
              ByteView recipient,
              crypto::Rng& rng)
      : envelope_(std::move(like)), statement_hash_(statement_hash.begin(), statement_hash.end()) {
    const auto ephemeral = must(crypto::EcPrivateKey::generate(rng));
    const crypto::EcPoint point = ephemeral.public_key().point();
    envelope_.ephemeral_key.assign(point.begin(), point.end());
    const auto shared =
        must(crypto::ecdh(ephemeral, must(crypto::EcPublicKey::from_point(recipient))));
    const auto context = crypto::sha256({ascii(envelope::kLabelContext), envelope_.header,
                                         statement_hash_, envelope_.ephemeral_tlv()});
    keys_ = must(crypto::x963_kdf_sha256(shared.expose(), context, 3 * kBlock));
  }

  // The octets with their padding, as they are.
  envelope::Envelope seal(ByteView padded, std::uint8_t mac_error = 0) {
    envelope_.sealed = must(crypto::aes_cbc_encrypt(
        keys_.expose().first(kBlock), *to_array<kBlock>(keys_.expose().last(kBlock)), padded));
    envelope_.mac =
        must(crypto::aes_cmac(keys_.expose().subspan(kBlock, kBlock),
                              {envelope_.header, statement_hash_, envelope_.mac_tlvs()}));
    envelope_.mac->back() ^= mac_error;
    return envelope_;
  }
  // Decrypts, looks at the padding first, and says so: the receiver that must not be.
  bool careless_receiver_finds_padding(ByteView sealed, const crypto::AesBlock& iv) const {
    const auto plain = must(crypto::aes_cbc_decrypt(keys_.expose().first(kBlock), iv, sealed));
    return crypto::unpad80(plain.expose()).has_value();
  }
  // Whether these octets are what the block is before its vector is added.
  bool decrypts_to(ByteView block, ByteView octets) const {
    return ct_equal(must(crypto::aes_cbc_decrypt(keys_.expose().first(kBlock), {}, block)).expose(),
                    octets);
  }

 private:
  envelope::Envelope envelope_;
  Bytes statement_hash_;
  SecretBytes keys_;
};

Bytes padded(ByteView octets) {
  const SecretBytes out = crypto::pad80(octets);
  return {out.expose().begin(), out.expose().end()};
}

// What one refusal shows to whoever looks on.
struct Trace {
  std::string answer;
  std::uint64_t writes = 0;
  std::uint64_t random = 0;
  friend auto operator<=>(const Trace&, const Trace&) = default;
};

void at_load(Finding& out) {
  SealedScene scene("padding oracle");
  const auto signing_key = must(scene.world.keys->signing_key());
  const Bytes statement_tlv = scene.answer().statement;
  const auto statement = must(envelope::EnrolmentStatement::decode(statement_tlv));
  const auto hash = crypto::sha256(statement_tlv);
  OwnEnvelope own(must(envelope::Envelope::decode(scene.e2)), hash, statement.enrolment_key,
                  scene.world.rng);
  std::set<Trace> traces;
  std::size_t tries = 0;
  const auto submit = [&](envelope::Envelope envelope) {
    envelope.signature = must(crypto::ecdsa_sign_der(
        *signing_key.in_memory(),
        {ascii(envelope::kLabelEnvelope), envelope.header, envelope.sealed_tlv(), hash},
        scene.world.rng));
    scene.rewind();
    const std::uint64_t random = scene.world.element_rng.octets_drawn();
    const auto loaded = scene.world.load(scene.card, scene.handle, envelope.encode());
    traces.insert(
        {said(loaded), scene.card.power->writes, scene.world.element_rng.octets_drawn() - random});
    ++tries;
  };
  const Bytes whole = padded(Bytes(5 * kBlock, 0xC0));
  for (const std::uint8_t error : std::array<std::uint8_t, 4>{0x01, 0x02, 0x40, 0x80}) {
    submit(own.seal(whole, error));
  }
  // Every last octet, with a MAC that is right: padding that is none, and padding before nonsense.
  for (unsigned last = 0; last < 256; last += 3) {
    Bytes plain(5 * kBlock, 0xC0);
    plain.back() = static_cast<std::uint8_t>(last);
    submit(own.seal(plain));
  }
  submit(own.seal(Bytes(5 * kBlock)));
  submit(own.seal(whole));
  const Trace& one = *traces.begin();
  out.tried(
      "LOAD: wrong MAC, wrong padding, wrong payload, " + std::to_string(tries) + " envelopes",
      traces.size() == 1 && one.answer == "6985",
      std::to_string(traces.size()) + " kind of refusal: " + one.answer + ", " +
          std::to_string(one.writes) + " writes, " + std::to_string(one.random) + " octets drawn");
}

// In time, in this process: looked at, not judged.
void time_of_opening(Finding& out) {
  test::FixedRng rng("timing");
  SealedScene scene("padding oracle, time");
  const auto own_key = must(crypto::EcPrivateKey::generate(rng));
  const auto hash = crypto::sha256(scene.answer().statement);
  const crypto::EcPoint point = own_key.public_key().point();
  OwnEnvelope own(must(envelope::Envelope::decode(scene.e2)), hash, point, rng);
  const std::array envelopes{own.seal(padded(Bytes(5 * kBlock, 0xC0)), 0x01),
                             own.seal(Bytes(5 * kBlock))};
  constexpr int kRuns = 120;
  std::array<std::vector<double>, 2> times;
  for (int run = 0; run < kRuns; ++run) {
    for (std::size_t kind = 0; kind < envelopes.size(); ++kind) {
      const auto begin = std::chrono::steady_clock::now();
      KB_CHECK(!envelope::open_delivery(envelopes[kind], hash, own_key));
      const std::chrono::duration<double, std::micro> took =
          std::chrono::steady_clock::now() - begin;
      times[kind].push_back(took.count());
    }
  }
  const auto mean = [](const std::vector<double>& all) {
    return std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
  };
  const auto variance = [&](const std::vector<double>& all) {
    const double middle = mean(all);
    return std::accumulate(
               all.begin(), all.end(), 0.0,
               [&](double sum, double one) { return sum + (one - middle) * (one - middle); }) /
           static_cast<double>(all.size() - 1);
  };
  const double spread = std::sqrt((variance(times[0]) + variance(times[1])) / kRuns);
  const double t = (mean(times[1]) - mean(times[0])) / spread;
  // A decryption more or less: the MAC is compared before it. On this path both are refused alike,
  // and what is measured is a process.
  out.look("time of opening, wrong MAC against wrong padding",
           "t = " + std::to_string(t) + " over " + std::to_string(kRuns) +
               " runs each; a process says nothing of a chip");
}

void in_a_session(Finding& out) {
  test::Deployment world("padding oracle, session");
  test::DeployedCard& card = world.add_card("phone-1");
  TargetChannel channel(card);
  const auto keys = key_set_of(card.domain_keys);
  std::set<Trace> traces;
  std::size_t tries = 0;
  // STORE DATA with these blocks, before encryption, and a MAC that is right or wrong.
  const auto submit = [&](ByteView blocks, std::uint8_t mac_error) {
    channel.select();
    scp::Scp03Host host(keys.duplicate(),
                        {.key_version_number = test::Deployment::kDomainKeyVersion});
    const apdu::CommandApdu update = must(host.initialize_update(world.rng));
    const auto answer = channel.ask(update);
    const apdu::CommandApdu opening =
        must(host.external_authenticate(answer, scp::SecurityLevel{0x33}));
    must(host.finish_authentication(channel.ask(opening)));
    const auto session = must(scp::Scp03SessionKeys::derive(
        keys, update.data, must(scp::InitializeUpdateAnswer::decode(answer.data)).card_challenge));
    const crypto::AesBlock before = must(scp::command_mac(
        session, {}, opening, ByteView(opening.data).first(opening.data.size() - 8), 8));
    apdu::CommandApdu command{.cla = 0x84, .ins = apdu::ins::kStoreData, .p1 = 0x80};
    const auto iv = must(scp::encryption_icv(session, 1, scp::Direction::kCommand));
    command.data = must(crypto::aes_cbc_encrypt(session.s_enc.expose(), iv, blocks));
    const auto mac = must(scp::command_mac(session, before, command, command.data, 8));
    append(command.data, ByteView(mac).first(8));
    command.data.back() ^= mac_error;
    const std::uint64_t writes = card.power->writes;
    const std::uint64_t random = world.element_rng.octets_drawn();
    const auto refused = channel.ask(command);
    traces.insert({to_hex(std::array{refused.sw.sw1(), refused.sw.sw2()}),
                   card.power->writes - writes, world.element_rng.octets_drawn() - random});
    ++tries;
  };
  for (const std::uint8_t error : std::array<std::uint8_t, 3>{0x01, 0x10, 0x80}) {
    submit(padded(Bytes(7, 0x11)), error);
  }
  for (unsigned last = 1; last < 256; last += 5) {
    Bytes plain(kBlock, 0x11);
    plain.back() = static_cast<std::uint8_t>(last == 0x80 ? 0x81 : last);
    submit(plain, 0);
  }
  submit(Bytes(kBlock), 0);
  const Trace& one = *traces.begin();
  out.tried(
      "STORE DATA in SCP03: wrong C-MAC and wrong padding, " + std::to_string(tries) + " commands",
      traces.size() == 1 && one.answer == "6982",
      std::to_string(traces.size()) + " kind of refusal: " + one.answer);
}

void at_the_provider(Finding& out) {
  SealedScene scene("padding oracle, provider");
  const auto next = must(scene.world.flow->attempt_after(scene.order, scene.e0.attempt));
  const envelope::EnrolmentAnswer honest = must(envelope::EnrolmentAnswer::decode(scene.e4));
  std::set<std::string> refusals;
  const auto submit = [&](const envelope::EnrolmentAnswer& answer) {
    const auto before = scene.world.journal.state();
    const auto sealing = scene.world.flow->seal(scene.order, next.attempt, answer.encode());
    refusals.insert(sealing ? "sealed" : sealing.error().text);
    scene.world.journal.restore(before);
  };
  for (std::size_t at = 0; at < honest.sealed.size(); at += 11) {
    envelope::EnrolmentAnswer changed = honest;
    changed.sealed[at] ^= 0x80U;
    submit(changed);
  }
  envelope::EnrolmentAnswer wrong_mac = honest;
  wrong_mac.mac.front() ^= 1U;
  submit(wrong_mac);
  out.tried("E4 at the provider: every ciphertext and MAC", refusals.size() == 1,
            *refusals.begin());
}

// The last block of the payload, from a receiver that tells wrong padding from a wrong MAC.
void at_a_careless_receiver(Finding& out) {
  test::FixedRng rng("careless receiver");
  SealedScene scene("padding oracle, control");
  const auto own_key = must(crypto::EcPrivateKey::generate(rng));
  const auto hash = crypto::sha256(scene.answer().statement);
  const crypto::EcPoint point = own_key.public_key().point();
  OwnEnvelope own(must(envelope::Envelope::decode(scene.e2)), hash, point, rng);
  Bytes secret(kBlock);
  must(rng.fill(secret));
  const Bytes sealed = own.seal(padded(secret)).sealed;
  const ByteView block = ByteView(sealed).first(kBlock);
  // A block in front of it that the attacker chooses is the vector of its decryption: from the
  // right, an octet is right when 80 and zeros come out.
  Bytes intermediate(kBlock);
  std::size_t queries = 0;
  for (std::size_t at = kBlock; at-- > 0;) {
    for (unsigned guess = 0; guess < 256; ++guess) {
      crypto::AesBlock iv{};
      std::copy(intermediate.begin(), intermediate.end(), iv.begin());
      std::fill(iv.begin(), iv.begin() + static_cast<std::ptrdiff_t>(at), std::uint8_t{0x5A});
      iv[at] = static_cast<std::uint8_t>(guess ^ 0x80U);
      ++queries;
      if (own.careless_receiver_finds_padding(block, iv)) {
        intermediate[at] = static_cast<std::uint8_t>(guess);
        break;
      }
    }
  }
  // What was decrypted is the block before the first vector was added; that one is the key
  // schedule's.
  out.control("a receiver that looks at the padding first and says so: one block",
              own.decrypts_to(block, intermediate),
              "read with " + std::to_string(queries) + " questions");
}

}  // namespace

Finding padding_oracle() {
  Finding out;
  at_load(out);
  in_a_session(out);
  at_the_provider(out);
  time_of_opening(out);
  at_a_careless_receiver(out);
  return out;
}

}  // namespace kagibin::attack
