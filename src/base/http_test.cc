// SPDX-License-Identifier: Apache-2.0
// Client and server against each other, and the server against raw bytes.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <thread>

#include "base/compress.h"
#include "base/http_client.h"
#include "base/http_server.h"

namespace strata::base {
namespace {

ServerAnswer Echo(const ServerRequest& request) {
  ServerAnswer answer;
  answer.content_type = "text/plain";
  if (request.path == "/throw") throw std::runtime_error("boom");
  if (request.path == "/slow") std::this_thread::sleep_for(std::chrono::milliseconds(300));
  if (request.path == "/gzip") {
    answer.headers.emplace_back("Content-Encoding", "gzip");
    answer.body = GzipCompress(std::string(100'000, 'z'));
    return answer;
  }
  if (request.path == "/stream") {
    answer.stream = [](const std::function<bool(std::string_view)>& write) {
      for (int i = 0; i < 1000 && write("event " + std::to_string(i) + "\n"); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    };
    return answer;
  }
  if (request.path == "/split") answer.headers.emplace_back("X-Evil", "a\r\nInjected: 1");
  answer.body = request.method + " " + request.path + " " + std::string(request.param("q")) + " " +
                request.body;
  return answer;
}

class HttpTest : public testing::Test {
 protected:
  void Start(ServerOptions options = {}) {
    auto started = HttpServer::Start(options, Echo);
    ASSERT_TRUE(started.ok()) << started.status().message();
    server_ = std::move(started).value();
  }
  HttpRequest To(const std::string& target) const {
    HttpRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(server_->port()) + target;
    return request;
  }
  int Connect() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval wait{5, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    return fd;
  }
  // Sends bytes as they are; what came back until the server closed or went quiet.
  std::string Raw(const std::string& bytes) const {
    const int fd = Connect();
    EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    std::string out = Rest(fd);
    ::close(fd);
    return out;
  }
  static std::string Rest(int fd) {
    std::string out;
    char buffer[4096];
    ssize_t n = 0;
    while ((n = ::recv(fd, buffer, sizeof buffer, 0)) > 0)
      out.append(buffer, static_cast<std::size_t>(n));
    return out;
  }
  std::unique_ptr<HttpServer> server_;
  HttpClient client_;
};

TEST_F(HttpTest, BodiesThatWaitHaveABudget) {
  ServerOptions options;
  options.max_body = 1000;
  options.max_bodies = 1500;
  Start(options);
  const std::string head =
      "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 900\r\n\r\n";
  const int slow = Connect();
  ASSERT_EQ(::send(slow, head.data(), head.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(head.size()));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_NE(Raw(head + std::string(900, 'x')).find(" 503 "), std::string::npos);
  EXPECT_NE(Raw("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").find(" 200 "),
            std::string::npos);  // no body, no budget
  ::close(slow);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  for (int i = 0; i < 3; ++i)
    EXPECT_NE(Raw(head + std::string(900, 'x')).find(" 200 "), std::string::npos)
        << i;  // given back
}

TEST_F(HttpTest, AsksAndAnswers) {
  Start();
  auto answer = client_.Send(To("/a%20b?q=x%2By+z&r"));
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "GET /a b x+y z ");
  EXPECT_EQ(answer->header("content-type"), "text/plain");
  HttpRequest post = To("/p");
  post.method = "POST";
  const std::string body(3'000'000, 'b');
  post.body = body;
  answer = client_.Send(post);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->body.size(), body.size() + 9);
  post.method = "DELETE";
  post.body = "x";
  EXPECT_EQ(client_.Send(post)->body, "DELETE /p  x");
  HttpRequest head = To("/p");
  head.method = "HEAD";
  answer = client_.Send(head);
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(answer->header("content-length"), "8");
  EXPECT_EQ(client_.Send(To("/throw"))->status, 500);
  answer = client_.Send(To("/split"));
  EXPECT_EQ(answer->header("injected"), "");
  HttpRequest zipped = To("/gzip");
  zipped.accept_gzip = true;
  EXPECT_EQ(client_.Send(zipped)->body, std::string(100'000, 'z'));
  zipped.max_bytes = 50'000;
  EXPECT_EQ(client_.Send(zipped).status().code(), Code::exhausted);
}

TEST_F(HttpTest, RefusesWhatIsTooLargeOrBroken) {
  ServerOptions options;
  options.max_body = 1000;
  options.max_header = 2000;
  options.request_timeout_ms = 200;
  options.idle_timeout_ms = 200;
  Start(options);
  HttpRequest post = To("/");
  post.method = "POST";
  const std::string body(1001, 'b');
  post.body = body;
  EXPECT_EQ(client_.Send(post)->status, 413);
  EXPECT_NE(Raw("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n" +
                std::string(2048, 'x'))
                .find(" 413 "),
            std::string::npos);
  EXPECT_NE(Raw("GET / HTTP/1.1\r\nX: " + std::string(3000, 'x') + "\r\n\r\n").find(" 431 "),
            std::string::npos);
  EXPECT_NE(Raw("NOT HTTP\r\n\r\n").find(" 400 "), std::string::npos);
  EXPECT_NE(Raw("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n").find(" 400 "), std::string::npos);
  EXPECT_NE(Raw("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc").find(" 408 "),
            std::string::npos);
  EXPECT_NE(Raw("GET / HT").find(" 408 "), std::string::npos);
  EXPECT_EQ(Raw(""), "");  // merely idle: closed without a word
  EXPECT_EQ(client_.Send(To("/ok"))->status, 200);
}

TEST_F(HttpTest, KeepsConnectionsAndContinues) {
  Start();
  const std::string two = Raw(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(two.find("GET /1"), std::string::npos);
  EXPECT_NE(two.find("GET /2"), std::string::npos);
  const int fd = Connect();
  const std::string head =
      "POST /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n";
  ::send(fd, head.data(), head.size(), MSG_NOSIGNAL);
  char buffer[64] = {};
  EXPECT_GT(::recv(fd, buffer, sizeof buffer - 1, 0), 0);
  EXPECT_EQ(std::string(buffer), "HTTP/1.1 100 Continue\r\n\r\n");
  ::send(fd, "abc", 3, MSG_NOSIGNAL);
  EXPECT_NE(Rest(fd).find("POST /e  abc"), std::string::npos);
  ::close(fd);
  EXPECT_NE(Raw("GET /old HTTP/1.0\r\n\r\n").find("GET /old"), std::string::npos);
  EXPECT_NE(Raw("POST / HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: "
                "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
                .find("POST /  abcde"),
            std::string::npos);
}

TEST_F(HttpTest, ManyIdleConnectionsNeedNoThreads) {
  ServerOptions options;
  options.threads = 1;
  options.max_connections = 200;
  Start(options);
  std::vector<int> idle;
  for (int i = 0; i < 199; ++i) idle.push_back(Connect());
  EXPECT_EQ(client_.Send(To("/ok"))->status, 200);  // the 200th
  const int over = Connect();
  EXPECT_NE(Rest(over).find(" 503 "), std::string::npos);
  ::close(over);
  for (const int fd : idle) ::close(fd);
}

TEST_F(HttpTest, SlowHandlerHoldsOnlyItsWorker) {
  Start();
  std::thread slow([this] {
    HttpClient other;
    EXPECT_EQ(other.Send(To("/slow"))->status, 200);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto t0 = std::chrono::steady_clock::now();
  EXPECT_EQ(client_.Send(To("/ok"))->status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - t0, std::chrono::milliseconds(200));
  slow.join();
}

TEST_F(HttpTest, StreamsUntilSomeoneStops) {
  ServerOptions options;
  options.max_streams = 1;
  Start(options);
  std::string got;
  auto answer = client_.Stream(To("/stream"), [&](std::string_view piece) {
    got.append(piece);
    return got.find("event 20\n") == std::string::npos;
  });
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_TRUE(got.starts_with("event 0\nevent 1\n"));
  // The peer has gone: its place is free again soon.
  bool again = false;
  for (int i = 0; i < 100 && !again; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    got.clear();
    answer = client_.Stream(To("/stream"), [&](std::string_view piece) {
      got.append(piece);
      return true;
    });
    again = answer.ok() && answer->status == 200;
  }
  EXPECT_TRUE(again);
  EXPECT_TRUE(got.ends_with("event 999\n"));
  std::atomic<bool> ended{false};
  std::thread reader([&] {
    HttpClient other;
    auto cut = other.Stream(To("/stream"), [](std::string_view) { return true; });
    while (cut.ok() && cut->status == 503)  // the place of the stream before is not free yet
      cut = other.Stream(To("/stream"), [](std::string_view) { return true; });
    ended = true;
    EXPECT_FALSE(cut.ok());  // no last chunk: the reader can tell
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  server_->Stop();
  reader.join();
  EXPECT_TRUE(ended);
}

TEST_F(HttpTest, UnixSocketIsPrivateAndHasOneOwner) {
  char name[] = "/tmp/strata-http-XXXXXX";
  const std::string folder = std::string(::mkdtemp(name)) + "/" + std::string(120, 'd');
  std::filesystem::create_directory(folder);
  ServerOptions options;
  options.unix_socket = folder + "/s.sock";  // longer than sun_path
  Start(options);
  struct stat info {};
  ASSERT_EQ(::stat(options.unix_socket.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  HttpRequest request;
  request.url = "http://engine/x";
  request.unix_socket = options.unix_socket;
  auto answer = client_.Send(request);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->body, "GET /x  ");
  EXPECT_EQ(HttpServer::Start(options, Echo).status().code(), Code::exists);
  server_->Stop();
  EXPECT_EQ(client_.Send(request).status().code(), Code::unavailable);
  std::filesystem::remove_all(name);
}

TEST_F(HttpTest, PortInUseIsToldAndNobodyAnswersIsUnavailable) {
  Start();
  ServerOptions options;
  options.port = server_->port();
  EXPECT_EQ(HttpServer::Start(options, Echo).status().code(), Code::exists);
  options.address = "not an address";
  EXPECT_EQ(HttpServer::Start(options, Echo).status().code(), Code::invalid);
  const HttpRequest request = To("/");
  server_->Stop();
  EXPECT_EQ(client_.Send(request).status().code(), Code::unavailable);
}

void MakeCertificate(const std::string& cert, const std::string& key) {
  EVP_PKEY* pkey = EVP_EC_gen("P-256");
  X509* x509 = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), 0);
  X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
  X509_set_pubkey(x509, pkey);
  X509_NAME* subject = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(x509, subject);
  X509_sign(x509, pkey, EVP_sha256());
  std::FILE* file = std::fopen(cert.c_str(), "w");
  PEM_write_X509(file, x509);
  std::fclose(file);
  file = std::fopen(key.c_str(), "w");
  PEM_write_PrivateKey(file, pkey, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(x509);
  EVP_PKEY_free(pkey);
}

TEST_F(HttpTest, TlsAnswersOnlyTls) {
  char name[] = "/tmp/strata-tls-XXXXXX";
  const std::string folder = ::mkdtemp(name);
  MakeCertificate(folder + "/cert.pem", folder + "/key.pem");
  ServerOptions options;
  options.tls_cert = folder + "/cert.pem";
  options.tls_key = folder + "/key.pem";
  Start(options);
  EXPECT_EQ(Raw("GET / HTTP/1.1\r\n\r\n").find("200"), std::string::npos);
  HttpRequest request;
  request.url = "https://127.0.0.1:" + std::to_string(server_->port()) + "/";
  EXPECT_EQ(client_.Send(request).status().code(),
            Code::unavailable);  // nobody vouches for this certificate
  request.ca_file = options.tls_cert;
  request.url = "https://localhost:" + std::to_string(server_->port()) + "/secret";
  const auto answer = client_.Send(request);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->body, "GET /secret  ");
  options.tls_key = folder + "/nothing.pem";
  EXPECT_FALSE(HttpServer::Start(options, Echo).ok());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace strata::base
