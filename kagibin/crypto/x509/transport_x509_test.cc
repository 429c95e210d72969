// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/x509/transport_x509.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "kagibin/crypto/key_file/key_file.h"

#include "tests/support/failing_rng.h"
#include "tests/support/fixed_rng.h"

namespace kagibin::crypto {
namespace {

namespace fs = std::filesystem;
using test::FailingRng;
using test::FixedRng;

constexpr std::int64_t kNow = 1'800'000'000;

// Runs a command line of the openssl tool in its own folder; its output, or "failed".
class OpensslTool {
 public:
  OpensslTool() {
    std::string name = testing::TempDir() + "x509_XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) {
      folder_ = name;
    }
  }
  OpensslTool(const OpensslTool&) = delete;
  OpensslTool& operator=(const OpensslTool&) = delete;
  ~OpensslTool() { fs::remove_all(folder_); }

  void put(const std::string& name, std::string_view content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  std::string run(const std::string& arguments) const {
    const std::string command =
        "cd '" + folder_.string() + "' && openssl " + arguments + " > out.txt 2>&1 < /dev/null";
    // NOLINTNEXTLINE(cert-env33-c): the point is to let another program read what we wrote
    const int status = std::system(command.c_str());
    std::ifstream file(folder_ / "out.txt");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    return status == 0 ? text : "failed: " + text;
  }
  bool is_there() const { return run("version").starts_with("OpenSSL"); }

 private:
  fs::path folder_;
};

struct Authority {
  EcPrivateKey key;
  std::string pem;
};

Authority make_authority(std::string_view seed) {
  FixedRng rng(seed);
  EcPrivateKey key = EcPrivateKey::generate(rng).value();
  std::string pem =
      self_signed_certificate(key, "distributor transport CA", kNow, 3650, true, rng).value();
  return {.key = std::move(key), .pem = std::move(pem)};
}

EcPrivateKey make_key(std::string_view seed) {
  FixedRng rng(seed);
  return EcPrivateKey::generate(rng).value();
}

TEST(CertificateTest, SaysWhoseItIsAndWhen) {
  const Authority ca = make_authority("ca");
  const CertificateFacts facts = certificate_facts(ca.pem).value();
  EXPECT_EQ(facts.common_name, "distributor transport CA");
  EXPECT_EQ(facts.not_before, kNow);
  EXPECT_EQ(facts.not_after, kNow + std::int64_t{3650} * 86'400);
  EXPECT_EQ(facts.sha256_hex.size(), 64U);
  EXPECT_EQ(public_key_of_certificate(ca.pem).value(), ca.key.public_key());
}

TEST(CertificateTest, IsFixedWhenTheRandomSourceIs) {
  EXPECT_EQ(make_authority("ca").pem, make_authority("ca").pem);
  EXPECT_NE(make_authority("ca").pem, make_authority("another").pem);
}

TEST(CertificateTest, KeepsNamesOfAnyLanguageAndRefusesTooLongOnes) {
  FixedRng rng("names");
  const EcPrivateKey key = make_key("names");
  const auto pem = self_signed_certificate(key, "K\u00fcche \u9375", kNow, 1, false, rng);
  EXPECT_EQ(certificate_facts(pem.value())->common_name, "K\u00fcche \u9375");
  const auto code = [&](std::string_view name) {
    const auto got = self_signed_certificate(key, name, kNow, 1, false, rng);
    return got ? "taken" : kagibin::name(got.error().code);
  };
  EXPECT_EQ(code(std::string(64, 'n')), "taken");
  EXPECT_EQ(code(std::string(65, 'n')), "invalid_argument");
  EXPECT_EQ(code(""), "invalid_argument");
  EXPECT_EQ(code(std::string_view("a\0b", 3)), "invalid_argument");
  EXPECT_EQ(code("\xFF\xFE"), "crypto");  // not UTF-8
}

TEST(CertificateTest, RefusesLifetimesOutOfRange) {
  FixedRng rng("dates");
  const EcPrivateKey key = make_key("dates");
  for (const auto& [not_before, days] : {std::pair<std::int64_t, int>{kNow, 0},
                                         {kNow, -1},
                                         {kNow, 36'501},
                                         {-1, 1},
                                         {253'402'300'799, 1},
                                         {INT64_MAX, 1},
                                         {INT64_MIN, 1}}) {
    EXPECT_EQ(self_signed_certificate(key, "n", not_before, days, false, rng).error().code,
              Errc::kInvalidArgument)
        << not_before << " " << days;
  }
  // Before and after 2050, where UTCTime ends.
  for (const std::int64_t not_before : {std::int64_t{0}, std::int64_t{2'524'600'000}}) {
    const std::string pem =
        self_signed_certificate(key, "n", not_before, 36'500, false, rng).value();
    EXPECT_EQ(certificate_facts(pem)->not_before, not_before);
    EXPECT_EQ(certificate_facts(pem)->not_after, not_before + std::int64_t{36'500} * 86'400);
  }
}

TEST(CertificateTest, RefusesWhatIsNotACertificate) {
  EXPECT_EQ(certificate_facts("").error().code, Errc::kEncoding);
  EXPECT_EQ(
      certificate_facts("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n").error().code,
      Errc::kEncoding);
  const std::string pem = make_authority("ca").pem;
  EXPECT_EQ(certificate_facts(pem.substr(0, pem.size() / 2)).error().code, Errc::kEncoding);
}

TEST(IssueTest, IssuesForTheRequestsKeyUnderTheIssuersName) {
  FixedRng rng("issue");
  const Authority ca = make_authority("ca");
  const EcPrivateKey device = make_key("device");
  const std::string request = certificate_request(device, "whatever it asks for").value();
  const std::string pem =
      issue_certificate(ca.key, ca.pem, request, {.common_name = "device:42"}, kNow, 30, rng)
          .value();
  EXPECT_EQ(public_key_of_certificate(pem).value(), device.public_key());
  EXPECT_EQ(certificate_facts(pem)->common_name, "device:42");
  EXPECT_EQ(certificate_facts(pem)->not_after, kNow + std::int64_t{30} * 86'400);
}

TEST(IssueTest, RefusesARequestThatItsKeyDidNotSign) {
  FixedRng rng("issue");
  const Authority ca = make_authority("ca");
  const std::string request = certificate_request(make_key("device"), "device:42").value();
  // One character of the signature, near the end of the base64.
  const std::size_t last_line = request.rfind("\n-----END");
  int refused = 0;
  for (std::size_t back = 12; back < 20; ++back) {
    std::string changed = request;
    char& c = changed[last_line - back];
    c = c == 'A' ? 'B' : 'A';
    const auto got =
        issue_certificate(ca.key, ca.pem, changed, {.common_name = "device:42"}, kNow, 30, rng);
    ASSERT_FALSE(got.has_value());
    refused += got.error().code == Errc::kAuthentication ? 1 : 0;
  }
  EXPECT_GT(refused, 0);
}

TEST(IssueTest, RefusesAnotherKeysCertificateBadRequestsAndBadNames) {
  FixedRng rng("issue");
  const Authority ca = make_authority("ca");
  const std::string request = certificate_request(make_key("device"), "device:42").value();
  const auto code = [&](const EcPrivateKey& key, std::string_view ca_pem, std::string_view csr,
                        const TransportCertificate& what) {
    const auto got = issue_certificate(key, ca_pem, csr, what, kNow, 30, rng);
    return got ? "taken" : kagibin::name(got.error().code);
  };
  EXPECT_EQ(code(ca.key, ca.pem, request, {.common_name = "d"}), "taken");
  EXPECT_EQ(code(make_key("x"), ca.pem, request, {.common_name = "d"}), "invalid_argument");
  EXPECT_EQ(code(ca.key, request, request, {.common_name = "d"}), "encoding");
  EXPECT_EQ(code(ca.key, ca.pem, ca.pem, {.common_name = "d"}), "encoding");
  EXPECT_EQ(code(ca.key, ca.pem, "", {.common_name = "d"}), "encoding");
  EXPECT_EQ(code(ca.key, ca.pem, request, {}), "invalid_argument");
  EXPECT_EQ(code(ca.key, ca.pem, request, {.common_name = "d", .dns_names = {"a.example"}}),
            "invalid_argument");  // a client has none
  for (const char* dns : {"", "a,DNS:evil.example", "a b", "a\n", "*.\xC3\xBC"}) {
    EXPECT_EQ(
        code(ca.key, ca.pem, request, {.common_name = "s", .server = true, .dns_names = {dns}}),
        "invalid_argument")
        << dns;
  }
  for (const char* ip : {"", "1.2.3", "1.2.3.4/8", "localhost", "1.2.3.256"}) {
    EXPECT_EQ(
        code(ca.key, ca.pem, request, {.common_name = "s", .server = true, .ip_addresses = {ip}}),
        "invalid_argument")
        << ip;
  }
  EXPECT_EQ(code(ca.key, ca.pem, request,
                 {.common_name = "s",
                  .server = true,
                  .dns_names = std::vector<std::string>(33, "a.example")}),
            "invalid_argument");
}

TEST(IssueTest, FailsWithTheRandomSource) {
  const Authority ca = make_authority("ca");
  const std::string request = certificate_request(make_key("device"), "device:42").value();
  std::uint64_t call = 1;
  for (;; ++call) {
    FailingRng rng("seed", call);
    const auto got =
        issue_certificate(ca.key, ca.pem, request, {.common_name = "d"}, kNow, 30, rng);
    if (got.has_value()) {
      EXPECT_FALSE(rng.has_failed());
      break;
    }
    EXPECT_EQ(got.error().code, Errc::kCrypto);
  }
  EXPECT_EQ(call, 3U);  // serial number and signature
}

TEST(OpensslToolTest, VerifiesOurCertificatesAndReadsTheirExtensions) {
  const OpensslTool tool;
  if (!tool.is_there()) {
    GTEST_SKIP() << "the openssl program is not installed";
  }
  FixedRng rng("tool");
  const Authority ca = make_authority("ca");
  const std::string request = certificate_request(make_key("server"), "s").value();
  tool.put("ca.pem", ca.pem);
  tool.put("request.pem", request);
  tool.put("server.pem", issue_certificate(ca.key, ca.pem, request,
                                           {.common_name = "localhost",
                                            .server = true,
                                            .dns_names = {"localhost", "b.example"},
                                            .ip_addresses = {"127.0.0.1", "::1"}},
                                           kNow, 30, rng)
                             .value());
  tool.put("client.pem",
           issue_certificate(ca.key, ca.pem, request, {.common_name = "device:42"}, kNow, 30, rng)
               .value());
  tool.put("self.pem",
           self_signed_certificate(make_key("server"), "provider", kNow, 30, false, rng).value());
  EXPECT_EQ(tool.run("req -verify -noout -in request.pem"),
            "Certificate request self-signature verify OK\n");
  const std::string at = " -x509_strict -attime 1800000100 -CAfile ";
  EXPECT_EQ(
      tool.run("verify -purpose sslserver -verify_hostname b.example" + at + "ca.pem server.pem"),
      "server.pem: OK\n");
  EXPECT_EQ(tool.run("verify -purpose sslserver -verify_ip ::1" + at + "ca.pem server.pem"),
            "server.pem: OK\n");
  EXPECT_EQ(tool.run("verify -purpose sslclient" + at + "ca.pem client.pem"), "client.pem: OK\n");
  EXPECT_TRUE(
      tool.run("verify -purpose sslclient" + at + "ca.pem server.pem").starts_with("failed"));
  EXPECT_TRUE(
      tool.run("verify -purpose sslserver" + at + "ca.pem client.pem").starts_with("failed"));
  EXPECT_TRUE(
      tool.run("verify -purpose sslserver -verify_hostname c.example" + at + "ca.pem server.pem")
          .starts_with("failed"));
  EXPECT_TRUE(tool.run("verify" + at + "self.pem client.pem").starts_with("failed"));
  EXPECT_NE(tool.run("x509 -noout -ext keyUsage,basicConstraints -in self.pem")
                .find("Digital Signature, Key Agreement"),
            std::string::npos);
  EXPECT_NE(tool.run("x509 -noout -fingerprint -sha256 -in ca.pem").find("sha256 Fingerprint"),
            std::string::npos);
}

TEST(TransportX509Test, TellsWhomAServersCertificateIsFor) {
  test::FixedRng rng("names");
  const auto key = EcPrivateKey::generate(rng).value();
  const std::string ca = self_signed_certificate(key, "ca", 1'800'000'000, 10, true, rng).value();
  const TransportCertificate what{.common_name = "a.example",
                                  .server = true,
                                  .dns_names = {"a.example", "b.example"},
                                  .ip_addresses = {"127.0.0.1", "2001:db8::1"}};
  const std::string request = certificate_request(key, "a.example").value();
  const std::string first =
      issue_certificate(key, ca, request, what, 1'800'000'000, 5, rng).value();
  const ServerCertificateNames names = server_names(first).value();
  EXPECT_EQ(names.dns_names, what.dns_names);
  EXPECT_EQ(names.ip_addresses,
            (std::vector<std::string>{"127.0.0.1", "2001:0DB8:0000:0000:0000:0000:0000:0001"}));
  const TransportCertificate again{.common_name = "a.example",
                                   .server = true,
                                   .dns_names = names.dns_names,
                                   .ip_addresses = names.ip_addresses};
  const std::string second =
      issue_certificate(key, ca, request, again, 1'800'000'000, 5, rng).value();
  EXPECT_EQ(server_names(second)->ip_addresses, names.ip_addresses) << "taken as it was told";
  EXPECT_TRUE(server_names(ca)->dns_names.empty());
  EXPECT_EQ(server_names("x").error().code, Errc::kEncoding);
}

}  // namespace
}  // namespace kagibin::crypto
