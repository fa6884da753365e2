// SPDX-License-Identifier: Apache-2.0
// Failure as a value. `Status` is ok or a code with a message (what, where, what to do);
// `Result<T>` carries a value or such a failure. Nothing in the house throws: a library that does
// is caught at its seam.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace strata::base {

enum class Code : unsigned char {
  ok,
  invalid,  // the input is wrong
  not_found,
  denied,       // not permitted
  unavailable,  // try again later
  exhausted,    // a stated limit was reached
  unsupported,
  exists,
  failed,  // the world failed: disk, network, another process
};

std::string_view code_name(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  static Status Ok() { return {}; }

  bool ok() const { return code_ == Code::ok; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same failure with what the caller was doing in front: "context: message".
  Status With(std::string_view context) const {
    if (ok()) return *this;
    std::string told = std::string(context) + ": ";
    if (message_.starts_with(told)) return *this;  // whoever failed named it already
    return Status(code_, std::move(told) + message_);
  }

 private:
  Code code_ = Code::ok;
  std::string message_;
};

inline Status Invalid(std::string message) { return Status(Code::invalid, std::move(message)); }
inline Status Failed(std::string message) { return Status(Code::failed, std::move(message)); }
inline Status NotFound(std::string message) { return Status(Code::not_found, std::move(message)); }
inline Status Unavailable(std::string message) {
  return Status(Code::unavailable, std::move(message));
}
inline Status Exhausted(std::string message) { return Status(Code::exhausted, std::move(message)); }
inline Status Unsupported(std::string message) {
  return Status(Code::unsupported, std::move(message));
}
inline Status Denied(std::string message) { return Status(Code::denied, std::move(message)); }

// errno as a failure: "what: No such file or directory".
Status FromErrno(std::string_view what);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {  // NOLINT(google-explicit-constructor)
    CHECK(!status_.ok(), "a Result made from an ok Status");
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & {
    CHECK(ok(), status_.message().c_str());
    return *value_;
  }
  const T& value() const& {
    CHECK(ok(), status_.message().c_str());
    return *value_;
  }
  T&& value() && {
    CHECK(ok(), status_.message().c_str());
    return std::move(*value_);
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace strata::base

#define STRATA_CONCAT_INNER(a, b) a##b
#define STRATA_CONCAT(a, b) STRATA_CONCAT_INNER(a, b)

// Returns from the enclosing function when `expr` is a failure.
#define RETURN_IF_ERROR(expr)                                                   \
  do {                                                                          \
    if (auto strata_status = (expr); !strata_status.ok()) return strata_status; \
  } while (0)

// ASSIGN_OR_RETURN(auto x, F());
#define ASSIGN_OR_RETURN(lhs, expr) \
  STRATA_ASSIGN_OR_RETURN(STRATA_CONCAT(strata_result_, __LINE__), lhs, expr)
#define STRATA_ASSIGN_OR_RETURN(tmp, lhs, expr) \
  auto tmp = (expr);                            \
  if (!tmp.ok()) return tmp.status();           \
  lhs = std::move(tmp).value()
