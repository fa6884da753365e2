// SPDX-License-Identifier: Apache-2.0
// The words of the command line. Everything a command does stands in its own file.
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "engine/engine.h"

namespace {

using namespace strata;  // NOLINT: the one place that names every command

void AddAsk(CLI::App* app, cli::Ask* ask) {
  app->add_option("--url", ask->url, "address of the server")->envname("STRATA_URL");
  app->add_option("--token", ask->token, "token of the server")->envname("STRATA_TOKEN");
  app->add_flag("--json", ask->json, "print the answer as JSON");
  app->add_option("--origin", ask->origin, "live, the name of a replayed world, or all");
}

void AddRun(CLI::App* app, cli::RunOptions* o) {
  app->add_option("--config", o->config_file, "strata.yaml");
  app->add_option("--data", o->data, "data directory (store.path)");
  app->add_option("--listen", o->listen,
                  "address of all ports; anything but loopback needs TLS and tokens");
  app->add_flag("--insecure", o->insecure, "listen beyond loopback without TLS and tokens");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "engine") {
    auto options = engine::ParseArguments(std::vector<std::string>(argv + 2, argv + argc));
    return options.ok() ? engine::RunEngine(*options) : (cli::Fail(options.status()), 2);
  }
  CLI::App app{
      "strata: what every part of an AI system did, from the GPU to the token, and what a useful "
      "token cost.\n"
      "Example: strata up    then open http://127.0.0.1:4319"};
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "help of all commands");
  int code = 0;

  cli::RunOptions run;
  CLI::App* up = app.add_subcommand("up", "agent and server from one command");
  AddRun(up, &run);
  up->add_option("--replay", run.replay,
                 "play a recorded world beside the live data: WORLD[,speed=N]");
  up->footer("Example: strata up --data ./strata-data --replay worlds/demo");
  up->callback([&] { code = cli::Up(run); });

  CLI::App* server = app.add_subcommand("server", "receive, keep, compute, answer");
  AddRun(server, &run);
  server->add_option("--clock", run.clock_file, "read the time from this file (tests)");
  server->add_flag("--check", run.check, "only check the configuration");
  server->footer("Example: strata server --config strata.yaml");
  server->callback([&] { code = cli::RunServer(run); });

  CLI::App* agent = app.add_subcommand("agent", "collect on this node and send OTLP");
  agent->add_option("--config", run.config_file, "strata.yaml");
  agent->add_option("--to", run.to,
                    "OTLP/HTTP address of a server or a Collector (default http://127.0.0.1:4318)");
  agent->add_option("--token", run.token, "token with scope agent")->envname("STRATA_TOKEN");
  agent->add_option("--root", run.root, "read /proc and /sys below this folder");
  agent->add_option("--data", run.data, "folder of the spool");
  agent->add_flag("--cluster", run.cluster,
                  "follow the whole Kubernetes cluster, not only this node's pods: once a cluster");
  agent->footer("Example: strata agent --to http://collector:4318");
  agent->callback([&] { code = cli::RunAgent(run); });

  cli::ReadOptions read;
  CLI::App* reader =
      app.add_subcommand("read", "decode files offline with the code the server uses");
  reader->add_option("paths", read.paths, "[KIND] PATH… or - for standard input")->required();
  reader->add_flag("--json", read.json, "one object a line");
  reader->add_option("--time", read.time, "time of samples that carry none");
  reader->footer(
      "Example: strata read prom metrics.txt\n         curl -s :9400/metrics | strata read --json "
      "-");
  reader->callback([&] { code = cli::Read(read); });

  cli::ReplayOptions replay;
  CLI::App* player = app.add_subcommand("replay", "play recorded data into a server");
  player->add_option("paths", replay.paths, "a world's folder, or files")->required();
  player->add_option("--to", replay.to, "OTLP/HTTP address of the server");
  player->add_option("--token", replay.token, "token with scope agent")->envname("STRATA_TOKEN");
  player->add_option("--speed", replay.speed, "times faster than recorded")
      ->check(CLI::PositiveNumber);
  player->add_flag("--original-times", replay.original_times,
                   "keep the recorded times instead of shifting them to now");
  player->footer("Example: strata replay worlds/demo --speed 60");
  player->callback([&] { code = cli::Replay(replay); });

  cli::Ask ask;
  CLI::App* status = app.add_subcommand(
      "status", "the eight layers: source, state, entities, what is not measured and why");
  AddAsk(status, &ask);
  status->footer("Example: strata status --json | jq '.layers[].state'");
  status->callback([&] { code = cli::ShowStatus(ask); });

  bool once = false;
  CLI::App* top =
      app.add_subcommand("top", "live terminal view; a plain table when stdout is no terminal");
  AddAsk(top, &ask);
  top->add_flag("--once", once, "print once and end");
  top->footer("Example: strata top --once");
  top->callback([&] { code = cli::ShowTop(ask, once); });

  CLI::App* cost = app.add_subcommand("cost", "what a useful token cost and where the rest went");
  AddAsk(cost, &ask);
  cost->add_option("--from", ask.from, "RFC 3339, unix seconds or now-1h (the default)");
  cost->add_option("--to", ask.to, "end of the window (default now)");
  cost->add_option("--by", ask.by, "KEY[,KEY…]: namespace, team, model, tenant, device, class, …");
  cost->footer("Example: strata cost --from now-24h --by namespace,model");
  cost->callback([&] { code = cli::ShowCost(ask); });

  CLI::App* why = app.add_subcommand("why", "the cause of a symptom across layers, with evidence");
  AddAsk(why, &ask);
  why->add_option("symptom", ask.symptom, "e.g. ttft_up, train_slow; nothing = whatever is wrong");
  why->add_option("--entity", ask.entity, "only about this entity");
  why->add_option("--at", ask.at, "time (default now)");
  why->footer("Example: strata why ttft_up --entity engine:127.0.0.1:8000");
  why->callback([&] { code = cli::ShowWhy(ask); });

  CLI::App* core = app.add_subcommand("core", "the eight-layer core sample of one entity");
  AddAsk(core, &ask);
  core->add_option("--entity", ask.entity, "TYPE:ID, e.g. gpu:GPU-… or node:NAME")->required();
  core->add_option("--from", ask.from, "start (default now-1h)");
  core->add_option("--to", ask.to, "end (default now)");
  core->add_option("--step", ask.step, "e.g. 15s");
  core->footer("Example: strata core --entity node:$(hostname) --from now-15m");
  core->callback([&] { code = cli::ShowCore(ask); });

  std::string query, format = "table";
  CLI::App* sql = app.add_subcommand("sql", "read-only SQL over everything kept");
  AddAsk(sql, &ask);
  sql->add_option("query", query, "one SELECT")->required();
  sql->add_option("--format", format, "table, json, jsonl, csv or tsv")
      ->check(CLI::IsMember({"table", "json", "jsonl", "csv", "tsv"}));
  sql->footer(
      "Example: strata sql \"SELECT signal, count() FROM measurements GROUP BY signal ORDER BY 2 "
      "DESC LIMIT 10\"");
  sql->callback([&] { code = cli::ShowSql(ask, query, format); });

  CLI::App* catalog = app.add_subcommand("catalog", "every signal, unit, source, meaning");
  AddAsk(catalog, &ask);
  catalog->footer("Example: strata catalog | grep kv_");
  catalog->callback([&] { code = cli::ShowCatalog(ask); });

  CLI::App* doctor = app.add_subcommand(
      "doctor", "is every source reachable, permitted, fresh; how to fix what is not");
  AddAsk(doctor, &ask);
  doctor->footer("Example: strata doctor");
  doctor->callback([&] { code = cli::Doctor(ask); });

  bool version_json = false;
  CLI::App* version = app.add_subcommand("version", "the version");
  version->add_flag("--json", version_json, "as JSON");
  version->footer("Example: strata version --json");
  version->callback([&] { code = cli::ShowVersion(version_json); });

  app.add_subcommand("engine", "the database child of the server; not for hand use");

  const std::string_view word = argc > 1 ? argv[1] : "-";
  const auto known = app.get_subcommands([&](CLI::App* one) { return one->get_name() == word; });
  if (!word.starts_with('-') && known.empty()) {
    cli::Fail(base::Invalid("no command \"" + std::string(word) + "\"; strata --help lists them"));
    return 2;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int parsed = app.exit(e);
    return parsed == 0 ? 0 : 2;
  }
  return code;
}
