// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/maker/maker_commands.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/pki/anchor_file.h"

namespace kagibin::cli {

namespace maker = roles::element_maker;

int MakerCommands::init() {
  const auto done = [&]() -> Result<void> {
    const SecretBytes passphrase = KB_TRY(program_.passphrase(true));
    auto folder = KB_TRY(
        maker::MakerFolder::create(program_.home(), passphrase, options_.name, rng_, {},
                                   tokens_.with_generate(options_.signing_key), tokens_.get()));
    const maker::MakerIdentity identity = KB_TRY(folder.identity());
    const std::string pem = KB_TRY(crypto::self_signed_certificate(
        identity.key, options_.name, clock_.now(), 3650, false, rng_));
    return crypto::write_file(signing_certificate(), ascii(pem), false);
  }();
  if (!done) {
    return console_.failed(done.error(), "no maker was made");
  }
  const std::string request = maker::MakerFolder::request_file(program_.home());
  console_.result(
      {{"request", request}, {"signing_certificate", signing_certificate().string()}},
      "Have {} certified by the authority, then: kagibin maker install. The manager pins {}.",
      request, signing_certificate().string());
  return kExitOk;
}

int MakerCommands::install() {
  const auto done = [&]() -> Result<void> {
    const SecretBytes octets = KB_TRY(crypto::read_file(options_.certificate));
    const pki::Certificate certificate = KB_TRY(pki::Certificate::decode(octets.expose()));
    const std::string roots = KB_TRY(crypto::read_text_file(options_.roots));
    const pki::TrustAnchors anchors = KB_TRY(pki::read_anchors(roots));
    const SecretBytes passphrase = KB_TRY(program_.passphrase(false));
    auto folder = KB_TRY(maker::MakerFolder::open(program_.home(), passphrase, tokens_.get()));
    return folder.install(certificate, anchors.roots.front());
  }();
  if (!done) {
    return console_.failed(done.error(), "the certificate was not installed");
  }
  console_.result({{"installed", true}}, "The maker is certified and can make elements.");
  return kExitOk;
}

}  // namespace kagibin::cli
