// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/content_options.h"

#include "kagibin/cli/console/hex_option.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/gp/delegated/token.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::cli {

namespace {

constexpr std::size_t kLongestField = 4'096;
constexpr tlv::Tag kSystemParameters = 0xEF;
constexpr tlv::Tag kTokenReference = 0xB6;

Result<gp::TokenReference> token_reference(const GpOptions& options) {
  gp::TokenReference out;
  if (!options.token_card.empty()) {
    const std::size_t colon = options.token_card.find(':');
    if (colon == std::string::npos) {
      return fail(Errc::kInvalidArgument, "--token-card takes IIN:CIN, in hexadecimal digits");
    }
    out.identification = KB_TRY(parse_hex(options.token_card.substr(0, colon), 1, 16));
    out.image = KB_TRY(parse_hex(options.token_card.substr(colon + 1), 1, 16));
  }
  if (!options.token_provider.empty()) {
    out.provider = KB_TRY(parse_hex(options.token_provider, 1, 16));
  }
  if (!options.token_number.empty()) {
    out.number = KB_TRY(parse_hex(options.token_number, 1, 16));
  }
  return out;
}

}  // namespace

Result<Bytes> optional_hex(const std::string& text) {
  return text.empty() ? Bytes{} : parse_hex(text, 1, kLongestField);
}

Result<Bytes> optional_file(const std::filesystem::path& path, std::filesystem::path& failed) {
  if (path.empty()) {
    return Bytes{};
  }
  const auto file = crypto::read_file(path);
  if (!file) {
    failed = path;
    return std::unexpected(file.error());
  }
  return Bytes(file->expose().begin(), file->expose().end());
}

Result<std::optional<Aid>> optional_aid(const std::string& text) {
  if (text.empty()) {
    return std::nullopt;
  }
  return KB_TRY(Aid::from_hex(text));
}

Result<Bytes> token_reference_object(const GpOptions& options) {
  const gp::TokenReference reference = KB_TRY(token_reference(options));
  return reference == gp::TokenReference{} ? Bytes{} : reference.encode();
}

Result<Bytes> token_reference_value(const GpOptions& options) {
  const Bytes object = KB_TRY(token_reference_object(options));
  if (object.empty()) {
    return Bytes{};
  }
  const tlv::Tlv whole = KB_TRY(tlv::read_single(object, kTokenReference));
  return Bytes(whole.value.begin(), whole.value.end());
}

Result<Bytes> other_parameters(const GpOptions& options) {
  const Bytes system = KB_TRY(optional_hex(options.system_parameters));
  Bytes out = system.empty() ? Bytes{} : tlv::encode(kSystemParameters, system);
  append(out, KB_TRY(token_reference_object(options)));
  return out;
}

}  // namespace kagibin::cli
