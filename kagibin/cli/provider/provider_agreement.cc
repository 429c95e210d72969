// SPDX-License-Identifier: Apache-2.0
// kagibin provider agree-keys: Amendment A, scenario 3, with a domain of ours in an element of
// which a shipment list and a CASD speak (gp/confidential/provider_setup.h).
//
// The key set is kept before the request leaves, so a lost answer loses no key: the next run sees
// from the card's cryptogram whether the domain took it. No try on the card is used for that. Until
// then no order uses it, and it replaces nothing (agreed_keys.h): who carries may lie about
// everything but that cryptogram and the receipt.
#include <algorithm>

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/base/clock.h"
#include "kagibin/cli/console/hex_option.h"
#include "kagibin/cli/console/open_card.h"
#include "kagibin/cli/provider/provider_commands.h"
#include "kagibin/cli/provider/provider_problem.h"
#include "kagibin/gp/confidential/provider_setup.h"
#include "kagibin/gp/get_data.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/gp/select.h"
#include "kagibin/roles/service_provider/confidential/agreed_keys.h"
#include "kagibin/roles/service_provider/confidential/casd_pin.h"
#include "kagibin/roles/service_provider/confidential/casd_trust.h"
#include "kagibin/scp/scp03/scp03_host.h"

namespace kagibin::cli {

namespace {

using provider::Checked;

constexpr std::string_view kCasdAid = "A00000015153504341534400";
constexpr std::uint16_t kCasdCertificates = 0x7F21;

struct Agreement {
  Seid seid;
  std::array<std::uint8_t, 16> platform{};  // as the authority certified it
  bool found = false;                       // an earlier run had agreed already
};

class AgreementVisit {
 public:
  AgreementVisit(ProviderHome& home,
                 apdu::CardLink& card,
                 const ProviderOptions& options,
                 const Aid& domain,
                 std::uint8_t version)
      : home_(home), card_(card), options_(options), domain_(domain), version_(version) {}

  Checked<Agreement> run() {
    const provider::Trust trust = KB_TRY(home_.trust());
    const pki::Certificate own = KB_TRY(home_.certificate());
    if (!pki::allows_aid(own, domain_)) {
      return provider::problem(
          Errc::kPolicy,
          fmt::format("Our certificate does not cover {}: the domain would refuse us. Have the "
                      "authority certify its prefix.",
                      domain_.hex()));
    }
    const provider::CasdTrust casd = KB_TRY(this->casd(trust));
    seid_ = Seid{casd.element};
    if (!KB_TRY(home_.shipments().find(seid_))) {
      return provider::problem(
          Errc::kNotFound,
          fmt::format("The CASD is of element {}, which no shipment list names; nothing was sent. "
                      "Import the maker's list first (kagibin provider accept-shipment).",
                      seid_.hex()));
    }
    if (!options_.seid.empty() && options_.seid != seid_.hex()) {
      return provider::problem(Errc::kUntrusted,
                               fmt::format("The card is element {}, not {}; nothing was sent.",
                                           seid_.hex(), options_.seid));
    }
    KB_TRY(check_pin(trust, casd));
    agreed_.emplace(home_.journal(), home_.keys(),
                    provider::DomainKeyName{seid_, domain_, version_});
    if (KB_TRY(is_version_there())) {
      KB_TRY(find_agreed());
      return Agreement{.seid = seid_, .platform = casd.platform, .found = true};
    }
    if (KB_TRY(home_.keys().channel_keys(seid_, domain_, version_))) {
      return provider::problem(
          Errc::kConflict,
          fmt::format("We hold a key set {:02X} for domain {}, and the card says that it has none: "
                      "it was deleted, or somebody on the way hides it; nothing was sent. Choose "
                      "another --key-version.",
                      version_, domain_.hex()));
    }
    KB_TRY(set_up(casd, own));
    return Agreement{.seid = seid_, .platform = casd.platform};
  }

 private:
  Result<apdu::ResponseApdu> send(const apdu::CommandApdu& command) {
    return apdu::exchange(card_, command);
  }

  Checked<void> select(const Aid& aid, std::string_view what) {
    const gp::Select command{.name = Bytes(aid.view().begin(), aid.view().end())};
    const apdu::ResponseApdu answer = KB_TRY(send(command.encode()));
    if (!apdu::sw::is_ok(answer.sw)) {
      return refused(answer.sw, what);
    }
    return {};
  }

  static std::unexpected<provider::Problem> refused(StatusWord sw, std::string_view what) {
    return provider::problem(Errc::kCardStatus,
                             fmt::format("{} (card status {:04X}).", what, sw.value));
  }

  Checked<provider::CasdTrust> casd(const provider::Trust& trust) {
    KB_TRY(select(*Aid::from_hex(kCasdAid),
                  "The element has no domain of the controlling authority; ask its maker for one "
                  "that has a CASD"));
    const apdu::ResponseApdu answer = KB_TRY(send(gp::GetData{.tag = kCasdCertificates}.encode()));
    if (!apdu::sw::is_ok(answer.sw)) {
      return refused(answer.sw,
                     "The CASD has no certificates yet; its maker stores them with kagibin maker "
                     "store-casd");
    }
    const auto out = provider::trust_casd(trust.anchors, answer.data, today(), trust.revoked);
    if (!out) {
      return provider::problem(
          out.error().code,
          fmt::format(
              "The CASD's certificates are not believed: {}. Nothing was sent to the domain.",
              out.error().detail.text()));
    }
    return *out;
  }

  // The authority certified this key of the CASD on some maker's word; the list says whose counts.
  Checked<void> check_pin(const provider::Trust& trust, const provider::CasdTrust& casd) {
    const auto pinned = provider::check_casd_pin(
        home_.shipments(), trust, seid_, provider::CasdKey::kAgreement, casd.agreement, today());
    if (!pinned) {
      return provider::problem(
          pinned.error().code,
          fmt::format("The CASD of element {} does not count: {}. Nothing was sent; {}",
                      seid_.hex(), pinned.error().detail.text(), provider::kCasdPinAdvice));
    }
    return {};
  }

  static pki::CertificateDate today() {
    return pki::CertificateDate::from_unix(SystemClock().now());
  }

  Checked<bool> is_version_there() {
    KB_TRY(select(domain_, "The card has no such security domain; the manager creates it"));
    const apdu::ResponseApdu answer =
        KB_TRY(send(gp::GetData{.tag = gp::data_object::kKeyInformation}.encode()));
    if (!apdu::sw::is_ok(answer.sw)) {
      return refused(answer.sw, "The domain does not tell which keys it has");
    }
    const gp::KeyInformation keys = KB_TRY(gp::KeyInformation::decode(answer.data));
    return keys.holds(version_);
  }

  // A set that waits since an earlier run, or was agreed on before, and opens the selected domain.
  Checked<void> find_agreed() {
    for (const provider::AgreedSet& set : KB_TRY(agreed_->waiting())) {
      if (KB_TRY(opens(set.keys))) {
        KB_TRY(agreed_->adopt(set));
        return {};
      }
    }
    const auto known = KB_TRY(home_.keys().channel_keys(seid_, domain_, version_));
    if (known && KB_TRY(agreed_->is_agreed(*known)) && KB_TRY(opens(*known))) {
      return {};
    }
    return provider::problem(
        Errc::kConflict,
        fmt::format("Domain {} has a key set {:02X} already, and it is none that we agreed on with "
                    "it; nothing was sent. Choose another --key-version.",
                    domain_.hex(), version_));
  }

  // Whether the selected domain holds this set: seen from its cryptogram. Challenges have 8 octets,
  // or 16 where the domain refuses those (Amendment D, 5.1, S16).
  Checked<bool> opens(const provider::ChannelKeySet& keys) {
    for (const bool s16 : {false, true}) {
      scp::Scp03KeySet set = KB_TRY(scp::Scp03KeySet::create(
          keys.enc.duplicate(), keys.mac.duplicate(), keys.dek.duplicate()));
      scp::Scp03Host host(std::move(set), {.key_version_number = version_, .s16 = s16});
      const apdu::CommandApdu update = KB_TRY(host.initialize_update(home_.rng()));
      const apdu::ResponseApdu answer = KB_TRY(send(update));
      if (answer.sw == apdu::sw::kWrongLength && !s16) {
        continue;
      }
      if (!apdu::sw::is_ok(answer.sw)) {
        return refused(answer.sw, "The domain opens no channel");
      }
      return host.external_authenticate(answer, scp::SecurityLevel{0x03}).has_value();
    }
    return false;
  }

  Checked<void> set_up(const provider::CasdTrust& casd, const pki::Certificate& own) {
    const gp::SetupReference reference{.deletes_existing = !options_.keep_old_keys,
                                       .certified = true,
                                       .key_size = static_cast<std::uint8_t>(options_.key_size),
                                       .key_version = version_};
    gp::ProviderSetup setup(reference, crypto::CurvePublicKey::from(casd.agreement));
    apdu::ResponseApdu challenge;
    for (const apdu::CommandApdu& block : setup.show_certificate(own.encoded())) {
      challenge = KB_TRY(send(block));
      if (!apdu::sw::is_ok(challenge.sw)) {
        return refused(challenge.sw,
                       "The domain takes no set-up from us: the manager could not open it, or our "
                       "certificate is not good there. Nothing was changed");
      }
    }
    const crypto::SigningKey signing = KB_TRY(home_.keys().signing_key());
    const apdu::CommandApdu ask = KB_TRY(setup.ask(challenge.data, signing, home_.rng()));
    const gp::AgreedKeySet expected = KB_TRY(setup.expected());
    const provider::AgreedSet set{.keys = key_set(expected),
                                  .replaces_all = reference.deletes_existing};
    KB_TRY(agreed_->keep(set));
    const auto answer = send(ask);
    if (!answer) {
      return provider::problem(
          answer.error().code,
          "The answer was lost: the domain has its old keys or the new ones, which are kept here. "
          "Run the same command again; it finds out without using a try.");
    }
    if (!apdu::sw::is_ok(answer->sw)) {
      return refused(answer->sw,
                     "The domain refuses the set-up, or somebody on the way says so. Run the same "
                     "command again: it finds out whether the new keys, which are kept, are there");
    }
    if (const auto agreed = setup.finish(answer->data); !agreed) {
      return provider::problem(
          agreed.error().code,
          fmt::format(
              "The domain's receipt is not believed: {}. The set waits; it is used for no order. "
              "Run the same command again to see whether domain {} has it.",
              agreed.error().detail.text(), domain_.hex()));
    }
    KB_TRY(select(domain_, "The domain cannot be selected any more"));
    if (!KB_TRY(opens(set.keys))) {
      return provider::problem(
          Errc::kAuthentication,
          fmt::format(
              "The receipt was right, and yet domain {} does not open with key set {:02X}: "
              "was it another domain that the manager carried this to? The set waits; it is "
              "used for no order.",
              domain_.hex(), version_));
    }
    KB_TRY(agreed_->adopt(set));
    return {};
  }

  // `i` 00: a set that we know by ourselves (key_store.h).
  static provider::ChannelKeySet key_set(const gp::AgreedKeySet& agreed) {
    return {.i = 0x00,
            .enc = agreed.enc.duplicate(),
            .mac = agreed.mac.duplicate(),
            .dek = agreed.dek.duplicate()};
  }

  ProviderHome& home_;
  apdu::CardLink& card_;
  const ProviderOptions& options_;
  Aid domain_;
  std::uint8_t version_;
  Seid seid_{};
  std::optional<provider::AgreedKeys> agreed_{};
};

}  // namespace

int provider_agree_keys(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<Agreement> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    const Aid domain = KB_TRY(Aid::from_hex(options.aid));
    const std::uint8_t version = KB_TRY(parse_octet(options.key_version));
    const auto card = KB_TRY(open_card(options.reader));
    return AgreementVisit(*home, *card, options, domain, version).run();
  }();
  if (!done) {
    return report_problem(program, done.error(), "no keys were agreed on");
  }
  console.result(
      {{"seid", done->seid.hex()},
       {"security_domain", options.aid},
       {"key_version", options.key_version},
       {"found", done->found}},
      "{} key set {} of domain {} in element {}: it opens the domain, and nobody on the way "
      "knows it.",
      done->found ? "An earlier run had agreed on" : "Agreed on", options.key_version, options.aid,
      done->seid.hex());
  return kExitOk;
}

}  // namespace kagibin::cli
