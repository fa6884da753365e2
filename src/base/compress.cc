// SPDX-License-Identifier: Apache-2.0
// Seams to zlib, libzstd and snappy.
#include "base/compress.h"

#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <memory>

namespace strata::base {
namespace {

constexpr std::size_t kRatio = 1000;
constexpr std::size_t kFree = 1u << 20;  // the ratio is not looked at below this

bool OverLimit(std::size_t in, std::size_t out, std::size_t max_bytes) {
  return out > max_bytes || (out > kFree && out / kRatio > in);
}

Status TooBig(std::string_view what, std::size_t max_bytes) {
  return Exhausted(std::string(what) + " body expands beyond " + std::to_string(max_bytes) +
                   " bytes or 1000 times its size: send smaller batches");
}

Result<std::string> Inflate(std::string_view body, std::size_t max_bytes, std::string_view name) {
  z_stream z{};
  if (inflateInit2(&z, 15 + 32) != Z_OK) return Failed("zlib could not start");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&z, inflateEnd);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  z.avail_in = static_cast<uInt>(body.size());
  std::string out;
  std::size_t used = 0;
  for (;;) {
    if (out.size() - used < 16384) out.resize(std::max<std::size_t>(out.size() * 2, 65536));
    z.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    z.avail_out = static_cast<uInt>(out.size() - used);
    const int code = inflate(&z, Z_NO_FLUSH);
    used = out.size() - z.avail_out;
    if (OverLimit(body.size(), used, max_bytes)) return TooBig(name, max_bytes);
    if (code == Z_STREAM_END) {
      if (z.avail_in == 0) break;
      if (inflateReset(&z) != Z_OK) return Failed("zlib could not go on");  // concatenated members
      continue;
    }
    if (code != Z_OK) return Invalid(std::string(name) + " body is damaged or cut short");
    if (z.avail_in == 0 && z.avail_out != 0)
      return Invalid(std::string(name) + " body is cut short");
  }
  out.resize(used);
  return out;
}

Result<std::string> Unzstd(std::string_view body, std::size_t max_bytes) {
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                        ZSTD_freeDCtx);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, 27);
  ZSTD_inBuffer in{body.data(), body.size(), 0};
  std::string out;
  std::size_t used = 0, last = 1;
  while (in.pos < in.size) {
    if (out.size() - used < ZSTD_DStreamOutSize())
      out.resize(std::max(out.size() * 2, used + ZSTD_DStreamOutSize()));
    ZSTD_outBuffer o{out.data(), out.size(), used};
    last = ZSTD_decompressStream(context.get(), &o, &in);
    if (ZSTD_isError(last)) return Invalid(std::string("zstd body: ") + ZSTD_getErrorName(last));
    used = o.pos;
    if (OverLimit(body.size(), used, max_bytes)) return TooBig("zstd", max_bytes);
  }
  while (last != 0) {  // flush what the decoder still holds
    if (out.size() - used < ZSTD_DStreamOutSize()) out.resize(used + ZSTD_DStreamOutSize());
    ZSTD_outBuffer o{out.data(), out.size(), used};
    const std::size_t before = used;
    last = ZSTD_decompressStream(context.get(), &o, &in);
    if (ZSTD_isError(last)) return Invalid(std::string("zstd body: ") + ZSTD_getErrorName(last));
    used = o.pos;
    if (OverLimit(body.size(), used, max_bytes)) return TooBig("zstd", max_bytes);
    if (used == before) break;
  }
  if (last != 0) return Invalid("zstd body is cut short");
  out.resize(used);
  return out;
}

Result<std::string> Unsnappy(std::string_view body, std::size_t max_bytes) {
  std::size_t size = 0;
  if (!snappy::GetUncompressedLength(body.data(), body.size(), &size))
    return Invalid("snappy body is damaged");
  if (OverLimit(body.size(), size, max_bytes)) return TooBig("snappy", max_bytes);
  std::string out;
  if (!snappy::Uncompress(body.data(), body.size(), &out))
    return Invalid("snappy body is damaged or cut short");
  return out;
}

}  // namespace

Result<std::string> Decompress(std::string_view encoding, std::string_view body,
                               std::size_t max_bytes) {
  if (encoding.empty() || encoding == "identity") {
    if (body.size() > max_bytes) return TooBig("plain", max_bytes);
    return std::string(body);
  }
  if (encoding == "gzip" || encoding == "deflate" || encoding == "x-gzip")
    return Inflate(body, max_bytes, encoding);
  if (encoding == "zstd") return Unzstd(body, max_bytes);
  if (encoding == "snappy") return Unsnappy(body, max_bytes);
  return Unsupported("encoding \"" + std::string(encoding) + "\": use gzip, zstd, snappy or none");
}

std::string GzipCompress(std::string_view body, int level) {
  z_stream z{};
  if (deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&z, body.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  z.avail_in = static_cast<uInt>(body.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  CHECK(code == Z_STREAM_END, "deflateBound was too small");
  return out;
}

std::string ZstdCompress(std::string_view body, int level) {
  std::string out(ZSTD_compressBound(body.size()), '\0');
  const std::size_t n = ZSTD_compress(out.data(), out.size(), body.data(), body.size(), level);
  CHECK(!ZSTD_isError(n), "ZSTD_compressBound was too small");
  out.resize(n);
  return out;
}

std::string SnappyCompress(std::string_view body) {
  std::string out;
  snappy::Compress(body.data(), body.size(), &out);
  return out;
}

}  // namespace strata::base
