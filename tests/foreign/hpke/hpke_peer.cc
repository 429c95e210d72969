// SPDX-License-Identifier: Apache-2.0
// Our HPKE behind lines of text, so that an implementation in another language can be its peer. For
// tests only. One request a line, fields in hexadecimal digits, "-" for none; one answer a line, or
// "error NAME":
//
//   generate KEM                                  -> private public
//   public KEM PRIVATE                            -> public
//   seal KEM AEAD PUBLIC INFO AAD PLAINTEXT       -> enc ciphertext
//   open KEM AEAD PRIVATE INFO AAD ENC CIPHERTEXT -> plaintext
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "kagibin/crypto/hpke/hpke.h"

namespace {

using namespace kagibin;
using namespace kagibin::crypto;

Result<std::string> answer(const std::vector<std::string>& words, Rng& rng) {
  std::vector<Bytes> fields;
  for (std::size_t i = 1; i < words.size(); ++i) {
    auto octets = words[i] == "-" ? Bytes() : from_hex(words[i]);
    if (!octets) {
      return fail(Errc::kEncoding, "fields are hexadecimal digits");
    }
    fields.push_back(std::move(*octets));
  }
  const auto number = [&](std::size_t i) {
    return static_cast<std::uint16_t>(fields.at(i).at(0) << 8U | fields.at(i).at(1));
  };
  const HpkeKem kem = KB_TRY(hpke_kem(number(0)));
  if (words[0] == "generate") {
    const KemPrivateKey key = KB_TRY(KemPrivateKey::generate(kem, rng));
    return to_hex(key.expose()) + " " + to_hex(key.public_key().octets());
  }
  if (words[0] == "public") {
    return to_hex(KB_TRY(KemPrivateKey::from(kem, fields.at(1))).public_key().octets());
  }
  const HpkeAead aead{number(1)};
  const HpkeContext context{.info = fields.at(3), .aad = fields.at(4)};
  if (words[0] == "seal") {
    const KemPublicKey recipient = KB_TRY(KemPublicKey::from(kem, fields.at(2)));
    const HpkeSealed sealed = KB_TRY(hpke_seal(aead, recipient, context, fields.at(5), rng));
    return to_hex(sealed.enc) + " " + to_hex(sealed.ciphertext);
  }
  const KemPrivateKey own = KB_TRY(KemPrivateKey::from(kem, fields.at(2)));
  const HpkeSealed sealed{.enc = fields.at(5), .ciphertext = fields.at(6)};
  return to_hex(KB_TRY(hpke_open(aead, own, context, sealed)).expose());
}

}  // namespace

int main() {
  SystemRng rng;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) {
      words.push_back(word);
    }
    const auto result = answer(words, rng);
    std::cout << (result ? *result : "error " + std::string(name(result.error().code))) << "\n"
              << std::flush;
  }
  return 0;
}
