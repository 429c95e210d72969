// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/kdf/kdf.h"
#include "kagibin/crypto/token/sealing/sealing_session.h"
#include "kagibin/crypto/token/sealing/token_sealing.h"

namespace kagibin::crypto::token {
namespace {

constexpr Detail kNoKeyMade(
    "the token makes no AES key for one session that may be wrapped (CKM_AES_KEY_GEN), so it seals "
    "no envelope inside");
constexpr std::size_t kRehearsedSize = 16;

class RehearsalContext final : public SealingContext {
 public:
  Digest256 shared_info(const EcPoint& ephemeral) const override {
    return sha256({ascii("KB1-REH"), ephemeral});
  }
  Bytes authenticated(const EcPoint& ephemeral, ByteView sealed) const override {
    Bytes out(ephemeral.begin(), ephemeral.end());
    append(out, sealed);
    return out;
  }
};

CK_OBJECT_HANDLE make_key(SessionSteps& steps) {
  const TokenSession& at = steps.session();
  CK_MECHANISM mechanism{.mechanism = CKM_AES_KEY_GEN, .pParameter = nullptr, .ulParameterLen = 0};
  Attributes wanted = attributes_of(
      {.key_type = CKK_AES, .size = kRehearsedSize, .is_extractable = true, .derives = true});
  CK_OBJECT_HANDLE out = 0;
  const CK_RV rv =
      at.functions->C_GenerateKey(at.handle, &mechanism, wanted.data(), wanted.size(), &out);
  steps.note(rv, kNoKeyMade);
  if (rv == CKR_OK) {
    steps.keep(out);
  }
  return out;
}

// Octets around a key, at lengths that are no multiples of a block.
JoinedPlaintext plaintext_of_rehearsal() {
  const auto octets = [](std::size_t size, std::uint8_t first) {
    SecretBytes out(size);
    for (std::uint8_t& octet : out.expose_mutable()) {
      octet = first++;
    }
    return out;
  };
  JoinedPlaintext out;
  out.parts.emplace_back(octets(21, 0xC0));
  out.parts.emplace_back(KeyInToken{.size_bytes = kRehearsedSize});
  out.parts.emplace_back(octets(5, 0x30));
  return out;
}

// What the software of this library makes of it.
Result<void> open(const SealedInToken& sealed,
                  const EcPrivateKey& own,
                  std::size_t key_size,
                  const JoinedPlaintext& expected,
                  const LongCheckValue& check_value) {
  const RehearsalContext context;
  const EcPublicKey ephemeral = KB_TRY(EcPublicKey::from_point(sealed.ephemeral));
  const SecretArray<32> z = KB_TRY(ecdh(own, ephemeral));
  const SecretBytes keys = KB_TRY(x963_kdf_sha256(z.expose(), context.shared_info(sealed.ephemeral),
                                                  2 * key_size + kAesBlockSize));
  const AesBlock mac = KB_TRY(aes_cmac(keys.expose().subspan(key_size, key_size),
                                       {context.authenticated(sealed.ephemeral, sealed.sealed)}));
  AesBlock iv{};
  std::ranges::copy(keys.expose().last(iv.size()), iv.begin());
  const SecretBytes plain =
      KB_TRY(aes_cbc_decrypt(keys.expose().first(key_size), iv, sealed.sealed));
  const std::size_t size = KB_TRY(unpad80(plain.expose()));
  const ByteView all = plain.expose().first(size);
  const ByteView head = std::get<SecretBytes>(expected.parts.front()).expose();
  const ByteView tail = std::get<SecretBytes>(expected.parts.back()).expose();
  if (!ct_equal(mac, sealed.mac) || size != expected.size_bytes() ||
      !ct_equal(all.first(head.size()), head) || !ct_equal(all.last(tail.size()), tail)) {
    return fail(Errc::kCrypto, "not what was sealed");
  }
  AesBlock block{};
  block.fill(0x01);
  const AesBlock encrypted =
      KB_TRY(aes_encrypt_block(all.subspan(head.size(), kRehearsedSize), block));
  return ct_equal(ByteView(encrypted).first(check_value.size()), check_value)
             ? Result<void>()
             : fail(Errc::kCrypto, "not what was sealed");
}

}  // namespace

Result<void> rehearse_sealing(const SharedToken& token, std::size_t key_size) {
  SystemRng rng;
  const EcPrivateKey recipient = KB_TRY(EcPrivateKey::generate(rng));
  const JoinedPlaintext plaintext = plaintext_of_rehearsal();
  SealedInToken sealed;
  LongCheckValue check_value{};
  KB_TRY(token->run(Repeat::kAllowed, [&](const TokenSession& at) -> Result<CK_RV> {
    SessionSteps steps(at, true);
    const std::array keys = {make_key(steps)};
    check_value = check_value_of(steps, keys.front(), kRehearsedSize);
    sealed = seal_in_session(steps, plaintext, keys, recipient.public_key(), key_size,
                             RehearsalContext());
    return steps.outcome();
  }));
  if (!open(sealed, recipient, key_size, plaintext, check_value)) {
    return fail(Errc::kCrypto,
                "what the token sealed to try it out does not open as what it was: it does one of "
                "CKM_ECDH1_DERIVE with CKD_SHA256_KDF, CKM_XOR_BASE_AND_DATA, CKM_CONCATENATE_*, "
                "C_WrapKey or CKM_AES_CMAC in a way of its own, and seals no envelope");
  }
  return {};
}

}  // namespace kagibin::crypto::token
