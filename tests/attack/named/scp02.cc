// SPDX-License-Identifier: Apache-2.0
// The attack on SCP02 that its authors published (Avoine and Ferreira, "Attacking GlobalPlatform
// SCP02-compliant Smart Cards Using a Padding Oracle Attack", CHES 2018,
// doi:10.13154/tches.v2018.i2.149-170): CBC with a constant vector under a MAC of the plaintext,
// and a card that tells wrong padding from a wrong MAC. Somebody in the middle replaces the data
// field of a command that the host sends in every session, and learns an octet from about 128
// sessions.
#include <set>

#include "kagibin/crypto/cipher/padding.h"
#include "kagibin/scp/scp02/scp02_card.h"
#include "kagibin/scp/scp02/scp02_host.h"
#include "kagibin/scp/scp02/scp02_messages.h"

#include "tests/attack/named/named_attack.h"
#include "tests/attack/ways/way.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/must.h"
#include "tests/support/tampering_link.h"

namespace kagibin::attack {

namespace {

using test::must;

constexpr std::size_t kBlock = crypto::kDesBlockSize;
constexpr std::string_view kSecret = "a secret of STORE DATA";  // three blocks with their padding

// Sessions between a host that says the same in each and a card, and who replaces the data between.
class Sessions {
 public:
  explicit Sessions(bool tells_padding) : tells_padding_(tells_padding) {
    for (SecretBytes* key : {&keys_.enc, &keys_.mac, &keys_.dek}) {
      *key = must(crypto::random_secret(rng_, 16));
    }
  }

  // One session: `replace` sees the ciphertext of the command, whose padding is in it.
  template <typename Replace>
  StatusWord run(const Replace& replace) {
    ++sessions_;
    scp::Scp02Host host(keys_.duplicate(), {.key_version_number = 0x20});
    scp::Scp02Card card;
    const apdu::CommandApdu update = must(host.initialize_update(rng_));
    const auto answer = card.initialize_update(update.data, keys_,
                                               {.key_version_number = 0x20,
                                                .sequence_counter = counter_,
                                                .aid = *Aid::from_hex("A000000151000000")},
                                               rng_);
    const auto session = must(scp::Scp02SessionKeys::derive(keys_, counter_));
    ++counter_;
    const apdu::CommandApdu opening = must(host.external_authenticate(
        {.data = answer.value(), .sw = apdu::sw::kOk}, scp::SecurityLevel{0x03}));
    must(host.finish_authentication(card.establish(opening)));
    apdu::CommandApdu command =
        must(host.wrap({.ins = apdu::ins::kStoreData, .p1 = 0x80, .data = ascii(kSecret)}));
    const std::size_t body = command.data.size() - kBlock;
    Bytes data = replace(ByteView(command.data).first(body));
    if (tells_padding_) {
      const auto blocks = must(scp::scp02_decrypt_data(session, data));
      if (!crypto::unpad80(blocks.expose(), kBlock)) {
        return apdu::sw::kWrongData;
      }
    }
    append(data, ByteView(command.data).last(kBlock));
    command.data = std::move(data);
    const auto unwrapped = card.unwrap(command);
    return unwrapped ? apdu::sw::kOk : unwrapped.error();
  }
  std::size_t sessions() const { return sessions_; }

 private:
  bool tells_padding_;
  test::FixedRng rng_{"scp02"};
  scp::Scp02KeySet keys_{};
  std::uint16_t counter_ = 1;
  std::size_t sessions_ = 0;
};

// A block in front of block `at` of the ciphertext, so that it decrypts to itself added to
// `change`.
Bytes in_front(ByteView ciphertext, std::size_t at, const Bytes& change) {
  Bytes out(kBlock);
  for (std::size_t i = 0; i < kBlock; ++i) {
    const std::uint8_t before = at == 0 ? std::uint8_t{0} : ciphertext[(at - 1) * kBlock + i];
    out[i] = static_cast<std::uint8_t>(before ^ change[i]);
  }
  append(out, ciphertext.subspan(at * kBlock, kBlock));
  return out;
}

// What the card's answers tell of one block; an octet that they do not tell ends it.
Bytes read_block(Sessions& sessions, std::size_t at, std::set<std::uint16_t>& answers) {
  Bytes known(kBlock);
  for (std::size_t octet = kBlock; octet-- > 0;) {
    bool found = false;
    for (unsigned guess = 0; guess < 256 && !found; ++guess) {
      Bytes change = known;
      change[octet] = static_cast<std::uint8_t>(guess ^ 0x80U);
      const StatusWord sw =
          sessions.run([&](ByteView ciphertext) { return in_front(ciphertext, at, change); });
      answers.insert(sw.value);
      if (sw.value != apdu::sw::kWrongData.value && answers.size() > 1) {
        known[octet] = static_cast<std::uint8_t>(guess);
        found = true;
      }
    }
    if (!found) {
      return {};
    }
  }
  return known;
}

// A device that answers INITIALIZE UPDATE of the KDA as a card of SCP02 does.
class Scp02Target final : public apdu::CardLink {
 public:
  explicit Scp02Target(apdu::CardLink& card) : card_(card) {}
  Result<Bytes> transmit(ByteView command) override {
    const auto decoded = KB_TRY(apdu::CommandApdu::decode(command));
    puts_ += decoded.ins == apdu::ins::kPutKey ? 1 : 0;
    if (decoded.ins != apdu::ins::kInitializeUpdate) {
      return card_.transmit(command);
    }
    const scp::Scp02InitializeUpdateAnswer answer{.key_version_number = decoded.p1};
    return apdu::ResponseApdu{.data = answer.encode(), .sw = apdu::sw::kOk}.encode();
  }
  Result<void> reset() override { return card_.reset(); }
  std::size_t puts() const { return puts_; }

 private:
  apdu::CardLink& card_;
  std::size_t puts_ = 0;
};

}  // namespace

Finding scp02_oracle() {
  Finding out;
  Scene scene(find_scheme("p1").value(), {.sees_relay = true, .rules_relay = true}, "scp02");
  Scp02Target device(*scene.card().element);
  const bool arrived = scene.deliver(&device);
  out.tried("the KDA and a target that speaks SCP02", !arrived && device.puts() == 0,
            "no key leaves");
  std::set<std::uint16_t> answers;
  Sessions ours(false);
  const Bytes nothing = read_block(ours, 0, answers);
  out.tried("the element's own SCP02, were it switched on, " + std::to_string(ours.sessions()) +
                " sessions",
            nothing.empty() && answers.size() == 1, "one status word for all of them: 6982");
  answers.clear();
  Sessions telling(true);
  std::string read;
  for (std::size_t at = 0; at < 2; ++at) {
    const Bytes block = read_block(telling, at, answers);
    read.append(block.begin(), block.end());
  }
  out.control("a card that tells wrong padding from a wrong MAC",
              read == kSecret.substr(0, 2 * kBlock),
              "\"" + read + "\" after " + std::to_string(telling.sessions()) + " sessions");
  return out;
}

}  // namespace kagibin::attack
