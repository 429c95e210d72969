// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp11/scp11_card.h"

#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/scp/scp11/key_schedule.h"

namespace kagibin::scp {

namespace sw = apdu::sw;

namespace {

constexpr StatusWord kNoSession = sw::kConditionsNotSatisfied.because(
    "no secure channel session is open on this logical channel: open one (GPCS 10.2)");

std::expected<KeyAgreementRequest, StatusWord> read_request(const apdu::CommandApdu& command,
                                                            Scp11Parameter parameter) {
  const bool mutual = command.ins == ins::kMutualAuthenticate;
  if (((command.p1 | command.p2) & 0x80U) != 0) {
    return std::unexpected(sw::kIncorrectP1P2.because(
        "P1 is a key version number, P2 a key identifier (Amendment F, 7.6.2)"));
  }
  if (!is_agreement_key(command.p2) || mutual == (command.p2 == kKidScp11b)) {
    return std::unexpected(sw::kReferencedDataNotFound.because(
        "MUTUAL AUTHENTICATE takes KID 11 or 15, INTERNAL AUTHENTICATE KID 13 (Amendment F, 5.1)"));
  }
  auto request = KeyAgreementRequest::decode(command.data);
  if (!request) {
    return std::unexpected(sw::kWrongData.because(request.error().detail));
  }
  if (agreement_key_identifier(request->variant) != command.p2) {
    return std::unexpected(sw::kWrongData.because(
        "the parameters in 90 are those of another variant than the key (Amendment F, 7.6.2.3)"));
  }
  if (!parameter.speaks(request->variant)) {
    return std::unexpected(
        sw::kFunctionNotSupported.because("the domain does not speak this variant of SCP11"));
  }
  return std::move(*request);
}

// A domain's answer: its point and the two secrets.
struct Agreement {
  Bytes point;
  SharedSecrets secrets;
};

Result<Agreement> agree(Scp11Variant variant,
                        const crypto::CurvePrivateKey& own,
                        const crypto::CurvePublicKey& ephemeral,
                        const std::optional<CertifiedHost>& host,
                        crypto::Rng& rng) {
  Agreement out;
  if (variant == Scp11Variant::kC) {
    out.point = own.public_key().point();
    out.secrets.first = KB_TRY(crypto::ecdh(own, ephemeral));
  } else {
    const crypto::CurvePrivateKey fresh =
        KB_TRY(crypto::CurvePrivateKey::generate(own.curve(), rng));
    out.point = fresh.public_key().point();
    out.secrets.first = KB_TRY(crypto::ecdh(fresh, ephemeral));
  }
  const crypto::CurvePublicKey& peer = variant == Scp11Variant::kB ? ephemeral : host->key;
  out.secrets.second = KB_TRY(crypto::ecdh(own, peer));
  return out;
}

OffCardEntity entity_of(Scp11Variant variant,
                        const std::optional<CertifiedHost>& host,
                        const Bytes& provider) {
  if (variant == Scp11Variant::kB) {
    return {};
  }
  const bool own = provider.empty() || equal(provider, host->subject);
  return {
      .authentication = own ? Authentication::kAuthenticated : Authentication::kAnyAuthenticated,
      .identity = host->subject};
}

StatusWord word_of(const Error& error) {
  switch (error.code) {
    case Errc::kNotFound:  // an identity for the derivation
      return sw::kReferencedDataNotFound.because(error.detail);
    case Errc::kInvalidArgument:  // curves that do not match
      return sw::kWrongData.because(error.detail);
    default:
      return sw::kNoDiagnosis.because(error.detail);
  }
}

}  // namespace

std::expected<Scp11Card::Opened, StatusWord> Scp11Card::authenticate(
    const apdu::CommandApdu& command, const Scp11Domain& domain, crypto::Rng& rng) const {
  const auto request = read_request(command, domain.parameter());
  if (!request) {
    return std::unexpected(request.error());
  }
  const KeyReference reference{.identifier = command.p2, .version = command.p1};
  const auto own = domain.agreement_key(reference);
  if (!own) {
    return std::unexpected(sw::kReferencedDataNotFound.because(
        "the domain has no SK.SD.ECKA of this KVN and KID: see GET DATA 00E0"));
  }
  if (request->variant != Scp11Variant::kB && !host()) {
    return std::unexpected(
        sw::kReferencedDataNotFound.because("no CERT.OCE.ECKA was verified: PERFORM SECURITY "
                                            "OPERATION comes first (Amendment F, 7.5)"));
  }
  if (request->variant != Scp11Variant::kB) {
    if (const StatusWord stands = certificates_.standing(domain); !sw::is_ok(stands)) {
      return std::unexpected(stands);
    }
  }
  const auto ephemeral = crypto::CurvePublicKey::from_point(own->curve(), request->ephemeral_point);
  if (!ephemeral) {
    return std::unexpected(
        sw::kWrongData.because("ePK.OCE.ECKA is not a point of the curve that SK.SD.ECKA is on"));
  }
  auto agreement = agree(request->variant, *own, *ephemeral, host(), rng);
  if (!agreement) {
    return std::unexpected(word_of(agreement.error()));
  }
  auto keys = derive_keys(agreement->secrets, *request, command.data, agreement->point,
                          domain.identity(), kScp11Hash);
  if (!keys) {
    return std::unexpected(word_of(keys.error()));
  }
  if (auto dek = domain.static_dek(
          {.identifier = static_dek_identifier(request->variant), .version = reference.version})) {
    keys->dek = std::move(*dek);
  }
  const auto level = level_of_usage(request->key_usage);
  KB_CHECK(level.has_value());
  AesSession session{.keys = std::move(keys->session),
                     .dek = std::move(keys->dek),
                     .chaining_value = keys->receipt,
                     .level = *level,
                     .mac_size = domain.parameter().mac_size()};
  return Opened{
      .answer = KeyAgreementAnswer{.point = agreement->point, .receipt = keys->receipt}.encode(),
      .session = std::make_unique<Scp11Session>(
          std::move(session), request->variant,
          entity_of(request->variant, host(), domain.provider_identifier())),
      .key = reference};
}

apdu::ResponseApdu Scp11Session::establish(const apdu::CommandApdu& command) {
  static_cast<void>(command);
  return {.data = {},
          .sw = sw::kConditionsNotSatisfied.because(
              "SCP11 opens its session by MUTUAL or INTERNAL AUTHENTICATE alone (Amendment F, 7.6 "
              "and 7.7)")};
}

SecurityLevel Scp11Session::level() const {
  return messaging_ ? messaging_->level() : SecurityLevel{};
}

OffCardEntity Scp11Session::off_card_entity() const {
  return messaging_ ? entity_ : OffCardEntity{};
}

std::expected<CardSession::Unwrapped, StatusWord> Scp11Session::unwrap(
    const apdu::CommandApdu& command) {
  if (!messaging_) {
    return std::unexpected(kNoSession);
  }
  auto out = messaging_->unwrap(command);
  if (messaging_->ends_session()) {
    close();
  }
  return out;
}

Bytes Scp11Session::wrap(ByteView data, StatusWord status) {
  if (!messaging_) {
    return {data.begin(), data.end()};
  }
  Bytes out = messaging_->wrap(data, status);
  if (messaging_->ends_session()) {
    close();
  }
  return out;
}

std::expected<SecretBytes, StatusWord> Scp11Session::decrypt_sensitive(ByteView value) const {
  if (!messaging_) {
    return std::unexpected(kNoSession);
  }
  return messaging_->decrypt_sensitive(value);
}

void Scp11Session::close() {
  messaging_.reset();
  entity_ = {};
}

}  // namespace kagibin::scp
