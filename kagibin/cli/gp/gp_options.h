// SPDX-License-Identifier: Apache-2.0
// What the command line of kagibin gp says, as typed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kagibin::cli {

struct GpOptions {
  // every command
  std::string reader = "0";
  std::filesystem::path keys;
  std::string key_version;
  std::string scp;
  std::string level;
  std::string domain;  // --sd
  std::filesystem::path own_key;
  std::vector<std::filesystem::path> certificates;
  std::string ca = "10/00";
  std::filesystem::path domain_ca;
  std::filesystem::path domain_key;
  std::string channel;  // empty: the basic channel
  std::filesystem::path apdu_log;
  bool dry_run = false;
  bool force = false;
  bool pieces = false;

  // install
  std::filesystem::path cap;
  std::string applet;
  std::string instance;
  std::string package;
  std::string parameters;
  std::string system_parameters;
  std::string privileges;
  std::string owner;  // --domain
  std::string ssd;
  std::string ssd_scp;
  std::string hash = "none";
  std::vector<std::string> dap;
  std::filesystem::path load_token;
  std::filesystem::path token;
  bool load_only = false;
  bool no_descriptor = false;
  int block_size = 255;

  // install, make-selectable, extradite, update-registry, delete
  std::filesystem::path token_key;
  std::filesystem::path receipt_key;
  std::string receipt_after;
  std::string token_card;
  std::string token_provider;
  std::string token_number;
  std::string to;
  bool not_selectable = false;

  // delete, set-status, lock, unlock
  std::string aid;
  std::string key;
  bool related = false;
  bool card = false;
  std::string state;
  bool terminates = false;  // --yes-terminate-this-card
  bool no_way_back = false;
  bool with_applications = false;

  // put-key
  std::filesystem::path new_keys;
  std::filesystem::path pem;
  std::filesystem::path private_pem;
  std::string new_version;
  std::string new_identifier;
  std::string replace;

  // store-certificates, store-data, apdu
  std::vector<std::filesystem::path> stored_certificates;
  std::filesystem::path data_file;
  std::string data;
  std::string application;
  std::string format = "none";
  std::string encryption = "none";
  std::vector<std::string> commands;
  bool keep_going = false;
};

}  // namespace kagibin::cli
