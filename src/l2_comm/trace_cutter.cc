// SPDX-License-Identifier: Apache-2.0
#include "l2_comm/trace_cutter.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace strata::l2_comm {
namespace {

constexpr std::size_t kWindow = 512u << 10;
constexpr std::string_view kEvents = "traceEvents";

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

constexpr std::size_t kBlock = 64;

// Where in a block of 64 bytes the characters stand that decide about strings and nesting.
struct Marks {
  std::uint64_t quote = 0, backslash = 0, open = 0, close = 0;
};

#if defined(__SSE2__)
Marks Look(const char* p) {
  const auto equal = [](__m128i a, char c) {
    return static_cast<std::uint64_t>(
        static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, _mm_set1_epi8(c)))));
  };
  Marks out;
  for (int i = 0; i < 4; ++i) {
    const __m128i at = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p) + i);
    const __m128i folded = _mm_or_si128(at, _mm_set1_epi8(0x20));  // [ to {, ] to }
    out.quote |= equal(at, '"') << (16 * i);
    out.backslash |= equal(at, '\\') << (16 * i);
    out.open |= equal(folded, '{') << (16 * i);
    out.close |= equal(folded, '}') << (16 * i);
  }
  return out;
}
#else
Marks Look(const char* p) {
  Marks out;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    if (p[i] == '"') out.quote |= bit;
    if (p[i] == '\\') out.backslash |= bit;
    if ((p[i] | 0x20) == '{') out.open |= bit;
    if ((p[i] | 0x20) == '}') out.close |= bit;
  }
  return out;
}
#endif

// Bit i = the number of quotes up to and with i is odd: inside a string (or on its first quote).
std::uint64_t PrefixXor(std::uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

}  // namespace

// Makes room and reads, or notes the end of the input. The bytes from begin_ on are kept.
void TraceCutter::Refill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    scan_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + kWindow + kPadding)
    buffer_.resize(std::max(buffer_.size() * 2, end_ + kWindow + kPadding));
  auto got = from_->Read(buffer_.data() + end_, kWindow);
  if (!got.ok()) failure_ = got.status();
  if (!got.ok() || *got == 0) {
    input_ended_ = true;
    std::memset(buffer_.data() + end_, ' ', kPadding);
    return;
  }
  end_ += *got;
  bytes_ += *got;
}

// One character of what stands around the events.
void TraceCutter::FrameChar(char c) {
  if (!frame_lost_) {
    frame_.push_back(c);
    if (frame_.size() > kMaxFrame) frame_lost_ = true;
  }
  if (frame_string_) {
    if (frame_escape_) {
      frame_escape_ = false;
    } else if (c == '\\') {
      frame_escape_ = true;
    } else if (c == '"') {
      frame_string_ = false;
      return;
    }
    if (frame_depth_ == 1 && key_.size() <= kEvents.size()) key_.push_back(c);
    return;
  }
  switch (c) {
    case '"':
      frame_string_ = true;
      key_follows_ = false;
      if (frame_depth_ == 1) key_.clear();
      break;
    case ':': key_follows_ = frame_depth_ == 1; break;
    case ',':
      if (frame_depth_ == 1) last_comma_ = frame_.size() - 1;
      key_follows_ = false;
      break;
    case '{':
    case '[':
      if (c == '[' && key_follows_ && frame_depth_ == 1 && key_ == kEvents) {
        if (!frame_lost_) frame_.push_back(']');
        phase_ = Phase::events;
        found_ = true;
      } else {
        ++frame_depth_;
      }
      key_follows_ = false;
      break;
    case '}':
    case ']':
      if (--frame_depth_ <= 0) phase_ = Phase::ended;
      break;
    default:
      if (!IsSpace(c)) key_follows_ = false;
  }
}

// True when the frame gave way to the events or ended; false when more bytes are needed.
bool TraceCutter::ScanFrame() {
  while (scan_ < end_ && (phase_ == Phase::start || phase_ == Phase::frame)) {
    const char c = buffer_[scan_++];
    if (phase_ == Phase::frame) {
      FrameChar(c);
    } else if (c == '[') {
      phase_ = Phase::events;
      found_ = true;
    } else if (c == '{') {
      phase_ = Phase::frame;
      in_object_ = true;
      frame_ = "{";
      frame_depth_ = 1;
    } else if (!IsSpace(c) && static_cast<unsigned char>(c) < 0x80) {  // a byte order mark passes
      phase_ = Phase::ended;
    }
  }
  begin_ = scan_;
  return phase_ == Phase::events || phase_ == Phase::ended;
}

// The characters of a block that a backslash takes the meaning from; `carry` says whether the first
// one is among them, and then whether the one behind the block is.
std::uint64_t TraceCutter::Escaped(std::uint64_t backslash) {
  std::uint64_t escaped = escape_next_ ? 1 : 0;
  backslash &= ~escaped;
  escape_next_ = false;
  while (backslash != 0) {
    const int at = std::countr_zero(backslash);
    if (at == 63) {
      escape_next_ = true;
      break;
    }
    escaped |= std::uint64_t{2} << at;
    backslash &= ~(std::uint64_t{3} << at);
  }
  return escaped;
}

// Goes on with the value at begin_, a block at a time; true when its end was found, scan_ is behind
// it then. Less than a block is left for later unless the input ended (spaces follow it then).
bool TraceCutter::ScanValue() {
  while (scan_ < end_ && (scan_ + kBlock <= end_ || input_ended_)) {
    const Marks marks = Look(buffer_.data() + scan_);
    const std::uint64_t quotes = marks.quote & ~Escaped(marks.backslash);
    const std::uint64_t inside = PrefixXor(quotes) ^ (in_string_ ? ~std::uint64_t{0} : 0);
    in_string_ = (inside >> 63) != 0;
    const std::uint64_t open = marks.open & ~inside;
    std::uint64_t close = marks.close & ~inside;
    if (std::popcount(close) >= depth_) {
      for (std::uint64_t left = close; left != 0; left &= left - 1) {
        const int at = std::countr_zero(left);
        const std::uint64_t before = (std::uint64_t{1} << at) - 1;
        if (depth_ + std::popcount(open & before) - std::popcount(close & before) > 1) continue;
        scan_ += static_cast<std::size_t>(at) + 1;
        return true;
      }
    }
    depth_ += std::popcount(open) - std::popcount(close);
    scan_ += kBlock;
  }
  scan_ = std::min(scan_, end_);
  return false;
}

// To the next member of the list; false when more bytes are needed or the list ended.
bool TraceCutter::SkipToEvent() {
  for (; scan_ < end_; ++scan_) {
    const char c = buffer_[scan_];
    if (IsSpace(c)) continue;
    if (strange_ && (c == ',' || c == ']')) ++strangers_, strange_ = false;
    if (c == ',') continue;
    if (c == ']') {
      ++scan_;
      phase_ = in_object_ ? Phase::frame : Phase::ended;
      begin_ = scan_;
      return false;
    }
    if (c == '{' || c == '[') {
      begin_ = scan_;
      in_value_ = true;
      skipping_ = c != '{';
      depth_ = 0;
      in_string_ = escape_next_ = false;
      if (skipping_) ++strangers_;
      return true;
    }
    strange_ = true;  // null, a number, a string: to the next object
  }
  begin_ = scan_;
  return false;
}

bool TraceCutter::Next(std::string_view* event) {
  if (!in_value_) begin_ = scan_;
  while (phase_ != Phase::ended) {
    if (phase_ != Phase::events) {
      if (ScanFrame()) continue;
    } else if (!in_value_) {
      if (SkipToEvent() || phase_ != Phase::events) continue;
    } else if (ScanValue()) {
      in_value_ = false;
      if (skipping_) {
        skipping_ = false;
        begin_ = scan_;
        continue;
      }
      *event = std::string_view(buffer_.data() + begin_, scan_ - begin_);
      return true;
    } else if (!skipping_ && scan_ - begin_ > kMaxEvent) {
      ++oversize_;
      skipping_ = true;
    }
    if (skipping_) begin_ = scan_;
    if (input_ended_) {
      cut_ = true;
      break;
    }
    Refill();
  }
  phase_ = Phase::ended;
  in_value_ = false;
  CloseFrame();
  return false;
}

void TraceCutter::CloseFrame() {
  if (frame_lost_ || frame_.empty()) {
    frame_ = "{}";
    return;
  }
  if (!cut_ || frame_depth_ <= 0) return;
  // Back to the last whole member, unless the cut came just behind the events.
  if (frame_depth_ > 1 || !frame_.ends_with("[]")) frame_.resize(last_comma_ > 0 ? last_comma_ : 1);
  frame_.push_back('}');
}

}  // namespace strata::l2_comm
