// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/input/key_file.h"

#include <string_view>
#include <utility>

#include "kagibin/cli/console/private_file.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/cipher/des3.h"
#include "kagibin/gp/put_key.h"

namespace kagibin::cli {

namespace {

constexpr std::size_t kMostEntries = 64;
constexpr std::uint8_t kFactoryVersion = 0xFF;

std::optional<std::uint8_t> digit(char letter) {
  if (letter >= '0' && letter <= '9') {
    return static_cast<std::uint8_t>(letter - '0');
  }
  const char lower = static_cast<char>(letter | 0x20);
  if (lower >= 'a' && lower <= 'f') {
    return static_cast<std::uint8_t>(lower - 'a' + 10);
  }
  return std::nullopt;
}

// Straight into memory that is wiped.
Result<SecretBytes> secret_from_hex(std::string_view text) {
  if (text.empty() || text.size() % 2 != 0) {
    return fail(Errc::kEncoding, "a key is an even number of hexadecimal digits");
  }
  SecretBytes out(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto high = digit(text[i]);
    const auto low = digit(text[i + 1]);
    if (!high || !low) {
      return fail(Errc::kEncoding, "a key is hexadecimal digits and nothing else");
    }
    out.expose_mutable()[i / 2] = static_cast<std::uint8_t>(*high << 4U | *low);
  }
  return out;
}

Result<std::uint8_t> octet_of(std::string_view text) {
  const auto octets = from_hex(text);
  if (!octets || octets->size() != 1 || text.size() != 2) {
    return fail(Errc::kEncoding, "a key version or key identifier is two hexadecimal digits");
  }
  return octets->front();
}

// One line's two words; empty for a blank or comment line.
struct Words {
  std::string_view name;
  std::string_view value;
};

Result<Words> words_of(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  line = line.substr(0, line.find('#'));
  const std::size_t begin = line.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) {
    return Words{};
  }
  line = line.substr(begin, line.find_last_not_of(kBlank) + 1 - begin);
  const std::size_t gap = line.find_first_of(kBlank);
  if (gap == std::string_view::npos) {
    return fail(Errc::kEncoding, "a line is a name, a blank and a value, as in: kvn 30");
  }
  Words out{line.substr(0, gap), line.substr(line.find_first_not_of(kBlank, gap))};
  if (out.value.find_first_of(kBlank) != std::string_view::npos) {
    return fail(Errc::kEncoding, "one value a line, its digits without blanks");
  }
  return out;
}

class Parser {
 public:
  Result<void> take(const Words& words) {
    if (words.name == "kvn") {
      KB_TRY(end());
      const std::uint8_t version = KB_TRY(octet_of(words.value));
      if (version > gp::kHighestKeyVersion && version != kFactoryVersion) {
        return fail(Errc::kValue, "a key version is 00 to 7F, or FF for a factory set");
      }
      entry_.emplace(KeyFileEntry{.version = version});
      said_kid_ = false;
      return {};
    }
    if (!entry_) {
      return fail(Errc::kEncoding, "an entry begins with its key version, as in: kvn 30");
    }
    return take_of_entry(words);
  }

  // What is complete goes into the list.
  Result<void> end() {
    if (!entry_) {
      return {};
    }
    KB_TRY(check(*entry_));
    if (entries_.size() == kMostEntries) {
      return fail(Errc::kLimit, "a key file has at most 64 entries");
    }
    entries_.push_back(std::move(*entry_));
    entry_.reset();
    return {};
  }

  std::vector<KeyFileEntry> finish() { return std::move(entries_); }

 private:
  Result<void> take_of_entry(const Words& words) {
    if (words.name == "kid") {
      if (said_kid_) {
        return fail(Errc::kConflict, "a name stands twice in one entry");
      }
      said_kid_ = true;
      entry_->identifier = KB_TRY(octet_of(words.value));
      return {};
    }
    if (words.name == "type") {
      if (entry_->des) {
        return fail(Errc::kConflict, "a name stands twice in one entry");
      }
      if (words.value != "aes" && words.value != "3des") {
        return fail(Errc::kValue, "type is aes or 3des");
      }
      entry_->des = words.value == "3des";
      return {};
    }
    SecretBytes* key = words.name == "enc"   ? &entry_->enc
                       : words.name == "mac" ? &entry_->mac
                       : words.name == "dek" ? &entry_->dek
                       : words.name == "key" ? &entry_->single
                                             : nullptr;
    if (key == nullptr) {
      return fail(Errc::kEncoding, "names are kvn, kid, type, enc, mac, dek and key");
    }
    if (!key->empty()) {
      return fail(Errc::kConflict, "a name stands twice in one entry");
    }
    *key = KB_TRY(secret_from_hex(words.value));
    return {};
  }

  static Result<void> check_size(const KeyFileEntry& entry, const SecretBytes& key) {
    const bool right = entry.des.value_or(false) ? crypto::is_des3_key_size(key.size())
                                                 : crypto::is_aes_key_size(key.size());
    if (!right) {
      return fail(Errc::kLength, "a key has 16, 24 or 32 octets, of 3DES 16 or 24");
    }
    return {};
  }

  static Result<void> check(const KeyFileEntry& entry) {
    const bool some = !entry.enc.empty() || !entry.mac.empty() || !entry.dek.empty();
    const bool all = !entry.enc.empty() && !entry.mac.empty() && !entry.dek.empty();
    if (some == !entry.single.empty() || some != all) {
      return fail(Errc::kValue, "an entry has enc, mac and dek, or else one key");
    }
    if (!all) {
      return check_size(entry, entry.single);
    }
    if (entry.enc.size() != entry.mac.size() || entry.enc.size() != entry.dek.size()) {
      return fail(Errc::kLength, "enc, mac and dek have one length");
    }
    return check_size(entry, entry.enc);
  }

  std::optional<KeyFileEntry> entry_{};
  bool said_kid_ = false;
  std::vector<KeyFileEntry> entries_{};
};

}  // namespace

roles::security_module_manager::ChannelKeys KeyFileEntry::channel_keys() const {
  KB_CHECK(is_set());
  return {.version = version,
          .des = des,
          .enc = enc.duplicate(),
          .mac = mac.duplicate(),
          .dek = dek.duplicate()};
}

Result<std::vector<gp::Key>> KeyFileEntry::gp_keys() const {
  std::vector<gp::Key> out;
  const auto add = [&](const SecretBytes& key) -> Result<void> {
    out.push_back(
        KB_TRY(des.value_or(false) ? gp::Key::des(key.expose()) : gp::Key::aes(key.expose())));
    return {};
  };
  if (!is_set()) {
    KB_TRY(add(single));
    return out;
  }
  KB_TRY(add(enc));
  KB_TRY(add(mac));
  KB_TRY(add(dek));
  return out;
}

std::expected<std::vector<KeyFileEntry>, KeyFileProblem> parse_key_file(ByteView octets) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets of a text file
  std::string_view rest(reinterpret_cast<const char*>(octets.data()), octets.size());
  Parser parser;
  std::size_t number = 0;
  while (!rest.empty()) {
    ++number;
    const std::size_t end = rest.find('\n');
    const auto words = words_of(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    if (!words) {
      return std::unexpected(KeyFileProblem{number, words.error()});
    }
    if (words->name.empty()) {
      continue;
    }
    if (const auto taken = parser.take(*words); !taken) {
      return std::unexpected(KeyFileProblem{number, taken.error()});
    }
  }
  if (const auto ended = parser.end(); !ended) {
    return std::unexpected(KeyFileProblem{number, ended.error()});
  }
  std::vector<KeyFileEntry> out = parser.finish();
  if (out.empty()) {
    return std::unexpected(KeyFileProblem{
        0, Error{Errc::kValue, "there is no key in the file; kagibin-gp(1) shows the format"}});
  }
  return out;
}

SecretBytes key_file_text(const KeyFileEntry& entry) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::size_t kWordsSize = 64;  // of what is no key
  SecretBytes out(kWordsSize + 2 * (entry.enc.size() + entry.mac.size() + entry.dek.size() +
                                    entry.single.size()));
  std::size_t size = 0;
  const auto put = [&](char letter) {
    out.expose_mutable()[size++] = static_cast<std::uint8_t>(letter);
  };
  const auto line = [&](std::string_view name, ByteView value) {
    for (const char letter : name) {
      put(letter);
    }
    put(' ');
    for (const std::uint8_t octet : value) {
      put(kDigits[octet >> 4U]);
      put(kDigits[octet & 0x0FU]);
    }
    put('\n');
  };
  line("kvn", ByteView(&entry.version, 1));
  if (!entry.is_set()) {
    line("kid", ByteView(&entry.identifier, 1));
  }
  if (entry.des) {
    line(*entry.des ? "type 3des" : "type aes", {});
  }
  for (const auto& [name, key] :
       {std::pair<std::string_view, const SecretBytes*>{"enc", &entry.enc},
        {"mac", &entry.mac},
        {"dek", &entry.dek},
        {"key", &entry.single}}) {
    if (!key->empty()) {
      line(name, key->expose());
    }
  }
  out.shrink(size);
  return out;
}

std::expected<std::vector<KeyFileEntry>, KeyFileProblem> read_key_file(
    const std::filesystem::path& path) {
  const auto text = read_private_file(path);
  if (!text) {
    return std::unexpected(KeyFileProblem{0, text.error()});
  }
  return parse_key_file(text->expose());
}

}  // namespace kagibin::cli
