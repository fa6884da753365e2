// SPDX-License-Identifier: Apache-2.0
#include "l4_sched/kube_frames.h"

namespace strata::l4_sched {
namespace {

constexpr std::size_t kMaxHead = 64u << 10;
constexpr int kMaxDepth = 1000;

}  // namespace

bool KubeFrames::Begins(char c) const {
  if (inside_ || c != '{' || depth_ != target()) return false;
  return shape_ == Shape::stream || (outer_[0] == '{' && outer_[1] == '[');
}

void KubeFrames::Keep(std::string_view piece) {
  if (too_large_ || object_.size() + piece.size() > max_object_) {
    too_large_ = true;
    object_.clear();
    return;
  }
  object_ += piece;
}

void KubeFrames::Head(char c) {
  const bool between_items = shape_ == Shape::list && depth_ == 2 && outer_[1] == '[' && c != ']';
  if (!between_items && head_.size() < kMaxHead) head_ += c;
}

bool KubeFrames::Push(std::string_view bytes, const std::function<bool(std::string_view)>& take) {
  if (broken_) return false;
  std::size_t from = 0;  // of the part of `bytes` that belongs to the open object
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (in_string_) {
      if (!inside_) Head(c);
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
      }
      continue;
    }
    if (Begins(c)) {
      inside_ = true;
      from = i;
    }
    if (!inside_) Head(c);
    if (c == '"') {
      in_string_ = inside_ || depth_ > 0;  // outside of everything it is text
    } else if (c == '{' || c == '[') {
      if (depth_ < 2) outer_[depth_] = c;
      if (++depth_ > kMaxDepth) return broken_ = true, false;
    } else if (c == '}' || c == ']') {
      if (--depth_ < 0) return broken_ = true, false;
      if (!inside_ || depth_ != target()) continue;
      inside_ = false;
      Keep(bytes.substr(from, i + 1 - from));
      const bool kept = !too_large_;
      too_large_ = false;
      kept ? ++objects_ : ++oversize_;
      if (kept && !take(object_)) return broken_ = true, false;
      object_.clear();
    }
  }
  if (inside_) Keep(bytes.substr(from));
  return true;
}

}  // namespace strata::l4_sched
