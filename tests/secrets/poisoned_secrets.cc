// SPDX-License-Identifier: Apache-2.0
// Our own code that touches secrets, run with the secrets marked as undefined memory: memcheck
// reports a branch or an address that depends on one. constant_time_test.py starts it under
// valgrind.
//
//   poisoned_secrets            every operation; exit 1 with their names when memcheck reported any
//   poisoned_secrets planted    the controls: code that leaks; exit 1 unless each is reported
//
// What it cannot show: instructions whose own time depends on their operands, caches below the
// level of addresses, and libcrypto, whose reports are suppressed (libcrypto.supp): its claims are
// its own.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/cipher/des3.h"
#include "kagibin/crypto/cipher/padding.h"
#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/hmac_sha256.h"
#include "kagibin/crypto/kdf/hkdf.h"
#include "kagibin/crypto/kdf/kdf.h"
#include "kagibin/crypto/key_block/key_block_protection.h"
#include "kagibin/envelope/envelope_keys.h"
#include "kagibin/envelope/payload/payload.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/scp/scp03/scp03_card.h"
#include "kagibin/scp/scp03/scp03_host.h"
#include "kagibin/scp/scp11/key_schedule.h"

#include "tests/secrets/poison.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/must.h"

namespace kagibin::test {
namespace {

constexpr crypto::AesBlock kIv = {};
Bytes octets_of(std::string_view text) {
  const ByteView octets = ascii(text);
  return {octets.begin(), octets.end()};
}
// NOLINTNEXTLINE(cert-err58-cpp): a program of tests
const Bytes message = octets_of("thirty-two octets of a message!!");

void compare() {
  const SecretBytes left = poisoned(32, 1);
  KB_CHECK(ct_equal(left.expose(), poisoned(32, 1).expose()));
  KB_CHECK(!ct_equal(left.expose(), poisoned(32, 2).expose()));
}

void pad_and_unpad() {
  for (std::size_t size = 0; size <= 32; ++size) {
    const SecretBytes padded = crypto::pad80(poisoned(size, 0x70).expose());
    KB_CHECK(must(crypto::unpad80(padded.expose())) == size);
  }
  KB_CHECK(!crypto::unpad80(poisoned(16, 1).expose()));
  KB_CHECK(!crypto::unpad80_blocks(poisoned(48, 1).expose()));
}

void derive() {
  const SecretBytes key = poisoned(16, 1);
  static_cast<void>(must(crypto::x963_kdf_sha256(key.expose(), message, 48)));
  static_cast<void>(must(crypto::sp800_108_counter_cmac(key.expose(), message, message, 40)));
  static_cast<void>(must(crypto::diversify_cmac(key.expose(), message, message, 32)));
  static_cast<void>(
      must(crypto::hkdf_expand(crypto::HkdfHash::kSha256, poisoned(32, 1).expose(), message, 40)));
  static_cast<void>(crypto::hmac_sha256(key.expose(), {message}));
}

void encrypt() {
  const SecretBytes key = poisoned(16, 1);
  const SecretBytes text = poisoned(32, 9);
  const Bytes sealed = must(crypto::aes_cbc_encrypt(key.expose(), kIv, text.expose()));
  KB_CHECK(
      ct_equal(must(crypto::aes_cbc_decrypt(key.expose(), kIv, sealed)).expose(), text.expose()));
  KB_CHECK(ct_equal(must(crypto::aes_cmac(key.expose(), {text.expose()})),
                    must(crypto::aes_cmac(key.expose(), {text.expose()}))));
  static_cast<void>(must(crypto::aes_kcv(key.expose())));
  static_cast<void>(must(crypto::des3_mac(key.expose(), {}, {text.expose()})));
  static_cast<void>(must(crypto::retail_mac(key.expose(), {}, {text.expose()})));
}

// CMAC's last block is padded and its subkeys are doubled in code of ours: every length counts.
void authenticate() {
  const SecretBytes key = poisoned(32, 1);
  for (std::size_t size = 0; size <= 33; ++size) {
    static_cast<void>(must(crypto::aes_cmac(key.expose(), {poisoned(size, 0).expose()})));
  }
}

// The KBPK and the key within are secret; the block is not, and whether it opens.
void protect_and_open_key_block() {
  FixedRng rng("poisoned key block");
  const SecretBytes kbpk = poisoned(32, 1);
  crypto::KeyBlock block =
      must(crypto::protect_key(kbpk, crypto::KeyBlockHeader{}, poisoned(16, 9), rng));
  make_public(block.encrypted);
  make_public(block.mac);
  KB_CHECK(ct_equal(must(crypto::open_key_block(kbpk, block)).expose(), poisoned(16, 9).expose()));
  block.mac[15] ^= 1U;
  KB_CHECK(!crypto::open_key_block(kbpk, block));
}

void agree_and_sign() {
  FixedRng rng("poisoned secrets");
  const crypto::EcPrivateKey peer = must(crypto::EcPrivateKey::generate(rng));
  const SecretBytes scalar = poisoned(32, 1);
  const crypto::EcPrivateKey own = must(crypto::EcPrivateKey::from_scalar(scalar.expose()));
  static_cast<void>(must(crypto::ecdh(own, peer.public_key())));
  Bytes signature = must(crypto::ecdsa_sign_raw(own, {message}, rng));
  make_public(signature);
  crypto::EcPoint point = own.public_key().point();
  make_public(point);
  KB_CHECK(
      crypto::ecdsa_verify_raw(must(crypto::EcPublicKey::from_point(point)), {message}, signature));
}

// From the agreed Z to the payload's octets, and the verdict on a MAC.
void seal_and_open() {
  FixedRng rng("poisoned envelope");
  const crypto::EcPrivateKey peer = must(crypto::EcPrivateKey::generate(rng));
  const crypto::EcPrivateKey own =
      must(crypto::EcPrivateKey::from_scalar(poisoned(32, 3).expose()));
  const envelope::EnvelopeKeys keys =
      must(envelope::EnvelopeKeys::agree(0x01, own, peer.public_key(), {}));
  const SecretBytes text = poisoned(50, 9);
  Bytes sealed = must(keys.encrypt(text.expose()));
  envelope::Mac16 mac = must(keys.mac({sealed}));
  make_public(sealed);
  make_public(mac);
  KB_CHECK(ct_equal(must(keys.open({sealed}, mac, sealed)).expose(), text.expose()));
  mac[15] ^= 1U;
  KB_CHECK(!keys.open({sealed}, mac, sealed));
}

// Writing a payload, and reading one whose structure is public and whose key values are not.
void encode_and_decode() {
  envelope::Payload payload;
  envelope::PutKeyAction put{
      .old_key_version = 0x30, .new_key_version = 0x31, .first_key_identifier = 0x01, .keys = {}};
  for (std::uint8_t first = 0; first < 3; ++first) {
    put.keys.push_back({.value = poisoned(16, first), .kcv = {1, 2, 3}});
  }
  payload.actions.emplace_back(std::move(put));
  payload.channel_keys = envelope::ChannelKeys{
      .key_version = 0x30, .enc = poisoned(16, 5), .mac = poisoned(16, 6), .dek = poisoned(16, 7)};
  std::ranges::copy(poisoned(16, 8).expose(), payload.receipt_key.expose_mutable().begin());
  const SecretBytes octets = payload.encode();
  const envelope::Payload back = must(envelope::Payload::decode(octets.expose()));
  KB_CHECK(ct_equal(back.encode().expose(), octets.expose()));
}

scp::Scp03CardInit card_of(scp::Scp03Parameter parameter) {
  return {.parameter = parameter,
          .key_version_number = 0x30,
          .aid = *Aid::from_hex("A000000151000000")};
}

scp::Scp03KeySet channel_keys(std::uint8_t first) {
  const auto key = [&](std::uint8_t offset) {
    return poisoned(16, static_cast<std::uint8_t>(first + offset));
  };
  return must(scp::Scp03KeySet::create(key(0), key(1), key(2)));
}

template <typename Apdu>
Apdu seen(Apdu apdu) {
  make_public(apdu.data);
  return apdu;
}

// A whole SCP03 session between both ends: PUT KEY there, an answer back; then a command whose MAC
// is wrong.
void speak_scp03(std::uint8_t i) {
  FixedRng rng("poisoned session");
  const scp::Scp03Parameter parameter{i};
  scp::Scp03Host host(channel_keys(0x40), {.key_version_number = 0x30, .s16 = parameter.s16()});
  scp::Scp03Card card;
  const auto greeting = must(host.initialize_update(rng));
  Bytes answer =
      *card.initialize_update(greeting.data, channel_keys(0x40), card_of(parameter), rng);
  make_public(answer);
  const auto authenticate = seen(must(host.external_authenticate(
      {.data = answer, .sw = StatusWord{0x9000}}, scp::highest_level(parameter))));
  KB_CHECK(card.external_authenticate(authenticate) == StatusWord{0x9000});
  must(host.finish_authentication({.sw = StatusWord{0x9000}}));

  const SecretBytes key = poisoned(16, 0x60);
  Bytes block = must(host.encrypt_sensitive(key.expose()));
  make_public(block);
  const gp::KeyData sealed = gp::encrypted_key(0x88, block, 16, gp::KeyCheckValue{1, 2, 3});
  const gp::PutKey put{
      .old_version = 0x30, .new_version = 0x31, .first_identifier = 1, .keys = {sealed}};
  const Bytes data = must(put.encode()).data;
  auto command =
      seen(must(host.wrap({.ins = 0xD8, .p1 = 0x30, .p2 = 0x01, .data = data, .le = 256})));
  const auto unwrapped = card.unwrap(command);
  KB_CHECK(unwrapped.has_value());
  KB_CHECK(ct_equal(unwrapped->data.expose(), data));
  KB_CHECK(ct_equal(card.decrypt_sensitive(block)->expose(), key.expose()));
  Bytes back = card.wrap(data, StatusWord{0x9000});
  make_public(back);
  static_cast<void>(must(host.unwrap({.data = back, .sw = StatusWord{0x9000}})));

  command.data.back() ^= 1U;
  KB_CHECK(!card.unwrap(command));
}

void speak_scp03_of_every_kind() {
  for (const std::uint8_t i :
       std::array<std::uint8_t, 7>{0x00, 0x01, 0x30, 0x60, 0x61, 0x70, 0x71}) {
    speak_scp03(i);
  }
}

// Which of two key sets a card holds (PROBE).
void tell_key_sets_apart() {
  FixedRng rng("poisoned probe");
  const Bytes challenge = octets_of("8 octets");
  scp::Scp03Card card;
  Bytes answer = *card.initialize_update(challenge, channel_keys(0x40), card_of({0x70}), rng);
  make_public(answer);
  const auto decoded = must(scp::InitializeUpdateAnswer::decode(answer));
  KB_CHECK(scp::scp03_card_holds(channel_keys(0x40), challenge, decoded));
  KB_CHECK(!scp::scp03_card_holds(channel_keys(0x41), challenge, decoded));
}

void derive_scp11() {
  const scp::KeyAgreementRequest request{.ephemeral_point = Bytes(65, 4)};
  static_cast<void>(must(scp::derive_keys({.first = poisoned(32, 1), .second = poisoned(32, 2)},
                                          request, message, message, {}, scp::kScp11Hash)));
}

struct Operation {
  std::string_view name;
  void (*run)();
};

constexpr auto kOperations = std::to_array<Operation>({
    {"compare in constant time", compare},
    {"pad, unpad", pad_and_unpad},
    {"key derivations", derive},
    {"AES, 3DES", encrypt},
    {"AES-CMAC of every length", authenticate},
    {"key blocks: protect, open", protect_and_open_key_block},
    {"ECDH, ECDSA", agree_and_sign},
    {"envelope keys: seal, open", seal_and_open},
    {"payload: encode, decode", encode_and_decode},
    {"SCP03, both ends", speak_scp03_of_every_kind},
    {"SCP03, which key set a card holds", tell_key_sets_apart},
    {"SCP11 key schedule", derive_scp11},
});

// Results of the controls, so that the compiler keeps them.
volatile unsigned sink = 0;

void branch_on_a_secret() {
  if (poisoned(16, 1).expose()[3] == 0x55) {
    sink = sink + 1;
  }
}

void look_up_by_a_secret() {
  static constexpr std::array<std::uint8_t, 256> kTable = {1, 2, 3};
  sink = sink + kTable[poisoned(16, 1).expose()[3]];
}

void compare_until_they_differ() {
  const SecretBytes left = poisoned(16, 1);
  const SecretBytes right = poisoned(16, 2);
  sink = sink + (std::ranges::equal(left.expose(), right.expose()) ? 1U : 0U);
}

constexpr auto kPlanted = std::to_array<Operation>({
    {"a branch on a secret", branch_on_a_secret},
    {"a table looked up by a secret", look_up_by_a_secret},
    {"a comparison that ends early", compare_until_they_differ},
});

bool is_reported(const Operation& operation) {
  const unsigned before = reported_errors();
  operation.run();
  return reported_errors() != before;
}

int run(std::string_view what) {
  if (!runs_under_valgrind()) {
    fmt::print(stderr,
               "poisoned_secrets: shows nothing outside valgrind: see constant_time_test.py\n");
    return 2;
  }
  int wrong = 0;
  if (what == "planted") {
    for (const Operation& operation : kPlanted) {
      if (!is_reported(operation)) {
        fmt::print("not noticed: {}\n", operation.name);
        ++wrong;
      }
    }
    fmt::print("{} planted leaks, {} not noticed\n", kPlanted.size(), wrong);
    return wrong == 0 ? 0 : 1;
  }
  for (const Operation& operation : kOperations) {
    if (is_reported(operation)) {
      fmt::print("depends on a secret: {}\n", operation.name);
      ++wrong;
    }
  }
  fmt::print("{} operations, {} with a branch or an address that depends on a secret\n",
             kOperations.size(), wrong);
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace kagibin::test

int main(int argc, char** argv) { return kagibin::test::run(argc > 1 ? argv[1] : ""); }
