// SPDX-License-Identifier: Apache-2.0
// Cuts a Chrome trace into its events while it streams past: an object with "traceEvents", or a
// bare array. Holds one window and one event, whatever the trace's size; knows strings and nesting,
// not what an event says. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/stream.h"

namespace strata::l2_comm {

class TraceCutter {
 public:
  static constexpr std::size_t kMaxEvent = 8u << 20;  // a longer one is skipped and counted
  static constexpr std::size_t kMaxFrame = 8u << 20;  // bytes kept of what stands around the events
  static constexpr std::size_t kPadding = 64;         // readable bytes behind an event (simdjson)

  explicit TraceCutter(base::InputStream* from) : from_(from) {}

  // The text of the next event, `{…}`, with kPadding bytes behind it that may be read; valid until
  // the next call. False at the end.
  bool Next(std::string_view* event);

  // After the end: the JSON around the events with [] in their place, closed where it was cut.
  const std::string& frame() const { return frame_; }
  bool found() const { return found_; }                     // there was a list of events
  bool cut() const { return cut_; }                         // the input ended inside the trace
  const base::Status& failure() const { return failure_; }  // what ended the input, if not its end
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t oversize() const { return oversize_; }    // events longer than kMaxEvent
  std::uint64_t strangers() const { return strangers_; }  // list members that are no objects
  bool frame_lost() const { return frame_lost_; }         // it was longer than kMaxFrame

 private:
  enum class Phase { start, frame, events, ended };

  void Refill();
  std::uint64_t Escaped(std::uint64_t backslash);
  bool ScanFrame();
  void FrameChar(char c);
  bool ScanValue();
  bool SkipToEvent();
  void CloseFrame();

  base::InputStream* from_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, scan_ = 0, end_ = 0;  // event starts, scanned so far, filled so far
  Phase phase_ = Phase::start;
  int depth_ = 0;  // of the value being scanned
  bool in_string_ = false, escape_next_ = false;
  bool in_value_ = false, skipping_ = false, strange_ = false, input_ended_ = false;

  std::string frame_;
  std::string key_;  // the last string at depth 1 of the frame, cut short
  std::size_t last_comma_ = 0;
  int frame_depth_ = 0;
  bool frame_string_ = false, frame_escape_ = false, key_follows_ = false, frame_lost_ = false;
  bool in_object_ = false;

  bool found_ = false, cut_ = false;
  base::Status failure_;
  std::uint64_t bytes_ = 0, oversize_ = 0, strangers_ = 0;
};

}  // namespace strata::l2_comm
