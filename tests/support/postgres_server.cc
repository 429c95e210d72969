// SPDX-License-Identifier: Apache-2.0
#include "tests/support/postgres_server.h"

#include <array>

#include <sys/wait.h>
#include <unistd.h>

namespace kagibin::test {

PostgresServer::PostgresServer(const std::vector<std::string>& settings) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (pipe(in.data()) != 0 || pipe(out.data()) != 0) {
    error_ = "no pipe";
    return;
  }
  child_ = fork();
  if (child_ == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    for (const int one : {in[0], in[1], out[0], out[1]}) {
      close(one);
    }
    std::string script = KAGIBIN_SOURCE_DIR "/tests/support/postgres_cluster.py";
    std::string interpreter = "/usr/bin/python3";
    std::vector<std::string> copies = settings;
    std::vector<char*> line = {interpreter.data(), script.data()};
    for (std::string& copy : copies) {
      line.push_back(copy.data());
    }
    line.push_back(nullptr);
    execv(interpreter.c_str(), line.data());
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  commands_ = fdopen(in[1], "w");
  answers_ = fdopen(out[0], "r");
  const std::string ready = answer();
  if (ready.starts_with("ready ")) {
    address_ = ready.substr(6);
  } else {
    error_ = "no PostgreSQL server: " + ready;
  }
}

PostgresServer::~PostgresServer() {
  if (child_ > 0) {
    static_cast<void>(std::fclose(commands_));
    waitpid(child_, nullptr, 0);
    static_cast<void>(std::fclose(answers_));
  }
}

std::string PostgresServer::tell(const std::string& command) {
  static_cast<void>(std::fputs((command + "\n").c_str(), commands_));
  static_cast<void>(std::fflush(commands_));
  return answer();
}

std::string PostgresServer::answer() {
  std::array<char, 512> line{};
  if (std::fgets(line.data(), line.size(), answers_) == nullptr) {
    return "(the end)";
  }
  const std::string text(line.data());
  return text.substr(0, text.find('\n'));
}

}  // namespace kagibin::test
