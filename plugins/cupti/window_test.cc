// SPDX-License-Identifier: Apache-2.0
// The arithmetic of a window; and, where the library was built, that it loads and harms nothing in
// a process without a GPU.
#include "window.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace strata_cupti {
namespace {

TEST(Window, BusyTimeIsAUnion) {
  Window w;
  w.Begin(1000);
  w.Kernel("a", 2000, 3000);
  w.Kernel("b", 2500, 2600);
  w.Memcpy(2900, 3500, 64);
  w.Kernel("a", 4000, 4100);
  w.Kernel("a", 1500, 1600);  // streams come out of order
  EXPECT_EQ(w.BusyNs(), 1500 + 100 + 100);
  EXPECT_EQ(w.kernels(), 4u);
  EXPECT_EQ(w.dropped(), 0u);
}

TEST(Window, WhatWasLostIsNotIdle) {
  Window w;
  w.Begin(1);
  w.Kernel("a", 200, 100);
  EXPECT_EQ(w.dropped(), 1u);
  EXPECT_EQ(w.BusyNs(), -1);
  EXPECT_EQ(w.Line(1'000'000'001, {}).find("cuda.idle"), std::string::npos);
  w.Begin(1);
  EXPECT_EQ(w.dropped(), 0u);
  for (std::size_t i = 0; i <= Window::kSpans; ++i) {
    const auto at = static_cast<std::int64_t>(1000 + 10 * i);
    w.Kernel("a", at, at + 5);
  }
  EXPECT_EQ(w.BusyNs(), -1);
}

TEST(Window, NamesBeyondTheTableAreOne) {
  Window w;
  w.Begin(1);
  for (int i = 0; i < 5000; ++i) w.Kernel("kernel" + std::to_string(i), 100, 200);
  const std::string line = w.Line(1'000'000'001, {});
  std::size_t points = 0;
  for (std::size_t at = 0; (at = line.find("\"kernel\"", at)) != std::string::npos; ++at) ++points;
  EXPECT_EQ(points, Window::kNames);
  EXPECT_NE(line.find("\"(other)\""), std::string::npos);
  EXPECT_NE(line.find("\"count\":\"" + std::to_string(5000 - Window::kNames + 1) + "\""),
            std::string::npos);
}

TEST(Window, OneLineOfOtlp) {
  Window w;
  w.Begin(1'000'000'000);
  w.Kernel("odd \"name\\", 100, 100);
  w.Kernel("odd \"name\\", 1'000'000, 1'500'000);
  w.Memcpy(2'000'000, 502'000'000, 4096);
  const std::string line = w.Line(2'000'000'000, {{"hw.id", "GPU-1"}});
  EXPECT_EQ(line.back(), '\n');
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_NE(line.find("\"odd \\\"name\\\\\""), std::string::npos);
  EXPECT_NE(line.find("\"zeroCount\":\"1\""), std::string::npos);
  // 0.5 ms lies in (2^-11, 2^-10.75]: index -44.
  EXPECT_NE(line.find("\"positive\":{\"offset\":-44,\"bucketCounts\":[\"1\"]}"), std::string::npos)
      << line;
  EXPECT_NE(line.find("\"cuda.memcpy.utilization\",\"unit\":\"1\",\"gauge\""), std::string::npos);
  EXPECT_NE(line.find("\"asDouble\":0.4995"), std::string::npos) << line;  // idle
}

#ifdef STRATA_CUPTI_LIBRARY
TEST(Injection, LoadsAndHarmsNothingWithoutAGpu) {
  void* library = dlopen(STRATA_CUPTI_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto start = reinterpret_cast<int (*)()>(dlsym(library, "InitializeInjection"));
  ASSERT_NE(start, nullptr);
  EXPECT_EQ(start(), 1);  // off
  setenv("STRATA_CUPTI", "on", 1);
  setenv("STRATA_CUPTI_EVERY", "1", 1);
  setenv("STRATA_CUPTI_WINDOW", "0.1", 1);
  EXPECT_EQ(start(), 1);
  EXPECT_EQ(start(), 1);
  EXPECT_EQ(dlsym(library, "_ZN12strata_cupti6WindowC1Ev"), nullptr);  // exports nothing else
}
#endif

}  // namespace
}  // namespace strata_cupti
