#include "vswitch/cli/host_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace outrider::cli {
namespace {

TEST(HostAddressTest, ANumberIsItsOwnAddress) {
  const auto v4 = FindHost("192.0.2.7", 6640);
  ASSERT_TRUE(v4.ok()) << v4.status();
  ASSERT_EQ(v4->size(), 1u);
  const auto* const in = reinterpret_cast<const sockaddr_in*>((*v4)[0].get());
  EXPECT_EQ(in->sin_family, AF_INET);
  EXPECT_EQ(in->sin_port, htons(6640));
  EXPECT_EQ(in->sin_addr.s_addr, inet_addr("192.0.2.7"));
  const auto v6 = FindHost("2001:db8::7", 6653);
  ASSERT_TRUE(v6.ok()) << v6.status();
  ASSERT_EQ(v6->size(), 1u);
  const auto* const in6 = reinterpret_cast<const sockaddr_in6*>((*v6)[0].get());
  EXPECT_EQ(in6->sin6_family, AF_INET6);
  EXPECT_EQ(in6->sin6_port, htons(6653));
  EXPECT_EQ(in6->sin6_addr.s6_addr[15], 7);
}

TEST(HostAddressTest, ANameIsLookedUp) {
  const auto found = FindHost("localhost", 6640);
  ASSERT_TRUE(found.ok()) << found.status();
  for (const SocketAddress& address : *found) {
    const auto* const in = reinterpret_cast<const sockaddr_in*>(address.get());
    // At the same place in both families.
    EXPECT_EQ(in->sin_port, htons(6640));
    if (in->sin_family != AF_INET) continue;
    EXPECT_EQ(in->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
  }
}

// Longer than a label may be, so that nobody is asked.
TEST(HostAddressTest, WhatIsNowhereIsOfNoFamily) {
  const auto found = FindHost(std::string(64, 'x'), 6640);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(Message(found.status()), "Address family not supported by protocol");
}

}  // namespace
}  // namespace outrider::cli
