// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/profile/profile_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "kagibin/cli/profile/privilege_names.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/delivery/strict_json.h"

namespace kagibin::cli {

namespace {

using delivery::ObjectReader;

constexpr std::size_t kMaxFile = 65'536;
constexpr std::size_t kMaxList = 16;
constexpr std::size_t kMaxText = 2'000;
constexpr std::size_t kMaxName = 40;
constexpr std::size_t kMaxIin = 16;
constexpr std::size_t kMaxCinPrefix = 12;  // with the serial at most 16 octets
constexpr std::size_t kCplc = 42;
constexpr std::size_t kMaxAtr = 33;
constexpr std::size_t kMaxHistorical = 15;
constexpr std::size_t kMaxParameters = 127;
constexpr std::size_t kPoint = 65;  // uncompressed, on P-256
constexpr std::int64_t kMaxMemory = 1 << 24;

// Reads one file and knows at which member it is.
class Reader {
 public:
  const std::string& where() const { return where_; }

  Result<ProfileFile> read(const boost::json::value& value) {
    ObjectReader in = KB_TRY(ObjectReader::of(value));
    ProfileFile out;
    KB_TRY(in.integer(at("format"), 1, 1));
    out.name = KB_TRY(read_name(in));
    out.about = KB_TRY(read_text(in, "about"));
    if (in.has("warning")) {
      out.warning = KB_TRY(read_text(in, "warning"));
    }
    KB_TRY(member(in, "isd", [&](ObjectReader& isd) { return read_issuer(isd, out); }));
    KB_TRY(read_protocols(in, out));
    if (in.has("casd")) {
      KB_TRY(member(in, "casd", [&](ObjectReader& casd) { return read_casd(casd, out); }));
    }
    KB_TRY(member(in, "limits", [&](ObjectReader& limits) { return read_limits(limits, out); }));
    if (in.has("answer_to_reset")) {
      KB_TRY(member(in, "answer_to_reset", [&](ObjectReader& atr) { return read_atr(atr, out); }));
    }
    KB_TRY(member(in, "identity", [&](ObjectReader& names) { return read_identity(names, out); }));
    KB_TRY(each(in, "keys", [&](ObjectReader& keys) { return read_keys(keys, out); }));
    KB_TRY(each(in, "security_domains",
                [&](ObjectReader& domain) { return read_domain(domain, out); }));
    KB_TRY(each(in, "applications",
                [&](ObjectReader& application) { return read_application(application, out); }));
    at("");
    KB_TRY(in.finish());
    return out;
  }

 private:
  // The member that is read next, and the one that a failure is of.
  std::string_view at(std::string_view member, std::string_view of = {}) {
    where_ = of.empty() ? std::string(member) : fmt::format("{}.{}", of, member);
    return member;
  }

  template <typename Read>
  Result<void> member(ObjectReader& in, std::string_view name, Read read) {
    ObjectReader object = KB_TRY(in.object(at(name)));
    return read(object);
  }
  template <typename Read>
  Result<void> each(ObjectReader& in, std::string_view list, Read read) {
    const boost::json::array* items = KB_TRY(in.array(at(list), kMaxList));
    for (const boost::json::value& item : *items) {
      ObjectReader object = KB_TRY(ObjectReader::of(item));
      KB_TRY(read(object));
    }
    return {};
  }

  Result<std::string> read_name(ObjectReader& in, std::string_view of = {}) {
    std::string name = KB_TRY(in.text(at("name", of), kMaxName));
    const bool plain = std::ranges::all_of(
        name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
    if (name.empty() || !plain) {
      return fail(Errc::kValue, "a name is of small letters, digits and hyphens");
    }
    return name;
  }

  Result<std::string> read_text(ObjectReader& in,
                                std::string_view member,
                                std::string_view of = {}) {
    std::string text = KB_TRY(in.text(at(member, of), kMaxText));
    if (text.empty() || !delivery::is_printable(text)) {
      return fail(Errc::kValue, "a sentence stands here");
    }
    return text;
  }

  Result<std::uint8_t> read_octet(ObjectReader& in, std::string_view member, std::string_view of) {
    const Bytes octet = KB_TRY(in.hex(at(member, of), 1, 1));
    return octet[0];
  }

  Result<Aid> read_aid(ObjectReader& in, std::string_view member, std::string_view of) {
    const Bytes octets = KB_TRY(in.hex(at(member, of), Aid::kMinLength, Aid::kMaxLength));
    return Aid::from(octets);
  }

  Result<gp::Privileges> read_privileges(ObjectReader& in, std::string_view of) {
    constexpr std::size_t kAll = 24;
    gp::Privileges out;
    const boost::json::array* items = KB_TRY(in.array(at("privileges", of), kAll));
    for (const boost::json::value& item : *items) {
      const auto* name = item.if_string();
      if (name == nullptr) {
        return fail(Errc::kEncoding, "a privilege is written by its name");
      }
      const gp::Privileges one = KB_TRY(privilege_of(std::string_view(name->data(), name->size())));
      out.bits |= one.bits;
    }
    KB_TRY(out.check());
    if (!out.has(gp::Privileges::kSecurityDomain)) {
      return fail(Errc::kValue, "a security domain has the privilege Security Domain");
    }
    return out;
  }

  Result<void> read_issuer(ObjectReader& in, ProfileFile& out) {
    out.element.isd_aid = KB_TRY(read_aid(in, "aid", "isd"));
    out.element.isd_privileges = KB_TRY(read_privileges(in, "isd"));
    at("isd");
    return in.finish();
  }

  Result<void> read_protocols(ObjectReader& in, ProfileFile& out) {
    KB_TRY(member(in, "scp03", [&](ObjectReader& scp03) { return read_scp03(scp03, out); }));
    if (in.has("scp02")) {
      KB_TRY(member(in, "scp02", [&](ObjectReader& scp02) { return read_scp02(scp02, out); }));
    }
    if (in.has("scp11")) {
      const std::string size = KB_TRY(in.text(at("scp11"), 3));
      if (size != "S8" && size != "S16") {
        return fail(Errc::kValue, "SCP11 is S8 or S16 here");
      }
      out.element.scp11 = size == "S8" ? scp::kScp11S8 : scp::kScp11S16;
    }
    return {};
  }

  Result<void> read_scp03(ObjectReader& in, ProfileFile& out) {
    const std::uint8_t i = KB_TRY(read_octet(in, "i", "scp03"));
    out.element.scp03 = KB_TRY(scp::Scp03Parameter::from(i));
    at("scp03");
    return in.finish();
  }

  Result<void> read_scp02(ObjectReader& in, ProfileFile& out) {
    constexpr std::string_view kOf = "scp02";
    const std::uint8_t i = KB_TRY(read_octet(in, "i", kOf));
    out.element.scp02 = KB_TRY(scp::Scp02Parameter::from(i));
    at("reason", kOf);
    if (!in.has("reason")) {
      return fail(Errc::kPolicy, "a profile that turns SCP02 on says why: it is broken");
    }
    out.scp02_reason = KB_TRY(read_text(in, "reason", kOf));
    at(kOf);
    return in.finish();
  }

  Result<void> read_casd(ObjectReader& in, ProfileFile& out) {
    constexpr std::string_view kOf = "casd";
    se::InitialCasd casd;
    if (in.has("authority_key")) {
      casd.authority_key = KB_TRY(in.hex(at("authority_key", kOf), kPoint, kPoint));
      if (!crypto::EcPublicKey::from_point(casd.authority_key)) {
        return fail(Errc::kValue,
                    "the controlling authority's key is a point on P-256, 04 and 64 octets");
      }
    }
    casd.mandated_dap = KB_TRY(in.boolean(at("mandated_dap", kOf)));
    out.element.casd = std::move(casd);
    at(kOf);
    return in.finish();
  }

  Result<void> read_limits(ObjectReader& in, ProfileFile& out) {
    constexpr std::string_view kOf = "limits";
    out.element.channel_count = static_cast<std::uint8_t>(
        KB_TRY(in.integer(at("channels", kOf), 1, se::ElementProfile::kMaxChannels)));
    out.element.basic_channel_reserved = KB_TRY(in.boolean(at("basic_channel_reserved", kOf)));
    out.element.authentication_failure_limit =
        static_cast<std::uint8_t>(KB_TRY(in.integer(at("failed_authentications", kOf), 0, 0xFF)));
    out.element.memory_octets =
        static_cast<std::uint32_t>(KB_TRY(in.integer(at("memory_octets", kOf), 0, kMaxMemory)));
    at(kOf);
    return in.finish();
  }

  Result<void> read_atr(ObjectReader& in, ProfileFile& out) {
    constexpr std::string_view kOf = "answer_to_reset";
    if (in.has("octets")) {
      out.element.atr = KB_TRY(in.hex(at("octets", kOf), 2, kMaxAtr));
    } else {
      const Bytes historical = KB_TRY(in.hex(at("historical_bytes", kOf), 1, kMaxHistorical));
      out.element.atr = se::make_atr(historical);
    }
    at(kOf);
    return in.finish();
  }

  Result<void> read_identity(ObjectReader& in, ProfileFile& out) {
    constexpr std::string_view kOf = "identity";
    out.element.iin = KB_TRY(in.hex(at("iin", kOf), 0, kMaxIin));
    out.cin_prefix = KB_TRY(in.hex(at("cin_prefix", kOf), 0, kMaxCinPrefix));
    out.element.cplc = KB_TRY(in.hex(at("cplc", kOf), 0, kCplc));
    if (!out.element.cplc.empty() && out.element.cplc.size() != kCplc) {
      return fail(Errc::kLength, "CPLC has 42 octets");
    }
    at(kOf);
    return in.finish();
  }

  Result<void> read_keys(ObjectReader& in, ProfileFile& out) {
    constexpr std::string_view kOf = "keys";
    ProfileKeySet set;
    set.name = KB_TRY(read_name(in, kOf));
    if (std::ranges::find(out.keys, set.name, &ProfileKeySet::name) != out.keys.end()) {
      return fail(Errc::kConflict, "two key sets have one name");
    }
    if (in.has("domain")) {
      set.domain = KB_TRY(read_aid(in, "domain", kOf));
    }
    set.version = KB_TRY(read_octet(in, "kvn", kOf));
    const std::string type = KB_TRY(in.text(at("type", kOf), kMaxName));
    KB_TRY(read_type(type, set));
    if (!set.aes && !out.element.scp02) {
      return fail(Errc::kPolicy, "3DES keys are for SCP02, which this profile does not turn on");
    }
    const std::string from = KB_TRY(in.text(at("from", kOf), kMaxName));
    if (from == "published") {
      set.source = KeySource::kPublished;
      const std::string value = KB_TRY(in.text(at("value", kOf), kMaxText));
      if (value != kPublishedTestKey || set.size != 16) {
        return fail(Errc::kPolicy,
                    "a profile holds no key but the published 404142434445464748494A4B4C4D4E4F; "
                    "put yours into a key file (--keys)");
      }
    } else if (from == "given") {
      set.source = KeySource::kGiven;
    } else if (from != "master") {
      return fail(Errc::kValue, "keys come from \"master\", \"given\" or \"published\"");
    }
    at(kOf);
    KB_TRY(in.finish());
    out.keys.push_back(std::move(set));
    return {};
  }

  static Result<void> read_type(std::string_view type, ProfileKeySet& set) {
    struct Type {
      std::string_view name;
      bool aes;
      std::size_t size;
    };
    constexpr std::array<Type, 4> kTypes{
        {{"AES-128", true, 16}, {"AES-192", true, 24}, {"AES-256", true, 32}, {"3DES", false, 16}}};
    const auto* known = std::ranges::find(kTypes, type, &Type::name);
    if (known == kTypes.end()) {
      return fail(Errc::kValue, "key sets are of AES-128, AES-192, AES-256 or 3DES");
    }
    set.aes = known->aes;
    set.size = known->size;
    return {};
  }

  Result<void> read_domain(ObjectReader& in, ProfileFile& out) {
    constexpr std::string_view kOf = "security_domains";
    const Aid aid = KB_TRY(read_aid(in, "aid", kOf));
    const gp::Privileges privileges = KB_TRY(read_privileges(in, kOf));
    out.element.security_domains.push_back({.aid = aid, .privileges = privileges});
    at(kOf);
    return in.finish();
  }

  Result<void> read_application(ObjectReader& in, ProfileFile& out) {
    constexpr std::string_view kOf = "applications";
    se::InitialApplication application{.load_file = KB_TRY(read_aid(in, "load_file", kOf)),
                                       .module = KB_TRY(read_aid(in, "module", kOf)),
                                       .aid = KB_TRY(read_aid(in, "aid", kOf)),
                                       .security_domain = out.element.isd_aid};
    if (in.has("domain")) {
      application.security_domain = KB_TRY(read_aid(in, "domain", kOf));
    }
    if (in.has("parameters")) {
      application.parameters = KB_TRY(in.hex(at("parameters", kOf), 0, kMaxParameters));
    }
    out.element.applications.push_back(std::move(application));
    at(kOf);
    return in.finish();
  }

  std::string where_;
};

}  // namespace

std::expected<ProfileFile, ProfileProblem> ProfileFile::parse(std::string_view text) {
  const auto value = delivery::examine_json(text, kMaxFile);
  if (!value) {
    const delivery::JsonFault& fault = value.error();
    const std::string what = fault.duplicate.empty()
                                 ? fmt::format("it is not JSON near octet {}", fault.octet)
                                 : fmt::format("\"{}\" stands twice", fault.duplicate);
    return std::unexpected(
        ProfileProblem{fault.error.code, fmt::format("{} ({}).", what, fault.error.detail.text())});
  }
  Reader reader;
  auto out = reader.read(*value);
  if (!out) {
    const std::string place = reader.where().empty() ? "" : fmt::format("{}: ", reader.where());
    return std::unexpected(
        ProfileProblem{out.error().code, fmt::format("{}{}.", place, out.error().detail.text())});
  }
  return std::move(*out);
}

bool ProfileFile::has_published_keys() const {
  return std::ranges::any_of(
      keys, [](const ProfileKeySet& set) { return set.source == KeySource::kPublished; });
}

}  // namespace kagibin::cli
