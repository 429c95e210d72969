// SPDX-License-Identifier: Apache-2.0
// An auditor copies the log over the API, and verifies the copy without a network.
#include "kagibin/roles/key_distribution_operator/audit/log_answers.h"

#include <filesystem>
#include <fstream>

#include "kagibin/roles/key_distribution_operator/audit/log_audit.h"
#include "kagibin/roles/key_distribution_operator/audit/tile_path.h"
#include "kagibin/roles/key_distribution_operator/test_distributor.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

struct LogAnswersTest : DistributorTest {
  HttpResponse get(const std::string& path, const std::string& who = "auditor:eve") {
    return send(HttpMethod::kGet, "/v1/audit/" + path, who);
  }
  void orders(int from, int to) {
    for (int i = from; i < to; ++i) {
      ASSERT_TRUE(a().put_order(id("order-" + std::to_string(i)), {device("phone"), kNow + 600})
                      .has_value());
    }
    distributor->tick();
  }
  std::uint64_t size() {
    return open_checkpoint(get("checkpoint").body, log_keeper.verifier())->size;
  }
  // Takes what the checkpoint promises, as a client of tlog-tiles does.
  void copy_to(const std::filesystem::path& where) {
    const std::uint64_t entries = size();
    const auto take = [&](const std::string& path) {
      const HttpResponse answer = get(path);
      ASSERT_EQ(answer.status, 200) << path << answer.body;
      std::filesystem::create_directories((where / path).parent_path());
      std::ofstream(where / path, std::ios::binary) << answer.body;
    };
    for (std::uint32_t level = 0; level < 8; ++level) {
      for (std::uint64_t number = 0;; ++number) {
        const std::size_t width = width_of({.level = level, .number = number}, entries);
        if (width == 0) {
          break;
        }
        take(path_of({.level = level, .number = number}, width));
        if (level == 0) {
          take(path_of_bundle(number, width));
        }
      }
    }
    take("checkpoint");
    std::ofstream(where / "log.vkey") << log_keeper.verifier().text() << "\n";
  }
};

TEST_F(LogAnswersTest, ACopyThatWasTakenOverTheApiIsTheLog) {
  orders(0, 300);
  EXPECT_EQ(size(), 301U) << "and its beginning";
  EXPECT_EQ(get("checkpoint").content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(get("tile/0/000").content_type, "application/octet-stream");
  EXPECT_EQ(get("tile/0/000").body.size(), kTileWidth * 32);
  const auto where = folder / "copy";
  copy_to(where);
  FolderLog copy(where);
  const LogReport report = LogAudit(copy, log_keeper.verifier()).run({}).value();
  EXPECT_EQ(report.findings.sentences(), std::vector<std::string>{});
  EXPECT_EQ(get("tile/0/001.p/44").status, 200) << "a part of the longest";
  EXPECT_EQ(get("tile/0/001.p/44").body, get("tile/0/001.p/45").body.substr(0, 44 * 32));
  orders(300, 400);
  copy_to(where);
  FolderLog longer(where);
  EXPECT_EQ(LogAudit(longer, log_keeper.verifier()).run({})->findings.sentences(),
            std::vector<std::string>{});
}

TEST_F(LogAnswersTest, WhatTheLogDoesNotHoldIsNotThere) {
  EXPECT_EQ(get("checkpoint").status, 404) << "nothing is signed yet";
  orders(0, 10);
  for (const char* path : {"tile/0/000", "tile/0/000.p/12", "tile/0/001", "tile/1/000.p/1",
                           "tile/entries/000", "tile/entries/000.p/12", "tile/entries/001.p/1"}) {
    EXPECT_EQ(get(path).status, 404) << path;
  }
  EXPECT_EQ(get("tile/0/000.p/11").status, 200);
  EXPECT_EQ(get("tile/entries/000.p/11").status, 200);
  for (const char* who : {"operator:ops", "device:phone"}) {
    EXPECT_EQ(get("tile/0/000.p/11", who).status, 403) << "it names orders of all tenants: " << who;
  }
  EXPECT_EQ(get("checkpoint", provider_http.subject + ";audit").status, 403);
  EXPECT_EQ(get("checkpoint?x=1").status, 400);
}

TEST_F(LogAnswersTest, APathOfATileHasOneSpelling) {
  for (const TilePlace& place :
       {TilePlace{.level = 0, .number = 0}, TilePlace{.level = 3, .number = 999},
        TilePlace{.level = 0, .number = 1'000}, TilePlace{.level = 7, .number = 1'234'067}}) {
    for (const std::size_t width : {std::size_t{1}, std::size_t{255}, kTileWidth}) {
      const std::string path = path_of(place, width).substr(5);
      const TilePath read = tile_path(path).value();
      EXPECT_EQ(read.place, place) << path;
      EXPECT_EQ(read.width, width) << path;
      EXPECT_FALSE(read.entries);
      const TilePath bundle = tile_path(path_of_bundle(place.number, width).substr(5)).value();
      EXPECT_TRUE(bundle.entries);
      EXPECT_EQ(bundle.place.number, place.number);
    }
  }
  for (const std::string& text : {std::string(),
                                  std::string("0"),
                                  std::string("0/"),
                                  std::string("0/0"),
                                  std::string("0/00"),
                                  std::string("0/0000"),
                                  std::string("00/000"),
                                  std::string("64/000"),
                                  std::string("-1/000"),
                                  std::string("x/000"),
                                  std::string("0/x000/001"),
                                  std::string("0/1/000"),
                                  std::string("0/x001/x000"),
                                  std::string("0/000.p/0"),
                                  std::string("0/000.p/256"),
                                  std::string("0/000.p/01"),
                                  std::string("0/000.p/"),
                                  std::string("0/000.p"),
                                  std::string("0/000/"),
                                  std::string("0//000"),
                                  std::string("0/x01/000"),
                                  std::string("entries"),
                                  std::string("entries/0"),
                                  std::string("entries/../000"),
                                  std::string("0/%30%30%30"),
                                  "0/" + std::string(100, '9'),
                                  std::string("0/x999/x999/x999/x999/x999/x999/x999/999"),
                                  std::string("0/x999/x999/x999/x999/x999/x999/999")}) {
    EXPECT_EQ(tile_path(text).error().code, Errc::kNotFound) << text;
  }
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
