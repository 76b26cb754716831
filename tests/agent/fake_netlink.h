// Links and addresses as a test sets them. Thread rule: one thread at a time, as the real one.
#ifndef OUTRIDER_TESTS_AGENT_FAKE_NETLINK_H_
#define OUTRIDER_TESTS_AGENT_FAKE_NETLINK_H_

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "vswitch/sys/netlink/netlink_socket.h"

namespace outrider::agent {

// What several sockets of one namespace see; any thread.
class FakeLinks {
 public:
  int Add(const std::string& name, bool loopback = false) {
    const std::lock_guard lock(mutex_);
    sys::Link& link = links_[name];
    link.name = name;
    link.ifindex = next_ifindex_++;
    link.loopback = loopback;
    return link.ifindex;
  }
  void Remove(const std::string& name) {
    const std::lock_guard lock(mutex_);
    links_.erase(name);
  }
  void AddAddress(int ifindex, const IpAddress& address) {
    const std::lock_guard lock(mutex_);
    addresses_.push_back({.ifindex = ifindex, .address = address});
  }
  std::map<std::string, sys::Link> links() const {
    const std::lock_guard lock(mutex_);
    return links_;
  }
  std::vector<sys::LinkAddress> addresses() const {
    const std::lock_guard lock(mutex_);
    return addresses_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, sys::Link> links_;
  std::vector<sys::LinkAddress> addresses_;
  int next_ifindex_ = 1;
};

class FakeNetlink final : public sys::NetlinkSocket {
 public:
  explicit FakeNetlink(FakeLinks* links) : links_(links) {}

  absl::StatusOr<sys::Link> FindLink(const std::string& name) override {
    const auto links = links_->links();
    const auto found = links.find(name);
    if (found == links.end()) return absl::NotFoundError("link " + name);
    return found->second;
  }
  absl::StatusOr<sys::Link> FindLink(int ifindex) override {
    for (const auto& [name, link] : links_->links()) {
      if (link.ifindex == ifindex) return link;
    }
    return absl::NotFoundError("link " + std::to_string(ifindex));
  }
  absl::StatusOr<std::vector<sys::Link>> ListLinks() override {
    std::vector<sys::Link> list;
    for (const auto& [name, link] : links_->links()) list.push_back(link);
    return list;
  }
  absl::StatusOr<std::vector<sys::LinkAddress>> ListAddresses() override {
    return links_->addresses();
  }
  // Policy never changes links by itself.
  absl::StatusOr<sys::Link> EnsureVxlan(const sys::VxlanDevice&) override { return Refused(); }
  absl::Status DeleteLink(int) override { return Refused(); }
  absl::Status SetMtu(int, uint32_t) override { return Refused(); }
  absl::Status SetUp(int, bool) override { return Refused(); }
  absl::Status SetPromiscuous(int, bool) override { return Refused(); }

 private:
  static absl::Status Refused() { return absl::UnimplementedError("links are only looked at"); }
  FakeLinks* links_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_TESTS_AGENT_FAKE_NETLINK_H_
