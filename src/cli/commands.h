// SPDX-License-Identifier: Apache-2.0
// One function per command; main.cc parses the words and calls them. Results go to stdout,
// everything else to stderr. Each returns the exit code: 0 done, 1 failed, 2 wrong usage, 3 done
// with some input refused.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "server/config.h"

namespace strata::cli {

struct Ask {  // of a server
  std::string url = "http://127.0.0.1:4319";
  std::string token;
  bool json = false;
  std::string from, to, by, entity, step, at, symptom, origin = "live";
};

struct RunOptions {
  std::string config_file, data, listen, clock_file, replay, root = "/", to, token;
  bool insecure = false, check = false, cluster = false;
};

int Up(const RunOptions& options);
int RunServer(const RunOptions& options);
int RunAgent(const RunOptions& options);

struct ReadOptions {
  std::string kind;
  std::vector<std::string> paths;
  bool json = false;
  std::string time;
};
int Read(const ReadOptions& options);

struct ReplayOptions {
  std::vector<std::string> paths;
  std::string to = "http://127.0.0.1:4318", token;
  double speed = 1;
  bool original_times = false;
};
int Replay(const ReplayOptions& options);

int ShowStatus(const Ask& ask);
int ShowCost(const Ask& ask);
int ShowWhy(const Ask& ask);
int ShowCore(const Ask& ask);
int ShowSql(const Ask& ask, const std::string& sql, const std::string& format);
int ShowCatalog(const Ask& ask);
int ShowTop(const Ask& ask, bool once);
int Doctor(const Ask& ask);
int ShowVersion(bool json);

// ---- shared by the commands

// GET below /api/v1/; an error answer becomes its message.
base::Result<base::Json> Get(const Ask& ask, const std::string& path_and_query);
// Prints the failure to stderr and returns 1 (2 where the words were wrong).
int Fail(const base::Status& status);
// Configuration of the options: file, then --data and --listen over it.
base::Result<server::Config> LoadConfig(const RunOptions& options);
// Columns aligned; numbers to the right. Colour only on a terminal without NO_COLOR.
void PrintTable(const std::vector<std::string>& head,
                const std::vector<std::vector<std::string>>& rows);
bool UseColour();
std::string Bold(const std::string& text);
std::string Dim(const std::string& text);
std::string Paint(const std::string& text, int colour);    // ANSI colour number
std::string Short(double value, const std::string& unit);  // 1.2 k, 34 %, 5.1 GB, "-" for NaN
// The same of a signal: of the unit "1" only a ratio is in percent, a code or a state is a number.
std::string Shown(double value, const std::string& signal, const std::string& unit);
double NumberOr(const base::Json& json, double otherwise);

}  // namespace strata::cli
