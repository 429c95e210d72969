// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/held_key/held_keys.h"

#include <system_error>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/held_key/joined_halves.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::crypto {
namespace {

constexpr std::string_view kMagic = "KBT1";
constexpr std::string_view kMagicOfHalves = "KBT2";
constexpr std::string_view kCheck = "KB1-CHK";
constexpr std::size_t kCheckSize = 8;
constexpr std::size_t kLargestKey = 32;

Result<SecretBytes> check_value(const DerivationKey& key) {
  return key.diversify(ascii(kCheck), ascii(kCheck), kCheckSize);
}

SecretBytes place(ByteView proof, std::string_view uri) {
  return SecretBytes::copy_of(
      ByteWriter().bytes(ascii(kMagic)).bytes(proof).bytes(ascii(uri)).view());
}

struct Place {
  Bytes proof;
  std::string uri;
};

Result<Place> read_place(ByteView record, std::size_t proof_size) {
  if (record.size() <= kMagic.size() + proof_size) {
    return fail(Errc::kEncoding, "the record of a key in a token is damaged");
  }
  const ByteView proof = record.subspan(kMagic.size(), proof_size);
  const ByteView uri = record.subspan(kMagic.size() + proof_size);
  return Place{.proof = Bytes(proof.begin(), proof.end()),
               .uri = std::string(uri.begin(), uri.end())};
}

struct Halves {
  Place left;
  Place right;
};

bool is_of_halves(ByteView record) {
  return record.size() > kLargestKey &&
         equal(record.first(kMagicOfHalves.size()), ascii(kMagicOfHalves));
}

Result<Halves> read_halves(ByteView record) {
  const auto read = [&]() -> Result<Halves> {
    ByteReader in(record);
    KB_TRY(in.bytes(kMagicOfHalves.size()));
    const ByteView left = KB_TRY(in.bytes(kCheckSize));
    const ByteView right = KB_TRY(in.bytes(kCheckSize));
    const std::uint16_t size = KB_TRY(in.u16());
    const ByteView first = KB_TRY(in.bytes(size));
    const ByteView second = in.take_rest();
    return Halves{.left = {.proof = Bytes(left.begin(), left.end()),
                           .uri = std::string(first.begin(), first.end())},
                  .right = {.proof = Bytes(right.begin(), right.end()),
                            .uri = std::string(second.begin(), second.end())}};
  }();
  if (!read) {
    return fail(Errc::kEncoding, "the record of a key in two tokens is damaged");
  }
  return read;
}

std::unexpected<Error> no_tokens() {
  return fail(Errc::kNotSupported, "the key is in a token, and there is no way to tokens here");
}

std::unexpected<Error> exchanged() {
  return fail(
      Errc::kUntrusted,
      "the token has another key under this name than when it was put to use: another token, "
      "or the key was replaced; nothing was done with it");
}

}  // namespace

bool is_place_in_token(ByteView record) {
  return record.size() > kLargestKey &&
         (equal(record.first(kMagic.size()), ascii(kMagic)) || is_of_halves(record));
}

SecretBytes place_in_token(const AgreementKey& key) {
  return place(key.public_key().point(), key.token_uri());
}

Result<AgreementKey> agreement_key_at(ByteView record, KeyTokens* tokens) {
  if (tokens == nullptr) {
    return no_tokens();
  }
  const Place at = KB_TRY(read_place(record, kEcPointSize));
  AgreementKey key = KB_TRY(tokens->agreement_key(at.uri));
  if (!equal(key.public_key().point(), at.proof)) {
    return exchanged();
  }
  return key;
}

Result<KeyTokens*> HeldKeys::tokens() const {
  if (tokens_ == nullptr) {
    return no_tokens();
  }
  return tokens_;
}

Result<void> HeldKeys::refuse_taken(std::string_view name) const {
  if (records_.contains(name)) {
    return fail(Errc::kConflict, "a record of this name exists already and is kept as it is");
  }
  return {};
}

Result<SigningKey> new_signing_key(const KeyPlace& at, KeyTokens* tokens, Rng& rng) {
  if (at.uri.empty()) {
    return SigningKey(KB_TRY(EcPrivateKey::generate(rng)));
  }
  if (tokens == nullptr) {
    return no_tokens();
  }
  return at.is_made_there ? tokens->generate_signing_key(at.uri) : tokens->signing_key(at.uri);
}

Result<AgreementKey> new_exchange_key(const KeyPlace& at, KeyTokens* tokens, Rng& rng) {
  if (at.uri.empty()) {
    return AgreementKey(KB_TRY(EcPrivateKey::generate(rng)));
  }
  if (tokens == nullptr) {
    return no_tokens();
  }
  return at.is_made_there ? tokens->generate_exchange_key(at.uri) : tokens->agreement_key(at.uri);
}

Founding::~Founding() {
  for (const std::string& uri : uris_) {
    static_cast<void>(tokens_->erase(uri));
  }
  if (!folder_.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
}

void Founding::note_key(const KeyPlace& at) {
  if (!at.uri.empty() && at.is_made_there) {
    uris_.push_back(at.uri);
  }
}

void Founding::keep() {
  uris_.clear();
  folder_.clear();
}

Result<void> HeldKeys::make_signing_key(std::string_view name, const KeyPlace& at, Rng& rng) const {
  KB_TRY(refuse_taken(name));
  Founding made(tokens_);
  const SigningKey key = KB_TRY(new_signing_key(at, tokens_, rng));
  made.note_key(at);
  KB_TRY(put(name, key, rng));
  made.keep();
  return {};
}

Result<void> HeldKeys::make_exchange_key(std::string_view name,
                                         const KeyPlace& at,
                                         Rng& rng) const {
  KB_TRY(refuse_taken(name));
  Founding made(tokens_);
  const AgreementKey key = KB_TRY(new_exchange_key(at, tokens_, rng));
  made.note_key(at);
  KB_TRY(put(name, key, rng));
  made.keep();
  return {};
}

Result<void> HeldKeys::make_derivation_key(std::string_view name,
                                           std::size_t size,
                                           const KeyPlace& at,
                                           Rng& rng) const {
  if (!is_aes_key_size(size)) {
    return fail(Errc::kLength, "a master key is an AES key: 16, 24 or 32 octets");
  }
  KB_TRY(refuse_taken(name));
  if (at.uri.empty()) {
    const SecretBytes key = KB_TRY(random_secret(rng, size));
    return records_.put_new(name, key.expose(), rng);
  }
  KeyTokens& there = *KB_TRY(tokens());
  Founding made(tokens_);
  const DerivationKey key =
      KB_TRY(!at.is_made_there   ? there.derivation_key(at.uri)
             : at.may_be_wrapped ? there.generate_wrappable_master_key(at.uri, size)
                                 : there.generate_derivation_key(at.uri, size));
  made.note_key(at);
  const SecretBytes proof = KB_TRY(check_value(key));
  KB_TRY(records_.put_new(name, place(proof.expose(), at.uri).expose(), rng));
  made.keep();
  return {};
}

Result<void> HeldKeys::make_halved_key(std::string_view name,
                                       std::size_t size,
                                       const KeyPlace& left,
                                       const KeyPlace& right,
                                       Rng& rng) const {
  if (!is_aes_key_size(size)) {
    return fail(Errc::kLength, "a master key is an AES key: 16, 24 or 32 octets");
  }
  if (left.may_be_wrapped || right.may_be_wrapped) {
    return fail(Errc::kInvalidArgument,
                "what two tokens derive meets outside of both, so no half has to be wrapped: leave "
                "--wrappable out");
  }
  KB_TRY(refuse_taken(name));
  KeyTokens& there = *KB_TRY(tokens());
  if (KB_TRY(there.in_one_token(left.uri, right.uri))) {
    return fail(Errc::kConflict,
                "both halves are in one token, which one PIN opens: name a second token; nothing "
                "was made");
  }
  Founding made(tokens_);
  const auto half = [&](const KeyPlace& at) -> Result<DerivationKey> {
    if (!at.is_made_there) {
      return there.derivation_key(at.uri);
    }
    DerivationKey key = KB_TRY(there.generate_derivation_key(at.uri, size));
    made.note_key(at);
    return key;
  };
  const DerivationKey first = KB_TRY(half(left));
  const DerivationKey second = KB_TRY(half(right));
  KB_TRY(join_halves(first, second));
  const SecretBytes first_proof = KB_TRY(check_value(first));
  const SecretBytes second_proof = KB_TRY(check_value(second));
  ByteWriter out;
  out.bytes(ascii(kMagicOfHalves))
      .bytes(first_proof.expose())
      .bytes(second_proof.expose())
      .u16(static_cast<std::uint16_t>(left.uri.size()))
      .bytes(ascii(left.uri))
      .bytes(ascii(right.uri));
  KB_TRY(records_.put_new(name, out.view(), rng));
  made.keep();
  return {};
}

Result<void> HeldKeys::put_derivation_key(std::string_view name,
                                          const SecretBytes& key,
                                          const std::string& uri,
                                          Rng& rng) const {
  KB_TRY(refuse_taken(name));
  KeyTokens& there = *KB_TRY(tokens());
  Founding made(tokens_);
  const DerivationKey held = KB_TRY(there.put_derivation_key(uri, key));
  made.note_key({.uri = uri, .is_made_there = true});
  // That it is the key: what it derives is what the key itself does.
  const SecretBytes proof = KB_TRY(check_value(held));
  const DerivationKey own = KB_TRY(DerivationKey::in_memory(key.duplicate()));
  const SecretBytes expected = KB_TRY(check_value(own));
  if (!ct_equal(proof.expose(), expected.expose())) {
    return fail(Errc::kUntrusted,
                "the token derives something else than the key that was put into it; it was "
                "destroyed there again");
  }
  KB_TRY(records_.put_new(name, place(proof.expose(), uri).expose(), rng));
  made.keep();
  return {};
}

Result<void> HeldKeys::put(std::string_view name, const SigningKey& key, Rng& rng) const {
  if (const EcPrivateKey* own = key.in_memory()) {
    return records_.put(name, own->expose_scalar(), rng);
  }
  return records_.put(name, place(key.public_key().point(), key.token_uri()).expose(), rng);
}

Result<void> HeldKeys::put(std::string_view name, const AgreementKey& key, Rng& rng) const {
  if (const EcPrivateKey* own = key.in_memory()) {
    return records_.put(name, own->expose_scalar(), rng);
  }
  return records_.put(name, place_in_token(key).expose(), rng);
}

Result<SigningKey> HeldKeys::signing_key(std::string_view name) const {
  const SecretBytes record = KB_TRY(records_.get(name));
  if (!is_place_in_token(record.expose())) {
    return SigningKey(KB_TRY(EcPrivateKey::from_scalar(record.expose())));
  }
  const Place at = KB_TRY(read_place(record.expose(), kEcPointSize));
  KeyTokens& there = *KB_TRY(tokens());
  SigningKey key = KB_TRY(there.signing_key(at.uri));
  if (!equal(key.public_key().point(), at.proof)) {
    return exchanged();
  }
  return key;
}

Result<AgreementKey> HeldKeys::agreement_key(std::string_view name) const {
  const SecretBytes record = KB_TRY(records_.get(name));
  if (is_place_in_token(record.expose())) {
    return agreement_key_at(record.expose(), tokens_);
  }
  return AgreementKey(KB_TRY(EcPrivateKey::from_scalar(record.expose())));
}

Result<DerivationKey> HeldKeys::derivation_key(std::string_view name) const {
  SecretBytes record = KB_TRY(records_.get(name));
  if (!is_place_in_token(record.expose())) {
    return DerivationKey::in_memory(std::move(record));
  }
  KeyTokens& there = *KB_TRY(tokens());
  const auto at_place = [&](const Place& at) -> Result<DerivationKey> {
    DerivationKey key = KB_TRY(there.derivation_key(at.uri));
    const SecretBytes now = KB_TRY(check_value(key));
    if (!ct_equal(now.expose(), at.proof)) {
      return exchanged();
    }
    return key;
  };
  if (is_of_halves(record.expose())) {
    const Halves halves = KB_TRY(read_halves(record.expose()));
    DerivationKey left = KB_TRY(at_place(halves.left));
    DerivationKey right = KB_TRY(at_place(halves.right));
    return join_halves(std::move(left), std::move(right));
  }
  return at_place(KB_TRY(read_place(record.expose(), kCheckSize)));
}

Result<SecretBytes> HeldKeys::derivation_check(std::string_view name) const {
  SecretBytes record = KB_TRY(records_.get(name));
  if (is_of_halves(record.expose())) {
    return SecretBytes();
  }
  if (is_place_in_token(record.expose())) {
    return SecretBytes::copy_of(KB_TRY(read_place(record.expose(), kCheckSize)).proof);
  }
  return check_value(KB_TRY(DerivationKey::in_memory(std::move(record))));
}

Result<SecretBytes> HeldKeys::derivation_check_at(std::string_view uri) const {
  KeyTokens& there = *KB_TRY(tokens());
  return check_value(KB_TRY(there.derivation_key(uri)));
}

Result<std::string> HeldKeys::token_uri(std::string_view name) const {
  const SecretBytes record = KB_TRY(records_.get(name));
  if (!is_place_in_token(record.expose())) {
    return std::string();
  }
  if (is_of_halves(record.expose())) {
    const Halves halves = KB_TRY(read_halves(record.expose()));
    return halves.left.uri + " and " + halves.right.uri;
  }
  return token_uri_of(record.expose());
}

Result<std::string> token_uri_of(ByteView record) {
  // Both kinds of records end in the URI, which begins with its scheme.
  constexpr std::string_view kScheme = "pkcs11:";
  const std::string text(record.begin(), record.end());
  const std::size_t at = text.rfind(kScheme);
  if (!is_place_in_token(record) || at == std::string::npos) {
    return fail(Errc::kEncoding, "this is no record of a key in a token");
  }
  return text.substr(at);
}

}  // namespace kagibin::crypto
