// SPDX-License-Identifier: Apache-2.0
// doc/openapi.yaml says exactly what the server does: its paths and methods are those of the route
// table, its schemas' members those that the codecs write. Reads the subset of YAML that the
// document is written in: keys at fixed indents.
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "kagibin/delivery/campaign_messages.h"
#include "kagibin/delivery/messages.h"
#include "kagibin/delivery/problem.h"
#include "kagibin/delivery/strict_json.h"
#include "kagibin/delivery/submission.h"
#include "kagibin/roles/key_distribution_operator/routes.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

using Names = std::set<std::string>;

std::vector<std::string> document() {
  std::ifstream in(KAGIBIN_SOURCE_DIR "/doc/openapi.yaml");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

// The key of a line "<indent>key:..." with exactly this indent; empty for any other line.
std::string key_at(const std::string& line, std::size_t indent) {
  const std::size_t colon = line.find(':', indent);
  const bool right = line.size() > indent && line.find_first_not_of(' ') == indent &&
                     line[indent] != '-' && line[indent] != '#' && colon != std::string::npos;
  std::string key = right ? line.substr(indent, colon - indent) : "";
  std::erase(key, '"');  // round words that YAML takes for something else
  return key;
}

Names documented_routes() {
  Names routes;
  std::string section;
  std::string path;
  for (const std::string& line : document()) {
    if (const std::string key = key_at(line, 0); !key.empty()) {
      section = key;
    } else if (section == "paths") {
      if (const std::string at2 = key_at(line, 2); !at2.empty()) {
        path = at2;
      }
      const std::string at4 = key_at(line, 4);
      if (!at4.empty() && at4 != "parameters") {
        routes.insert(at4 + " " + path);
      }
    }
  }
  return routes;
}

// Members of the schemas, by schema.
std::map<std::string, Names> documented_members() {
  std::map<std::string, Names> members;
  std::string section;
  std::string part;
  std::string schema;
  std::string block;
  for (const std::string& line : document()) {
    if (const std::string at0 = key_at(line, 0); !at0.empty()) {
      section = at0;
    } else if (const std::string at2 = key_at(line, 2); !at2.empty()) {
      part = at2;
    } else if (section != "components" || part != "schemas") {
      continue;
    } else if (const std::string at4 = key_at(line, 4); !at4.empty()) {
      schema = at4;
    } else if (const std::string at6 = key_at(line, 6); !at6.empty()) {
      block = at6;
    } else if (const std::string at8 = key_at(line, 8); !at8.empty() && block == "properties") {
      members[schema].insert(at8);
    }
  }
  return members;
}

Names members_of(const std::string& text) {
  const auto value = delivery::parse_json(text, delivery::kMaxBodyBytes).value();
  Names names;
  for (const auto& member : value.as_object()) {
    names.emplace(member.key());
  }
  return names;
}

Names both(Names left, const Names& right) {
  left.insert(right.begin(), right.end());
  return left;
}

Names members_of(const boost::json::value& value) {
  return members_of(boost::json::serialize(value));
}

// What the codecs of campaigns write.
void add_campaigns(std::map<std::string, Names>& written) {
  using namespace delivery;  // NOLINT(google-build-using-namespace): ten names of it
  CampaignTerms terms{.orders = 1, .groups = {{.name = "a", .match = {{"k", "v"}}}}};
  terms.abort = {{}};
  terms.windows = {{.days = 1, .to = 1}};
  terms.retries.emplace();
  written["CampaignTerms"] = members_of(to_json(terms));
  const auto json = parse_json(to_json(terms), kMaxBodyBytes).value();
  written["CampaignGroup"] = members_of(json.at("groups").at(0));
  written["AbortRule"] = members_of(json.at("abort").at(0));
  written["MaintenanceWindow"] = members_of(json.at("windows").at(0));
  written["RetryLimits"] = members_of(json.at("retries"));
  written["Rollout"] = members_of(json.at("rollout"));
  terms.rollout.kind = Rollout::Kind::kExponential;
  written["Rollout"] =
      both(written["Rollout"],
           members_of(parse_json(to_json(terms), kMaxBodyBytes).value().at("rollout")));
  written["CampaignStateRequest"] = members_of(to_json(CampaignStateRequest{}));
  const CampaignId campaign = CampaignId::from("c").value();
  CampaignStatus status{.campaign = campaign, .next_release = 1};
  status.changed_by = CampaignActor::kProvider;
  status.groups = {{.name = "a"}};
  written["CampaignStatus"] = members_of(to_json(status));
  written["GroupStatus"] =
      members_of(parse_json(to_json(status), kMaxBodyBytes).value().at("groups").at(0));
  const std::string listing = to_json(CampaignListing{{{campaign}}, "c", true});
  written["CampaignListing"] = members_of(listing);
  written["ListedCampaign"] =
      members_of(parse_json(listing, kMaxBodyBytes).value().at("campaigns").at(0));
  const std::string history = to_json(OrderHistory{{{.event = "order", .revision = 1}}, "1", true});
  written["OrderHistory"] = members_of(history);
  written["HistoryEvent"] =
      members_of(parse_json(history, kMaxBodyBytes).value().at("events").at(0));
}

TEST(OpenApiTest, ThePathsAndMethodsAreThoseOfTheServer) {
  Names served;
  for (const Route& route : routes()) {
    served.insert(std::string(name(route.method)) + " " + std::string(route.pattern));
  }
  EXPECT_EQ(documented_routes(), served);
  EXPECT_EQ(served.size(), routes().size()) << "no route stands twice";
}

TEST(OpenApiTest, TheMembersOfTheSchemasAreThoseOfTheCodecs) {
  using namespace delivery;  // NOLINT(google-build-using-namespace): fifteen names of it
  const OrderId order = OrderId::from("o").value();
  const DeviceId device = DeviceId::from("d").value();
  const VerdictMessage verdict{Verdict::kUnknown, "", 1};
  const AttemptStatus attempt{1, State::kUnknown, verdict};
  using Request = AttemptRequest::Kind;
  std::map<std::string, Names> written;
  written["Health"] = {"status"};
  written["Readiness"] = {"status"};
  const CampaignId campaign = CampaignId::from("c").value();
  const OrderRequest in_campaign{device, 1, campaign, {}};
  written["OrderRequest"] = members_of(to_json(in_campaign));
  written["AttemptRequest"] = both(members_of(to_json(AttemptRequest{Request::kRequest, {1}})),
                                   members_of(to_json(AttemptRequest{Request::kDeliver, {1}})));
  for (const Work::Kind kind : {Work::Kind::kEnrol, Work::Kind::kDeliver, Work::Kind::kCancel}) {
    written["Work"] =
        both(written["Work"], members_of(to_json(Work{{Spid{}, order}, 1, kind, {1}, "1"})));
  }
  written["EnrolmentMessage"] = members_of(to_json(EnrolmentMessage{{1}}));
  written["DeliveryMessage"] = members_of(to_json(DeliveryMessage{{1}}));
  written["ReceiptMessage"] = members_of(to_json(ReceiptMessage{{1}, 1}));
  written["VerdictMessage"] = members_of(to_json(verdict));
  written["WithdrawalMessage"] = members_of(to_json(WithdrawalMessage{""}));
  written["AttemptStatus"] = members_of(to_json(attempt));
  written["OrderStatus"] =
      members_of(to_json(OrderStatus{order, device, 1, State::kUnknown, {}, campaign, true}));
  add_campaigns(written);
  written["ListedAttempt"] = {"order", "attempt", "device", "state"};
  const std::string listing =
      to_json(OrderListing{{{order, 1, device, State::kSealed}}, "1", true});
  written["OrderListing"] = members_of(listing);
  const auto listed = parse_json(listing, kMaxBodyBytes).value();
  Names members;
  for (const auto& member : listed.at("attempts").at(0).as_object()) {
    members.emplace(member.key());
  }
  EXPECT_EQ(members, written["ListedAttempt"]);
  const Submission submission{{{order, {device, 1}, {AttemptRequest::Kind::kRequest, {1}}}}};
  written["Submission"] = members_of(to_json(submission));
  written["SubmittedOrder"] = {"order",      "device",  "notAfter", "campaign",
                               "attributes", "request", "deliver"};
  const SubmissionResults results{
      {{order, 201, State::kOrdered, {}}, {order, 409, {}, problem_of({Errc::kConflict, ""})}}};
  written["SubmissionResults"] = members_of(to_json(results));
  const auto result = parse_json(to_json(results), kMaxBodyBytes).value().at("results");
  for (const auto& one : result.as_array()) {
    written["SubmissionResult"] =
        both(written["SubmissionResult"], members_of(boost::json::serialize(one)));
  }
  written["CertificateRequest"] = members_of(to_json(CertificateRequest{""}));
  written["TransportRoots"] = members_of(to_json(TransportRoots{{""}, Bytes{1}}));
  written["IssuedCertificate"] = members_of(to_json(IssuedCertificate{"", ""}));
  written["Problem"] = members_of(to_json(problem_of({Errc::kState, ""})));
  EXPECT_EQ(documented_members(), written);
}

TEST(OpenApiTest, EveryStateAndVerdictIsNamed) {
  std::string all;
  for (const std::string& line : document()) {
    all += line + "\n";
  }
  std::string states;
  for (std::size_t i = 0; i < delivery::kStateCount; ++i) {
    states += (i == 0 ? "" : ", ") + std::string(delivery::name(static_cast<delivery::State>(i)));
  }
  EXPECT_NE(all.find("enum: [" + states + "]"), std::string::npos) << states;
  std::string campaigns;
  for (std::size_t i = 0; i < delivery::kCampaignStateCount; ++i) {
    campaigns +=
        (i == 0 ? "" : ", ") + std::string(delivery::name(static_cast<delivery::CampaignState>(i)));
  }
  EXPECT_NE(all.find("enum: [" + campaigns + "]"), std::string::npos) << campaigns;
  EXPECT_NE(all.find("verdict: {enum: [confirmed, refused, unknown, cancelled]}"),
            std::string::npos);
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
