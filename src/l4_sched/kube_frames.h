// SPDX-License-Identifier: Apache-2.0
// Cuts what a Kubernetes API server streams into single objects while it arrives, so that a list of
// 10,000 pods or a watch of a day costs the memory of one object. Only the framing of JSON is
// looked at (strings, braces); each object is parsed by whoever takes it. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace strata::l4_sched {

class KubeFrames {
 public:
  enum class Shape {
    stream,  // a watch: one object after another
    list,    // one object whose array `items` holds the objects
  };
  // An object beyond `max_object` bytes is passed over and counted.
  KubeFrames(Shape shape, std::size_t max_object) : shape_(shape), max_object_(max_object) {}

  // Calls `take` with each object that `bytes` completes; the view lives until `take` returns.
  // False when the bytes are no JSON framing, or `take` said so.
  bool Push(std::string_view bytes, const std::function<bool(std::string_view)>& take);

  // What stood outside the objects: of a list everything but its items, of a stream what is no JSON
  // (an error page). At most 64 KiB.
  const std::string& head() const { return head_; }
  bool whole() const { return depth_ == 0 && !broken_; }  // nothing is half read
  std::uint64_t objects() const { return objects_; }
  std::uint64_t oversize() const { return oversize_; }

 private:
  int target() const { return shape_ == Shape::stream ? 0 : 2; }
  bool Begins(char c) const;
  void Keep(std::string_view piece);
  void Head(char c);

  Shape shape_;
  std::size_t max_object_;
  std::string object_, head_;
  int depth_ = 0;
  char outer_[2] = {0, 0};  // the brackets of the two outermost levels
  bool in_string_ = false, escaped_ = false, inside_ = false, too_large_ = false, broken_ = false;
  std::uint64_t objects_ = 0, oversize_ = 0;
};

}  // namespace strata::l4_sched
