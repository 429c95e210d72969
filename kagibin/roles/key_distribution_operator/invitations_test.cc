// SPDX-License-Identifier: Apache-2.0
// Invitations: one certificate for one key, once.
#include "kagibin/roles/key_distribution_operator/invitations.h"

#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/delivery/exchange/invitation.h"
#include "kagibin/roles/key_distribution_operator/test_distributor.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

struct InvitationsTest : DistributorTest {
  SecretBytes an_invitation(std::string_view subject) {
    return invite(*store, ca, {delivery::Subject::parse(subject).value(), "localhost", 8443},
                  clock.now(), rng)
        .value();
  }
  std::string request_of(std::string_view seed) {
    test::FixedRng own(seed);
    const auto key = crypto::EcPrivateKey::generate(own).value();
    return crypto::certificate_request(key, "device:whatever-i-say").value();
  }
  Result<delivery::IssuedCertificate> redeem_with(const SecretBytes& file, std::string csr) {
    const auto invitation = delivery::decode_invitation(file.expose()).value();
    const auto facts = crypto::certificate_facts(invitation.certificate_pem).value();
    LocalHttp http(*distributor, facts.common_name);
    return delivery::redeem_invitation(http, {std::move(csr)});
  }
};

TEST_F(InvitationsTest, AnInvitationBuysOneCertificateOfTheInvitedSubject) {
  const SecretBytes file = an_invitation("device:phone-9");
  const auto first = redeem_with(file, request_of("first"));
  ASSERT_TRUE(first.has_value()) << first.error().detail.text();
  const delivery::IssuedCertificate& issued = *first;
  EXPECT_EQ(issued.subject, "device:phone-9");
  EXPECT_EQ(crypto::certificate_facts(issued.pem)->common_name, "device:phone-9");
  reopen();
  const auto again = redeem_with(file, request_of("first"));
  ASSERT_TRUE(again.has_value()) << again.error().detail.text();
  EXPECT_EQ(*again, issued) << "its answer was lost";
  EXPECT_EQ(redeem_with(file, request_of("second")).error().code, Errc::kConflict);
}

TEST_F(InvitationsTest, ALimitedCertificateStaysLimitedWhenItIsRedeemedAndRenewed) {
  const std::string spid = kSpid.hex();
  for (const std::string& subject :
       {"provider:" + spid + ";audit", "provider:" + spid + ";submit;operate",
        std::string("operator:ops"), std::string("auditor:eve"), "provider:" + spid}) {
    const auto issued = redeem_with(an_invitation(subject), request_of(subject));
    ASSERT_TRUE(issued.has_value()) << subject;
    const std::string first = crypto::certificate_facts(issued->pem)->common_name;
    EXPECT_EQ(first, subject);
    // Whatever name the request says: that of a wider one, for instance.
    test::FixedRng own(subject + "again");
    const auto key = crypto::EcPrivateKey::generate(own).value();
    LocalHttp http(*distributor, first);
    const auto renewed = delivery::renew_certificate(
        http, {crypto::certificate_request(key, "provider:" + spid).value()});
    ASSERT_TRUE(renewed.has_value()) << subject;
    EXPECT_EQ(renewed->subject, subject);
    EXPECT_EQ(crypto::certificate_facts(renewed->pem)->common_name, subject);
  }
}

TEST_F(InvitationsTest, NobodyIsInvitedWithoutARole) {
  delivery::Subject provider = delivery::provider_subject(kSpid);
  provider.roles = delivery::Roles::none();
  EXPECT_EQ(invite(*store, ca, {provider, "h", 1}, kNow, rng).error().code, Errc::kInvalidArgument);
}

TEST_F(InvitationsTest, TheStoreDoesNotHoldTheToken) {
  const SecretBytes file = an_invitation("device:phone-9");
  const auto invitation = delivery::decode_invitation(file.expose()).value();
  const std::string token =
      crypto::certificate_facts(invitation.certificate_pem)->common_name.substr(11);
  ASSERT_EQ(token.size(), 32U);
  reopen();
  for (const char* name : {"orders", "orders-wal"}) {
    const auto content = crypto::read_file(folder / name);
    if (content) {
      const std::string text(content->expose().begin(), content->expose().end());
      EXPECT_EQ(text.find(token), std::string::npos) << name;
    }
  }
}

TEST_F(InvitationsTest, OldForeignAndBrokenInvitationsAreRefused) {
  EXPECT_EQ(redeem_with(an_invitation("device:x"), "no csr").error().code, Errc::kEncoding);
  LocalHttp stranger(*distributor, "invitation:000102030405060708090A0B0C0D0E0F");
  EXPECT_EQ(delivery::redeem_invitation(stranger, {request_of("s")}).error().code,
            Errc::kUntrusted);
  const SecretBytes file = an_invitation("device:x");
  clock.advance_seconds(8 * 86'400);
  EXPECT_EQ(redeem_with(file, request_of("late")).error().code, Errc::kExpired);
  EXPECT_EQ(
      invite(*store, ca, {{delivery::Party::kInvitation, std::string(32, 'A')}, "h", 1}, kNow, rng)
          .error()
          .code,
      Errc::kInvalidArgument);
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
