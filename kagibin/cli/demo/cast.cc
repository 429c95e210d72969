// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/cast.h"

#include <cstdlib>
#include <thread>
#include <utility>

#include "kagibin/cli/demo/scratch_folder.h"
#include "kagibin/link/pcsc_reader.h"

namespace kagibin::cli::demo {

namespace {

namespace fs = std::filesystem;

constexpr auto kStartLimit = std::chrono::seconds(20);

std::string name_of(envelope::RelayLevel level) {
  const auto info = envelope::relay_level_info(std::to_underlying(level));
  return info ? std::string(info->name) : std::string();
}

bool is_by_certificates(envelope::RelayLevel level) {
  return level == envelope::RelayLevel::kRl2 || level == envelope::RelayLevel::kRl4;
}

// Of the key set that opens the channel, or goes.
std::uint8_t channel_version(envelope::RelayLevel level) {
  return level == envelope::RelayLevel::kRl3 || level == envelope::RelayLevel::kRl4
             ? kAgreedKeyVersion
             : kFirstKeyVersion;
}

std::string text_of(const boost::json::object& result, std::string_view name) {
  const boost::json::value* value = result.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

// The reader shows the card a moment after pcscd was woken.
bool reader_has_card() {
  const auto end = std::chrono::steady_clock::now() + kStartLimit;
  while (std::chrono::steady_clock::now() < end && !interrupted()) {
    if (link::PcscReader::connect("0")) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

Outcome<void> put_into_reader(Site& site, bool pcsc, ElementInReader& element, Narrator& narrator) {
  element.process = KB_TRY(
      site.start(Role::kElement, {"run", "--state", element.state, "--listen", "127.0.0.1:0"}));
  const std::string address = KB_TRY(address_of(*element.process));
  element.reader = "tcp:" + address;
  if (!pcsc) {
    narrator.step("", "the element runs; no PC/SC reader was wanted: " + element.reader);
    return {};
  }
  const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  auto started = PrivatePcscd::start(site.reader(), port);
  if (!started) {
    narrator.step("", fmt::format("no PC/SC here ({}); the element is reached by {}",
                                  started.error().detail.text(), element.reader));
    return {};
  }
  element.pcscd = std::move(*started);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread; the children inherit it
  setenv("PCSCLITE_CSOCK_NAME", element.pcscd->socket_path().c_str(), 1);
  if (!reader_has_card()) {
    return failure("pcscd runs but shows no card in its reader", site.reader() / "pcscd.log");
  }
  element.reader = "0";
  element.pcsc = true;
  narrator.step("", "the element runs in a PC/SC reader, behind a pcscd of its own");
  return {};
}

// A command with the options that put the role's new keys into its token, if it has one.
std::vector<std::string> with_keys(
    const Site& site,
    Role role,
    std::vector<std::string> command,
    std::initializer_list<std::pair<const char*, const char*>> options) {
  const std::vector<std::string> more = site.key_options(role, options);
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

Outcome<void> found_maker_and_manager(Site& site, Narrator& narrator) {
  const fs::path authority = site.home(Role::kAuthority);
  const fs::path maker = site.home(Role::kMaker);
  KB_TRY(site.run(Role::kAuthority,
                  with_keys(site, Role::kAuthority, {"init"}, {{"--root-key", "root"}})));
  narrator.step("E", "the controlling authority made its root key");
  KB_TRY(site.run(Role::kMaker,
                  with_keys(site, Role::kMaker, {"init"}, {{"--signing-key", "signing"}})));
  KB_TRY(site.run(Role::kAuthority,
                  {"certify-maker", maker / "request.kbq", "--out", authority / "maker.cert"}));
  KB_TRY(site.run(Role::kMaker, {"install", "--certificate", authority / "maker.cert", "--roots",
                                 authority / "roots.pem"}));
  narrator.step("M", "the element maker is certified by the authority");
  KB_TRY(site.run(Role::kManager, with_keys(site, Role::kManager, {"init"},
                                            {{"--signing-key", "signing"},
                                             {"--exchange-key", "exchange"},
                                             {"--master-key", "master"}})));
  narrator.step("C", "the security module manager made its keys");
  return {};
}

// RL2: the domain is the maker's work, and the authority certifies the key that it made.
Outcome<void> certify_domain(Site& site, const ElementInReader& element, Narrator& narrator) {
  const fs::path maker = site.home(Role::kMaker);
  KB_TRY(site.run(Role::kAuthority,
                  {"certify-domain", maker / "requests" / (element.seid.hex() + ".kbq"), "--out",
                   domain_certificate(site)}));
  narrator.step("E",
                "it certified that key for the provider's domain: CERT.SD, on the maker's word");
  KB_TRY(site.run(Role::kMaker,
                  {"store-domain", domain_certificate(site), "--reader", element.reader}));
  narrator.step("M", "it stored CERT.SD in the domain, and forgot the domain's first key set");
  return {};
}

// RL3: the authority certifies the keys of its own domain in the element.
Outcome<void> certify_casd(Site& site, const ElementInReader& element, Narrator& narrator) {
  const fs::path authority = site.home(Role::kAuthority);
  const fs::path maker = site.home(Role::kMaker);
  const Child::Results asked =
      KB_TRY(site.run(Role::kMaker, {"casd-requests", "--reader", element.reader, "--seid",
                                     element.seid.hex(), "--out", maker / "casd"}));
  if (asked.empty()) {
    return failure("the maker did not say where the CASD's requests are");
  }
  std::vector<std::string> store{"store-casd"};
  for (const char* key : {"agreement", "signature"}) {
    const fs::path certificate = authority / fmt::format("{}.cert", key);
    KB_TRY(site.run(Role::kAuthority,
                    {"certify-casd", text_of(asked.front(), key), "--out", certificate}));
    store.push_back(certificate);
  }
  store.insert(store.end(), {"--reader", element.reader});
  KB_TRY(site.run(Role::kMaker, store));
  narrator.step("E", "it certified the keys of its own domain in the element, the CASD");
  return {};
}

// RL3: Amendment A, scenario 3. C carries what it cannot read.
Outcome<void> agree_on_keys(Site& site, const ElementInReader& element, Narrator& narrator) {
  const auto carrying = KB_TRY(
      site.start(Role::kManager, {"carry", "--reader", element.reader, "--aid", kTarget}, true));
  const std::string at = KB_TRY(address_of(*carrying));
  KB_TRY(site.run(Role::kProvider, {"agree-keys", "--reader", "tcp:" + at, "--aid", kTarget,
                                    "--key-version", fmt::format("{:02X}", kAgreedKeyVersion)}));
  KB_TRY(carrying->wait_until_done(kStartLimit));
  narrator.step("A",
                "it agreed with the domain on a key set; C carried that, and C's own set is gone");
  return {};
}

Outcome<void> import_channel_keys(Site& site, const ElementInReader& element, Narrator& narrator) {
  const fs::path manager = site.home(Role::kManager);
  const fs::path provider = site.home(Role::kProvider);
  KB_TRY(site.run(Role::kManager, {"export-keys", "--to", provider / "exchange.pem", "--out",
                                   manager / "export.cms", "--aid", kTarget, "--card",
                                   element.iin + ":" + element.cin}));
  KB_TRY(site.run(Role::kProvider,
                  {"import-keys", manager / "export.cms", "--manager", manager / "signing.pem"}));
  narrator.step("A",
                "it took M's shipment list, and C's key set of the domain, sealed to it (CMS)");
  return {};
}

// What the provider accepts; above RL1 there is nothing to say about RL1.
std::string policy_of(const ElementInReader& element, envelope::RelayLevel minimum) {
  std::string level = fmt::format(R"("minimum_level": "{}")", name_of(minimum));
  if (minimum == envelope::RelayLevel::kRl1) {
    level += R"(,
  "accept_rl1": "a demonstration: the first key set of an element without SCP11",
  "issuer_is_carrier": false)";
  }
  return fmt::format(R"({{
  {},
  "suites": ["{}"],
  "attestation_profiles": ["ATT-1"],
  "kda_code_hashes": ["{}"],
  "elements": [ {{ "device": "{}", "seid": "{}" }} ],
  "maximum_validity_minutes": 1440
}}
)",
                     level, element.level == envelope::RelayLevel::kRl4 ? "20" : "01",
                     element.code_hash, kDevice, element.seid.hex());
}

constexpr const char* kDerived = R"({ "derive": { "master": "fleet", "size": 16 } })";

// Of A's domain that opens envelopes itself: its first key set, and no channel.
std::string payload_of_own_delivery() {
  return fmt::format(R"({{
  "target": "{0}",
  "own_delivery": true,
  "actions": [
    {{ "put_key": {{ "key_version": "{1:02X}", "key_identifier": "01", "keys": [ {2}, {2}, {2} ] }} }}
  ]
}}
)",
                     kTarget, kNewKeyVersion, kDerived);
}

// A key set of A's in the place of another.
std::string payload_of(std::uint8_t replaced, std::uint8_t version, bool by_certificates) {
  const std::string agreement =
      by_certificates ? fmt::format(R"(, "agreement_key_version": "{:02X}")", kAgreementKeyVersion)
                      : "";
  return fmt::format(R"({{
  "target": "{0}",
  "channel": {{ "security_domain": "{0}", "key_version": "{1:02X}"{4} }},
  "actions": [
    {{ "put_key": {{ "replace": "{1:02X}", "key_version": "{2:02X}", "key_identifier": "01",
                   "keys": [ {3}, {3}, {3} ] }} }}
  ]
}}
)",
                     kTarget, replaced, version, kDerived, agreement);
}

// A static Key-DEK beside the domain's SCP11a key.
std::string payload_of_dek() {
  return fmt::format(R"({{
  "target": "{0}",
  "channel": {{ "security_domain": "{0}", "key_version": "{1:02X}" }},
  "actions": [
    {{ "put_key": {{ "key_version": "{2:02X}", "key_identifier": "12", "keys": [ {3} ] }} }}
  ]
}}
)",
                     kTarget, kAgreedKeyVersion, kAgreementKeyVersion, kDerived);
}

Outcome<void> deliver_before(Site& site,
                             Cast& cast,
                             envelope::RelayLevel level,
                             const std::string& payload) {
  const fs::path provider = site.home(Role::kProvider);
  KB_TRY(write_text(provider / "policy.json", policy_of(cast.element, level)));
  const fs::path file = provider / fmt::format("before-{}.json", name_of(level));
  KB_TRY(write_text(file, payload));
  KB_TRY(site.run(Role::kProvider, {"order", file, "--device", kDevice, "--id",
                                    fmt::format("demo-before-{}", name_of(level))}));
  KB_TRY(site.run(Role::kProvider, {"run", "--until-done", "--timeout", "50"}));
  KB_TRY(cast.agent->wait_for(
      [](const boost::json::object& result) {
        const boost::json::value* value = result.if_contains("delivered");
        return value != nullptr && value->is_int64() && value->as_int64() > 0;
      },
      kStartLimit));
  cast.agent->pass_over_results();
  return {};
}

Outcome<void> found_provider(Site& site, const ElementInReader& element, Narrator& narrator) {
  const fs::path authority = site.home(Role::kAuthority);
  const fs::path provider = site.home(Role::kProvider);
  KB_TRY(site.run(Role::kProvider,
                  with_keys(site, Role::kProvider, {"init", "--spid", kSpid},
                            {{"--signing-key", "signing"}, {"--exchange-key", "exchange"}})));
  KB_TRY(site.run(Role::kAuthority, {"certify-provider", provider / "request.kbq", "--out",
                                     authority / "provider.cert", "--aid-prefix", "A000000151"}));
  KB_TRY(site.run(Role::kProvider, {"install", "--certificate", authority / "provider.cert",
                                    "--roots", authority / "roots.pem"}));
  narrator.step("A", "the service provider is certified by the authority");
  KB_TRY(site.run(Role::kProvider, {"accept-shipment", site.home(Role::kMaker) / "shipment.json"}));
  if (element.is_at(envelope::RelayLevel::kRl1)) {
    KB_TRY(import_channel_keys(site, element, narrator));
  } else {
    narrator.step("A", "it took M's shipment list, and needs no key of C's");
  }
  if (element.level == envelope::RelayLevel::kRl3) {
    KB_TRY(agree_on_keys(site, element, narrator));
  }
  KB_TRY(site.run(Role::kProvider, with_keys(site, Role::kProvider,
                                             {"master-key", "create", kMasterKey, "--size", "16"},
                                             {{"--token", kMasterKey}})));
  if (site.hsm()) {
    KB_TRY(site.run(Role::kProvider, {"kem-keys", "--token",
                                      site.hsm()->token_uri(site.token_of(Role::kProvider))}));
  }
  KB_TRY(write_text(provider / "policy.json", policy_of(element, element.level)));
  KB_TRY(write_text(provider / "payload.json",
                    element.is_at(envelope::RelayLevel::kOs)
                        ? payload_of_own_delivery()
                        : payload_of(channel_version(element.level), kNewKeyVersion,
                                     is_by_certificates(element.level))));
  narrator.step("A", fmt::format("it wrote its policy ({}) and its payload",
                                 element.level == envelope::RelayLevel::kRl1
                                     ? "RL1 accepted, with a reason"
                                     : name_of(element.level) + " and nothing less"));
  return {};
}

}  // namespace

Outcome<std::string> address_of(Child& server) {
  const boost::json::object ready = KB_TRY(server.wait_for(
      [](const boost::json::object& result) { return result.contains("port"); }, kStartLimit));
  return fmt::format("127.0.0.1:{}", ready.at("port").to_number<int>());
}

fs::path domain_certificate(const Site& site) { return site.file(Role::kAuthority, "domain.cert"); }
fs::path apdu_log(const Site& site) { return site.file(Role::kDevice, "apdu.log"); }
fs::path capture(const Site& site) { return site.file(Role::kCarrier, "capture.kbcap"); }
fs::path tls_key_log(const Site& site) { return site.examiner() / "tls.keys"; }

Outcome<void> prepare_rl4(Site& site, Cast& cast, Narrator& narrator) {
  KB_TRY(deliver_before(site, cast, envelope::RelayLevel::kRl2,
                        payload_of(kFirstKeyVersion, kAgreedKeyVersion, true)));
  narrator.step("A", "at RL2 a key set of its own took the place of C's");
  KB_TRY(deliver_before(site, cast, envelope::RelayLevel::kRl3, payload_of_dek()));
  narrator.step("A", "at RL3, under that set, a static Key-DEK went beside the SCP11a key");
  KB_TRY(write_text(site.file(Role::kProvider, "policy.json"),
                    policy_of(cast.element, envelope::RelayLevel::kRl4)));
  return {};
}

Outcome<ElementInReader> make_element(Site& site, const CastOptions& options, Narrator& narrator) {
  KB_TRY(found_maker_and_manager(site, narrator));
  const fs::path maker = site.home(Role::kMaker);
  const fs::path manager = site.home(Role::kManager);
  const bool by_certificates = is_by_certificates(options.level);
  const bool own_delivery = options.level == envelope::RelayLevel::kOs;
  std::vector<std::string> make{"make",
                                "--out",
                                site.home(Role::kElement),
                                "--shipment",
                                maker / "shipment.json",
                                "--issuer-keys",
                                maker / "issuer-keys.cms",
                                "--manager",
                                manager / "exchange.pem"};
  if (options.level == envelope::RelayLevel::kRl3) {
    make.emplace_back("--casd");
  }
  if (by_certificates) {
    make.insert(make.end(), {"--domain", kTarget, "--domain-owner", kSpid, "--domain-requests",
                             maker / "requests"});
  } else if (own_delivery) {
    make.insert(make.end(), {"--domain", kTarget, "--domain-owner", kSpid, "--own-delivery"});
  }
  const Child::Results made = KB_TRY(site.run(Role::kMaker, make));
  if (made.empty() || text_of(made.front(), "seid").empty()) {
    return failure("the maker did not say which element it made");
  }
  ElementInReader out{
      .seid = KB_TRY(Seid::from_hex(text_of(made.front(), "seid"))),
      .iin = text_of(made.front(), "iin"),
      .cin = text_of(made.front(), "cin"),
      .code_hash = text_of(made.front(), own_delivery ? "own_delivery_code_hash" : "kda_code_hash"),
      .state = text_of(made.front(), "state"),
      .reader = {},
      .level = options.level};
  narrator.step("M",
                own_delivery
                    ? "it made an element whose OS takes deliveries for the provider's domain, and "
                      "certified that"
                    : "it made an element with a key delivery application, and certified that");
  if (by_certificates) {
    narrator.step("M",
                  "the provider's domain made its SCP11a key inside, and M signed what it saw");
  }
  KB_TRY(put_into_reader(site, options.pcsc, out, narrator));
  KB_TRY(site.run(Role::kManager, {"import-issuer-keys", maker / "issuer-keys.cms", "--maker",
                                   maker / "maker.pem"}));
  if (by_certificates) {
    narrator.step("C", "it took the issuer keys, and the domain's first key set");
    KB_TRY(certify_domain(site, out, narrator));
    return out;
  }
  if (own_delivery) {
    narrator.step("C", "it took the issuer keys; of the provider's domain it has none");
    return out;
  }
  KB_TRY(site.run(Role::kManager, {"create-domain", "--reader", out.reader, "--aid", kTarget}));
  narrator.step("C",
                "it created the provider's security domain with a first key set, at the reader");
  if (options.level == envelope::RelayLevel::kRl3) {
    KB_TRY(certify_casd(site, out, narrator));
  }
  return out;
}

Outcome<Cast> Cast::assemble(Site& site, const CastOptions& options, Narrator& narrator) {
  Cast out{.element = KB_TRY(make_element(site, options, narrator))};
  KB_TRY(found_provider(site, out.element, narrator));
  const fs::path distributor = site.home(Role::kDistributor);
  KB_TRY(site.run(Role::kDistributor, {"init"}));
  out.distributor = KB_TRY(site.start(Role::kDistributor, {"serve", "--listen", "127.0.0.1:0"}));
  out.server = KB_TRY(address_of(*out.distributor));
  KB_TRY(site.run(Role::kDistributor, {"invite", "--provider", kSpid, "--server", out.server,
                                       "--out", distributor / "provider.invitation"}));
  KB_TRY(site.run(Role::kDistributor, {"invite", "--device", kDevice, "--server", out.server,
                                       "--out", distributor / "device.invitation"}));
  KB_TRY(site.run(Role::kProvider, {"join", distributor / "provider.invitation"}));
  narrator.step("B",
                "the key distribution operator serves https; the provider joined by invitation");
  out.carrier =
      KB_TRY(site.start(Role::kCarrier, {"run", "--to", out.server, "--capture", capture(site)}));
  out.carried = KB_TRY(address_of(*out.carrier));
  KB_TRY(site.run(Role::kDevice, {"join", distributor / "device.invitation", "--via", out.carried,
                                  "--demo-key-log", tls_key_log(site)}));
  narrator.step("D", "the device joined, over a carrier that keeps what it sees");
  out.agent = KB_TRY(site.start(
      Role::kDevice, {"run", "--reader", out.element.reader, "--apdu-log", apdu_log(site), "--wait",
                      "1", "--via", out.carried, "--demo-key-log", tls_key_log(site)}));
  return out;
}

}  // namespace kagibin::cli::demo
