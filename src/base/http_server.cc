// SPDX-License-Identifier: Apache-2.0
// One I/O thread reads and writes every connection; worker threads run handlers; a stream runs on a
// thread of its own. Beast parses requests (this is the only file that includes it); answers are
// written here. A connection has at most one request in flight, so the queue of the workers is
// bounded by max_connections.
#include "base/http_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "base/json.h"

namespace strata::base {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Error = boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;
using TlsSocket = asio::ssl::stream<Socket>;

constexpr std::size_t kMaxSocketPath = 100;        // sun_path holds 108
constexpr std::int64_t kWriteTimeoutMs = 120'000;  // a peer that does not read

std::string_view StatusText(int status) {
  const auto text = http::obsolete_reason(static_cast<http::status>(status));
  return {text.data(), text.size()};
}

// No header value may end the header early.
std::string OneLine(std::string text) {
  for (char& c : text) {
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  }
  return text;
}

std::string HeadOf(const ServerAnswer& answer, bool keep_alive, bool stream) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " " +
                     std::string(StatusText(answer.status)) + "\r\n";
  if (!answer.content_type.empty())
    head += "Content-Type: " + OneLine(answer.content_type) + "\r\n";
  for (const auto& [name, value] : answer.headers)
    head += OneLine(name) + ": " + OneLine(value) + "\r\n";
  if (stream) {
    head += "Transfer-Encoding: chunked\r\n";
  } else if (answer.status >= 200 && answer.status != 204 && answer.status != 304) {
    head += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  }
  head += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return head;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void SplitTarget(ServerRequest* request) {
  std::string_view target = request->target;
  if (const std::size_t scheme = target.find("://");
      scheme < target.find_first_of("/?")) {  // absolute form
    const std::size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  const std::size_t mark = target.find('?');
  request->path = UrlDecode(target.substr(0, mark), false);
  if (mark == std::string_view::npos) return;
  std::string_view query = target.substr(mark + 1);
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (!pair.empty()) {
      request->query.emplace_back(
          UrlDecode(pair.substr(0, equals)),
          equals < pair.size() ? UrlDecode(pair.substr(equals + 1)) : std::string());
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

class Session;

// Shared by the sessions, the workers and the owner. Lives until the last of them is gone.
struct Server : std::enable_shared_from_this<Server> {
  ServerOptions options;
  Handler handler;
  std::uint16_t port = 0;
  asio::io_context io{1};
  std::unique_ptr<asio::ssl::context> tls;
  std::unique_ptr<asio::ip::tcp::acceptor> tcp;
  std::unique_ptr<asio::local::stream_protocol::acceptor> local;
  std::unique_ptr<asio::steady_timer> retry;    // after a failed accept
  std::set<std::shared_ptr<Session>> sessions;  // I/O thread only
  std::size_t bodies = 0;  // bytes reserved for request bodies; I/O thread only
  std::atomic<bool> stopping{false};
  std::thread io_thread;

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> jobs;
  std::vector<std::thread> workers;
  std::map<std::uint64_t, std::thread> streams;
  std::vector<std::uint64_t> ended_streams;
  std::uint64_t next_stream = 0;

  Status Listen();
  Status ListenLocal();
  Status LoadTls();
  void Accept();
  void Accepted(Error error, Socket socket, std::string peer, std::uint16_t peer_port,
                std::uint16_t local_port);
  void RunWorker();
  void Enqueue(std::function<void()> job);
  bool StartStream(std::function<void()> run);
  void JoinEndedStreams();
};

// One connection. Everything but RunHandler and RunStream happens on the I/O thread.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Server& server, Socket socket, std::string peer, std::uint16_t peer_port,
          std::uint16_t local_port)
      : server_(server),
        timer_(server.io),
        peer_(std::move(peer)),
        peer_port_(peer_port),
        local_port_(local_port) {
    if (server.tls) {
      tls_ = std::make_unique<TlsSocket>(std::move(socket), *server.tls);
    } else {
      plain_ = std::make_unique<Socket>(std::move(socket));
    }
  }

  void Start() {
    if (!tls_) return ReadHead();
    Arm(server_.options.request_timeout_ms);
    tls_->async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](Error error) {
      self->timer_.cancel();
      if (error) return self->Close();
      self->ReadHead();
    });
  }

  void Close() {
    if (closed_) return;
    closed_ = true;
    timer_.cancel();
    Release();
    Error ignored;
    socket().shutdown(Socket::shutdown_both, ignored);
    socket().close(ignored);
    server_.sessions.erase(shared_from_this());
  }

 private:
  Socket& socket() { return tls_ ? tls_->next_layer() : *plain_; }

  template <typename F>
  void WithStream(F f) {
    if (tls_)
      f(*tls_);
    else
      f(*plain_);
  }

  // After `ms` what is being read or written ends with operation_aborted.
  void Arm(std::int64_t ms) {
    timed_out_ = false;
    timer_.expires_after(std::chrono::milliseconds(ms));
    timer_.async_wait([self = shared_from_this()](Error error) {
      if (error || self->closed_) return;
      self->timed_out_ = true;
      Error ignored;
      self->socket().cancel(ignored);
    });
  }

  void ReadHead() {
    if (closed_) return;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(server_.options.max_header));
    parser_->body_limit(server_.options.max_body);
    Arm(server_.options.idle_timeout_ms);
    WithStream([this](auto& stream) {
      http::async_read_header(stream, buffer_, *parser_,
                              [self = shared_from_this()](Error error, std::size_t) {
                                self->timer_.cancel();
                                if (error) return self->Refuse(error);
                                self->ReadBody();
                              });
    });
  }

  // Room for the body before it is read: nobody has been asked who they are yet, and 1,000 bodies
  // are a lot of memory. A body of unknown length counts as the largest.
  bool Reserve() {
    const auto length = parser_->content_length();
    const std::size_t wanted = length               ? static_cast<std::size_t>(*length)
                               : parser_->is_done() ? 0
                                                    : server_.options.max_body;
    const std::size_t limit = std::max(server_.options.max_bodies, server_.options.max_body);
    if (wanted > limit - std::min(server_.bodies, limit)) return false;
    reserved_ = wanted;
    server_.bodies += wanted;
    return true;
  }

  void Release() { server_.bodies -= std::exchange(reserved_, 0); }

  void ReadBody() {
    if (!Reserve()) {
      ServerAnswer busy = ErrorAnswer(503, "unavailable",
                                      "too many large requests at the same time; try again later");
      busy.headers.emplace_back("Retry-After", "1");
      return Reply(std::move(busy), false);
    }
    const auto expect = parser_->get().find("Expect");
    if (expect != parser_->get().end()) {
      auto line = std::make_shared<std::string>("HTTP/1.1 100 Continue\r\n\r\n");
      return Write(line, [self = shared_from_this()](bool ok) {
        if (!ok) return self->Close();
        self->ReadRest();
      });
    }
    ReadRest();
  }

  void ReadRest() {
    Arm(server_.options.request_timeout_ms);
    WithStream([this](auto& stream) {
      http::async_read(stream, buffer_, *parser_,
                       [self = shared_from_this()](Error error, std::size_t) {
                         self->timer_.cancel();
                         if (error) return self->Refuse(error);
                         self->Dispatch();
                       });
    });
  }

  // A request that cannot be read is answered where that makes sense, and the connection ends.
  void Refuse(Error error) {
    if (closed_) return;
    if (error == http::error::header_limit)
      return Reply(ErrorAnswer(431, "exhausted", "the header is too large"), false);
    if (error == http::error::body_limit) {
      return Reply(ErrorAnswer(413, "exhausted",
                               "the body is larger than " +
                                   std::to_string(server_.options.max_body) + " bytes"),
                   false);
    }
    if (timed_out_) {
      if (!parser_->got_some() && buffer_.size() == 0) return Close();  // merely idle
      return Reply(ErrorAnswer(408, "unavailable", "the request did not come to its end in time"),
                   false);
    }
    if (error.category() == http::make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message) {
      return Reply(ErrorAnswer(400, "invalid", "not an HTTP/1.1 request: " + error.message()),
                   false);
    }
    Close();
  }

  void Dispatch() {
    auto& message = parser_->get();
    auto request = std::make_shared<ServerRequest>();
    keep_alive_ = parser_->keep_alive();
    http_1_0_ = message.version() < 11;
    request->method = std::string(message.method_string().data(), message.method_string().size());
    head_only_ = request->method == "HEAD";
    if (head_only_) request->method = "GET";
    request->target = std::string(message.target().data(), message.target().size());
    for (const auto& field : message) {
      std::string name(field.name_string().data(), field.name_string().size());
      for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      request->headers.emplace_back(std::move(name),
                                    std::string(field.value().data(), field.value().size()));
    }
    request->body = std::move(message.body());
    request->peer_address = peer_;
    request->peer_port = peer_port_;
    request->local_port = local_port_;
    request->peer_uid = &peer_uid_;
    request->tls = tls_ != nullptr;
    SplitTarget(request.get());
    server_.Enqueue([self = shared_from_this(), server = server_.shared_from_this(), request] {
      auto answer = std::make_shared<ServerAnswer>(self->RunHandler(*request));
      asio::post(server->io, [self, answer] {
        if (answer->stream)
          self->Stream(answer);
        else
          self->Reply(std::move(*answer), self->keep_alive_);
      });
    });
  }

  ServerAnswer RunHandler(const ServerRequest& request) {
    try {
      return server_.handler(request);
    } catch (const std::exception& error) {
      return ErrorAnswer(500, "failed", std::string("the handler failed: ") + error.what());
    } catch (...) {
      return ErrorAnswer(500, "failed", "the handler failed");
    }
  }

  void Reply(ServerAnswer answer, bool keep_alive) {
    if (closed_) return;
    Release();
    keep_alive = keep_alive && !server_.stopping;
    auto text = std::make_shared<std::string>(HeadOf(answer, keep_alive, false));
    auto body = std::make_shared<std::string>(head_only_ ? std::string() : std::move(answer.body));
    Arm(kWriteTimeoutMs);
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(*text), asio::buffer(*body)};
    WithStream([&](auto& stream) {
      asio::async_write(
          stream, buffers,
          [self = shared_from_this(), text, body, keep_alive](Error error, std::size_t) {
            self->timer_.cancel();
            if (error) return self->Close();
            if (keep_alive) return self->ReadHead();
            self->Linger();
          });
    });
  }

  // The peer may still be sending what was refused: closing at once would take the answer from it.
  void Linger() {
    Error ignored;
    socket().shutdown(Socket::shutdown_send, ignored);
    Arm(2000);
    Drain(0);
  }

  void Drain(std::size_t so_far) {
    if (closed_ || so_far > (64u << 20)) return Close();
    auto scrap = std::make_shared<std::array<char, 16384>>();
    socket().async_read_some(asio::buffer(*scrap), [self = shared_from_this(), scrap, so_far](
                                                       Error error, std::size_t n) {
      if (error) return self->Close();
      self->Drain(so_far + n);
    });
  }

  void Write(std::shared_ptr<std::string> text, std::function<void(bool)> done) {
    if (closed_) return done(false);
    Arm(kWriteTimeoutMs);
    WithStream([&](auto& stream) {
      asio::async_write(
          stream, asio::buffer(*text),
          [self = shared_from_this(), text, done = std::move(done)](Error error, std::size_t) {
            self->timer_.cancel();
            done(!error);
          });
    });
  }

  void Stream(std::shared_ptr<ServerAnswer> answer) {
    if (closed_) return;
    if (head_only_ || http_1_0_) {
      answer->stream = nullptr;
      if (http_1_0_ && !head_only_)
        return Reply(ErrorAnswer(505, "unsupported", "a stream needs HTTP/1.1"), false);
      return Reply(std::move(*answer), keep_alive_);
    }
    const bool started =
        server_.StartStream([self = shared_from_this(), server = server_.shared_from_this(),
                             answer] { self->RunStream(*server, *answer); });
    if (!started) {
      ServerAnswer busy = ErrorAnswer(503, "unavailable", "too many open streams; try again later");
      busy.headers.emplace_back("Retry-After", "5");
      Reply(std::move(busy), keep_alive_);
    }
  }

  void RunStream(Server& server, ServerAnswer& answer) {
    const auto send = [this, &server](std::string text) {
      if (server.stopping) return false;
      auto sent = std::make_shared<std::promise<bool>>();
      std::future<bool> result = sent->get_future();
      asio::post(server.io,
                 [self = shared_from_this(), text = std::make_shared<std::string>(std::move(text)),
                  sent] { self->Write(text, [sent](bool ok) { sent->set_value(ok); }); });
      // The I/O thread outlives the streams: Stop joins them before it ends the loop.
      return result.get();
    };
    bool alive = send(HeadOf(answer, true, true));
    const auto write = [&](std::string_view piece) {
      if (!alive || piece.empty()) return alive && !server.stopping;
      char size[24];
      std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
      std::string chunk = size;
      chunk.append(piece).append("\r\n");
      alive = send(std::move(chunk));
      return alive;
    };
    bool whole = true;
    try {
      if (alive) answer.stream(write);
    } catch (...) {
      whole = false;  // the missing last chunk tells the peer
    }
    if (alive && whole) alive = send("0\r\n\r\n");
    asio::post(server.io, [self = shared_from_this(), again = alive && whole && keep_alive_] {
      if (again && !self->server_.stopping)
        self->ReadHead();
      else
        self->Close();
    });
  }

  Server& server_;
  std::unique_ptr<Socket> plain_;
  std::unique_ptr<TlsSocket> tls_;
  asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::string peer_;
  std::uint16_t peer_port_, local_port_;
  std::atomic<int> peer_uid_{-1};
  std::size_t reserved_ = 0;
  bool closed_ = false, timed_out_ = false, keep_alive_ = true, head_only_ = false,
       http_1_0_ = false;
};

Status Server::LoadTls() {
  if (options.tls_cert.empty()) return {};
  Error error;
  tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  tls->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                   asio::ssl::context::no_tlsv1_1);
  if (tls->use_certificate_chain_file(options.tls_cert, error))
    return Invalid("tls.cert " + options.tls_cert + ": " + error.message());
  if (tls->use_private_key_file(options.tls_key, asio::ssl::context::pem, error)) {
    return Invalid("tls.key " + options.tls_key + ": " + error.message());
  }
  if (!options.tls_client_ca.empty()) {
    if (tls->load_verify_file(options.tls_client_ca, error))
      return Invalid("tls client CA " + options.tls_client_ca + ": " + error.message());
    tls->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert, error);
  }
  return {};
}

Status Server::ListenLocal() {
  std::string path = options.unix_socket;
  int folder = -1;
  if (path.size() > kMaxSocketPath) {  // through its folder, since sun_path is short
    const std::size_t slash = path.rfind('/');
    folder = ::open(path.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return FromErrno(options.unix_socket);
    path = "/proc/self/fd/" + std::to_string(folder) + path.substr(slash);
  }
  Error error;
  const asio::local::stream_protocol::endpoint endpoint(path);
  {  // a socket that answers belongs to a living server; one that does not is left over
    asio::local::stream_protocol::socket probe(io);
    probe.connect(endpoint, error);
    if (!error) {
      if (folder >= 0) ::close(folder);
      return Status(Code::exists, options.unix_socket + ": another process answers here");
    }
  }
  ::unlink(path.c_str());
  local = std::make_unique<asio::local::stream_protocol::acceptor>(io);
  local->open(endpoint.protocol(), error);
  if (!error) ::fchmod(local->native_handle(), 0600);
  if (!error) local->bind(endpoint, error);
  if (!error) ::chmod(path.c_str(), 0600);
  if (!error) local->listen(asio::socket_base::max_listen_connections, error);
  if (folder >= 0) ::close(folder);
  if (error) return Failed("cannot listen on " + options.unix_socket + ": " + error.message());
  return {};
}

Status Server::Listen() {
  RETURN_IF_ERROR(LoadTls());
  retry = std::make_unique<asio::steady_timer>(io);
  if (!options.unix_socket.empty()) return ListenLocal();
  Error error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) return Invalid("'" + options.address + "' is not an IP address to listen on");
  const asio::ip::tcp::endpoint endpoint(address, options.port);
  tcp = std::make_unique<asio::ip::tcp::acceptor>(io);
  tcp->open(endpoint.protocol(), error);
  if (!error) tcp->set_option(asio::socket_base::reuse_address(true), error);
  if (!error) tcp->bind(endpoint, error);
  if (!error) tcp->listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return Status(error == asio::error::address_in_use ? Code::exists : Code::failed,
                  "cannot listen on " + options.address + ":" + std::to_string(options.port) +
                      ": " + error.message());
  }
  port = tcp->local_endpoint(error).port();
  return {};
}

void Server::Accept() {
  if (stopping) return;
  if (tcp) {
    tcp->async_accept(io, [this](Error error, asio::ip::tcp::socket socket) {
      Error ignored;
      std::string peer;
      std::uint16_t peer_port = 0;
      if (!error) {
        const auto remote = socket.remote_endpoint(ignored);
        auto address = remote.address();
        if (address.is_v6() && address.to_v6().is_v4_mapped()) {
          address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
        }
        peer = address.to_string();
        peer_port = remote.port();
        socket.set_option(asio::ip::tcp::no_delay(true), ignored);
      }
      Accepted(error, Socket(std::move(socket)), std::move(peer), peer_port, port);
    });
  } else {
    local->async_accept(io, [this](Error error, asio::local::stream_protocol::socket socket) {
      Accepted(error, Socket(std::move(socket)), "", 0, 0);
    });
  }
}

void Server::Accepted(Error error, Socket socket, std::string peer, std::uint16_t peer_port,
                      std::uint16_t local_port) {
  if (stopping) return;
  if (error) {  // out of file descriptors: wait, do not spin
    retry->expires_after(std::chrono::milliseconds(100));
    retry->async_wait([this](Error e) {
      if (!e) Accept();
    });
    return;
  }
  if (static_cast<int>(sessions.size()) >= options.max_connections) {
    if (!tls) {
      ServerAnswer busy = ErrorAnswer(503, "unavailable", "too many connections; try again later");
      busy.headers.emplace_back("Retry-After", "5");
      const std::string text = HeadOf(busy, false, false) + busy.body;
      [[maybe_unused]] const auto sent =
          ::send(socket.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    Error ignored;
    socket.close(ignored);
  } else {
    auto session =
        std::make_shared<Session>(*this, std::move(socket), std::move(peer), peer_port, local_port);
    sessions.insert(session);
    session->Start();
  }
  Accept();
}

void Server::Enqueue(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex);
    jobs.push_back(std::move(job));
  }
  wake.notify_one();
}

void Server::RunWorker() {
  while (true) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [this] { return stopping || !jobs.empty(); });
      if (jobs.empty()) return;
      job = std::move(jobs.front());
      jobs.pop_front();
    }
    if (!stopping) job();
  }
}

void Server::JoinEndedStreams() {
  std::vector<std::thread> ended;
  {
    const std::lock_guard lock(mutex);
    for (const std::uint64_t id : ended_streams) {
      ended.push_back(std::move(streams[id]));
      streams.erase(id);
    }
    ended_streams.clear();
  }
  for (std::thread& thread : ended) thread.join();
}

bool Server::StartStream(std::function<void()> run) {
  JoinEndedStreams();
  const std::lock_guard lock(mutex);
  if (stopping || static_cast<int>(streams.size()) >= options.max_streams) return false;
  const std::uint64_t id = next_stream++;
  streams[id] = std::thread([this, id, run = std::move(run)]() mutable {
    run();
    run = nullptr;
    const std::lock_guard end(mutex);
    ended_streams.push_back(id);
  });
  return true;
}

}  // namespace

struct HttpServer::State : Server {};

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() { Stop(); }
std::uint16_t HttpServer::port() const { return state_->port; }

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const ServerOptions& options,
                                                      Handler handler) {
  auto state = std::make_shared<State>();
  state->options = options;
  state->handler = std::move(handler);
  try {
    RETURN_IF_ERROR(state->Listen());
    state->Accept();
    state->io_thread = std::thread([raw = state.get()] {
      const auto guard = asio::make_work_guard(raw->io);
      while (!raw->io.stopped()) {
        try {
          raw->io.run();
        } catch (...) {
          // An allocation failed while serving one connection; the others live on.
        }
      }
    });
    for (int i = 0; i < std::max(1, options.threads); ++i) {
      state->workers.emplace_back([raw = state.get()] { raw->RunWorker(); });
    }
  } catch (const std::exception& error) {
    return Failed(std::string("HTTP server: ") + error.what());
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

void HttpServer::Stop() {
  Server& server = *state_;
  if (server.stopping.exchange(true)) return;
  asio::post(server.io, [&server] {
    Error ignored;
    if (server.tcp) server.tcp->close(ignored);
    if (server.local) server.local->close(ignored);
    const std::set<std::shared_ptr<Session>> open = server.sessions;  // Close erases
    for (const auto& session : open) session->Close();
  });
  {
    const std::lock_guard lock(server.mutex);
    server.jobs.clear();
  }
  server.wake.notify_all();
  for (std::thread& worker : server.workers) worker.join();
  std::map<std::uint64_t, std::thread> streams;
  {
    const std::lock_guard lock(server.mutex);
    streams.swap(server.streams);
    server.ended_streams.clear();
  }
  for (auto& [id, thread] : streams) thread.join();
  asio::post(server.io, [&server] { server.io.stop(); });
  server.io_thread.join();
  server.sessions.clear();
  if (!server.options.unix_socket.empty()) ::unlink(server.options.unix_socket.c_str());
}

std::string_view ServerRequest::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_name) return value;
  }
  return {};
}

std::string_view ServerRequest::param(std::string_view name, std::string_view otherwise) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return otherwise;
}

bool ServerRequest::has_param(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return true;
  }
  return false;
}

ServerAnswer ErrorAnswer(const Status& status) {
  int http_status = 500;
  switch (status.code()) {
    case Code::ok: http_status = 200; break;
    case Code::invalid: http_status = 400; break;
    case Code::not_found: http_status = 404; break;
    case Code::denied: http_status = 403; break;
    case Code::unavailable: http_status = 503; break;
    case Code::exhausted: http_status = 413; break;
    case Code::unsupported: http_status = 501; break;
    case Code::exists: http_status = 409; break;
    case Code::failed: http_status = 500; break;
  }
  return ErrorAnswer(http_status, code_name(status.code()), status.message());
}

ServerAnswer ErrorAnswer(int http_status, std::string_view code, std::string_view message) {
  ServerAnswer answer;
  answer.status = http_status;
  answer.body = R"({"error":{"code":)";
  AppendJsonString(code, &answer.body);
  answer.body += R"(,"message":)";
  AppendJsonString(message, &answer.body);
  answer.body += "}}\n";
  return answer;
}

std::string UrlDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
        HexDigit(text[i + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' && plus_is_space ? ' ' : text[i];
    }
  }
  return out;
}

std::string UrlEncode(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '_' || byte == '.' ||
                       byte == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

}  // namespace strata::base
