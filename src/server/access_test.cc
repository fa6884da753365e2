// SPDX-License-Identifier: Apache-2.0
// Whose connection it is, asked of the kernel with real sockets.
#include "server/access.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace strata::server {
namespace {

sockaddr_in AddressOf(const char* ip, std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  ::inet_pton(AF_INET, ip, &a.sin_addr);
  return a;
}

int BoundSocket(const char* ip, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in a = AddressOf(ip, port);
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
  return fd;
}

std::uint16_t PortOf(int fd) {
  sockaddr_in a{};
  socklen_t size = sizeof a;
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size), 0);
  return ntohs(a.sin_port);
}

TEST(LoopbackPeerUid, NeedsALivingSocketOfThatVeryAddress) {
  const int listener = BoundSocket("127.0.0.1", 0);
  ASSERT_EQ(::listen(listener, 4), 0);
  const std::uint16_t ours = PortOf(listener);
  const int client = BoundSocket("127.0.0.2", 0);
  const std::uint16_t theirs = PortOf(client);
  const sockaddr_in to = AddressOf("127.0.0.1", ours);
  ASSERT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  EXPECT_EQ(LoopbackPeerUid("127.0.0.2", theirs, ours), static_cast<int>(::geteuid()));
  EXPECT_EQ(LoopbackPeerUid("127.0.0.3", theirs, ours), -1);  // the same port on another address
  EXPECT_EQ(LoopbackPeerUid("127.0.0.2", theirs, static_cast<std::uint16_t>(ours + 1)), -1);
  EXPECT_EQ(LoopbackPeerUid("nonsense", theirs, ours), -1);
  // Closed first by the client: a row in TIME_WAIT stays, which says uid 0 and is nobody's.
  const int accepted = ::accept(listener, nullptr, nullptr);
  ::close(client);
  char scrap;
  EXPECT_EQ(::read(accepted, &scrap, 1), 0);
  ::close(accepted);
  EXPECT_EQ(LoopbackPeerUid("127.0.0.2", theirs, ours), -1);
  ::close(listener);
}

}  // namespace
}  // namespace strata::server
