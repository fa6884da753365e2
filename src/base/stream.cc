// SPDX-License-Identifier: Apache-2.0
// Streaming seams to read(2), zlib and libzstd.
#include "base/stream.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace strata::base {
namespace {

constexpr std::size_t kPiece = 256u << 10;  // compressed bytes read at once

// What both decompressors share: a piece of compressed input that is refilled.
struct Source {
  ByteReader from;
  std::vector<char> piece = std::vector<char>(kPiece);
  std::size_t at = 0, size = 0;
  bool ended = false;

  Status Refill() {
    ASSIGN_OR_RETURN(size, from(piece.data(), piece.size()));
    at = 0;
    ended = size == 0;
    return Status::Ok();
  }
};

class Gunzip {
 public:
  explicit Gunzip(ByteReader from) : in_{std::move(from)} {
    good_ = inflateInit2(&z_, 15 + 32) == Z_OK;
  }
  ~Gunzip() {
    if (good_) inflateEnd(&z_);
  }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  Result<std::size_t> Read(char* out, std::size_t n) {
    if (!good_) return Failed("zlib could not start");
    const std::size_t want = std::min<std::size_t>(n, 1u << 30);
    z_.next_out = reinterpret_cast<Bytef*>(out);
    z_.avail_out = static_cast<uInt>(want);
    while (z_.avail_out == want) {
      if (in_.at == in_.size) {
        RETURN_IF_ERROR(in_.Refill());
        if (in_.ended) {
          if (between_ || !begun_) return std::size_t{0};
          return Invalid("gzip data is cut short");
        }
      }
      // Members may follow each other; what follows the last one and is no member is padding.
      if (between_ && in_.piece[in_.at] != '\x1f') return std::size_t{0};
      begun_ = true;
      between_ = false;
      z_.next_in = reinterpret_cast<Bytef*>(in_.piece.data() + in_.at);
      z_.avail_in = static_cast<uInt>(in_.size - in_.at);
      const int code = inflate(&z_, Z_NO_FLUSH);
      in_.at = in_.size - z_.avail_in;
      if (code == Z_STREAM_END) {
        between_ = true;
        if (inflateReset(&z_) != Z_OK) return Failed("zlib could not go on");
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        if (z_.avail_out != want) break;  // good bytes first; the next call fails again
        return Invalid("gzip data is damaged");
      }
    }
    return want - z_.avail_out;
  }

 private:
  Source in_;
  z_stream z_{};
  bool good_ = false, begun_ = false, between_ = false;
};

class Unzstd {
 public:
  explicit Unzstd(ByteReader from) : in_{std::move(from)}, context_(ZSTD_createDCtx()) {
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, 27);
  }

  Result<std::size_t> Read(char* out, std::size_t n) {
    ZSTD_outBuffer o{out, n, 0};
    while (o.pos == 0) {
      ZSTD_inBuffer i{in_.piece.data(), in_.size, in_.at};
      const std::size_t left = ZSTD_decompressStream(context_.get(), &o, &i);
      if (ZSTD_isError(left)) return Invalid(std::string("zstd data: ") + ZSTD_getErrorName(left));
      if (in_.at != i.pos || o.pos > 0) whole_ = left == 0;
      in_.at = i.pos;
      if (o.pos > 0 || in_.at < in_.size) continue;
      RETURN_IF_ERROR(in_.Refill());
      if (!in_.ended) continue;
      if (!whole_) return Invalid("zstd data is cut short");
      return std::size_t{0};
    }
    return o.pos;
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  Source in_;
  std::unique_ptr<ZSTD_DCtx, Free> context_;
  bool whole_ = true;  // at the end of a frame
};

}  // namespace

Result<std::size_t> InputStream::Fill(char* out, std::size_t n) {
  std::size_t used = 0;
  while (used < n && !ended_ && failure_.ok()) {
    auto got = read_(out + used, n - used);
    if (!got.ok()) {
      failure_ = got.status();
    } else if (*got == 0) {
      ended_ = true;
    } else {
      used += *got;
    }
  }
  if (used == 0 && !failure_.ok()) return failure_;
  return used;
}

Result<std::size_t> InputStream::Read(char* out, std::size_t n) {
  if (at_ < peeked_.size()) {
    const std::size_t take = std::min(n, peeked_.size() - at_);
    std::memcpy(out, peeked_.data() + at_, take);
    at_ += take;
    if (at_ == peeked_.size()) {
      peeked_ = {};
      at_ = 0;
    }
    return take;
  }
  return Fill(out, n);
}

std::string_view InputStream::Peek(std::size_t n) {
  const std::size_t have = peeked_.size() - at_;
  if (have < n) {
    peeked_.erase(0, at_);
    at_ = 0;
    peeked_.resize(n);
    const auto got = Fill(peeked_.data() + have, n - have);
    peeked_.resize(have + (got.ok() ? *got : 0));
  }
  return std::string_view(peeked_).substr(at_, n);
}

Result<std::string> InputStream::Rest(std::size_t max_bytes) {
  std::string out = peeked_.substr(at_);
  peeked_ = {};
  at_ = 0;
  for (;;) {
    const std::size_t used = out.size();
    out.resize(std::max<std::size_t>(used * 2, 65536));
    ASSIGN_OR_RETURN(const std::size_t got, Fill(out.data() + used, out.size() - used));
    out.resize(used + got);
    if (out.size() > max_bytes)
      return Exhausted("larger than " + std::to_string(max_bytes) + " bytes");
    if (got == 0 || ended_) break;
  }
  if (!failure_.ok()) return failure_;
  return out;
}

ByteReader FdReader(int fd, std::string name) {
  const std::shared_ptr<int> held(new int(fd), [](int* p) {
    ::close(*p);
    delete p;
  });
  return [held, name = std::move(name)](char* out, std::size_t n) -> Result<std::size_t> {
    for (;;) {
      const ssize_t got = ::read(*held, out, n);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return FromErrno(name);
    }
  };
}

ByteReader Decompressing(std::string_view encoding, ByteReader from) {
  if (encoding == "zstd") {
    auto reader = std::make_shared<Unzstd>(std::move(from));
    return [reader](char* out, std::size_t n) { return reader->Read(out, n); };
  }
  auto reader = std::make_shared<Gunzip>(std::move(from));
  return [reader](char* out, std::size_t n) { return reader->Read(out, n); };
}

}  // namespace strata::base
