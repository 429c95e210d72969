// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/key_csv.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::roles::service_provider {
namespace {

constexpr std::size_t kMaxText = 16U << 20U;
constexpr std::size_t kMaxRows = 100'000;
constexpr std::size_t kMaxColumns = 16;

// The part of `rest` before the separator, which is taken away with it.
ByteView take_until(ByteView& rest, std::uint8_t separator) {
  const auto end = std::ranges::find(rest, separator);
  const auto size = static_cast<std::size_t>(end - rest.begin());
  const ByteView part = rest.first(size);
  rest = rest.subspan(end == rest.end() ? size : size + 1);
  return part;
}

ByteView trim(ByteView cell) {
  const auto blank = [](std::uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!cell.empty() && blank(cell.front())) {
    cell = cell.subspan(1);
  }
  while (!cell.empty() && blank(cell.back())) {
    cell = cell.first(cell.size() - 1);
  }
  return cell;
}

std::vector<ByteView> cells_of(ByteView line) {
  std::vector<ByteView> out;
  bool more = true;
  while (more) {
    more = std::ranges::find(line, ',') != line.end();
    out.push_back(trim(take_until(line, ',')));
  }
  return out;
}

std::optional<std::uint8_t> digit(std::uint8_t c) {
  if (c >= '0' && c <= '9') {
    return static_cast<std::uint8_t>(c - '0');
  }
  const auto lower = static_cast<std::uint8_t>(c | 0x20U);
  if (lower >= 'a' && lower <= 'f') {
    return static_cast<std::uint8_t>(lower - 'a' + 10);
  }
  return std::nullopt;
}

// Hexadecimal digits as octets that are wiped: the cell may be a key.
std::optional<SecretBytes> octets_of(ByteView cell) {
  if (cell.size() % 2 != 0) {
    return std::nullopt;
  }
  SecretBytes out(cell.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto high = digit(cell[2 * i]);
    const auto low = digit(cell[2 * i + 1]);
    if (!high || !low) {
      return std::nullopt;
    }
    out.expose_mutable()[i] = static_cast<std::uint8_t>(*high << 4U | *low);
  }
  return out;
}

std::string text_of(ByteView cell) { return {cell.begin(), cell.end()}; }

}  // namespace

Checked<KeyCsv> KeyCsv::parse(std::string_view name, const SecretBytes& text) {
  KeyCsv out;
  out.name_ = name;
  const auto refuse = [&](std::size_t row, std::string_view why) {
    return problem(Errc::kValue,
                   fmt::format("{}, row {}: {}; nothing was taken from the file.", name, row, why));
  };
  if (text.size() > kMaxText) {
    return refuse(1, "the file is longer than 16 MiB");
  }
  ByteView rest = text.expose();
  std::vector<ByteView> head = cells_of(take_until(rest, '\n'));
  if (head.size() < 2 || head.size() > kMaxColumns || text_of(head[0]) != "seid") {
    return refuse(1, "the first row has to name the columns, \"seid\" first, then 1 to 15 of keys");
  }
  for (std::size_t i = 1; i < head.size(); ++i) {
    if (head[i].empty() || out.has_column(text_of(head[i]))) {
      return refuse(1, "a column has no name or the name of another");
    }
    out.columns_.push_back(text_of(head[i]));
  }
  std::map<crypto::Digest256, Seid> owners;
  for (std::size_t row = 2; !rest.empty(); ++row) {
    const std::vector<ByteView> cells = cells_of(take_until(rest, '\n'));
    if (cells.size() == 1 && cells[0].empty()) {
      continue;
    }
    if (cells.size() != head.size()) {
      return refuse(row, "there are more or fewer cells than the first row names");
    }
    if (out.rows_.size() == kMaxRows) {
      return refuse(row, "the file has more than 100,000 rows");
    }
    const auto seid_octets = octets_of(cells[0]);
    if (!seid_octets || seid_octets->size() != 16) {
      return refuse(row, "the SEID is not 32 hexadecimal digits");
    }
    const Seid seid = *Seid::from(seid_octets->expose());
    std::vector<SecretBytes> keys;
    for (std::size_t i = 1; i < cells.size(); ++i) {
      auto key = octets_of(cells[i]);
      if (!key || !crypto::is_aes_key_size(key->size())) {
        return refuse(row, fmt::format("column {} is not an AES key", out.columns_[i - 1]));
      }
      const auto [owner, is_new] = owners.emplace(crypto::sha256(key->expose()), seid);
      if (!is_new && owner->second != seid) {
        return refuse(row,
                      fmt::format("column {} repeats a key of another element, and one key never "
                                  "serves two elements",
                                  out.columns_[i - 1]));
      }
      keys.push_back(std::move(*key));
    }
    if (!out.rows_.emplace(seid, std::move(keys)).second) {
      return refuse(row, "the SEID stands in an earlier row too");
    }
  }
  return out;
}

bool KeyCsv::has_column(std::string_view column) const {
  return std::ranges::find(columns_, column) != columns_.end();
}

Checked<SecretBytes> KeyCsv::key(const Seid& seid, std::string_view column) const {
  const auto at = std::ranges::find(columns_, column);
  if (at == columns_.end()) {
    return problem(Errc::kNotFound, fmt::format("{} has no column \"{}\".", name_, column));
  }
  const auto row = rows_.find(seid);
  if (row == rows_.end()) {
    return problem(Errc::kNotFound,
                   fmt::format("{} has no row for element {}; add it, or leave the element out.",
                               name_, seid.hex()));
  }
  return row->second[static_cast<std::size_t>(at - columns_.begin())].duplicate();
}

}  // namespace kagibin::roles::service_provider
