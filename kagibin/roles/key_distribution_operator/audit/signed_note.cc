// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/signed_note.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "kagibin/base/base64.h"
#include "kagibin/base/byte_io.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

constexpr std::uint8_t kEd25519Type = 0x01;
constexpr std::string_view kSignatureLine = "\xE2\x80\x94 ";  // em dash, space
constexpr std::size_t kMaxSignatures = 64;

Detail not_a_checkpoint() { return "not a signed checkpoint of a log"; }

// ASCII alone: no Unicode blank gets in.
bool is_name(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7F' && c != '+'; });
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() ||
      (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  return value;
}

// Takes what stands before the first `c`, and `c`; empty when there is none.
std::optional<std::string_view> take_until(std::string_view& text, char c) {
  const std::size_t end = text.find(c);
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end + 1);
  return taken;
}

std::string text_of(const TreeHead& head, std::string_view origin) {
  return std::string(origin) + "\n" + std::to_string(head.size) + "\n" + to_base64(head.root) +
         "\n";
}

struct SignatureLine {
  std::string_view name;
  Bytes octets;  // key id | signature
};

Result<std::vector<SignatureLine>> read_signatures(std::string_view lines) {
  std::vector<SignatureLine> signatures;
  while (!lines.empty()) {
    auto line = take_until(lines, '\n');
    if (!line || !line->starts_with(kSignatureLine) || signatures.size() == kMaxSignatures) {
      return fail(Errc::kEncoding, not_a_checkpoint());
    }
    line->remove_prefix(kSignatureLine.size());
    const auto name = take_until(*line, ' ');
    if (!name || name->empty()) {
      return fail(Errc::kEncoding, not_a_checkpoint());
    }
    Bytes octets = KB_TRY(from_base64(*line));
    if (octets.size() < 5) {
      return fail(Errc::kEncoding, not_a_checkpoint());
    }
    signatures.push_back({.name = *name, .octets = std::move(octets)});
  }
  if (signatures.empty()) {
    return fail(Errc::kEncoding, not_a_checkpoint());
  }
  return signatures;
}

}  // namespace

std::uint32_t VerifierKey::id() const {
  constexpr std::array<std::uint8_t, 2> kBetween = {0x0A, kEd25519Type};
  const crypto::Digest256 hash = crypto::sha256({ascii(name), kBetween, key});
  return ByteReader(hash).u32().value();
}

std::string VerifierKey::text() const {
  const Bytes id_octets = ByteWriter().u32(id()).take();
  std::string digits = to_hex(id_octets);
  std::ranges::transform(digits, digits.begin(),
                         [](char c) { return c >= 'A' ? static_cast<char>(c - 'A' + 'a') : c; });
  return name + "+" + digits + "+" + to_base64(ByteWriter().u8(kEd25519Type).bytes(key).view());
}

Result<VerifierKey> VerifierKey::parse(std::string_view text) {
  const std::string_view whole = text;
  const auto name = take_until(text, '+');
  const auto digits = take_until(text, '+');
  if (!name || !digits || !is_name(*name)) {
    return fail(Errc::kEncoding, "not a verifier key: NAME+ID+KEY");
  }
  const Bytes octets = KB_TRY(from_base64(text));
  if (octets.size() != 33 || octets.front() != kEd25519Type) {
    return fail(Errc::kEncoding, "not a verifier key of Ed25519");
  }
  VerifierKey key{.name = std::string(*name), .key = *to_array<32>(ByteView(octets).subspan(1))};
  if (key.text() != whole) {
    return fail(Errc::kEncoding, "the verifier key's id is not that of its name and key");
  }
  return key;
}

std::string name_of_log(const crypto::Ed25519PublicKey& key) {
  std::string digits = to_hex(ByteView(crypto::sha256(key)).first(8));
  std::ranges::transform(digits, digits.begin(),
                         [](char c) { return c >= 'A' ? static_cast<char>(c - 'A' + 'a') : c; });
  return "kagibin-audit/" + digits;
}

Result<std::string> sign(const TreeHead& head,
                         const crypto::Ed25519PrivateKey& key,
                         const std::string& name) {
  if (!is_name(name)) {
    return fail(Errc::kInvalidArgument, "the name of a log has neither blanks nor \"+\"");
  }
  const std::string text = text_of(head, name);
  const crypto::Ed25519Signature signature = KB_TRY(key.sign(ascii(text)));
  const VerifierKey verifier{.name = name, .key = key.public_key()};
  const Bytes octets = ByteWriter().u32(verifier.id()).bytes(signature).take();
  return text + "\n" + std::string(kSignatureLine) + name + " " + to_base64(octets) + "\n";
}

Result<TreeHead> open_checkpoint(std::string_view note, const VerifierKey& verifier) {
  const std::size_t blank = note.rfind("\n\n");
  if (note.size() > kMaxNoteBytes || blank == std::string_view::npos) {
    return fail(Errc::kEncoding, not_a_checkpoint());
  }
  const std::string_view text = note.substr(0, blank + 1);
  const auto signatures = KB_TRY(read_signatures(note.substr(blank + 2)));
  bool signed_by_key = false;
  const std::uint32_t id = verifier.id();
  for (const SignatureLine& line : signatures) {
    ByteReader in(line.octets);
    const std::uint32_t line_id = KB_TRY(in.u32());
    if (line.name != verifier.name || line_id != id) {
      continue;
    }
    if (!crypto::ed25519_verify(verifier.key, ascii(text), in.take_rest())) {
      return fail(Errc::kAuthentication, "the checkpoint's signature is wrong");
    }
    signed_by_key = true;
  }
  if (!signed_by_key) {
    return fail(Errc::kAuthentication, "the checkpoint is not signed with this key");
  }
  std::string_view rest = text;
  const auto origin = take_until(rest, '\n');
  const auto size = take_until(rest, '\n');
  const auto root = take_until(rest, '\n');
  if (!root || !rest.empty()) {
    return fail(Errc::kEncoding, not_a_checkpoint());
  }
  if (*origin != verifier.name) {
    return fail(Errc::kUntrusted, "the checkpoint is of another log");
  }
  const auto leaves = number_in(*size);
  const Bytes hash = KB_TRY(from_base64(*root));
  const auto octets = to_array<32>(hash);
  if (!leaves || *leaves > kMaxTreeSize || !octets) {
    return fail(Errc::kEncoding, not_a_checkpoint());
  }
  return TreeHead{.size = *leaves, .root = *octets};
}

}  // namespace kagibin::roles::key_distribution_operator
