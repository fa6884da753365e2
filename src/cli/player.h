// SPDX-License-Identifier: Apache-2.0
// Plays a recorded world (worlds/README.md) through the same decoders a live source uses and sends
// it as OTLP, marked with the world's name, its times shifted to now. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/status.h"

namespace strata::cli {

struct PlayOptions {
  std::string world;  // its folder
  std::string to = "http://127.0.0.1:4318";
  std::string token;
  double speed = 1;
  bool original_times = false;  // keep the world's own clock
  bool backfill = true;         // the first pass is sent at once, as the time before now
  bool forever = true;          // loop when the world says so
};

class Player {
 public:
  static base::Result<std::unique_ptr<Player>> Make(const PlayOptions& options);
  // A player without a world, for single files; `name` is the origin of what they hold.
  static std::unique_ptr<Player> MakeForFiles(const PlayOptions& options, std::string name);
  ~Player();
  // Sends one file, archive or folder once, at its own times; what carries none is stamped now.
  // Adds to `sent`.
  base::Status SendFiles(const std::string& path, std::uint64_t* sent);
  const std::string& name() const;
  const std::string& title() const;
  void set_to(std::string to);

  // Plays until the world ends (or for ever), or a stop is asked. `progress(world seconds, records
  // sent)`.
  base::Status Play(std::stop_token stop,
                    const std::function<void(double, std::uint64_t)>& progress);

 private:
  struct State;
  explicit Player(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace strata::cli
